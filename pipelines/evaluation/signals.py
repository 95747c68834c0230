"""Signals of any kind: how rough they are, their spectrum, autocorrelation and amplitudes, and laws between leads."""

import warnings
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import periodogram

from .resampling import FEW_RESAMPLES, interval, largest_gap, multiplicities, score_around, score_mean, shares, some
from .scores import Score
from .sets import Comparison

WINDOWS = 1000  # of a set at most, for figures that are resampled
BANDS = {"0.5–5 Hz": (0.5, 5), "5–15 Hz": (5, 15), "15–40 Hz": (15, 40), "40+ Hz": (40, np.inf)}  # of an ECG
PERCENTILES = (10, 50, 90)
SILENCE_DB = 90  # so far below the median real power, differences mean nothing
AMPLITUDES = 400  # of a window and lead: neighbours are alike anyhow
STEPS = 1000  # of a distribution function
AUGMENTED = {"avr", "avl", "avf"}
AT_ONCE = 500  # windows


def score_noise(sets: Comparison, fs: float) -> dict[str, Score]:
    """How rough windows (N, C, L) are: share of their power above fs / 12, at 1000 Hz above nearly all of an ECG."""
    return {"noise": score_mean(_rough(sets.synthetic, fs), sets.own, _rough(sets.control, fs), sets.seed)}


def score_spectrum(sets: Comparison, fs: float) -> dict[str, Score]:
    """How far median log power spectra of windows (N, C, L) are apart: root mean square over leads and frequencies.

    Power is summed up in thirds of an octave, so that each octave counts alike, and the median over windows is of dB.
    Also for each band that the signal has.
    """
    rng = np.random.default_rng(sets.seed)
    sets = sets.at_most(WINDOWS, rng)
    frequency = np.fft.rfftfreq(sets.control.shape[2], 1 / fs)[1:]
    octave = np.round(3 * np.log2(frequency / frequency[0])).astype(int)
    starts = np.flatnonzero(np.diff(octave, prepend=-1))
    power = sets.mapped(lambda x: np.add.reduceat(_power(x, fs)[1], starts, axis=2))
    floor = max(float(np.median(power.control)), np.finfo(np.float64).tiny) / 10 ** (SILENCE_DB / 10)
    decibels = power.mapped(lambda x: 10 * np.log10(np.maximum(x, floor)))  # (N, C, B)
    synthetic, control, training = (np.median(x, axis=0) for x in decibels.values)
    draws = _medians(decibels.synthetic, sets.own, rng) - _medians(decibels.control, sets.control_patients, rng)
    first = frequency[starts] + frequency[0] / 2  # 2.025 s have a first frequency of 0.494 Hz
    bands = {"": (0.0, np.inf)} | {f": {name}": ends for name, ends in BANDS.items()}
    scores = {}
    for name, (low, high) in bands.items():
        within = (first >= low) & (frequency[starts] < high - frequency[0] / 2)
        if within.any():
            value, baseline = (float(np.sqrt(np.mean((x - control)[:, within] ** 2))) for x in (synthetic, training))
            drawn = np.sqrt(np.mean(draws[:, :, within] ** 2, axis=(1, 2)))
            scores["spectrum" + name] = score_around(value, drawn, baseline, len(sets.own), (0, np.inf), "dB")
    return scores


def spectra(sets: Comparison, fs: float) -> dict[str, np.ndarray]:
    """Spectra for a picture, as `Evidence` keeps them, of windows (N, C, L) at fs Hz."""
    rng = np.random.default_rng(sets.seed)
    curves: dict[str, np.ndarray] = {}
    for kind, windows in (("synthetic", sets.synthetic), ("control", sets.control)):
        frequency, power = _power(windows[some(windows, WINDOWS, rng)], fs)
        logarithm = np.log10(np.maximum(power.mean(axis=1), np.finfo(np.float64).tiny))
        curves |= {"frequency": frequency, kind: np.percentile(logarithm, PERCENTILES, axis=0)}
    return curves


def score_autocorrelation(sets: Comparison) -> dict[str, Score]:
    """How far mean autocorrelation functions are apart, at lags up to half a window; windows and leads count alike."""
    rng = np.random.default_rng(sets.seed)
    sets = sets.at_most(WINDOWS, rng).mapped(_autocorrelation)
    times = [shares(multiplicities(x, rng)) for x in (sets.own, sets.control_patients)]
    mean = sets.mapped(lambda x: x.mean(axis=0))
    apart, baseline = np.abs(mean.synthetic - mean.control), np.abs(mean.training - mean.control)
    draws = np.abs(times[0] @ sets.synthetic - times[1] @ sets.control)
    return {
        name: score_around(over(apart), over(draws, axis=1), over(baseline), len(sets.own), (0, 2))
        for name, over in (("autocorrelation", np.mean), ("autocorrelation_largest", np.max))
    }


def score_amplitude(sets: Comparison, channels: Sequence[str]) -> dict[str, Score]:
    """KS distance of all values of each of C leads of windows (N, C, L), NaN missing, and the largest of them.

    Each window's own median is taken off: its offset is nothing that a generator makes.
    """
    rng = np.random.default_rng(sets.seed)
    sets = sets.at_most(WINDOWS, rng).mapped(lambda x: _centred(x, np.nanmedian))
    times = [multiplicities(x, rng) for x in (sets.own, sets.control_patients)]
    values, baselines, draws = [], [], []
    for lead in range(len(channels)):
        synthetic, control, training = _distributions([x[:, lead] for x in sets.values])
        whole = [x.sum(axis=0, keepdims=True) for x in (synthetic, control, training)]
        values.append(float(largest_gap(whole[0], whole[1])[0]))
        baselines.append(float(largest_gap(whole[2], whole[1])[0]))
        draws.append(largest_gap(times[0] @ synthetic, times[1] @ control))
    names = {f"amplitude: {name}": [lead] for lead, name in enumerate(channels)}
    scores = {}
    for name, leads in (names | {"amplitude_worst": list(range(len(channels)))}).items():
        value, baseline = (max(each[lead] for lead in leads) for each in (values, baselines))
        drawn = np.max([draws[lead] for lead in leads], axis=0)
        scores[name] = score_around(value, drawn, baseline, len(sets.own), (0, 1))
    return scores


def score_limb_leads(sets: Comparison, relations: np.ndarray, channels: Sequence[str] = ()) -> dict[str, Score]:
    """Root mean square in µV of the residuals of relations (K, C) between limb leads, rows r with r @ x = 0.

    Of windows (N, C, L) in mV, the control windows after the same grey levels, which cost some µV. Goldberger's have
    aVR, aVL or aVF among the channels; without names all count as Einthoven's.
    """
    augmented = np.array([name.strip().casefold() in AUGMENTED for name in channels], bool)
    of_goldberger = (relations[:, augmented.nonzero()[0]] != 0).any(axis=1)

    def root(values: np.ndarray) -> float:
        return float(np.sqrt(np.nanmean(values)))

    scores = {}
    for name, rows in (("einthoven", relations[~of_goldberger]), ("goldberger", relations[of_goldberger])):
        if len(rows):
            synthetic, control = (
                1e6 * np.nanmean((rows @ windows) ** 2, axis=(1, 2)) for windows in (sets.synthetic, sets.control)
            )
            ends = interval(synthetic, sets.own, root, sets.seed)
            scores[name] = Score(root(synthetic), *ends, root(control), len(synthetic), "µV")
    return scores


def score_lead_distance(sets: Comparison) -> dict[str, Score]:
    """Mean over pairs of leads of 1 − their correlation, 0 to 2; best is as far as those of real windows (N, C, L) are.

    Nothing for a single lead, or if no synthetic or no control window has two leads that vary.
    Source: Yi et al. 2022 (ME-GAN), section 5.3, Table 3.
    """
    if sets.synthetic.shape[1] < 2:
        return {}
    synthetic, control = (x[~np.isnan(x)] for x in map(_lead_distances, (sets.synthetic, sets.control)))
    if not (len(synthetic) and len(control)):
        return {}
    return {"lead_distance": score_mean(synthetic, np.arange(len(synthetic)), control, sets.seed)}


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
    return np.stack(draws).reshape(FEW_RESAMPLES, *values.shape[1:])


def _autocorrelation(windows: np.ndarray) -> np.ndarray:
    """(N, C · lags) float32, 1 at lag 0; a window that does not vary has none: 0 at all lags."""
    length = windows.shape[2]
    filled = np.nan_to_num(_centred(windows)).astype(np.float32)
    power = np.abs(rfft(filled, next_fast_len(2 * length), axis=2)) ** 2  # padded, so that ends do not meet
    products = irfft(power, next_fast_len(2 * length), axis=2)[..., : length // 2 + 1]
    varies = products[..., :1] > np.finfo(np.float32).tiny
    return np.where(varies, products / np.where(varies, products[..., :1], 1), 0).reshape(len(windows), -1)


def _distributions(sets: Sequence[np.ndarray]) -> list[np.ndarray]:
    """For each set (N, L) the counts (N, S) of values up to each of S steps, which are values that occur."""
    thinned = [x[:, :: -(-x.shape[1] // AMPLITUDES)] for x in sets]
    pooled = np.sort(np.concatenate([x[~np.isnan(x)] for x in thinned]))
    steps = np.unique(pooled[np.linspace(0, len(pooled) - 1, min(STEPS, len(pooled))).astype(int)])
    counts = []
    for values in thinned:
        position = np.searchsorted(steps, values)  # NaN comes behind the last
        flat = position + (len(steps) + 1) * np.arange(len(values))[:, None]
        each = np.bincount(flat.ravel(), minlength=len(values) * (len(steps) + 1)).reshape(len(values), -1)
        counts.append(np.cumsum(each[:, :-1], axis=1).astype(np.float32))
    return counts


def _rough(windows: np.ndarray, fs: float) -> np.ndarray:
    """(N,) share of the power, mean over leads, above fs / 12."""
    filled = np.nan_to_num(windows - np.nanmean(windows, axis=2, keepdims=True))
    power = np.abs(np.fft.rfft(filled, axis=2)) ** 2  # (N, C, L // 2 + 1)
    high = np.fft.rfftfreq(windows.shape[2], 1 / fs) > fs / 12
    return np.mean(power[..., high].sum(axis=2) / np.maximum(power.sum(axis=2), 1e-12), axis=1)


def _lead_distances(windows: np.ndarray) -> np.ndarray:
    """(N,) mean distance over pairs of leads; leads that do not vary are left out, NaN: fewer than two are left."""
    first, second = np.array([*combinations(range(windows.shape[1]), 2)]).T
    distances = []
    for start in range(0, len(windows), AT_ONCE):
        part = windows[start : start + AT_ONCE].astype(np.float64)
        present = ~np.isnan(part)
        mean = np.where(present, part, 0).sum(axis=2) / np.maximum(present.sum(axis=2), 1)
        centred = np.where(present, part - mean[..., None], 0)
        length = np.linalg.norm(centred, axis=2)
        varies = length > 1e-9 * np.sqrt(part.shape[2]) * np.maximum(1e-6, np.abs(mean))
        unit = centred / np.where(varies, length, 1)[..., None]
        distance = (1 - unit @ unit.transpose(0, 2, 1))[:, first, second]
        counts = varies[:, first] & varies[:, second]
        n = counts.sum(axis=1)
        distances.append(np.where(n > 0, (distance * counts).sum(axis=1) / np.maximum(n, 1), np.nan))
    return np.concatenate(distances)
