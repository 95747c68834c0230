"""Cutting signals into windows of equal length, leaving out what no sensor could have measured."""

from __future__ import annotations

import numpy as np
import pandas as pd

MISSING = -32768  # an int16 sample that holds no value; wfdb's own code for formats 16, 61, 160 and 516
FLAT_SECONDS = 0.25  # no electrode gives the very same number in every lead for so long; faulty files do (ECG-ID)


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
    n_samples = signal.shape[1]
    starts = np.arange(0, n_samples - length + 1, stride or length, dtype=np.int64)
    if not len(starts):
        return starts, {"missing": 0, "flat": 0}
    missing = _touched(starts, length, _missing_samples(signal))
    flat = np.zeros(len(starts), dtype=bool)
    moves = signal[:, 1:] != signal[:, :-1]  # C, T−1
    for row in moves[_has_still_block(moves, length)]:
        for begin, end in _still(row, length):
            flat |= (starts >= begin) & (starts + length <= end)
    if fs is not None:
        for begin, end in _still(moves.any(axis=0), max(2, round(FLAT_SECONDS * fs))):
            flat |= (starts < end) & (starts + length > begin)
    flat &= ~missing
    return starts[~missing & ~flat], {"missing": int(missing.sum()), "flat": int(flat.sum())}


def spans(frame: pd.DataFrame, length: int) -> pd.DataFrame:
    """Stretches that kept windows cover without a hole: random windows may start anywhere in [begin, end − length].

    Arguments:
        frame: kept windows: record and start, further columns that are the same for a whole record are carried over.
        length: samples in a window.

    Returns:
        One row a stretch, in order of record and begin: the frame's columns less start, and begin and end in samples.
    """
    rows = frame.sort_values(["record", "start"], kind="stable")
    start = rows["start"].to_numpy(dtype=np.int64)
    record = rows["record"].to_numpy()
    opens = np.ones(len(rows), dtype=bool)
    opens[1:] = (record[1:] != record[:-1]) | (start[1:] > start[:-1] + length)
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(rows)) - 1 if len(first) else first
    stretches = rows.iloc[first].drop(columns="start").reset_index(drop=True)
    return stretches.assign(begin=start[first], end=start[last] + length)


def plateaus(signal: np.ndarray, shortest: int) -> list[list[tuple[int, int]]]:
    """Where each lead stands still: per row of (C, T), every [begin, end) of at least `shortest` equal samples."""
    moves = signal[:, 1:] != signal[:, :-1]
    return [_still(row, shortest) for row in moves]


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


def _missing_samples(signal: np.ndarray) -> np.ndarray:
    """Positions (m,) at which any lead has no value."""
    if signal.dtype == np.int16 and signal.min() != MISSING:
        return np.empty(0, dtype=np.int64)
    gone = signal == MISSING if signal.dtype == np.int16 else np.isnan(signal)
    return np.flatnonzero(gone.any(axis=0))


def _touched(starts: np.ndarray, length: int, positions: np.ndarray) -> np.ndarray:
    """Which windows hold at least one of the sorted positions."""
    return np.searchsorted(positions, starts) < np.searchsorted(positions, starts + length)
