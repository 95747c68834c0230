"""The battery: every attack on what was generated, and on a replay and on fresh windows to show that it works."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ....data.samples import Samples
from ....errors import InputError
from ..score import INTERVAL, RESAMPLES, Score
from ..sets import refuse_seen_patients
from .copies import copies
from .findings import Attack, Audit, Control, found
from .membership import judged, membership, too_few
from .pool import Points, Pool, owners, values_of
from .reidentification import NAME, Matcher, reidentify, templates, unusable
from .replay import replay as replayed
from .space import Kind
from .sweep import sweep

Extra = Callable[[Samples, Samples, Samples, int], list[Attack]]  # (synthetic, training, control, seed)
Replay = Callable[[Samples, int, int], Samples]  # (training, how many, seed)

POWER = 0.95  # of a control's runs have to come out right
FEWEST_TRAINING, FEWEST_CONTROL = 2, 4  # people; half of those of control make the negative control
UNITS: Mapping[str, str] = {"signals": "window", "rows": "row", "pictures": "picture"}


def audit(
    synthetic: Samples,
    training: Samples,
    control: Samples,
    seed: int,
    *,
    kind: Kind = "signals",
    model_scores: tuple[np.ndarray, np.ndarray] | None = None,
    match: Matcher | str = "no verifier was given",
    extra: Sequence[Extra] = (),
    replay: Replay | None = None,
    points: Points | None = None,
    runs: int = 20,
    fingerprint: str = "",
    progress: Callable[[int, str], None] | None = None,
) -> Audit:
    """Attack a synthetic set, and both controls `runs` times each.

    Arguments:
        synthetic: samples as they would be released; no rows of its frame are read.
        training, control: real samples; `frame["patient"]` says whose. Give all of them, or draw from both in the same
            way: people of both parts have to be alike but for the training.
        seed: of all draws.
        kind: what a sample is; "signals" are looked at under shifts in time, rows and pictures are not.
        model_scores: what the discriminator says of each training (N,) and each control (M,) sample, large for real.
        match: a verifier of people; or why there is none.
        extra: further attacks (synthetic, training, control, seed) -> attacks; also made on the controls.
        replay: positive control (training, how many, seed) -> samples; None: as `replay.replay` makes it.
        points: where rows are compared (samples -> (N, F)); None: their values, in standard deviations.
        runs: of each control.
        fingerprint: of the synthetic files.
        progress: told (done, note) of 2 · runs + 1 rounds.

    Returns:
        Attacks, controls, and what was not measured and why. With fewer than 2 people of training or 4 of control
        there are no attacks and no controls, so that it is inconclusive.

    Raises:
        InputError: people in both parts, no or unlike samples, scores that do not belong to the samples.
    """
    _check(synthetic, training, control, kind, model_scores)
    people = [len(np.unique(owners(part, ""))) for part in (training, control)]
    counts = {"synthetic": len(synthetic), "training": len(training), "control": len(control)}
    counts |= {"training_patients": people[0], "control_patients": people[1]}
    if people[0] < FEWEST_TRAINING or people[1] < FEWEST_CONTROL:
        reason = f"{people[0]} people of training and {people[1]} of control are too few; "
        reason += f"{FEWEST_TRAINING} and {FEWEST_CONTROL} are needed"
        return Audit((), (), {"all attacks": reason}, fingerprint, counts)
    told = progress or (lambda done, note: None)
    reason = match if isinstance(match, str) else match.refusal()
    if isinstance(match, Matcher) and not reason:
        reason = unusable(match, synthetic.values, seed)
    verifier = match if isinstance(match, Matcher) and not reason else None
    game = _Game(
        Pool.of(training, control, kind, seed, points), training, control, verifier, extra, replay, points, seed
    )

    told(0, "the synthetic set")
    attacks = game.attack(synthetic, seed, RESAMPLES)
    not_measured = too_few(game.pool, UNITS[kind])
    if model_scores is None:
        not_measured["membership: discriminator"] = "no scores of a discriminator were given"
    else:
        figures = np.concatenate(model_scores)[game.pool.origin]
        attacks += judged(figures, game.pool, UNITS[kind], seed)
    if verifier is None:
        not_measured[NAME] = reason

    rounds: dict[str, list[list[Attack]]] = {"positive": [], "negative": []}
    sizes = {"positive": len(synthetic), "negative": len(synthetic)}
    for run in range(runs):
        told(2 * run + 1, "positive control")
        rounds["positive"].append(game.positive(len(synthetic), seed + 1 + run))
        told(2 * run + 2, "negative control")
        size, attacked = game.negative(len(synthetic), seed + 1 + run)
        sizes["negative"] = min(sizes["negative"], size)
        rounds["negative"].append(attacked)
    told(2 * runs + 1, "done")
    worked = {kind: sum(bool(found(tuple(each), len(attacks))) for each in every) for kind, every in rounds.items()}
    needed = math.ceil(POWER * runs)
    controls = (
        Control("positive", worked["positive"], runs, needed, sizes["positive"]),
        Control("negative", runs - worked["negative"], runs, needed, sizes["negative"]),
    )
    beside = tuple(_beside(attack, rounds) for attack in attacks)
    return Audit(beside, controls if runs else (), not_measured, fingerprint, counts)


@dataclass(frozen=True)
class _Game:
    """What all rounds share."""

    pool: Pool
    training: Samples
    control: Samples
    verifier: Matcher | None
    extra: Sequence[Extra]
    replay: Replay | None
    points: Points | None
    seed: int

    def attack(self, synthetic: Samples, seed: int, resamples: int) -> list[Attack]:
        """All attacks on a set, with everybody of the pool."""
        return self._attack(synthetic, self.pool, self.templates, self.control, seed, resamples)

    def positive(self, n: int, seed: int) -> list[Attack]:
        """All attacks on a replay of n training samples."""
        if self.replay is not None:
            return self.attack(self.replay(self.training, n, seed), seed, 0)
        return self.attack(replayed(self.training, n, seed, self.pool.space.kind), seed, 0)

    def negative(self, n: int, seed: int) -> tuple[int, list[Attack]]:
        """All attacks on at most n samples of one half of the control people, with the other half as strangers.

        There may be fewer than n; none is drawn twice, since a sample given twice is no stranger's sample given once.

        Returns:
            How many samples there were, and the attacks.
        """
        rng = np.random.default_rng([seed, 1])
        strangers = np.flatnonzero(~self.pool.member)
        fresh = rng.permutation(strangers)[: len(strangers) // 2]
        kept = np.ones(self.pool.people, dtype=bool)
        kept[fresh] = False
        at = self.pool.origin - len(self.training)
        names, whose = owners(self.control, "control"), ~self.pool.member[self.pool.codes]
        theirs = np.unique(names[at[whose & ~kept[self.pool.codes]]])
        given = np.isin(names, theirs)
        rows = rng.permutation(np.flatnonzero(given))[:n]
        people = self.templates[kept] if self.templates is not None else None
        others = self.control.select(~given) if self.extra else self.control
        return len(rows), self._attack(self.control.select(rows), self.pool.keep(kept), people, others, seed, 0)

    @property
    def templates(self) -> np.ndarray | None:
        if self.verifier is not None and "templates" not in self.pool.known:
            self.pool.known["templates"] = templates(self.verifier, self.training, self.control, self.pool)
        return self.pool.known.get("templates")

    def _attack(
        self,
        synthetic: Samples,
        pool: Pool,
        people: np.ndarray | None,
        control: Samples,
        seed: int,
        resamples: int,
    ) -> list[Attack]:
        shapes = pool.space.shapes(values_of(synthetic, self.points))
        features = pool.space.features(shapes)
        swept = sweep(features, pool.features, pool.codes)
        # the share-outs are the audit's, so that all rounds with as many people use the same
        attacks = copies(features, swept, shapes, pool, self.seed, resamples)
        attacks += membership(swept, pool, UNITS[pool.space.kind], self.seed, resamples)
        if self.verifier is not None and people is not None:
            attacks.append(reidentify(self.verifier, synthetic.values, people, pool.member, self.seed, resamples))
        for further in self.extra:
            attacks += further(synthetic, self.training, control, seed)
        return attacks


def _beside(attack: Attack, rounds: Mapping[str, Sequence[Iterable[Attack]]]) -> Attack:
    """An attack with its strength against both controls."""
    controls, roc = {}, dict(attack.roc)
    for kind, each in rounds.items():
        same = [other for attacks in each for other in attacks if other.name == attack.name]
        if same:
            values = [other.score.value for other in same]
            low, high = np.percentile(values, INTERVAL)
            controls[kind] = Score(float(np.mean(values)), float(low), float(high), attack.score.baseline, len(same))
        curves = [other.roc["synthetic"] for other in same if "synthetic" in other.roc]
        if curves:
            roc[kind] = [(float(f), float(t)) for f, t in np.mean(curves, axis=0)]
    return replace(attack, controls=controls, roc=roc)


def _check(
    synthetic: Samples,
    training: Samples,
    control: Samples,
    kind: Kind,
    model_scores: tuple[np.ndarray, np.ndarray] | None,
) -> None:
    """Refuse what cannot be compared."""
    if kind not in UNITS:
        raise InputError(f"audit: unknown kind '{kind}'; there are {', '.join(UNITS)}")
    parts = {"synthetic": synthetic, "training": training, "control": control}
    for name, part in parts.items():
        if not len(part):
            raise InputError(f"audit: there are no {name} samples; give at least one")
        for what, theirs, ours in (
            ("channels", part.channels, training.channels),
            ("length", part.length, training.length),
            ("sampling frequency", part.fs, training.fs),
        ):
            if theirs != ours:
                raise InputError(f"audit: {name} samples have {what} {theirs}, training {ours}; compare like with like")
    if "patient" in training.frame and "patient" in control.frame:
        refuse_seen_patients(training.patients(), control.patients())
    if model_scores is not None:
        given, wanted = tuple(map(len, model_scores)), (len(training), len(control))
        if given != wanted:
            raise InputError(f"audit: {given} scores of a discriminator for {wanted} samples; give one each")
        if not all(np.isfinite(scores).all() for scores in model_scores):
            raise InputError("audit: scores of the discriminator are no finite numbers; give a sound checkpoint's")
