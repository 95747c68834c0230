"""Bootstrap over people, and the weighted statistics that are computed on each of its samples."""

from collections.abc import Callable, Iterator

import numpy as np

from .scores import Score

RESAMPLES = 1000
FEW_RESAMPLES = 200  # of statistics that take milliseconds each
MANY = 5000  # samples from which on FEW_RESAMPLES do: they vary little, and take minutes
INTERVAL = (2.5, 97.5)  # percent
_BLOCK = 2_000_000  # weights that are held together, so that memory does not grow with the number of resamples


def interval(
    values: np.ndarray, groups: np.ndarray, statistic: Callable[[np.ndarray], float] = np.mean, seed: int = 0
) -> tuple[float, float]:
    """95 % bootstrap interval of a statistic of values (N,) that resamples whole groups (N,).

    So windows of one patient do not count as independent; a synthetic window is a group of its own.
    """
    rng = np.random.default_rng(seed)
    members = rows_of_groups(groups)
    draws = rng.integers(len(members), size=(RESAMPLES, len(members)))
    return ends(np.array([statistic(values[np.concatenate([members[group] for group in draw])]) for draw in draws]))


def score_mean(values: np.ndarray, groups: np.ndarray, control: np.ndarray, seed: int) -> Score:
    """The mean of values (N,), resampled as by `interval`, beside that of control values (M,)."""
    return Score(float(values.mean()), *interval(values, groups, seed=seed), float(control.mean()), len(values))


def rows_of_groups(groups: np.ndarray) -> list[np.ndarray]:
    """Rows of each group of (N,) in the order of the groups' names."""
    codes = np.unique(groups, return_inverse=True)[1]
    return np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])


def ends(estimates: np.ndarray, value: float = np.nan) -> tuple[float, float]:
    """95 % percentile interval of resampled estimates that are not NaN; the value itself if there is none."""
    low, high = np.nanpercentile(estimates, INTERVAL) if len(estimates) else (value, value)
    return float(low), float(high)


def score_around(
    value: float,
    draws: np.ndarray,
    baseline: float | None,
    n: int,
    limits: tuple[float, float] = (-np.inf, np.inf),
    unit: str = "",
    ratio: bool = False,
) -> Score:
    """A score with the 95 % interval around it that is as wide as its bootstrap draws (R,) spread, within limits.

    Sets that were drawn twice lie further apart than the sets themselves, so the draws of any distance are too high;
    only their spread is taken, and laid around the value; of a ratio that of the logarithm.
    """
    value = float(value)
    if ratio:
        logarithms = np.log(draws)
        low, high = value * np.exp(np.percentile(logarithms - logarithms.mean(), INTERVAL))
    else:
        low, high = np.clip(value + np.percentile(draws - np.mean(draws), INTERVAL), *limits)
    beside = None if baseline is None else float(baseline)
    return Score(value, float(min(low, value)), float(max(high, value)), beside, n, unit)


def multiplicities(groups: np.ndarray, rng: np.random.Generator, resamples: int = FEW_RESAMPLES) -> np.ndarray:
    """How often each window is in each bootstrap sample of whole groups (N,): (R, N) float32.

    A row's sum need not be N, for groups differ in size.
    """
    codes = np.unique(groups, return_inverse=True)[1]
    n = codes.max() + 1
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples)[:, codes].astype(np.float32)


def stratified_multiplicities(people: np.ndarray, labels: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """How often each sample is in a set: once in the first, then as people are drawn with replacement.

    They are drawn among those of their class, so that no resample lacks one: a mean over fewer classes is another
    figure, and with a single class left any classifier is perfect. Only a class that is nobody's most frequent one can
    be missing. A class of one person is the same in all resamples: how much people of it differ is not known.

    Takes the patients (N,) and labels (N,); gives blocks (N, R), of which the first has R = 1.
    """
    yield np.ones((len(people), 1))
    rng = np.random.default_rng(seed)
    names, codes = np.unique(people, return_inverse=True)
    counts = np.zeros((len(names), labels.max(initial=0) + 1), int)
    np.add.at(counts, (codes, labels), 1)
    strata = rows_of_groups(counts.argmax(axis=1))
    resamples = RESAMPLES if len(people) <= MANY else FEW_RESAMPLES
    at_once = max(1, _BLOCK // len(people))
    for first in range(0, resamples, at_once):
        times = np.zeros((len(names), min(at_once, resamples - first)))
        for rows in strata:
            times[rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=times.shape[1]).T
        yield times[codes]


def people_counts(member: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(P,) how often each person is in one bootstrap sample of the members, and one of the non-members."""
    parts = (np.flatnonzero(member), np.flatnonzero(~member))
    return np.bincount(np.concatenate([rng.choice(part, len(part)) for part in parts]), minlength=len(member))


def shares(weights: np.ndarray) -> np.ndarray:
    """Multiplicities (R, N) as weights of a mean: each row sums to 1."""
    return weights / weights.sum(axis=1, keepdims=True)


def some(samples: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of all samples, or of as many as are asked for, at random and in order."""
    if len(samples) <= most:
        return np.arange(len(samples))
    return np.sort(rng.choice(len(samples), most, replace=False))


def kolmogorov_smirnov(
    first: np.ndarray, second: np.ndarray, times: np.ndarray | None = None, other_times: np.ndarray | None = None
) -> np.ndarray:
    """(R,) largest differences between the distributions of values (N,) and (M,), each taken so often (R, N), (R, M).

    None: once. NaN where none of a set is taken.
    """
    pooled = np.concatenate([first, second])
    order = np.argsort(pooled, kind="stable")
    last = np.append(np.diff(pooled[order]) > 0, True)  # of equal values: compared where all of them are in
    cumulated: list[np.ndarray] = []
    for values, given, offset in ((first, times, 0), (second, other_times, len(first))):
        weights = np.zeros((1 if given is None else len(given), len(pooled)))
        weights[:, offset : offset + len(values)] = 1 if given is None else given
        cumulated.append(weights[:, order].cumsum(axis=1))
    return largest_gap(cumulated[0], cumulated[1], last)


def largest_gap(first: np.ndarray, second: np.ndarray, at: np.ndarray | slice = slice(None)) -> np.ndarray:
    """(R,) largest difference of two distribution functions, as running sums of weights (R, S) up to each step."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.abs(first / first[:, -1:] - second / second[:, -1:])[:, at].max(axis=1)


def correlations(rows: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
    """Pearson's correlation of each pair of columns (V · (V − 1) / 2,), of rows (N, V) where both are there.

    Rows are in units of their spread and about 0, so that sums of squares keep their digits; NaN is missing. Each is
    taken so many times (N,); None: once. In the order of `np.triu_indices`; NaN where one of both does not vary.
    """
    present = (~np.isnan(rows)).astype(np.float64)
    values = np.nan_to_num(rows)
    w = present if times is None else present * times[:, None]
    n = np.maximum(w.T @ present, 1)
    mean = (values * w).T @ present / n  # (V, V): of the one column, where the other is there
    square = (values**2 * w).T @ present / n - mean**2
    product = (values * w).T @ values / n - mean * mean.T
    spread = np.sqrt(np.maximum(square, 0) * np.maximum(square.T, 0))
    varies = spread > 1e-9
    return np.where(varies, product / np.where(varies, spread, 1), np.nan)[np.triu_indices(rows.shape[1], 1)]
