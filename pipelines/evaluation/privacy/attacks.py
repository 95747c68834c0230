"""The attacks on samples of any kind: copies, membership inference, and re-identification by a verifier."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ....data.samples import Samples
from ..resampling import FEW_RESAMPLES, RESAMPLES
from ..scores import Score
from . import permutation
from .findings import Attack
from .permutation import Tested
from .pool import LOOKED_AT, NEAREST, Library, Pool, Sweep, candidates, compare

RATE = 0.01  # of false alarms at which the true ones are counted
NON_MEMBERS = 100  # samples: fewer than these cannot show a rate of 1 %
LONE_NON_MEMBERS = 300  # where each has one figure: of 100, the one highest alone would decide
REIDENTIFICATION = "re-identification: nearest person"
MATCHED = 500  # synthetic windows shown to the verifier
USABLE = 0.5  # of the windows shown have to hold something to know a person by
ENROLLED = 8  # windows of each person that make the template
WORST = 0.25  # upper end of the equal error rate from which on a verifier shows nothing

QUESTIONS = {
    "copies: exact": "How many synthetic samples are a training sample, value for value?",
    "copies: near": "How many are nearer to a training sample than 99 % of real samples are to any other person's, "
    "under shift and scale?",
    "copies: nearest record": "Is the real record nearest to a synthetic one more often one of training?",
    "copies: nearest-neighbour ratio": "The same, where a record counts the more, the farther off the next person is.",
    "membership: nearest distance": "Does something synthetic lie nearer to people of training than to others?",
    "membership: density ratio": "Is the synthetic set denser about people of training than other real people are?",
    "membership: discriminator": "With the trained discriminator at hand: does it take training for more real?",
    REIDENTIFICATION: "How much more often is a person of training than anybody else the one that a synthetic window "
    "is taken for?",
}


def attack_copies(
    synthetic: np.ndarray, swept: Sweep, shapes: np.ndarray, pool: Pool, seed: int, resamples: int = RESAMPLES
) -> list[Attack]:
    """The four attacks that look for copies, on features (S, F) and shapes (S, C, l) of the same synthetic samples.

    How many are copies is counted against all training samples, on the controls as well, so that a report's shares can
    be compared. Whether that could be chance is asked of the pool, where people of both parts are alike; it holds fewer
    samples, and baselines are shares of what it shows.
    """
    some = np.sort(np.random.default_rng(seed).permutation(len(synthetic))[:LOOKED_AT])
    counted, balanced = (_nearest_people(synthetic[some], shapes[some], real, pool) for real in (pool.library, pool))
    tested = []
    for (person, weight), in_pool in zip(counted, balanced, strict=True):
        share = permutation.training_rate(person, weight, int(pool.library.codes.max()) + 1, seed, resamples)
        of = permutation.members_rate(*in_pool, pool.member, seed, 0)
        tested.append(Tested(*share, of.p_value, of.baseline))
    ratio = np.divide(swept.first, swept.second, out=np.ones_like(swept.first), where=swept.second > 0)
    exact, near = tested
    nearest, weighted = (
        permutation.members_share(swept.person, weight, pool.member, seed, resamples)
        for weight in (np.ones(len(synthetic)), 1 - ratio)
    )
    return [
        _attack("copies: exact", "copy_share", exact, pool.member),
        _attack("copies: near", "copy_share", near, pool.member),
        _attack("copies: nearest record", "membership_auc", nearest, pool.member),
        _attack("copies: nearest-neighbour ratio", "membership_auc", weighted, pool.member),
    ]


def _attack(name: str, limit: str, of: Tested, member: np.ndarray, remark: str = "") -> Attack:
    score = Score(of.value, of.low, of.high, of.baseline, len(member))
    numbers = (int(member.sum()), int((~member).sum()))
    return Attack(name, limit, QUESTIONS[name.split(",")[0]] + remark, score, of.p_value, *numbers)


def _nearest_people(
    features: np.ndarray, shapes: np.ndarray, real: Library | Pool, pool: Pool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of exact and of near copies: (S,) the person who is nearest, and (S,) whether it is a copy, as 0 or 1."""
    near = candidates(features, real.features, real.codes, None, NEAREST)
    gaps, steps = compare(shapes, near, real.shapes, pool)
    people = []
    for distances, is_copy in ((steps, steps <= pool.resolution), (gaps, gaps < pool.usual_gap)):
        best = distances.argmin(axis=1)[:, None]
        owner = real.codes[np.take_along_axis(near, best, axis=1)[:, 0]]
        people.append((owner, np.take_along_axis(is_copy, best, axis=1)[:, 0].astype(float)))
    return people


def attack_membership(swept: Sweep, pool: Pool, seed: int, resamples: int = RESAMPLES) -> list[Attack]:
    """Nearest synthetic sample (Chen et al. 2020, GAN-Leaks) and density ratio (van Breugel et al. 2023, DOMIAS).

    The ratio compares one-neighbour densities: of the synthetic set, and of everybody else in the pool. That reference
    leaves out each sample's own person and treats both parts alike, so that both stay exchangeable.
    """
    nearest, rarity = _log(swept.to_synthetic), _log(pool.others)
    attacks = _areas("membership: nearest distance", -nearest, pool, seed, resamples, rates=False)
    return attacks + _areas("membership: density ratio", rarity - nearest, pool, seed, resamples)


def _log(distances: np.ndarray) -> np.ndarray:
    """Logarithm, where 0 counts as a thousandth of the usual distance."""
    return np.log(np.maximum(distances.astype(np.float64), 1e-3 * (float(np.median(distances)) or 1.0)))


def attack_discriminator(figures: np.ndarray, pool: Pool, seed: int) -> list[Attack]:
    """What a discriminator says of each sample of the pool (N,), large for real ones, as an attack."""
    return _areas("membership: discriminator", figures, pool, seed, RESAMPLES, limit="model")


def too_few(pool: Pool) -> dict[str, str]:
    """Which rates have too few non-members to be measured, and why."""
    return {
        f"membership: TPR at 1 % FPR, {who}": f"{n} non-members are too few, {needed} are needed"
        for who, (n, needed) in _non_members(pool).items()
        if n < needed
    }


def _non_members(pool: Pool) -> dict[str, tuple[int, int]]:
    """Number of units that training never saw, and how many a rate needs; no patients where each has but one sample."""
    samples, unit = int((~pool.member)[pool.codes].sum()), pool.space.view.noun
    if len(pool.codes) == pool.people:
        return {unit: (samples, LONE_NON_MEMBERS)}
    return {unit: (samples, NON_MEMBERS), "patient": (int((~pool.member).sum()), LONE_NON_MEMBERS)}


def _areas(
    name: str,
    figures: np.ndarray,
    pool: Pool,
    seed: int,
    resamples: int,
    rates: bool = True,
    limit: str = "membership",
) -> list[Attack]:
    attacks = []
    for who, (n, needed) in _non_members(pool).items():
        values, codes = figures, pool.codes
        if who == "patient":  # the mean: it does not grow with the number of windows, as the largest would
            values = np.bincount(codes, weights=figures) / np.bincount(codes)
            codes = np.arange(pool.people)
        area = permutation.membership_auc(values, codes, pool.member, seed, resamples)
        curve = permutation.roc_curve(values, codes, pool.member)
        points = zip(permutation.FALSE_RATES.tolist(), curve.tolist(), strict=True)
        attack = _attack(f"{name}, {who}", f"{limit}_auc", area, pool.member)
        attacks.append(replace(attack, roc={"synthetic": list(points)}))
        if rates and n >= needed:
            rate = permutation.tpr_at_fpr(RATE, values, codes, pool.member, seed, min(resamples, FEW_RESAMPLES))
            attacks.append(_attack(f"{name}, TPR at 1 % FPR, {who}", f"{limit}_tpr", rate, pool.member))
    return attacks


@dataclass(frozen=True)
class Matcher:
    """A verifier of people, as the attack needs it."""

    embed: Callable[[np.ndarray], np.ndarray]  # (N, C, L) windows -> (N, F) of length 1
    # cosine between a window and a person's template (the mean of the person's windows, of length 1) from which on both
    # are taken for the same person: where both errors are equal
    threshold: float
    error: Score  # equal error rate on people that the verifier never saw

    def refusal(self, synthetic: np.ndarray, seed: int) -> str:
        """Why nothing can be shown with it on windows (S, C, L); empty if something can."""
        if self.error.high > WORST:
            return f"the verifier's equal error rate may be {self.error.high:.2f}; it shows something up to {WORST}"
        share = float((self._shown(synthetic, seed) != 0).any(axis=1).mean())
        if share < USABLE:
            return f"{share:.0%} of the synthetic windows hold a whole beat; {USABLE:.0%} are needed"
        return ""

    def templates(self, training: Samples, control: Samples, pool: Pool) -> np.ndarray:
        """(P, F) template of each person of the pool, of length 1, from at most ENROLLED windows of each."""
        first = np.searchsorted(pool.codes, np.arange(pool.people))
        rows = np.flatnonzero(np.arange(len(pool.codes)) - first[pool.codes] < ENROLLED)
        origin = pool.origin[rows]
        learnt = origin < len(training)
        values = (training.values[origin[learnt]], control.values[origin[~learnt] - len(training)])
        embedded = np.concatenate([self.embed(part) for part in values])
        codes = np.concatenate([pool.codes[rows][learnt], pool.codes[rows][~learnt]])
        sums = np.zeros((pool.people, embedded.shape[1]))
        np.add.at(sums, codes, embedded)
        return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)

    def attack(
        self, synthetic: np.ndarray, templates: np.ndarray, member: np.ndarray, seed: int, resamples: int = RESAMPLES
    ) -> Attack:
        """Each synthetic window (S, C, L) names the person whose template (P, F) is nearest, if it is near enough.

        Returns:
            Share of windows that name somebody of training less the share that names a non-member, were there as many
            of those; the baseline is 0.
        """
        shown = self._shown(synthetic, seed)
        similar = shown @ templates.T
        has_beat = (shown != 0).any(axis=1)  # a window without a beat is nobody's
        named = has_beat & (similar.max(axis=1) >= self.threshold)
        of = permutation.members_excess(similar.argmax(axis=1), named.astype(float), member, seed, resamples)
        remark = f" {has_beat.mean():.0%} of the windows shown hold a whole beat."
        return _attack(REIDENTIFICATION, "reidentification", of, member, remark)

    def _shown(self, synthetic: np.ndarray, seed: int) -> np.ndarray:
        """(n, F) embeddings of at most MATCHED windows, drawn at random; 0 where a window holds no whole beat."""
        return self.embed(synthetic[np.sort(np.random.default_rng(seed).permutation(len(synthetic))[:MATCHED])])
