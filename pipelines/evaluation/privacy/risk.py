"""Risk: whether synthetic samples point to members more than to non-members, and how much more attacks succeed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from scipy.stats import beta, norm

from ..resampling import FEW_RESAMPLES, RESAMPLES, ends, people_counts
from .permutation import Tested, permutation_p_value

CONFIDENCE = 0.95
MANY = 5000  # synthetic samples; more of them take long to resample

Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]  # sums (P,) of samples, how often a person counts (P,) -> ()


def members_share(
    person: np.ndarray, weight: np.ndarray, member: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Tested:
    """Of what points to anybody, the share that points to members, were both parts of equally many people.

    Arguments:
        person: (S,) whom each synthetic sample points to.
        weight: (S,) how much it does.
        member: (P,) whether the person was in training.
        seed: of resampling and relabellings.
        resamples: of the interval; 0: none.

    Returns:
        One half, the baseline, if members and non-members are alike, and if nothing points anywhere.
    """

    def share(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        to_members, to_others = _per_person(sums, counts, member)
        either = to_members + to_others
        return np.where(either > 0, to_members / np.where(either > 0, either, 1), 0.5)

    return _attributed(person, weight, member, seed, resamples, share)


def members_rate(
    person: np.ndarray, weight: np.ndarray, member: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Tested:
    """Share of synthetic samples that point to members; baseline: to non-members, were they as many.

    Arguments as for `members_share`, with weights of 0 and 1. The upper end is never below that of a binomial
    proportion (Clopper and Pearson 1934): no hit among few samples says little.
    """
    n, scale = len(person), member.sum() / (~member).sum()

    def rate(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        return _per_person(sums, counts, member)[0] * member.sum() / n

    tested = _attributed(person, weight, member, seed, resamples, rate)
    baseline = float(np.bincount(person, weights=weight, minlength=len(member))[~member].sum() * scale / n)
    high = max(tested.high, _binomial_high(round(tested.value * n), n)) if resamples else tested.high
    return replace(tested, high=min(high, 1.0), baseline=baseline)


def members_excess(
    person: np.ndarray, weight: np.ndarray, member: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Tested:
    """Share of synthetic samples that point to members less the share that points to non-members, of equally many each.

    Arguments as for `members_share`, with weights of 0 and 1.
    """
    n = len(person)

    def excess(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        to_members, to_others = _per_person(sums, counts, member)
        either = to_members + to_others
        return sums.sum(-1) / n * (to_members - to_others) / np.where(either > 0, either, 1)

    tested = _attributed(person, weight, member, seed, resamples, excess)
    hits = round(float(weight.sum()))
    most = _binomial_high(hits, n)  # few matches, or none, among few samples
    high = max(tested.high, min(most, tested.value + most - hits / n)) if resamples else tested.high
    return replace(tested, high=high, baseline=0.0)


def training_rate(
    person: np.ndarray, weight: np.ndarray, people: int, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float, float]:
    """Share of synthetic samples that point to anybody, and its 95 % interval over people and synthetic samples.

    Arguments:
        person: (S,) whom each points to, of `people`.
        weight: (S,) 0 or 1.
        people: number of people.
        seed: of resampling.
        resamples: of the interval; 0: none.

    Returns:
        Share, lower and upper end; the upper one as for `members_rate`.
    """
    value = float(weight.mean())
    rng = np.random.default_rng(seed)
    estimates = []
    for _ in range(min(resamples, FEW_RESAMPLES) if people > MANY else resamples):
        counts = np.bincount(rng.integers(people, size=people), minlength=people)
        rows = rng.integers(len(person), size=len(person))
        estimates.append(float((counts[person[rows]] * weight[rows]).mean()))
    low, high = ends(np.array(estimates), value)
    most = _binomial_high(round(weight.sum()), len(person))
    return value, low, min(1.0, max(high, most)) if resamples else value


def _per_person(sums: np.ndarray, counts: np.ndarray, member: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What points to a member, and to a non-member, on average."""
    to_members, to_others = (sums[..., part].sum(-1) / counts[..., part].sum(-1) for part in (member, ~member))
    return to_members, to_others


def _binomial_high(hits: int, n: int) -> float:
    """Upper end of a binomial proportion."""
    return float(beta.ppf(0.975, hits + 1, n - hits)) if hits < n else 1.0


def _attributed(
    person: np.ndarray, weight: np.ndarray, member: np.ndarray, seed: int, resamples: int, statistic: Statistic
) -> Tested:
    """A statistic of sums over synthetic samples, with interval and p-value."""
    sums = np.bincount(person, weights=weight, minlength=len(member))
    value = float(statistic(sums, np.ones(len(member))))
    rng = np.random.default_rng(seed)
    estimates = []
    for _ in range(min(resamples, FEW_RESAMPLES) if len(person) > MANY else resamples):
        counts = people_counts(member, rng)
        rows = rng.integers(len(person), size=len(person))
        again = np.bincount(person[rows], weights=weight[rows], minlength=len(member))
        estimates.append(float(statistic(again * counts, counts)))
    return Tested(value, *ends(np.array(estimates), value), permutation_p_value(sums, member, seed))


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
        succeeds on others nothing can be gained: 0, and the interval says nothing (−1 to 1).

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


def by_person(values: np.ndarray, codes: np.ndarray, people: int) -> np.ndarray:
    """Mean over each person's rows, so that everybody counts alike: (N, J) → (P, J); NaN without any."""
    sums = np.stack([np.bincount(codes, weights=np.nan_to_num(column), minlength=people) for column in values.T], 1)
    known = np.stack([np.bincount(codes, weights=~np.isnan(column), minlength=people) for column in values.T], 1)
    return np.divide(sums, known, out=np.full(sums.shape, np.nan), where=known > 0)


def _root(value: float) -> float:
    return sqrt(max(value, 0.0))  # equal numbers can differ by a last digit
