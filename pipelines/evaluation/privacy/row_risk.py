"""How much more an attack gains on training rows than on rows that training never saw, with interval and chance."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import norm

SHARE_OUTS = 10_000
CHUNK = 250  # share-outs at a time
EXCEEDED = 50  # times a random share-out is as strong, after which there is no need to go on
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Rate:
    """A success rate with its interval.

    Arguments:
        value: share of successes, of people or of attacks.
        low, high: ends of the interval.
        n: independent successes and failures that it is worth.
    """

    value: float
    low: float
    high: float
    n: float

    @staticmethod
    def of(value: float, n: float, variance: float = 0.0, comparisons: int = 1) -> Rate:
        """The rate with Wilson's interval.

        Arguments:
            value: the rate.
            n: people, or attacks.
            variance: of the rate, as far as it is known; 0: that of n independent successes and failures.
            comparisons: intervals that have to hold at the same time.

        Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
        """
        if 0 < value < 1 and variance > 0:
            n = value * (1 - value) / variance
        z = norm.ppf(1 - (1 - CONFIDENCE) / 2 / comparisons)
        middle = (value + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * sqrt(value * (1 - value) / n + z**2 / (4 * n**2))
        return Rate(value, float(max(0.0, min(value, middle - half))), float(min(1.0, max(value, middle + half))), n)

    def times(self, factor: float) -> Rate:
        """As many times the rate, at most 1."""
        value, low, high = (float(min(1.0, factor * part)) for part in (self.value, self.low, self.high))
        return Rate(value, low, high, self.n)


def risk(main: Rate, control: Rate) -> tuple[float, float, float]:
    """What the attack gains on people of training: (main − control) / (1 − control), and its interval.

    Arguments:
        main, control: success rates on people of training, and on others.

    Returns:
        Risk, lower and upper end, none below −1; the interval is that of a ratio of failures. Where the attack always
        succeeds on others nothing can be gained: 0, and the interval tells nothing (−1 to 1).

    Source: Giomi et al. 2022, "A unified framework for quantifying privacy risk in synthetic data", eq. 2; Donner and
    Zou 2012, "Closed-form confidence intervals for functions of the normal mean and standard deviation" (ratios).
    """
    if control.value >= 1:
        return 0.0, -1.0, 1.0
    a, low_a, high_a = 1 - main.value, 1 - main.high, 1 - main.low
    b, low_b, high_b = 1 - control.value, 1 - control.high, 1 - control.low
    # the lower end is the book's, times its conjugate: 2b − high_b may be 0
    root = _root((a * b) ** 2 - low_a * high_b * (2 * a - low_a) * (2 * b - high_b))
    smallest = low_a * (2 * a - low_a) / (a * b + root) if a > 0 else 0.0
    root = _root((a * b) ** 2 - high_a * low_b * (2 * a - high_a) * (2 * b - low_b))
    largest = (a * b + root) / (low_b * (2 * b - low_b)) if low_b > 0 else np.inf
    value = 1 - a / b
    ends = (value, min(value, 1 - largest), max(value, 1 - smallest))
    return tuple(float(max(-1.0, end)) for end in ends)  # type: ignore[return-value]


def chance_of_largest(figures: np.ndarray, member: np.ndarray, seed: int) -> float:
    """How often random labels give members as much more than strangers in any of several figures.

    Arguments:
        figures: (P, J) one row a person.
        member: (P,) whether the person was in training.
        seed: of the share-outs.

    Returns:
        p-value of the largest of J differences in units of their deviation, one-sided; right for all J together; never
        below 1 / (SHARE_OUTS + 1).

    Source: Westfall and Young 1993, "Resampling-based multiple testing" (max-T); Besag and
    Clifford 1991, "Sequential Monte Carlo p-values" (no more draws once there clearly is nothing).
    """
    spread = figures.std(axis=0)
    figures = (figures - figures.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    if not figures.shape[1] or member.all() or not member.any():
        return 1.0
    figures = figures.astype(np.float32)
    # sums of the same numbers in another order differ in their last digits
    reached = (member.astype(np.float32) @ figures).max() - 1e-3
    rng = np.random.default_rng(seed)
    as_strong = 0
    for drawn in range(CHUNK, SHARE_OUTS + 1, CHUNK):
        order = np.argpartition(rng.random((CHUNK, len(member)), dtype=np.float32), member.sum() - 1, axis=1)
        chosen = np.zeros((CHUNK, len(member)), np.float32)
        np.put_along_axis(chosen, order[:, : member.sum()], 1, axis=1)
        as_strong += int(((chosen @ figures).max(axis=1) >= reached).sum())
        if as_strong >= EXCEEDED:
            return as_strong / drawn
    return (1 + as_strong) / (1 + SHARE_OUTS)


def by_person(values: np.ndarray, codes: np.ndarray, people: int) -> np.ndarray:
    """Mean over each person's rows, so that everybody counts alike: (N, J) → (P, J); NaN without any."""
    sums = np.stack([np.bincount(codes, weights=np.nan_to_num(column), minlength=people) for column in values.T], 1)
    there = np.stack([np.bincount(codes, weights=~np.isnan(column), minlength=people) for column in values.T], 1)
    return np.divide(sums, there, out=np.full(sums.shape, np.nan), where=there > 0)


def _root(value: float) -> float:
    return sqrt(max(value, 0.0))  # equal numbers can differ by a last digit
