"""Bootstrap of two sets at once: patients of the real one, windows of the generated one."""

import numpy as np

from ..score import INTERVAL

RESAMPLES = 200  # of statistics that take milliseconds each


def multiplicities(groups: np.ndarray, rng: np.random.Generator, resamples: int = RESAMPLES) -> np.ndarray:
    """How often each window is in each bootstrap sample of whole groups.

    Arguments:
        groups: (N,) the patient of each window; a generated window is a group of its own.
        rng: of the draws.
        resamples: R.

    Returns:
        (R, N) float32; a row's sum need not be N, for groups differ in size.
    """
    codes = np.unique(groups, return_inverse=True)[1]
    n = codes.max() + 1
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples)[:, codes].astype(np.float32)


def shares(weights: np.ndarray) -> np.ndarray:
    """Multiplicities (R, N) as weights of a mean: each row sums to 1."""
    return weights / weights.sum(axis=1, keepdims=True)


def around(
    value: float, draws: np.ndarray, least: float = -np.inf, most: float = np.inf, ratio: bool = False
) -> tuple[float, float]:
    """95 % interval around a value, as wide as its bootstrap draws spread.

    Sets that were drawn twice lie further apart than the sets themselves, so the draws of any distance are too high;
    only their spread is taken, and laid around the value.

    Arguments:
        value: the estimate.
        draws: (R,) the same of bootstrap samples.
        least, most: what the figure can be.
        ratio: the spread is of the logarithm; value and draws above 0.

    Returns:
        Lower and upper end.
    """
    if ratio:
        logarithms = np.log(draws)
        ends = value * np.exp(np.percentile(logarithms - logarithms.mean(), INTERVAL))
    else:
        ends = np.clip(value + np.percentile(draws - np.mean(draws), INTERVAL), least, most)
    return float(min(ends[0], value)), float(max(ends[1], value))


def drawn(
    generated: np.ndarray, training: np.ndarray, control: np.ndarray, most: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions of as many generated as control rows, for small sets lie further from anything; of training rows more.

    Arguments:
        generated, training, control: (N, …).
        most: of each set.
        rng: of the draw.
    """
    n = min(len(generated), len(control), most)
    ours, learnt, others = (some(x, size, rng) for x, size in ((generated, n), (training, most), (control, n)))
    return ours, learnt, others


def some(windows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of all windows, or of as many as are asked for, at random and in order."""
    if len(windows) <= most:
        return np.arange(len(windows))
    return np.sort(rng.choice(len(windows), most, replace=False))
