"""Membership inference: can an attacker tell from the synthetic set whether a person's samples were in training?"""

import numpy as np

from ..score import RESAMPLES, Score
from .exchange import FALSE_RATES, FEW_RESAMPLES, found_at, rank
from .findings import Attack
from .pool import Pool
from .sweep import Sweep

RATE = 0.01  # of false alarms at which the true ones are counted
STRANGERS = 100  # samples: fewer than these cannot show a rate of 1 %
STRANGE_PEOPLE = 300  # where each has one figure: of 100, the one highest alone would decide

QUESTIONS = {
    "nearest distance": "Does something synthetic lie nearer to people of training than to others?",
    "density ratio": "Is the synthetic set denser about people of training than other real people are?",
    "discriminator": "With the trained discriminator at hand: does it take training for more real?",
}


def membership(swept: Sweep, pool: Pool, unit: str, seed: int, resamples: int = RESAMPLES) -> list[Attack]:
    """Nearest synthetic sample (Chen et al. 2020, GAN-Leaks) and density ratio (van Breugel et al. 2023, DOMIAS).

    The ratio compares one-neighbour densities: of the synthetic set, and of everybody else in the pool. That reference
    leaves out each sample's own person and treats both parts alike, so that members and strangers stay exchangeable.

    Arguments:
        swept: distances of the synthetic set from the pool.
        pool: real samples.
        unit: what a sample is called, such as "window".
        seed: of resampling and share-outs.
        resamples: of the intervals; 0: none.
    """
    nearest, rarity = (_logarithm(distance) for distance in (swept.to_synthetic, pool.others))
    attacks = _areas("nearest distance", -nearest, pool, unit, seed, resamples)
    return attacks + _areas("density ratio", rarity - nearest, pool, unit, seed, resamples, rates=True)


def judged(figures: np.ndarray, pool: Pool, unit: str, seed: int) -> list[Attack]:
    """What a discriminator says of each sample of the pool (N,), large for real ones, as an attack."""
    return _areas("discriminator", figures, pool, unit, seed, RESAMPLES, rates=True, limits="model")


def too_few(pool: Pool, unit: str) -> dict[str, str]:
    """Which rates have too few strangers to be measured, and why."""
    return {
        f"membership: TPR at 1 % FPR, {who}": f"{n} strangers are too few, {needed} are needed"
        for who, (n, needed) in _strangers(pool, unit).items()
        if n < needed
    }


def _strangers(pool: Pool, unit: str) -> dict[str, tuple[int, int]]:
    """How many units training never saw, and how many a rate needs; no patients where each has but one sample."""
    samples, people = int((~pool.member)[pool.codes].sum()), int((~pool.member).sum())
    if len(pool.codes) == pool.people:
        return {unit: (samples, STRANGE_PEOPLE)}
    return {unit: (samples, STRANGERS), "patient": (people, STRANGE_PEOPLE)}


def _areas(
    name: str,
    figures: np.ndarray,
    pool: Pool,
    unit: str,
    seed: int,
    resamples: int,
    rates: bool = False,
    limits: str = "membership",
) -> list[Attack]:
    members, strangers = int(pool.member.sum()), int((~pool.member).sum())
    found = []
    for who, (n, needed) in _strangers(pool, unit).items():
        values, codes = figures, pool.codes
        if who == "patient":  # the mean: it does not grow with the number of windows, as the largest would
            values = np.bincount(codes, weights=figures) / np.bincount(codes)
            codes = np.arange(pool.people)
        by = rank(values, codes, pool.member, seed, resamples)
        points = [(float(f), float(t)) for f, t in zip(FALSE_RATES, by.curve, strict=True)]
        score = Score(by.area, by.low, by.high, 0.5, pool.people)
        attack = (f"membership: {name}, {who}", f"{limits}_auc", QUESTIONS[name], score, by.p_value)
        found.append(Attack(*attack, members, strangers, {}, {"synthetic": points}))
        if rates and n >= needed:
            at = found_at(RATE, values, codes, pool.member, seed, min(resamples, FEW_RESAMPLES))
            score = Score(at.value, at.low, at.high, RATE, pool.people)
            attack = (
                f"membership: {name}, TPR at 1 % FPR, {who}",
                f"{limits}_tpr",
                QUESTIONS[name],
                score,
                at.p_value,
            )
            found.append(Attack(*attack, members, strangers, {}, {}))
    return found


def _logarithm(distance: np.ndarray) -> np.ndarray:
    """Of distances, of which nought counts as a thousandth of the usual."""
    usual = float(np.median(distance)) or 1.0
    return np.log(np.maximum(distance.astype(np.float64), 1e-3 * usual))
