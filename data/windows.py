"""Windows of equal length, without what no sensor could have measured; resampling of signals with gaps and plateaus."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..errors import InputError

MISSING = -32768  # an int16 sample that holds no value; wfdb's own code for formats 16, 61, 160 and 516
TOP = 32767  # the largest absolute value of one that does
FLAT_SECONDS = 0.25  # no electrode gives the very same number in every lead for so long; faulty files do (ECG-ID)
MOST_UP, MOST_DOWN = 100, 1000  # beyond, an fs is a slip of the pen, and upwards one that fills the memory
_HALF_FILTER = 10  # scipy's resample_poly looks this many samples (of the lower rate) to either side


def cut(
    signal: np.ndarray, length: int, stride: int | None = None, fs: float | None = None
) -> tuple[np.ndarray, dict[str, int]]:
    """Where the windows of a regular grid start that hold a usable signal.

    Arguments:
        signal: (C, T) int16 with MISSING, or floating point with NaN, for samples that are not there.
        length: samples in a window.
        stride: samples from one start to the next; None is `length`: no overlap, as in the paper. The tail is dropped.
        fs: Hz. With it, a window that touches a stretch where *all* leads stand still for FLAT_SECONDS is flat too.

    Returns:
        Starts of the windows kept (n,) int64, and how many were dropped: "missing" (a sample is not there),
        "flat" (one lead is constant over the whole window, or the window touches such a stretch).
    """
    starts = np.arange(0, signal.shape[1] - length + 1, stride or length, dtype=np.int64)
    missing = _within(starts, _missing_starts(signal, length))
    flat = _within(starts, _flat_starts(signal, length, fs)) & ~missing
    return starts[~missing & ~flat], {"missing": int(missing.sum()), "flat": int(flat.sum())}


def stretches(signal: np.ndarray, length: int, fs: float | None = None) -> np.ndarray:
    """Where windows may start off the grid: `cut` with a stride of 1 keeps exactly the starts these stretches allow.

    Returns:
        (n, 2) int64 of [begin, end) in samples: a window may start anywhere in [begin, end − length]. They overlap by
        up to length − 1 samples where only some windows over them are unusable.
    """
    closed = _merged(np.concatenate([_missing_starts(signal, length), _flat_starts(signal, length, fs)]))
    first = np.concatenate(([0], closed[:, 1]))  # of the starts between those ruled out
    after = np.concatenate((closed[:, 0], [signal.shape[1] - length + 1]))
    opens = first < after
    return np.stack([first[opens], after[opens] - 1 + length], axis=1)


def check_rate(record: str, source_fs: float, fs: float) -> None:
    """Refuse to resample a record to more than MOST_UP times its rate in Hz, or to less than a MOST_DOWN-th of it."""
    if not fs > 0:
        raise InputError(f"fs {fs:g} is not a frequency to resample to; give Hz above 0")
    lowest, highest = source_fs / MOST_DOWN, source_fs * MOST_UP
    if not lowest <= fs <= highest:
        raise InputError(
            f"{record}: has {source_fs:g} Hz and cannot be resampled to {fs:g} Hz; "
            f"give an fs from {lowest:g} to {highest:g} Hz"
        )


def resample(values: np.ndarray, source_fs: float, fs: float) -> np.ndarray:
    """Polyphase resampling that neither smears a gap nor lets a constant ripple.

    A gap becomes NaN as far as the filter reaches, and the plateaus `cut` looks for stay exactly constant.

    Arguments:
        values: (C, T) float32, NaN where there is no sample; (C, ⌈T·fs/source_fs⌉) come back.
        source_fs, fs: Hz before and after, as `check_rate` lets through.
    """
    from scipy.signal import resample_poly

    ratio = (Fraction(fs) / Fraction(source_fs)).limit_denominator(10_000)
    up, down = ratio.numerator, ratio.denominator
    gaps = np.isnan(values)
    has_gaps = bool(gaps.any())
    filled = _bridge(values, gaps) if has_gaps else values
    resampled = resample_poly(filled, up, down, axis=1, padtype="line").astype(np.float32, copy=False)
    for lead, row, moves in zip(filled, resampled, filled[:, 1:] != filled[:, :-1], strict=True):
        for begin, end in _still(moves, max(2, round(FLAT_SECONDS * source_fs))):
            row[-(-begin * up // down) : -(-end * up // down)] = lead[begin]
    if has_gaps:
        reach = _HALF_FILTER * max(1, -(-down // up))
        for row, gap in zip(resampled, gaps, strict=True):
            edges = np.flatnonzero(np.diff(np.concatenate(([False], gap, [False]))))
            for begin, end in edges.reshape(-1, 2):
                row[max(0, (begin - reach) * up // down) : -(-(end + reach) * up // down)] = np.nan
    return resampled


def _still(moves: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    """Maximal [begin, end) of at least `shortest` (≥ 2) samples between which nothing moves; moves is (T−1,)."""
    if not _has_still_block(moves[np.newaxis], shortest)[0]:
        return []
    at = np.flatnonzero(np.concatenate(([True], moves, [True])))
    return [(int(at[k]), int(at[k + 1])) for k in np.flatnonzero(np.diff(at) >= shortest)]


def _has_still_block(moves: np.ndarray, shortest: int) -> np.ndarray:
    """Which rows may hold so long a plateau: it would hold a whole still block of half its steps, and few rows do."""
    block = shortest // 2
    n_blocks = moves.shape[1] // block
    if not n_blocks:
        return np.ones(len(moves), dtype=bool)
    blocks = moves[:, : n_blocks * block].reshape(len(moves), n_blocks, block)
    return ~np.logical_and.reduce(np.logical_or.reduce(blocks, axis=2), axis=1)


def is_missing(stored: np.ndarray) -> np.ndarray:
    """Which samples hold no value: MISSING among int16, NaN among floating point."""
    return stored == MISSING if stored.dtype == np.int16 else np.isnan(stored)


def _missing_starts(signal: np.ndarray, length: int) -> np.ndarray:
    """Stretches (m, 2) of starts whose windows hold a sample that is not there."""
    if signal.dtype == np.int16 and (not signal.size or signal.min() != MISSING):
        return np.empty((0, 2), dtype=np.int64)
    positions = np.flatnonzero(is_missing(signal).any(axis=0))
    return _merged(np.stack([positions - length + 1, positions + 1], axis=1))


def _flat_starts(signal: np.ndarray, length: int, fs: float | None) -> np.ndarray:
    """Stretches (m, 2) of starts whose windows are flat; see `cut`."""
    flat: list[tuple[int, int]] = []
    moves = signal[:, 1:] != signal[:, :-1]  # C, T−1
    for row in moves[_has_still_block(moves, length)]:
        flat += [(begin, end - length + 1) for begin, end in _still(row, length)]
    if fs is not None:
        still = _still(moves.any(axis=0), max(2, round(FLAT_SECONDS * fs)))
        flat += [(begin - length + 1, end) for begin, end in still]
    return _merged(np.array(flat, dtype=np.int64).reshape(-1, 2))


def _merged(intervals: np.ndarray) -> np.ndarray:
    """The same positions as few intervals [begin, end) as it takes, in order and none below 0; (m, 2) to (k, 2)."""
    intervals = np.maximum(intervals[np.argsort(intervals[:, 0], kind="stable")], 0)
    reach = np.maximum.accumulate(intervals[:, 1])
    opens = np.ones(len(intervals), dtype=bool)
    opens[1:] = intervals[1:, 0] > reach[:-1]
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(intervals))[: len(first)] - 1
    return np.stack([intervals[first, 0], reach[last]], axis=1)


def _within(positions: np.ndarray, intervals: np.ndarray) -> np.ndarray:
    """Which positions lie in one of the merged intervals."""
    return np.searchsorted(intervals[:, 0], positions, side="right") > np.searchsorted(
        intervals[:, 1], positions, side="right"
    )


def _bridge(values: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Straight lines across gaps for the filter to run over; 0 where a lead has no sample at all."""
    filled = values.copy()
    times = np.arange(values.shape[1])
    for row, gap in zip(filled, gaps, strict=True):
        row[gap] = np.interp(times[gap], times[~gap], row[~gap]) if not gap.all() else 0
    return filled
