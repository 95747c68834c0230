"""Signals of any kind: how rough they are, their spectrum, autocorrelation and amplitudes."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import periodogram

from ..score import Score, interval
from .resampling import RESAMPLES, around, multiplicities, shares, some

WINDOWS = 1000  # of a set at most, for figures that are resampled
BANDS = {"0.5–5 Hz": (0.5, 5), "5–15 Hz": (5, 15), "15–40 Hz": (15, 40), "40+ Hz": (40, np.inf)}  # of an ECG
PERCENTILES = (10, 50, 90)
SILENCE_DB = 90  # so far below the median real power, nothing is told apart
AMPLITUDES = 400  # of a window and lead: neighbours are alike anyhow
STEPS = 1000  # of a distribution function


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


def score_spectrum(
    generated: np.ndarray,
    control: np.ndarray,
    control_patients: np.ndarray,
    training: np.ndarray,
    fs: float,
    seed: int,
) -> dict[str, Score]:
    """How far the median log power spectra of generated and control windows are apart.

    Power is summed up in thirds of an octave, so that each octave counts alike, and the median over windows is of dB.

    Arguments:
        generated, control, training: (N, C, L) in physical units.
        control_patients: (N,) the patient of each control window.
        fs: Hz.
        seed: of the bootstrap.

    Returns:
        "spectrum": root mean square over leads and thirds of an octave of the difference in dB; "spectrum: 0.5–5 Hz",
        "spectrum: 5–15 Hz", "spectrum: 15–40 Hz", "spectrum: 40+ Hz" of that band, where the signal has it.
        Baseline: training windows in the generated ones' place.
    """
    rng = np.random.default_rng(seed)
    rows = [some(x, WINDOWS, rng) for x in (generated, control, training)]
    frequency = np.fft.rfftfreq(control.shape[2], 1 / fs)[1:]
    octave = np.round(3 * np.log2(frequency / frequency[0])).astype(int)
    starts = np.flatnonzero(np.diff(octave, prepend=-1))
    g, c, t = (
        np.add.reduceat(_power(x[at], fs)[1], starts, axis=2)
        for x, at in zip((generated, control, training), rows, strict=True)
    )
    floor = max(float(np.median(c)), np.finfo(np.float64).tiny) / 10 ** (SILENCE_DB / 10)
    g, c, t = (10 * np.log10(np.maximum(x, floor)) for x in (g, c, t))  # (N, C, B) dB
    apart = np.median(g, axis=0) - np.median(c, axis=0)
    real = np.median(t, axis=0) - np.median(c, axis=0)
    draws = _medians(g, np.arange(len(g)), rng) - _medians(c, control_patients[rows[1]], rng)  # (R, C, B)
    first = frequency[starts] + frequency[0] / 2  # 2.025 s have a first frequency of 0.494 Hz
    bands = {"": (0.0, np.inf)} | {f": {name}": ends for name, ends in BANDS.items()}
    scores = {}
    for name, (low, high) in bands.items():
        within = (first >= low) & (frequency[starts] < high - frequency[0] / 2)
        if within.any():
            value, baseline = (float(np.sqrt(np.mean(x[:, within] ** 2))) for x in (apart, real))
            ends = around(value, np.sqrt(np.mean(draws[:, :, within] ** 2, axis=(1, 2))), 0)
            scores["spectrum" + name] = Score(value, *ends, baseline, len(g), "dB")
    return scores


def spectra(synthetic: np.ndarray, control: np.ndarray, fs: float, seed: int) -> dict[str, np.ndarray]:
    """Spectra for a picture.

    Arguments:
        synthetic, control: (N, C, L) in physical units.
        fs: Hz.
        seed: of the draw of windows.

    Returns:
        "frequency" (F,) in Hz, without 0; "synthetic" and "control" (3, F): 10, 50 and 90 percentile over windows of
        the logarithm (base 10) of power density in unit²/Hz, mean over leads.
    """
    rng = np.random.default_rng(seed)
    found: dict[str, np.ndarray] = {}
    for kind, windows in (("synthetic", synthetic), ("control", control)):
        frequency, power = _power(windows[some(windows, WINDOWS, rng)], fs)
        logarithm = np.log10(np.maximum(power.mean(axis=1), np.finfo(np.float64).tiny))
        found |= {"frequency": frequency, kind: np.percentile(logarithm, PERCENTILES, axis=0)}
    return found


def score_autocorrelation(
    generated: np.ndarray, control: np.ndarray, control_patients: np.ndarray, training: np.ndarray, seed: int
) -> dict[str, Score]:
    """How far the mean autocorrelation functions are apart, at lags up to half a window.

    Arguments:
        generated, control, training: (N, C, L) in any unit; each window and lead counts alike.
        control_patients: (N,) the patient of each control window.
        seed: of the bootstrap.

    Returns:
        "autocorrelation" and "autocorrelation_largest": mean and largest absolute difference over lags and leads.
        Baseline: training windows in the generated ones' place.
    """
    rng = np.random.default_rng(seed)
    rows = [some(x, WINDOWS, rng) for x in (generated, control, training)]
    g, c, t = (_autocorrelation(x[at]) for x, at in zip((generated, control, training), rows, strict=True))
    times = [shares(multiplicities(x, rng)) for x in (np.arange(len(g)), control_patients[rows[1]])]
    apart, real = np.abs(g.mean(axis=0) - c.mean(axis=0)), np.abs(t.mean(axis=0) - c.mean(axis=0))
    draws = np.abs(times[0] @ g - times[1] @ c)
    return {
        name: Score(
            float(over(apart)), *around(float(over(apart)), over(draws, axis=1), 0, 2), float(over(real)), len(g)
        )
        for name, over in (("autocorrelation", np.mean), ("autocorrelation_largest", np.max))
    }


def score_amplitude(
    generated: np.ndarray,
    control: np.ndarray,
    control_patients: np.ndarray,
    training: np.ndarray,
    channels: Sequence[str],
    seed: int,
) -> dict[str, Score]:
    """Kolmogorov-Smirnov distance of all values of a lead, each window's own median taken off.

    The median is taken off because a window's offset is nothing that a generator makes.

    Arguments:
        generated, control, training: (N, C, L) in physical units; NaN is missing.
        control_patients: (N,) the patient of each control window.
        channels: C names.
        seed: of the bootstrap.

    Returns:
        "amplitude: NAME" for each lead, and "amplitude_worst", the largest of them. Baseline: training windows in the
        generated ones' place.
    """
    rng = np.random.default_rng(seed)
    rows = [some(x, WINDOWS, rng) for x in (generated, control, training)]
    sets = [_centred(x[at], np.nanmedian) for x, at in zip((generated, control, training), rows, strict=True)]
    times = [multiplicities(x, rng) for x in (np.arange(len(sets[0])), control_patients[rows[1]])]
    values, baselines, draws = [], [], []
    for lead in range(len(channels)):
        g, c, t = _distribution([x[:, lead] for x in sets])
        mean = [x.sum(axis=0) / x[:, -1].sum() for x in (g, c, t)]
        values.append(float(np.abs(mean[0] - mean[1]).max()))
        baselines.append(float(np.abs(mean[2] - mean[1]).max()))
        ours, theirs = (w @ x for w, x in zip(times, (g, c), strict=True))
        draws.append(np.abs(ours / ours[:, -1:] - theirs / theirs[:, -1:]).max(axis=1))
    names = {f"amplitude: {name}": [lead] for lead, name in enumerate(channels)}
    scores = {}
    for name, leads in (names | {"amplitude_worst": list(range(len(channels)))}).items():
        value = max(values[lead] for lead in leads)
        ends = around(value, np.max([draws[lead] for lead in leads], axis=0), 0, 1)
        scores[name] = Score(value, *ends, max(baselines[lead] for lead in leads), len(sets[0]))
    return scores


def _centred(windows: np.ndarray, middle: Callable[..., np.ndarray] = np.nanmean) -> np.ndarray:
    """Windows about their own mean or median; a lead without any value stays so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return windows - middle(windows, axis=2, keepdims=True)


def _power(windows: np.ndarray, fs: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (F,) in Hz without 0, and power density (N, C, F) in unit²/Hz."""
    frequency, power = periodogram(np.nan_to_num(_centred(windows)), fs, window="hann", detrend=False)
    return frequency[1:], power[..., 1:]


def _medians(values: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(R, …) medians over windows of bootstrap samples of values (N, …)."""
    columns = np.ascontiguousarray(values.reshape(len(values), -1).T)
    draws = [
        np.median(columns[:, np.repeat(np.arange(len(times)), times.astype(int))], axis=1)
        for times in multiplicities(groups, rng)
    ]
    return np.stack(draws).reshape(RESAMPLES, *values.shape[1:])


def _autocorrelation(windows: np.ndarray) -> np.ndarray:
    """(N, C · lags) float32, 1 at lag 0; a window that does not vary has none: 0 at all lags."""
    length = windows.shape[2]
    filled = np.nan_to_num(_centred(windows)).astype(np.float32)
    power = np.abs(rfft(filled, next_fast_len(2 * length), axis=2)) ** 2  # padded, so that ends do not meet
    products = irfft(power, next_fast_len(2 * length), axis=2)[..., : length // 2 + 1]
    varies = products[..., :1] > np.finfo(np.float32).tiny
    return np.where(varies, products / np.where(varies, products[..., :1], 1), 0).reshape(len(windows), -1)


def _distribution(sets: Sequence[np.ndarray]) -> list[np.ndarray]:
    """For each set (N, L) the counts (N, S) of values up to each of S steps, which are values that occur."""
    thinned = [x[:, :: -(-x.shape[1] // AMPLITUDES)] for x in sets]
    pooled = np.sort(np.concatenate([x[~np.isnan(x)] for x in thinned]))
    steps = np.unique(pooled[np.linspace(0, len(pooled) - 1, min(STEPS, len(pooled))).astype(int)])
    counts = []
    for values in thinned:
        place = np.searchsorted(steps, values)  # NaN comes behind the last
        flat = place + (len(steps) + 1) * np.arange(len(values))[:, None]
        each = np.bincount(flat.ravel(), minlength=len(values) * (len(steps) + 1)).reshape(len(values), -1)
        counts.append(np.cumsum(each[:, :-1], axis=1).astype(np.float32))
    return counts


def _rough(windows: np.ndarray, fs: float) -> np.ndarray:
    """(N,) share of the power, mean over leads, above fs / 12."""
    filled = np.nan_to_num(windows - np.nanmean(windows, axis=2, keepdims=True))
    power = np.abs(np.fft.rfft(filled, axis=2)) ** 2  # (N, C, L // 2 + 1)
    high = np.fft.rfftfreq(windows.shape[2], 1 / fs) > fs / 12
    return np.mean(power[..., high].sum(axis=2) / np.maximum(power.sum(axis=2), 1e-12), axis=1)
