"""Attribution: to whom synthetic samples point, and whether they point to people of training more than to others."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from ..score import RESAMPLES
from .exchange import FEW_RESAMPLES, chance, ends

MANY = 5000  # synthetic samples; more of them take long to resample


@dataclass(frozen=True)
class Attribution:
    """How much points to members, and to strangers were there as many of them.

    Arguments:
        value: the statistic.
        low, high: its 95 % interval over people and synthetic samples.
        baseline: the same of strangers, or what guessing gives.
        p_value: chance that members are pointed to so much.
    """

    value: float
    low: float
    high: float
    baseline: float
    p_value: float


def members_share(
    person: np.ndarray, weight: np.ndarray, member: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Attribution:
    """Of what points to anybody, the part that points to members, were both parts of equally many people.

    Arguments:
        person: (S,) to whom each synthetic sample points.
        weight: (S,) how much it does.
        member: (P,) whether the person was in training.
        seed: of resampling and share-outs.
        resamples: of the interval; 0: none.

    Returns:
        One half, the baseline, if members and strangers are alike, and if nothing points anywhere.
    """

    def share(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        ours, theirs = (sums[..., part].sum(-1) / counts[..., part].sum(-1) for part in (member, ~member))
        either = ours + theirs
        return np.where(either > 0, ours / np.where(either > 0, either, 1), 0.5)

    return _attributed(person, weight, member, seed, resamples, share, lambda _: 0.5)


def members_rate(
    person: np.ndarray, weight: np.ndarray, member: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Attribution:
    """Share of synthetic samples that point to members; baseline: to strangers, were there as many of them.

    Arguments as for `members_share`, with weights of 0 and 1. The upper end is never below that of a binomial
    proportion (Clopper and Pearson 1934): that nothing was found among few samples says little.
    """
    scale = member.sum() / (~member).sum()

    def rate(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        return sums[..., member].sum(-1) * member.sum() / counts[..., member].sum(-1) / len(person)

    found = _attributed(
        person, weight, member, seed, resamples, rate, lambda sums: sums[~member].sum() * scale / len(person)
    )
    high = max(found.high, _most(round(found.value * len(person)), len(person))) if resamples else found.high
    return Attribution(found.value, found.low, min(high, 1.0), found.baseline, found.p_value)


def training_rate(
    person: np.ndarray, weight: np.ndarray, people: int, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float, float]:
    """Share of synthetic samples that point to anybody, and its 95 % interval over people and synthetic samples.

    Arguments:
        person: (S,) to whom each points, of `people`.
        weight: (S,) 0 or 1.
        people: how many there are.
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
    return value, low, min(1.0, max(high, _most(round(weight.sum()), len(person)))) if resamples else value


def members_excess(
    person: np.ndarray, weight: np.ndarray, member: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> Attribution:
    """Share of synthetic samples that point to members less the share that points to strangers, of equally many each.

    Arguments as for `members_share`, with weights of 0 and 1.
    """

    def excess(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        ours, theirs = (sums[..., part].sum(-1) / counts[..., part].sum(-1) for part in (member, ~member))
        either = ours + theirs
        return sums.sum(-1) / len(person) * (ours - theirs) / np.where(either > 0, either, 1)

    found = _attributed(person, weight, member, seed, resamples, excess, lambda _: 0.0)
    hits = round(float(weight.sum()))
    # few matches, or none, among few samples
    most = _most(hits, len(person))
    high = max(found.high, min(most, found.value + most - hits / len(person))) if resamples else found.high
    return Attribution(found.value, found.low, high, 0.0, found.p_value)


def _most(hits: int, n: int) -> float:
    """Upper end of a binomial proportion."""
    return float(beta.ppf(0.975, hits + 1, n - hits)) if hits < n else 1.0


def _attributed(
    person: np.ndarray,
    weight: np.ndarray,
    member: np.ndarray,
    seed: int,
    resamples: int,
    statistic: Callable[[np.ndarray, np.ndarray], np.ndarray],
    baseline: Callable[[np.ndarray], float],
) -> Attribution:
    """A statistic of sums (P,) over synthetic samples, and of how often each person (P,) counts."""
    sums = np.bincount(person, weights=weight, minlength=len(member))
    value = float(statistic(sums, np.ones(len(member))))
    rng = np.random.default_rng(seed)
    people = (np.flatnonzero(member), np.flatnonzero(~member))
    estimates = []
    for _ in range(min(resamples, FEW_RESAMPLES) if len(person) > MANY else resamples):
        drawn = np.concatenate([rng.choice(part, len(part)) for part in people])
        counts = np.bincount(drawn, minlength=len(member))
        rows = rng.integers(len(person), size=len(person))
        again = np.bincount(person[rows], weights=weight[rows], minlength=len(member))
        estimates.append(float(statistic(again * counts, counts)))
    low, high = ends(np.array(estimates), value)
    return Attribution(value, low, high, float(baseline(sums)), chance(sums, member, seed))
