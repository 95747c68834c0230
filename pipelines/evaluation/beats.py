"""Heart beats: where QRS complexes are, what the median beat looks like, and where waves begin, peak and end."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.signal import find_peaks

from .resampling import interval, score_mean
from .scores import Score
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
MARKS = ("p_on", "p_peak", "p_off", "qrs_on", "qrs_off", "t_on", "t_peak", "t_off")
COLUMNS = ("window", "r", *MARKS)
TOGETHER = 512  # windows at a time
MARGIN_S = 0.8  # seconds added at both ends, so that nothing runs over them
# Shares, widths and times below were chosen on every second record of LUDB; the others come out as well with them.

QRS_SLOPE_S = 0.005  # width of the Gaussian whose derivative is the slope in a QRS complex
QRS_REACH_S = 0.16  # how far its borders may be from its middle
QRS_CORE_S = 0.07  # and its steepest slope
QUIET_S = 0.014  # so long no steep slope: the complex is over
QRS_ON, QRS_OFF = 0.035, 0.055  # slopes below this share of the steepest are quiet
STEEP = 0.35  # slopes above this share of it belong to the complex for sure
RESTLESS = 3.0  # times the usual slope of the window is quiet as well: noise


def _find_beats(signals: np.ndarray, fs: float) -> tuple[np.ndarray, np.ndarray]:
    """Window (B,) and sample (B,) of the middle of each QRS complex of finite signals (N, L) in mV, at fs Hz; in order.

    By the energy around 28 Hz against its usual height in the window.
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
    kept: list[int] = []
    before, height_before = -np.inf, 0.0
    for sample, height in zip(samples, heights, strict=True):
        is_t_wave = sample - before < T_WAVE_S * fs and height < SHARE_AFTER * height_before
        if height >= max(SHARE * usual, least) and not is_t_wave:
            kept.append(sample)
            before, height_before = sample, height
    if len(kept) > 2:
        late = OVERDUE * float(np.median(np.diff(kept)))
        ends = [*kept, len(strength) + late]
        for before, after in zip(kept[:], ends[1:], strict=False):
            between = (samples > before + T_WAVE_S * fs) & (samples < after - T_WAVE_S * fs)
            if after - before > late and np.any(between & (heights > max(SHARE_LATE * usual, least))):
                kept.append(samples[between][heights[between].argmax()])
    return np.sort(np.array(kept, int))


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
    """R peaks (N,) of signals (N, L) of one lead in mV, at fs Hz; NaN where a sample is missing."""
    windows, _ = _find_beats(filled(signals), fs)
    return np.bincount(windows, minlength=len(signals))


def beat_shapes(signals: np.ndarray, fs: float) -> np.ndarray:
    """The median beat of each window of signals (N, L): one lead in mV, at fs Hz.

    (N, 88) float32 in mV at 125 Hz from 0.25 s before the middle of QRS on, mean 0; NaN for windows that hold no whole
    beat or miss a sample.
    """
    signals = np.asarray(signals, dtype=np.float32)
    shapes = np.full((len(signals), len(GRID_S)), np.nan, dtype=np.float32)
    whole = np.flatnonzero(np.isfinite(signals).all(axis=1))
    smooth = gaussian_filter1d(signals, SMOOTH_S * fs, axis=1, mode="nearest")
    window, middle = _find_beats(smooth[whole], fs)
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
    """Mean number of R peaks of windows (N, L) of one lead in mV, at fs Hz; nothing where a beat does not fit in.

    Where windows last about two seconds also "peaks_2_3", the share with two or three.
    """
    if sets.synthetic.shape[1] < SHORTEST_S * fs:
        return {}
    synthetic, control = count_r_peaks(sets.synthetic, fs), count_r_peaks(sets.control, fs)
    ends_control = interval(control, sets.control_patients, seed=sets.seed)
    scores = {
        "r_peaks": score_mean(synthetic, sets.own, control, sets.seed),
        "r_peaks_control": Score(float(control.mean()), *ends_control, None, len(control)),
    }
    if TWO_SECONDS[0] * fs <= sets.synthetic.shape[1] <= TWO_SECONDS[1] * fs:
        usual, usual_control = (np.isin(counts, (2, 3)).astype(float) for counts in (synthetic, control))
        scores["peaks_2_3"] = score_mean(usual, sets.own, usual_control, sets.seed)
    return scores


@dataclass(frozen=True)
class Wave:
    """How a P or T wave is looked for: times in seconds, the rest shares."""

    width: float  # of the Gaussian whose derivative is the slope
    flank: float  # the steepest slopes on both sides of a peak are so near to it
    reach: float  # its borders are so near to those
    # on, off: it begins and ends where its slope falls below this share of its steepest
    on: float
    off: float
    lopsided: float  # the flatter side's slope over the steeper one's, at least; less is a step, or a wave cut in two
    least: float  # the mean of both slopes over the steepest of the beat's QRS complex, at least


T = Wave(width=0.020, flank=0.10, reach=0.15, on=0.40, off=0.43, lopsided=0.1, least=0.003)
P = Wave(width=0.012, flank=0.05, reach=0.08, on=0.25, off=0.55, lopsided=0.2, least=0.005)
T_AFTER_S = 0.05  # seconds from the end of QRS on
T_LATEST = 0.45  # seconds after R at the latest, at 60 beats a minute; with the square root of the interval, as QT goes
P_BEFORE_S = (0.28, 0.02)  # before the onset of QRS


def delineate(signals: np.ndarray, fs: float) -> pd.DataFrame:
    """Marks of every beat of signals (N, L): one lead in mV, NaN where a sample is missing, at fs Hz.

    Returns:
        One row a beat: window (its number in signals); r, p_on, p_peak, p_off, qrs_on, qrs_off, t_on, t_peak, t_off in
        seconds from the window's start. NaN: not to be had, cut off by the window's border, or, for where a complex
        begins and ends, not visible: noise, or the next complex, comes before a calm stretch does.

    Source: slopes by derivatives of Gaussians at one width a wave, borders where the slope falls below a share of its
    steepest, as Martínez et al. 2004 do it on a dyadic wavelet.
    """
    tables = []
    for first in range(0, max(1, len(signals)), TOGETHER):  # of no signal too, for its columns
        table = _delineate(filled(signals[first : first + TOGETHER]), fs)
        table["window"] += first
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _delineate(signals: np.ndarray, fs: float) -> pd.DataFrame:
    """The same for a few windows: everything of all their beats at once."""
    margin = _margin(fs)
    windows, middles = _find_beats(signals, fs)
    padded = np.pad(signals, ((0, 0), (margin, margin)), mode="edge")
    middles = middles + margin
    on, off, begins, ends, steepest = _qrs(padded, windows, middles, fs)
    same = windows[1:] == windows[:-1]  # as the beat before
    between = (middles[1:] + middles[:-1]) // 2  # no complex goes on beyond
    ends[:-1] &= ~same | (off[:-1] <= between)
    begins[1:] &= ~same | (on[1:] > between)
    off[:-1][same] = np.minimum(off[:-1], between)[same]
    on[1:][same] = np.maximum(on[1:], between + 1)[same]
    r = _dominant(padded, windows, on, off)
    waves = _without(padded, windows, on, off)

    interval = np.full(len(windows), np.nan)  # to the next beat, or where there is none from the last
    interval[1:][same] = np.diff(r)[same]
    interval[:-1][same] = np.diff(r)[same]
    latest = r + T_LATEST * fs * np.sqrt(np.nan_to_num(interval / fs, nan=1.0))
    t_on, t_peak, t_off = _wave(T, waves, windows, off + T_AFTER_S * fs, latest, steepest, fs)

    earliest = on - P_BEFORE_S[0] * fs
    earliest[1:][same] = np.fmax(earliest[1:], t_off[:-1])[same]
    p_on, p_peak, p_off = _wave(P, waves, windows, earliest, on - P_BEFORE_S[1] * fs, steepest, fs)

    marks = {"r": r, "p_on": p_on, "p_peak": p_peak, "p_off": p_off}
    marks |= {"qrs_on": np.where(begins, on, np.nan), "qrs_off": np.where(ends, off, np.nan)}
    marks |= {"t_on": t_on, "t_peak": t_peak, "t_off": t_off}
    table = pd.DataFrame({"window": windows} | {name: (marks[name] - margin) / fs for name in COLUMNS[1:]})
    marked = table[list(MARKS)].to_numpy()
    end = (signals.shape[1] - 1) / fs
    # what begins or ends nearer to the border may go on behind it
    outside = (marked < QUIET_S) | (marked > end - QUIET_S)
    table[list(MARKS)] = np.where(outside, np.nan, marked)
    return table


def _margin(fs: float) -> int:
    """Samples added at both ends."""
    return max(8, round(MARGIN_S * fs))


def _qrs(padded: np.ndarray, windows: np.ndarray, middles: np.ndarray, fs: float) -> tuple[np.ndarray, ...]:
    """Samples (B,) and (B,) between which complexes lie, whether each border is visible, and steepest slopes in mV.

    Without a calm stretch a border is only as far away as it may be, which is no measurement.
    """
    slope = np.abs(gaussian_filter1d(padded, QRS_SLOPE_S * fs, axis=1, order=1))
    margin = _margin(fs)  # in which nothing has any slope
    usual = np.median(slope[:, margin:-margin], axis=1)[windows]
    reach, core, quiet = (max(1, round(s * fs)) for s in (QRS_REACH_S, QRS_CORE_S, QUIET_S))
    centre = reach + quiet  # what begins to be calm within reach is calm for as long behind it
    near = slope[windows[:, None], middles[:, None] + np.arange(-centre, centre + 1)]  # (B, W)
    inner = near[:, centre - core : centre + core + 1]
    steepest = inner.max(axis=1)
    steep = inner > STEEP * steepest[:, None]
    borders, is_calm = [], []
    for half, first, share in ((near[:, ::-1], steep[:, ::-1], QRS_ON), (near, steep, QRS_OFF)):
        last_steep = centre + core - np.argmax(first[:, ::-1], axis=1)
        limit = np.maximum(share * steepest, np.minimum(RESTLESS * usual, STEEP * steepest))
        ahead = maximum_filter1d(half, quiet, axis=1, origin=-(quiet // 2))  # over the next `quiet` samples
        calm = (ahead < limit[:, None]) & (np.arange(half.shape[1]) >= last_steep[:, None])
        calm = calm[:, : centre + reach + 1]
        is_calm.append(calm.any(axis=1))
        borders.append(np.where(is_calm[-1], calm.argmax(axis=1) - centre, reach))
    return middles - borders[0], middles + borders[1], *is_calm, steepest


def _dominant(padded: np.ndarray, windows: np.ndarray, on: np.ndarray, off: np.ndarray) -> np.ndarray:
    """The sample in each complex that is farthest from where it began (B,)."""
    samples = np.minimum(on[:, None] + np.arange(int((off - on).max(initial=0)) + 1), off[:, None])
    away = np.abs(padded[windows[:, None], samples] - padded[windows, on][:, None])
    return on + away.argmax(axis=1)


def _without(padded: np.ndarray, windows: np.ndarray, on: np.ndarray, off: np.ndarray) -> np.ndarray:
    """The signals with a straight line instead of each complex."""
    waves = padded.astype(np.float32)
    for window, begin, end in zip(windows, on, off, strict=True):
        waves[window, begin : end + 1] = np.linspace(waves[window, begin], waves[window, end], end + 1 - begin)
    return waves


def _wave(
    wave: Wave,
    signals: np.ndarray,
    windows: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    steepest: np.ndarray,
    fs: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Onset, peak and end (B,) of the most marked wave whose peak lies between two samples; NaN without one."""
    slope = gaussian_filter1d(signals, wave.width * fs, axis=1, order=1)
    flank, reach = (max(1, round(s * fs)) for s in (wave.flank, wave.reach))
    rise, fall = np.maximum(slope, 0), np.maximum(-slope, 0)
    before, after = {"origin": (flank - 1) // 2, "axis": 1}, {"origin": -(flank // 2), "axis": 1}
    rise_before, fall_before = (maximum_filter1d(side, flank, **before) for side in (rise, fall))
    rise_after, fall_after = (maximum_filter1d(side, flank, **after) for side in (rise, fall))
    up = slope[:, :-1] > 0
    down = slope[:, 1:] > 0
    tops, troughs = up & ~down, ~up & down
    marked = np.zeros_like(slope)
    for peaks, a, b in ((tops, rise_before, fall_after), (troughs, fall_before, rise_after)):
        rows, columns = np.nonzero(peaks)
        a, b = a[rows, columns], b[rows, columns]
        marked[rows, columns] = np.where(np.minimum(a, b) > wave.lopsided * np.maximum(a, b), a + b, 0)

    first, last = np.ceil(first).astype(int), np.floor(last).astype(int)
    width = max(1, int((last - first).max(initial=0)) + 1)
    samples = first[:, None] + np.arange(width)
    inside = (samples <= last[:, None]) & (samples >= 0) & (samples < signals.shape[1])
    candidates = np.where(inside, marked[windows[:, None], np.clip(samples, 0, signals.shape[1] - 1)], 0)
    best = candidates.argmax(axis=1)
    strength = candidates[np.arange(len(best)), best]
    is_wave = strength > 2 * wave.least * steepest
    peak = np.where(is_wave, first + best, _margin(fs)).astype(int)
    sign = np.where(tops[windows, peak], 1, -1)[:, None]

    ends = []
    for direction, share in ((-1, wave.on), (1, wave.off)):
        samples = np.clip(peak[:, None] + direction * np.arange(flank + reach), 0, signals.shape[1] - 1)
        flow = -direction * sign * slope[windows[:, None], samples]  # down from the peak, outwards
        steep = flow[:, :flank].argmax(axis=1)
        edge = share * flow[np.arange(len(steep)), steep]
        over = (flow < edge[:, None]) & (np.arange(flow.shape[1]) > steep[:, None])
        ends.append(np.where(is_wave & over.any(axis=1), peak + direction * over.argmax(axis=1), np.nan))
    return ends[0], np.where(is_wave, peak, np.nan), ends[1]
