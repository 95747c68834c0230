"""The battery: every attack on a synthetic set, and on a replay and on fresh samples to show that the attacks work."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ....data.samples import Samples
from ....errors import InputError
from ..resampling import RESAMPLES, ends
from ..scores import Score
from ..sets import refuse_shared_patients
from .attacks import REIDENTIFICATION, Matcher, attack_copies, attack_discriminator, attack_membership, too_few
from .findings import Attack, Audit, Control, Findings, successful
from .pool import Pool, owners, sweep
from .space import SignalView, View

Extra = Callable[[Samples, Samples, Samples, int], Findings]  # (synthetic, training, control, seed)

POWER = 0.95  # of a control's runs have to come out right
FEWEST_TRAINING, FEWEST_CONTROL = 2, 4  # people; half of those of control make the negative control


@dataclass(frozen=True)
class AuditInput:
    """What an audit takes."""

    synthetic: Samples  # samples as they would be released; no rows of its frame are read
    # training, control: real samples; `frame["patient"]` says whose. Give all of them, or draw from both alike: people
    # of both parts have to be alike but for the training
    training: Samples
    control: Samples
    seed: int  # of all draws
    view: View = field(default_factory=SignalView)  # how such samples are compared and replayed
    # of a discriminator for each training (N,) and each control (M,) sample, large for real
    model_scores: tuple[np.ndarray, np.ndarray] | None = None
    matcher: Matcher | str = "no verifier was given"  # a verifier of people; or why there is none
    extra: Extra | None = None  # further attacks, also made on the controls
    runs: int = 20  # of each control
    fingerprint: str = ""  # of the synthetic files

    def check(self) -> None:
        """Refuse what cannot be compared.

        Raises:
            InputError: people in both parts, no or unlike samples, scores that do not belong to the samples.
        """
        training, control = self.training, self.control
        for name, part in {"synthetic": self.synthetic, "training": training, "control": control}.items():
            if not len(part):
                raise InputError(f"audit: there are no {name} samples; give at least one")
            for what, given, wanted in (
                ("channels", part.channels, training.channels),
                ("length", part.length, training.length),
                ("sampling frequency", part.fs, training.fs),
            ):
                if given != wanted:
                    raise InputError(
                        f"audit: {name} samples have {what} {given}, training {wanted}; compare like with like"
                    )
        if "patient" in training.frame and "patient" in control.frame:
            refuse_shared_patients(training.patients(), control.patients())
        if self.model_scores is not None:
            sizes, wanted_sizes = tuple(map(len, self.model_scores)), (len(training), len(control))
            if sizes != wanted_sizes:
                raise InputError(f"audit: {sizes} scores of a discriminator for {wanted_sizes} samples; give one each")
            if not all(np.isfinite(scores).all() for scores in self.model_scores):
                raise InputError("audit: scores of the discriminator are no finite numbers; give a sound checkpoint's")


def audit(given: AuditInput, progress: Callable[[int, str], None] = lambda done, note: None) -> Audit:
    """Attack a synthetic set, and both controls several times each; progress takes (done, note) of 2 · runs + 1 rounds.

    Returns:
        The results; of fewer than 2 people of training or 4 of control without attacks and controls: inconclusive.

    Raises:
        InputError: see `AuditInput.check`.
    """
    given.check()
    seed, n = given.seed, len(given.synthetic)
    people = [len(np.unique(owners(part, ""))) for part in (given.training, given.control)]
    counts = {"synthetic": n, "training": len(given.training), "control": len(given.control)}
    counts |= {"training_patients": people[0], "control_patients": people[1]}
    if people[0] < FEWEST_TRAINING or people[1] < FEWEST_CONTROL:
        reason = f"{people[0]} people of training and {people[1]} of control are too few; "
        reason += f"{FEWEST_TRAINING} and {FEWEST_CONTROL} are needed"
        extra = given.extra(given.synthetic, given.training, given.control, seed) if given.extra else Findings()
        return Audit((), (), {"all attacks": reason} | extra.not_measured, given.fingerprint, counts)
    pool = Pool.of(given.training, given.control, given.view, seed)
    matcher, templates = given.matcher, None
    refusal = matcher if isinstance(matcher, str) else matcher.refusal(given.synthetic.values, seed)
    if not refusal and isinstance(matcher, Matcher):
        templates = matcher.templates(given.training, given.control, pool)
    context = _AuditContext(given, pool, templates)

    progress(0, "the synthetic set")
    findings = context.attack(given.synthetic, seed, RESAMPLES)
    not_measured = too_few(pool)
    if given.model_scores is None:
        not_measured["membership: discriminator"] = "no scores of a discriminator were given"
    else:
        figures = np.concatenate(given.model_scores)[pool.origin]
        findings.attacks += attack_discriminator(figures, pool, seed)
    if refusal:
        not_measured[REIDENTIFICATION] = refusal

    rounds: dict[str, list[list[Attack]]] = {"positive": [], "negative": []}
    sizes = {"positive": n, "negative": n}
    for run in range(given.runs):
        progress(2 * run + 1, "positive control")
        replayed = given.view.replay(given.training, n, seed + 1 + run)
        rounds["positive"].append(context.attack(replayed, seed + 1 + run, 0).attacks)
        progress(2 * run + 2, "negative control")
        size, attacks = context.negative(n, seed + 1 + run)
        sizes["negative"] = min(sizes["negative"], size)
        rounds["negative"].append(attacks)
    progress(2 * given.runs + 1, "done")
    family = len(findings.attacks)
    right = {
        kind: sum(bool(successful(each, family)) == (kind == "positive") for each in every)
        for kind, every in rounds.items()
    }
    needed = math.ceil(POWER * given.runs)
    controls = tuple(Control(kind, right[kind], given.runs, needed, sizes[kind]) for kind in ("positive", "negative"))
    attacks = [_with_controls(attack, rounds) for attack in findings.attacks]
    not_measured |= findings.not_measured
    return Audit(tuple(attacks), controls if given.runs else (), not_measured, given.fingerprint, counts)


@dataclass(frozen=True)
class _AuditContext:
    """Data shared by all audit rounds."""

    given: AuditInput
    pool: Pool
    templates: np.ndarray | None  # (P, F) of the pool's people; None: nobody can be known again

    def attack(self, synthetic: Samples, seed: int, resamples: int) -> Findings:
        """All attacks on a set."""
        given, pool = self.given, self.pool
        shapes = pool.space.view.shapes(given.view.values(synthetic))
        features = pool.space.features(shapes)
        swept = sweep(features, pool.features, pool.codes)
        # the relabellings are the audit's, so that all rounds with as many people use the same
        attacks = attack_copies(features, swept, shapes, pool, given.seed, resamples)
        attacks += attack_membership(swept, pool, given.seed, resamples)
        if self.templates is not None and isinstance(given.matcher, Matcher):
            values = synthetic.values
            attacks.append(given.matcher.attack(values, self.templates, pool.member, given.seed, resamples))
        extra = given.extra(synthetic, given.training, given.control, seed) if given.extra else Findings()
        return Findings(attacks + extra.attacks, extra.not_measured)

    def negative(self, n: int, seed: int) -> tuple[int, list[Attack]]:
        """Number of samples, and all attacks on at most n samples of one half of the control people.

        The other half are the non-members. None is drawn twice: a sample given twice is not like one given once.
        """
        pool, control, templates = self.pool, self.given.control, self.templates
        rng = np.random.default_rng([seed, 1])
        non_members = np.flatnonzero(~pool.member)
        kept = np.ones(pool.people, dtype=bool)
        kept[rng.permutation(non_members)[: len(non_members) // 2]] = False
        at = pool.origin - len(self.given.training)
        names = owners(control, "control")
        released = np.isin(names, np.unique(names[at[~pool.member[pool.codes] & ~kept[pool.codes]]]))
        rows = rng.permutation(np.flatnonzero(released))[:n]
        given = replace(self.given, control=control.select(~released)) if self.given.extra else self.given
        left = _AuditContext(given, pool.keep(kept), None if templates is None else templates[kept])
        return len(rows), left.attack(control.select(rows), seed, 0).attacks


def _with_controls(attack: Attack, rounds: Mapping[str, Sequence[Iterable[Attack]]]) -> Attack:
    """An attack with its strength against both controls."""
    controls, roc = {}, dict(attack.roc)
    for kind, each in rounds.items():
        same = [other for attacks in each for other in attacks if other.name == attack.name]
        if same:
            values = np.array([other.score.value for other in same])
            controls[kind] = Score(float(np.mean(values)), *ends(values), attack.score.baseline, len(same))
        curves = [other.roc["synthetic"] for other in same if "synthetic" in other.roc]
        if curves:
            roc[kind] = [(float(f), float(t)) for f, t in np.mean(curves, axis=0)]
    return replace(attack, controls=controls, roc=roc)
