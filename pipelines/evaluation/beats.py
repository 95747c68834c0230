"""Heart beats in a window: where their QRS complexes are, how many, and the shape of the median beat."""

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from .resampling import interval
from .score import Score
from .sets import Comparison

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

BEFORE_S, AFTER_S = 0.25, 0.45  # around the middle of QRS: P wave to T wave; more would be the heart rate
GRID_S = np.arange(-BEFORE_S, AFTER_S, 1 / 125)  # at 125 Hz
SMOOTH_S = 0.008  # width of a Gaussian: mains hum hides beats, and is the recorder's, not the person's


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
    beats = [_beats_of(one, fs) for one in strength]
    return np.repeat(np.arange(len(signals)), [*map(len, beats)]), np.concatenate([np.zeros(0, int), *beats])


def _beats_of(strength: np.ndarray, fs: float) -> np.ndarray:
    """Samples of the beats of one window."""
    samples, _ = find_peaks(np.pad(strength, 1), distance=max(1, REFRACTORY_S * fs))
    samples -= 1
    heights = strength[samples]
    blocks = np.array_split(strength, max(1, round(len(strength) / (BLOCK_S * fs))))
    usual = float(np.median([block.max() for block in blocks]))
    least = max(WEAKEST_MV, PEAKED * float(np.median(strength)))
    kept = list(_strong(samples, heights, max(SHARE * usual, least), fs))
    if len(kept) > 2:
        late = OVERDUE * float(np.median(np.diff(kept)))
        ends = [*kept, len(strength) + late]
        for before, after in zip(kept[:], ends[1:], strict=False):
            between = (samples > before + T_WAVE_S * fs) & (samples < after - T_WAVE_S * fs)
            if after - before > late and np.any(between & (heights > max(SHARE_LATE * usual, least))):
                kept.append(samples[between][heights[between].argmax()])
    return np.sort(np.array(kept, int))


def _strong(samples: np.ndarray, heights: np.ndarray, least: float, fs: float) -> Iterator[int]:
    """Those over the threshold that are no T wave of the beat before."""
    before, height_before = -np.inf, 0.0
    for sample, height in zip(samples, heights, strict=True):
        if height < least or (sample - before < T_WAVE_S * fs and height < SHARE_AFTER * height_before):
            continue
        yield sample
        before, height_before = sample, height


def filled(signals: np.ndarray) -> np.ndarray:
    """Missing samples on a line between their neighbours; a window without any sample becomes zero."""
    signals = np.array(signals, np.float32)
    for row in np.flatnonzero(np.isnan(signals).any(axis=1)):
        signal = signals[row]
        known = ~np.isnan(signal)
        at = np.arange(len(signal))
        signal[:] = np.interp(at, at[known], signal[known]) if known.any() else 0
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


def beat_shapes(signals: np.ndarray, fs: float) -> np.ndarray:
    """The median beat of each window.

    Arguments:
        signals: (N, L) one lead in mV.
        fs: Hz.

    Returns:
        (N, 88) float32 in mV at 125 Hz from 0.25 s before the middle of QRS on, mean 0; NaN for windows that hold no
        whole beat or miss a sample.
    """
    signals = np.asarray(signals, dtype=np.float32)
    shapes = np.full((len(signals), len(GRID_S)), np.nan, dtype=np.float32)
    whole = np.flatnonzero(np.isfinite(signals).all(axis=1))
    smooth = gaussian_filter1d(signals, SMOOTH_S * fs, axis=1, mode="nearest")
    window, middle = find_beats(smooth[whole], fs)
    inside = (middle / fs >= BEFORE_S) & ((middle / fs + AFTER_S) * fs <= signals.shape[1] - 1)
    window, middle = whole[window[inside]], middle[inside]
    if not len(window):
        return shapes
    samples = middle[:, None] + GRID_S * fs  # beats, 88
    left = np.clip(np.floor(samples).astype(np.int64), 0, signals.shape[1] - 2)
    share = samples - left
    beats = smooth[window[:, None], left] * (1 - share) + smooth[window[:, None], left + 1] * share
    names, first = np.unique(window, return_index=True)  # beats come window by window
    for name, of in zip(names, np.split(beats, first[1:]), strict=True):
        shape = np.median(of, axis=0)
        shapes[name] = shape - shape.mean()
    return shapes


def score_r_peaks(sets: Comparison, fs: float) -> dict[str, Score]:
    """Mean number of R peaks per synthetic window, with that of the control windows as baseline.

    Arguments:
        sets: windows (N, L) of one lead in mV.
        fs: Hz.

    Returns:
        "r_peaks", "r_peaks_control", and "peaks_2_3": the share of windows with two or three, if windows last about
        two seconds; nothing where windows are too short for the detector.
    """
    if sets.synthetic.shape[1] < SHORTEST_S * fs:
        return {}
    synthetic, control = count_r_peaks(sets.synthetic, fs), count_r_peaks(sets.control, fs)
    baseline = float(control.mean())
    ends = interval(synthetic, sets.own, seed=sets.seed)
    ends_control = interval(control, sets.control_patients, seed=sets.seed)
    scores = {
        "r_peaks": Score(float(synthetic.mean()), *ends, baseline, len(synthetic)),
        "r_peaks_control": Score(baseline, *ends_control, None, len(control)),
    }
    if TWO_SECONDS[0] * fs <= sets.synthetic.shape[1] <= TWO_SECONDS[1] * fs:
        usual, usual_control = (np.isin(counts, (2, 3)).astype(float) for counts in (synthetic, control))
        ends = interval(usual, sets.own, seed=sets.seed)
        scores["peaks_2_3"] = Score(float(usual.mean()), *ends, float(usual_control.mean()), len(usual))
    return scores
