"""Exchangeability: if who was in training left no trace, any share-out of the labels is as likely as the true one.

Every attack comes down to one figure a person, and its strength to the sum over the members. So one set of random
share-outs serves all attacks, and windows of one person never count as independent.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from ..score import INTERVAL, RESAMPLES

SHARE_OUTS = 10_000
FEW_RESAMPLES = 200  # of statistics that take long
TOP = 1000  # windows with the largest figures, or a tenth of all, among which the threshold of a rate is looked for
CHUNK = 500  # share-outs drawn at a time
FALSE_RATES = np.linspace(0, 1, 101)  # where a ROC curve is kept


def chance(figures: np.ndarray, member: np.ndarray, seed: int) -> float:
    """How often a random share-out of the labels gives the members a sum at least as large.

    Arguments:
        figures: (P,) one a person.
        member: (P,) whether the person was in training.
        seed: of the share-outs.

    Returns:
        p-value, one-sided, never below 1 / (SHARE_OUTS + 1).

    Source: Phipson and Smyth 2010, "Permutation p-values should never be zero".
    """
    figures = np.asarray(figures, dtype=np.float64)
    sums = _share_outs(len(member), int(member.sum()), seed) @ figures
    reached = figures[member].sum()
    # sums of the same numbers in another order differ in their last digits
    as_large = sums >= reached - 1e-9 * max(1.0, float(np.abs(figures).sum()))
    return float((1 + as_large.sum()) / (1 + SHARE_OUTS))


@lru_cache(maxsize=4)
def _share_outs(people: int, members: int, seed: int) -> np.ndarray:
    """(SHARE_OUTS, P) of 0 and 1, `members` ones in each row."""
    rng = np.random.default_rng([seed, people, members])
    drawn = np.zeros((SHARE_OUTS, people), dtype=np.float32)
    for start in range(0, SHARE_OUTS, CHUNK):
        rows = min(CHUNK, SHARE_OUTS - start)
        chosen = np.argpartition(rng.random((rows, people), dtype=np.float32), members - 1, axis=1)[:, :members]
        np.put_along_axis(drawn[start : start + rows], chosen, 1.0, axis=1)
    return drawn


@dataclass(frozen=True)
class Ranking:
    """How well one figure a window tells members from strangers, every person counting alike.

    Arguments:
        area: chance that a window of a random member has the larger figure than one of a random stranger; equal ones
            count half. It does not depend on how many windows who has.
        low, high: its 95 % interval over people.
        p_value: of `area`, by `chance`.
        curve: (101,) share of members' windows found at FALSE_RATES of strangers' windows.
    """

    area: float
    low: float
    high: float
    p_value: float
    curve: np.ndarray


def rank(figures: np.ndarray, codes: np.ndarray, member: np.ndarray, seed: int, resamples: int = RESAMPLES) -> Ranking:
    """Area under the curve of one figure a window, weighted so that every person counts alike.

    Arguments:
        figures: (N,) large where membership is suspected.
        codes: (N,) the person of each, 0 … P−1.
        member: (P,) whether the person was in training.
        seed: of resampling and share-outs.
        resamples: of the interval; 0: none is made, its ends are the value.
    """
    share = 1.0 / np.bincount(codes, minlength=len(member))[codes]
    strangers = ~member
    beats_strangers = _mean(_below(figures, share * strangers[codes]), codes, len(member)) / strangers.sum()
    beats_members = _mean(_below(figures, share * member[codes]), codes, len(member)) / member.sum()
    area = min(1.0, float(beats_strangers[member].mean()))  # sums of weights may end a rounding above
    # Σ over members of how they stand among all others = area · members · strangers + a constant
    standing = _mean(_below(figures, share), codes, len(member))
    placed = (beats_strangers[member], 1 - beats_members[strangers])
    low, high = ends(_resampled(placed, area, seed, resamples), area)
    return Ranking(area, max(low, 0.0), min(high, 1.0), chance(standing, member, seed), _curve(figures, codes, member))


def ends(estimates: np.ndarray, value: float) -> tuple[float, float]:
    """95 % interval of resampled estimates; the value itself where nothing was resampled."""
    low, high = np.percentile(estimates, INTERVAL) if len(estimates) else (value, value)
    return float(low), float(high)


@dataclass(frozen=True)
class Rate:
    """Share of members' windows found, where a small share of the strangers' windows is taken for members'.

    Arguments:
        value: the share, every person counting alike.
        low, high: its 95 % interval over people.
        p_value: how often a random share-out of the labels gives as much.
    """

    value: float
    low: float
    high: float
    p_value: float


def found_at(
    rate: float,
    figures: np.ndarray,
    codes: np.ndarray,
    member: np.ndarray,
    seed: int,
    resamples: int = FEW_RESAMPLES,
) -> Rate:
    """True positive rate at a false positive rate of at most `rate`, a share; the others are as for `rank`."""
    ordered = _Ordered.of(figures, codes, member)
    once = np.ones((1, len(member)))
    value = float(ordered.true_rates(once, member[None], rate)[0])
    rng = np.random.default_rng(seed)
    parts = (np.flatnonzero(member), np.flatnonzero(~member))
    estimates = []
    for _ in range(resamples):
        drawn = np.concatenate([rng.choice(part, len(part)) for part in parts])
        times = np.bincount(drawn, minlength=len(member))[None].astype(np.float64)
        estimates.append(ordered.true_rates(times, member[None], rate)[0])
    low, high = ends(np.array(estimates), value)
    shared = _share_outs(len(member), int(member.sum()), seed) > 0
    reached = 0
    for start in range(0, SHARE_OUTS, CHUNK):
        reached += int((ordered.true_rates(once, shared[start : start + CHUNK], rate) >= value - 1e-9).sum())
    return Rate(value, low, high, (1 + reached) / (1 + SHARE_OUTS))


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

    def true_rates(self, times: np.ndarray, ours: np.ndarray, rate: float, top: int | None = None) -> np.ndarray:
        """(B,) rates where person p counts times[b, p] times and is a member if ours[b, p].

        Nearly always the threshold lies among the first windows; where it does not, all are looked at.
        """
        everything = len(self.people)
        top = min(everything, top or max(TOP, everything // 10))
        people, weight = self.people[:top], self.weight[:top]
        counted = (times * ours)[:, people] * weight
        false = np.cumsum(times[:, people] * weight - counted, axis=1)
        below = false <= rate * (times * ~ours).sum(axis=1, keepdims=True) + 1e-9
        allowed = below & self.ends_here[:top]
        last = top - 1 - np.argmax(allowed[:, ::-1], axis=1)
        true = np.take_along_axis(np.cumsum(counted, axis=1), last[:, None], axis=1)[:, 0]
        found = np.where(allowed.any(axis=1), true / (times * ours).sum(axis=1), 0.0)
        deeper = below[:, -1]
        if top < everything and deeper.any():
            found[deeper] = self.true_rates(times[deeper] if len(times) > 1 else times, ours[deeper], rate, everything)
        return found


def _mean(values: np.ndarray, codes: np.ndarray, people: int) -> np.ndarray:
    """(P,) mean over each person's windows."""
    return np.bincount(codes, weights=values, minlength=people) / np.bincount(codes, minlength=people)


def _below(figures: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(N,) weight of all windows with a smaller figure, and half of that with the same."""
    _, place = np.unique(figures, return_inverse=True)
    each = np.bincount(place, weights=weights)
    return (np.cumsum(each) - each / 2)[place]


def _resampled(placed: tuple[np.ndarray, np.ndarray], area: float, seed: int, resamples: int) -> np.ndarray:
    """(resamples,) areas over resampled people, through the two sets of placement values (DeLong 1988)."""
    rng = np.random.default_rng(seed)
    total = np.full(resamples, -area)
    for values in placed:
        total += [values[rng.integers(len(values), size=len(values))].mean() for _ in range(resamples)]
    return total


def _curve(figures: np.ndarray, codes: np.ndarray, member: np.ndarray) -> np.ndarray:
    """(101,) true at FALSE_RATES; straight between thresholds, as for a coin thrown at equal figures."""
    share = 1.0 / np.bincount(codes, minlength=len(member))[codes]
    order = np.argsort(-figures, kind="stable")
    last = np.append(np.diff(figures[order]) != 0, True)
    ours = member[codes[order]]
    false, true = (np.cumsum(share[order] * of)[last] / n for of, n in ((~ours, (~member).sum()), (ours, member.sum())))
    return np.interp(FALSE_RATES, np.append(0, false), np.append(0, true))
