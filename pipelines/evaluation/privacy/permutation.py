"""Statistics that compare members with non-members, with permutation tests and intervals over people.

Had membership left no trace, any relabelling of the people were as likely. Every attack comes down to one figure a
person, and its strength to the sum over the members. So one set of random relabellings serves all attacks, and windows
of one person never count as independent. Intervals take `resamples` bootstrap samples; 0: their ends are the value.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

import numpy as np
from scipy.stats import beta

from ..resampling import FEW_RESAMPLES, RESAMPLES, ends, people_counts

RELABELLINGS = 10_000
TOP = 1000  # windows with the largest figures, or a tenth of all, among which the threshold of a rate is looked for
CHUNK, ROW_CHUNK = 500, 250  # relabellings drawn at a time
EXCEEDED = 50  # times a random relabelling is as strong, after which there is no need to go on
MANY = 5000  # synthetic samples; more of them take long to resample
FALSE_RATES = np.linspace(0, 1, 101)  # where a ROC curve is kept

# what points to a member, and to a non-member, on average; and all that points to anybody
Statistic = Callable[[float, float, float], float]


def permutation_p_value(figures: np.ndarray, member: np.ndarray, seed: int) -> float:
    """How often a random relabelling gives members (P,) a sum of figures (P,) at least as large: a one-sided p-value.

    Source: Phipson and Smyth 2010, "Permutation p-values should never be zero".
    """
    figures = np.asarray(figures, dtype=np.float64)
    sums = _relabellings(len(member), int(member.sum()), seed) @ figures
    reached = figures[member].sum()
    # sums of the same numbers in another order differ in their last digits
    as_large = sums >= reached - 1e-9 * max(1.0, float(np.abs(figures).sum()))
    return float((1 + as_large.sum()) / (1 + RELABELLINGS))


def largest_p_value(figures: np.ndarray, member: np.ndarray, seed: int) -> float:
    """One-sided p-value of the largest of J differences between members (P,) and others, in figures (P, J).

    Each difference is in units of its deviation; the p-value is right for all J together.

    Source: Westfall and Young 1993, "Resampling-based multiple testing" (max-T); Besag and
    Clifford 1991, "Sequential Monte Carlo p-values" (no more draws once the p-value is clearly large).
    """
    spread = figures.std(axis=0)
    figures = (figures - figures.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    if not figures.shape[1] or member.all() or not member.any():
        return 1.0
    figures = figures.astype(np.float32)
    # sums of the same numbers in another order differ in their last digits
    reached = (member.astype(np.float32) @ figures).max() - 1e-3
    as_strong = drawn = 0
    for labels in _draws(len(member), int(member.sum()), np.random.default_rng(seed), ROW_CHUNK):
        as_strong, drawn = as_strong + int(((labels @ figures).max(axis=1) >= reached).sum()), drawn + len(labels)
        if as_strong >= EXCEEDED:
            return as_strong / drawn
    return (1 + as_strong) / (1 + RELABELLINGS)


@lru_cache(maxsize=4)
def _relabellings(people: int, members: int, seed: int) -> np.ndarray:
    """(RELABELLINGS, P) of 0 and 1, `members` ones in each row."""
    return np.concatenate(list(_draws(people, members, np.random.default_rng([seed, people, members]), CHUNK)))


def _draws(people: int, members: int, rng: np.random.Generator, chunk: int) -> Iterator[np.ndarray]:
    """The same, so many rows at a time."""
    for _ in range(0, RELABELLINGS, chunk):
        order = np.argpartition(rng.random((chunk, people), dtype=np.float32), members - 1, axis=1)
        labels = np.zeros((chunk, people), dtype=np.float32)
        np.put_along_axis(labels, order[:, :members], 1.0, axis=1)
        yield labels


@dataclass(frozen=True)
class Tested:
    """A statistic that compares members with non-members."""

    value: float  # the statistic, every person counting alike
    # low, high: its 95 % interval over people
    low: float
    high: float
    p_value: float  # how often a random relabelling gives as much
    baseline: float = 0.5  # the statistic of non-members, or what guessing gives


def membership_auc(
    figures: np.ndarray, codes: np.ndarray, member: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Tested:
    """Area under the ROC curve of figures (N,), large where membership is suspected, by the codes (N,) of members (P,).

    It is the probability that a window of a random member has the larger figure than one of a random non-member, equal
    ones counting half: every person counts alike, whoever has how many windows.
    """
    share = 1.0 / np.bincount(codes, minlength=len(member))[codes]
    other = ~member
    above_others = _standing(figures, share * other[codes], codes, len(member)) / other.sum()
    above_members = _standing(figures, share * member[codes], codes, len(member)) / member.sum()
    area = min(1.0, float(above_others[member].mean()))  # sums of weights may end a rounding above
    # Σ over members of how they stand among all others = area · members · non-members + a constant
    standing = _standing(figures, share, codes, len(member))
    rng = np.random.default_rng(seed)
    estimates = np.full(resamples, -area)  # over resampled people, through both sets of placement values (DeLong 1988)
    for values in (above_others[member], 1 - above_members[other]):
        estimates += [values[rng.integers(len(values), size=len(values))].mean() for _ in range(resamples)]
    low, high = ends(estimates, area)
    return Tested(area, max(low, 0.0), min(high, 1.0), permutation_p_value(standing, member, seed))


def roc_curve(figures: np.ndarray, codes: np.ndarray, member: np.ndarray) -> np.ndarray:
    """(101,) true positive rates at FALSE_RATES, every person counting alike, straight between thresholds."""
    ordered = _Ordered.of(figures, codes, member)
    own = member[ordered.people]
    false, true = (
        np.cumsum(ordered.weight * of)[ordered.ends_here] / n
        for of, n in ((~own, (~member).sum()), (own, member.sum()))
    )
    return np.interp(FALSE_RATES, np.append(0, false), np.append(0, true))


def tpr_at_fpr(
    rate: float, figures: np.ndarray, codes: np.ndarray, member: np.ndarray, seed: int, resamples: int = FEW_RESAMPLES
) -> Tested:
    """True positive rate at a false positive rate of at most `rate`, a share; the others as for `membership_auc`."""
    ordered = _Ordered.of(figures, codes, member)
    once = np.ones((1, len(member)))
    value = float(ordered.true_rates(once, member[None], rate)[0])
    rng = np.random.default_rng(seed)
    estimates = [
        ordered.true_rates(people_counts(member, rng)[None].astype(np.float64), member[None], rate)[0]
        for _ in range(resamples)
    ]
    labels = _relabellings(len(member), int(member.sum()), seed) > 0
    chunks = np.split(labels, range(CHUNK, RELABELLINGS, CHUNK))
    reached = sum(int((ordered.true_rates(once, chunk, rate) >= value - 1e-9).sum()) for chunk in chunks)
    return Tested(value, *ends(np.array(estimates), value), (1 + reached) / (1 + RELABELLINGS), rate)


@dataclass(frozen=True)
class _Ordered:
    """Windows by falling figure: the person and weight of each, and whether a threshold can stand behind it."""

    people: np.ndarray
    weight: np.ndarray
    ends_here: np.ndarray

    @classmethod
    def of(cls, figures: np.ndarray, codes: np.ndarray, member: np.ndarray) -> Self:
        order = np.argsort(-figures, kind="stable")
        last = np.append(np.diff(figures[order]) != 0, True)  # a threshold takes all of equal figures or none
        return cls(codes[order], 1.0 / np.bincount(codes, minlength=len(member))[codes[order]], last)

    def true_rates(self, times: np.ndarray, member: np.ndarray, rate: float, top: int | None = None) -> np.ndarray:
        """(B,) rates where person p counts times[b, p] times and is a member if member[b, p].

        Nearly always the threshold lies among the first windows; where it does not, all are looked at.
        """
        everything = len(self.people)
        top = min(everything, top or max(TOP, everything // 10))
        people, weight = self.people[:top], self.weight[:top]
        counted = (times * member)[:, people] * weight
        false = np.cumsum(times[:, people] * weight - counted, axis=1)
        below = false <= rate * (times * ~member).sum(axis=1, keepdims=True) + 1e-9
        allowed = below & self.ends_here[:top]
        last = top - 1 - np.argmax(allowed[:, ::-1], axis=1)
        true = np.take_along_axis(np.cumsum(counted, axis=1), last[:, None], axis=1)[:, 0]
        rates = np.where(allowed.any(axis=1), true / (times * member).sum(axis=1), 0.0)
        deeper = below[:, -1]
        if top < everything and deeper.any():
            again = times[deeper] if len(times) > 1 else times
            rates[deeper] = self.true_rates(again, member[deeper], rate, everything)
        return rates


def _standing(figures: np.ndarray, weights: np.ndarray, codes: np.ndarray, people: int) -> np.ndarray:
    """(P,) mean over each person's windows of the weight of all with a smaller figure, and half of equal ones."""
    _, rank = np.unique(figures, return_inverse=True)
    each = np.bincount(rank, weights=weights)
    below = (np.cumsum(each) - each / 2)[rank]
    return np.bincount(codes, weights=below, minlength=people) / np.bincount(codes, minlength=people)


def members_share(
    person: np.ndarray, weight: np.ndarray, member: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Tested:
    """Of what points to anybody, the share that points to members (P,), were both parts of equally many people.

    Synthetic samples point to a person (S,) with some weight (S,). The share is one half, the baseline, if members and
    non-members are alike, and if nothing points anywhere.
    """

    def share(to_members: float, to_others: float, _: float) -> float:
        return to_members / (to_members + to_others) if to_members + to_others > 0 else 0.5

    return _attributed(person, weight, member, seed, resamples, share)


def members_rate(
    person: np.ndarray, weight: np.ndarray, member: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Tested:
    """Share of synthetic samples that point to members; baseline: to non-members, were they as many.

    Arguments as for `members_share`, with weights of 0 and 1. The upper end is never below that of a binomial
    proportion (Clopper and Pearson 1934): no hit among few samples says little.
    """
    n, scale = len(person), member.sum() / (~member).sum()
    tested = _attributed(person, weight, member, seed, resamples, lambda members, *_: members * member.sum() / n)
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

    def excess(to_members: float, to_others: float, total: float) -> float:
        return total / n * (to_members - to_others) / (to_members + to_others or 1)

    tested = _attributed(person, weight, member, seed, resamples, excess)
    hits = round(float(weight.sum()))
    most = _binomial_high(hits, n)  # few matches, or none, among few samples
    high = max(tested.high, min(most, tested.value + most - hits / n)) if resamples else tested.high
    return replace(tested, high=high, baseline=0.0)


def training_rate(
    person: np.ndarray, weight: np.ndarray, people: int, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float, float]:
    """Share of synthetic samples that point to anybody, and its 95 % interval over people and synthetic samples.

    Arguments as for `members_rate`, and so is the upper end.
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


def _binomial_high(hits: int, n: int) -> float:
    """Upper end of a binomial proportion."""
    return float(beta.ppf(0.975, hits + 1, n - hits)) if hits < n else 1.0


def _attributed(
    person: np.ndarray, weight: np.ndarray, member: np.ndarray, seed: int, resamples: int, statistic: Statistic
) -> Tested:
    """A statistic of sums over synthetic samples, with interval and p-value."""

    def estimate(sums: np.ndarray, counts: np.ndarray) -> float:
        to_members, to_others = (sums[part].sum() / counts[part].sum() for part in (member, ~member))
        return float(statistic(to_members, to_others, sums.sum()))

    sums = np.bincount(person, weights=weight, minlength=len(member))
    value = estimate(sums, np.ones(len(member)))
    rng = np.random.default_rng(seed)
    estimates = []
    for _ in range(min(resamples, FEW_RESAMPLES) if len(person) > MANY else resamples):
        counts = people_counts(member, rng)
        rows = rng.integers(len(person), size=len(person))
        again = np.bincount(person[rows], weights=weight[rows], minlength=len(member))
        estimates.append(estimate(again * counts, counts))
    return Tested(value, *ends(np.array(estimates), value), permutation_p_value(sums, member, seed))
