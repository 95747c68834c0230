"""The positive control: a "generator" that has learnt the training by heart and blurs it a little."""

import numpy as np

from ....data.samples import Samples
from .space import Kind

NOISE = (0.01, 0.02)  # of each channel's range in the window
SCALE = (0.9, 1.1)
SHIFT = 0.1  # of the window, either way
MANY = 2  # a feature of rows with more values than this is a number, and numbers are blurred
CHUNK = 2048


def replay(training: Samples, n: int, seed: int, kind: Kind = "signals") -> Samples:
    """Training samples drawn with replacement, each changed a little.

    Arguments:
        training: (N, C, L).
        n: how many to draw.
        seed: of draws and changes.
        kind: signals are shifted in time (the end that becomes free mirrors the window), scaled about their middle and
            given noise; pictures are scaled and given noise; of rows, numbers are given noise in proportion to the
            feature's standard deviation.

    Returns:
        (n, C, L), whose frame says nothing.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(training), size=n)
    values = training.values[drawn]
    if kind == "rows":
        columns = training.values[:, :, 0]
        numbers = np.array([len(np.unique(column[np.isfinite(column)])) > MANY for column in columns.T])
        spread = np.zeros(len(numbers))
        spread[numbers] = np.nanstd(columns[:, numbers], axis=0)
        share = rng.uniform(*NOISE, size=(n, 1))
        values = values + (spread * share * rng.standard_normal((n, len(spread))))[:, :, None]
    else:
        for start in range(0, n, CHUNK):
            values[start : start + CHUNK] = _blurred(values[start : start + CHUNK], rng, shifts=kind == "signals")
    frame = training.frame.iloc[:0].reindex(range(n))[[]]
    return Samples(values, frame, training.channels, training.units, training.fs)


def _blurred(windows: np.ndarray, rng: np.random.Generator, shifts: bool) -> np.ndarray:
    n, _, length = windows.shape
    if shifts:
        lags = rng.integers(-int(SHIFT * length), int(SHIFT * length) + 1, size=(n,))
        places: np.ndarray = np.abs(np.arange(length)[None, :] - lags[:, None])
        places = np.where(places < length, places, 2 * (length - 1) - places)
        windows = np.take_along_axis(windows, np.broadcast_to(places[:, None], windows.shape), axis=2)
    lows, highs = (extreme.reduce(windows, axis=2, keepdims=True) for extreme in (np.fmin, np.fmax))  # but for NaN
    middle = (lows + highs) / 2
    noise = rng.standard_normal(windows.shape, dtype=np.float32) * (highs - lows)
    noise *= rng.uniform(*NOISE, size=(n, 1, 1)).astype(np.float32)
    return middle + (windows - middle) * rng.uniform(*SCALE, size=(n, 1, 1)).astype(np.float32) + noise
