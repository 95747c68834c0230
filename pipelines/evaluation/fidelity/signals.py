"""Signals of any kind: how rough they are."""

import numpy as np

from ..score import Score, interval


def score_noise(generated: np.ndarray, control: np.ndarray, fs: float, seed: int) -> dict[str, Score]:
    """How rough the signals are: the share of their power above a twelfth of the sampling rate.

    Arguments:
        generated, control: (N, C, L) in physical units.
        fs: Hz; at 1000 Hz the border is 83 Hz, above nearly all of an ECG.
        seed: of the bootstrap.

    Returns:
        "noise" with that of control windows as baseline.
    """
    ours, real = _rough(generated, fs), _rough(control, fs)
    return {
        "noise": Score(
            float(ours.mean()), *interval(ours, np.arange(len(ours)), seed=seed), float(real.mean()), len(ours)
        )
    }


def _rough(windows: np.ndarray, fs: float) -> np.ndarray:
    """(N,) share of the power, mean over leads, above fs / 12."""
    filled = np.nan_to_num(windows - np.nanmean(windows, axis=2, keepdims=True))
    power = np.abs(np.fft.rfft(filled, axis=2)) ** 2  # (N, C, L // 2 + 1)
    high = np.fft.rfftfreq(windows.shape[2], 1 / fs) > fs / 12
    return np.mean(power[..., high].sum(axis=2) / np.maximum(power.sum(axis=2), 1e-12), axis=1)
