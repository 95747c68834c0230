"""Another sampling frequency for a signal that may have gaps and plateaus."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

from ..errors import InputError
from .windows import FLAT_SECONDS, plateaus

MOST_UP, MOST_DOWN = 100, 1000  # beyond, an fs is a slip of the pen, and upwards one that fills the memory
_HALF_FILTER = 10  # scipy's resample_poly looks this many samples (of the lower rate) to either side


def check_rate(record: str, source_fs: float, fs: float) -> None:
    """Refuse to resample a record to more than MOST_UP times its rate, or to less than a MOST_DOWN-th of it.

    Raises:
        InputError: such an fs in Hz, or one that is no frequency at all.
    """
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

    A gap becomes NaN as far as the filter reaches, and the plateaus `windows.cut` looks for stay exactly constant.

    Arguments:
        values: (C, T) float32, NaN where there is no sample.
        source_fs, fs: Hz before and after, as `check_rate` lets through.

    Returns:
        (C, ⌈T·fs/source_fs⌉) float32.
    """
    ratio = (Fraction(fs) / Fraction(source_fs)).limit_denominator(10_000)
    up, down = ratio.numerator, ratio.denominator
    gaps = np.isnan(values)
    has_gaps = bool(gaps.any())
    filled = _bridge(values, gaps) if has_gaps else values
    resampled = resample_poly(filled, up, down, axis=1, padtype="line").astype(np.float32, copy=False)
    still = plateaus(filled, max(2, round(FLAT_SECONDS * source_fs)))
    for lead, row, stretches in zip(filled, resampled, still, strict=True):
        for begin, end in stretches:
            row[-(-begin * up // down) : -(-end * up // down)] = lead[begin]
    if has_gaps:
        reach = _HALF_FILTER * max(1, -(-down // up))
        for row, gap in zip(resampled, gaps, strict=True):
            edges = np.flatnonzero(np.diff(np.concatenate(([False], gap, [False]))))
            for begin, end in edges.reshape(-1, 2):
                row[max(0, (begin - reach) * up // down) : -(-(end + reach) * up // down)] = np.nan
    return resampled


def _bridge(values: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Straight lines across gaps, so that the filter has something to run over; 0 where a lead has no sample at all."""
    filled = values.copy()
    times = np.arange(values.shape[1])
    for row, gap in zip(filled, gaps, strict=True):
        row[gap] = np.interp(times[gap], times[~gap], row[~gap]) if not gap.all() else 0
    return filled
