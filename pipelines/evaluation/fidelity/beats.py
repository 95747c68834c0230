"""Heart beats in a window: where their QRS complexes are, and how many there are."""

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ..score import Score, interval

SHORTEST_S = 0.8  # seconds; shorter windows seldom hold a whole beat
TWO_SECONDS = (1.8, 2.2)  # windows of the paper, which hold "between 2 and 3 heart beats most of the times" (§3.3.2)

CURVE_S = 0.008  # width of the Gaussian whose second derivative filters: a band around 28 Hz, where QRS is, T is not
ENERGY_S = 0.030  # width of the Gaussian that smooths the energy in that band
REFRACTORY_S = 0.2  # no two beats are nearer
BLOCK_S = 1.5  # every block of so many seconds is thought to hold a beat, down to 40 a minute
SHARE = 0.25  # of the usual beat's strength, which a beat has to have
SHARE_AFTER = 0.5  # of the beat before, which one has to have that follows within a T wave's time
T_WAVE_S = 0.36
SHARE_LATE = 0.12  # where a beat is overdue
OVERDUE = 1.6  # times the usual interval
PEAKED = 2.7  # a beat's strength over the median of the window: noise has fewer
WEAKEST_MV = 0.01  # deflections below this are no beats; a constant window has none


def find_beats(signals: np.ndarray, fs: float) -> tuple[np.ndarray, np.ndarray]:
    """QRS complexes, by the energy around 28 Hz against its usual height in the window.

    Arguments:
        signals: (N, L) one lead in mV, finite.
        fs: Hz.

    Returns:
        window (B,) and sample (B,) of the middle of each complex, in order.

    Source: the stages of Pan and Tompkins 1985 (band, energy, threshold, search back), over a whole window at once.
    """
    # at slow rates the Gaussian is too narrow to be sampled well, and lets some of the offset through
    level = np.median(signals, axis=1, keepdims=True)
    curved = gaussian_filter1d(signals - level, CURVE_S * fs, axis=1, order=2, mode="nearest") * (CURVE_S * fs) ** 2
    strength = np.sqrt(gaussian_filter1d(curved**2, ENERGY_S * fs, axis=1, mode="constant"))
    found = [_beats_of(one, fs) for one in strength]
    counts = [len(beats) for beats in found]
    return np.repeat(np.arange(len(signals)), counts), np.concatenate([np.zeros(0, int), *found])


def _beats_of(strength: np.ndarray, fs: float) -> np.ndarray:
    """Samples of the beats of one window."""
    places, _ = find_peaks(np.pad(strength, 1), distance=max(1, REFRACTORY_S * fs))
    places -= 1
    heights = strength[places]
    blocks = np.array_split(strength, max(1, round(len(strength) / (BLOCK_S * fs))))
    usual = float(np.median([block.max() for block in blocks]))
    least = max(WEAKEST_MV, PEAKED * float(np.median(strength)))
    kept = list(_strong(places, heights, max(SHARE * usual, least), fs))
    if len(kept) > 2:
        late = OVERDUE * float(np.median(np.diff(kept)))
        ends = [*kept, len(strength) + late]
        for before, after in zip(kept[:], ends[1:], strict=False):
            between = (places > before + T_WAVE_S * fs) & (places < after - T_WAVE_S * fs)
            if after - before > late and np.any(between & (heights > max(SHARE_LATE * usual, least))):
                kept.append(places[between][heights[between].argmax()])
    return np.sort(np.array(kept, int))


def _strong(places: np.ndarray, heights: np.ndarray, least: float, fs: float) -> Iterator[int]:
    """Those over the threshold that are no T wave of the beat before."""
    before, height_before = -np.inf, 0.0
    for place, height in zip(places, heights, strict=True):
        if height < least or (place - before < T_WAVE_S * fs and height < SHARE_AFTER * height_before):
            continue
        yield place
        before, height_before = place, height


def filled(signals: np.ndarray) -> np.ndarray:
    """Missing samples on a line between their neighbours; a window without any sample becomes zero."""
    signals = np.array(signals, np.float32)
    for row in np.flatnonzero(np.isnan(signals).any(axis=1)):
        signal = signals[row]
        known = ~np.isnan(signal)
        places = np.arange(len(signal))
        signal[:] = np.interp(places, places[known], signal[known]) if known.any() else 0
    return signals


def count_r_peaks(signals: np.ndarray, fs: float) -> np.ndarray:
    """R peaks per window.

    Arguments:
        signals: (N, L) one lead in mV; NaN where a sample is missing.
        fs: Hz.

    Returns:
        (N,) counts.
    """
    windows, _ = find_beats(filled(signals), fs)
    return np.bincount(windows, minlength=len(signals))


def score_r_peaks(
    generated: np.ndarray, control: np.ndarray, control_patients: np.ndarray, fs: float, seed: int
) -> dict[str, Score]:
    """Mean number of R peaks per generated window, with that of the control windows as baseline.

    Arguments:
        generated, control: (N, L) one lead in mV.
        control_patients: (N,) the patient of each control window.
        fs: Hz.
        seed: of the bootstrap.

    Returns:
        "r_peaks", "r_peaks_control", and "peaks_2_3": the share of windows with two or three, if windows last about
        two seconds; nothing where windows are too short for the detector.
    """
    if generated.shape[1] < SHORTEST_S * fs:
        return {}
    ours, real = count_r_peaks(generated, fs), count_r_peaks(control, fs)
    baseline = float(real.mean())
    scores = {
        "r_peaks": Score(float(ours.mean()), *interval(ours, np.arange(len(ours)), seed=seed), baseline, len(ours)),
        "r_peaks_control": Score(baseline, *interval(real, control_patients, seed=seed), None, len(real)),
    }
    if TWO_SECONDS[0] * fs <= generated.shape[1] <= TWO_SECONDS[1] * fs:
        usual, usual_real = (np.isin(counts, (2, 3)).astype(float) for counts in (ours, real))
        ends = interval(usual, np.arange(len(usual)), seed=seed)
        scores["peaks_2_3"] = Score(float(usual.mean()), *ends, float(usual_real.mean()), len(usual))
    return scores
