"""Step 5 on a folder OUT: what its synthetic samples are worth and what they give away, as numbers and as a page."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from ..data.patients import CONTROL, TRAIN
from ..data.samples import Samples
from ..data.store.store import open_store
from ..errors import InputError, one_line
from ..files import new_file
from ..gan.training.checkpoint import load
from ..gan.training.signs import Check
from ..transforms import Codec
from .evaluation.measure import attack, matcher_of, measure
from .evaluation.privacy.findings import Audit
from .evaluation.scores import Score, Scores, load_evidence, load_scores, save_evidence, save_scores
from .evaluation.sets import DrawnSamples, Sets, refuse_shared_patients
from .evaluation.verifier import Verifier
from .kinds import kind_of_codec, load_codec
from .progress import say
from .recipe import Recipe
from .release.gate import judge
from .release.policy import Policy, load_policy
from .report.content import Run
from .report.paper_claims import observe
from .run_folder import RunFolder, chosen_checkpoint, fingerprint


def evaluate(out: Path, *, with_audit: bool = False) -> None:
    """Score OUT/synthetic against control patients; write scores.json, evidence.json and report.html.

    Arguments:
        out: folder of a run in which something was generated.
        with_audit: attack it as well, see `audit`.

    Raises:
        InputError: nothing generated yet, or what is in OUT/synthetic is not this run's.
    """
    folder = RunFolder.prepared(out)
    sets, mark = read_sets(folder), fingerprint(folder.synthetic)
    kind = kind_of_codec(sets.codec)
    measured = measure(sets, kind.fidelity, kind.lesson(sets.recipe))
    save_scores(Scores(measured.scores, mark, measured.not_measured), folder.scores)
    save_evidence(measured.evidence, folder.evidence, mark)
    if with_audit:
        _attack(folder, sets, None, mark)
    _write_page(folder, sets, load_policy("default"))


def audit(out: Path, policy: str = "default", verifier: Path | None = None) -> None:
    """Attack OUT/synthetic; write audit.json, and the report with its results.

    Arguments:
        out: folder of a run that was evaluated.
        policy: name or path of the policy whose verdict is reported.
        verifier: file of a verifier of people; None: the recipe's, if it names one.

    Raises:
        InputError: nothing generated or evaluated yet, or a policy or verifier that cannot be used.
    """
    judged_by, folder = load_policy(policy), RunFolder.prepared(out)
    if verifier is not None:
        Verifier.load(verifier)  # rather now than after the long work
        codec = load_codec(folder.codec_file)
        if not kind_of_codec(codec).is_ecg(codec):
            raise InputError(f"--verifier {verifier}: recognises people by their ECG, this run has none; leave it out")
    sets, mark = read_sets(folder), fingerprint(folder.synthetic)
    _of_these(folder, load_scores(folder.scores), mark)
    _attack(folder, sets, verifier, mark)
    _write_page(folder, sets, judged_by)


def _attack(folder: RunFolder, sets: Sets, verifier: Path | None, mark: str) -> None:
    """Write audit.json."""
    kind, codec = kind_of_codec(sets.codec), sets.codec
    matcher = matcher_of(sets, verifier) if kind.is_ecg(codec) else None
    attack(sets, kind.view(sets), kind.extra_attacks(codec), matcher, mark).save(folder.audit)


def _write_page(folder: RunFolder, sets: Sets, policy: Policy) -> None:
    """Write report.html from what was measured, with the verdicts of a policy."""
    mark = fingerprint(folder.synthetic)
    scores = _of_these(folder, load_scores(folder.scores), mark)
    results = Audit.load(folder.audit) if folder.audit.is_file() else None
    if results is not None and results.fingerprint != mark:
        say(f"{folder.audit}: is of other samples than these; run `anonimage audit {folder.path}`")
        results = None
    run = Run(
        recipe=sets.recipe,
        codec=sets.codec,
        samples=sets.drawn,
        scores=scores.scores,
        against=_scores_beside(folder),
        metrics=_table(folder.metrics, ("step", "generator_loss", "images_per_second", "seconds")),
        monitor=_table(folder.monitor, [field.name for field in fields(Check)]),
        evolution=_evolution(folder.evolution),
        counts=_counts(sets),
        dropped=sets.store.dropped,
        versions=folder.about()["versions"],
        evidence=load_evidence(folder.evidence, mark),
        audit=results,
        areas=judge(results, scores.scores, policy, scores.not_measured),
        policy=policy.name,
        not_measured=scores.not_measured,
    )
    from .report.page import render  # draws, and so imports more than other steps need

    with new_file(folder.report) as file:
        file.write(render(run))
    for line in _summary(run):
        say(line)
    if (observation := observe(run)) is not None:
        say(f"section {sets.recipe.section}: {observation.sentence}")


def read_sets(folder: RunFolder) -> Sets:
    """Read what a prepared run generated, and draw what is compared.

    Raises:
        InputError: nothing generated yet, or not by this run; control patients seen in training.
    """
    recipe, store, codec = folder.recipe, open_store(folder.store), load_codec(folder.codec_file)
    if not folder.synthetic.is_dir():
        raise InputError(f"{folder.path}: nothing generated yet; run `anonimage generate {folder.path}`")
    rows = {part: np.flatnonzero(store.frame["part"] == part) for part in (TRAIN, CONTROL)}
    refuse_shared_patients(*(set(store.frame["patient"].iloc[at].astype(str)) for at in rows.values()))
    synthetic = kind_of_codec(codec).read_back(folder.synthetic, codec)
    _refuse_other(folder, synthetic, codec)
    snapshot = load(chosen_checkpoint(folder))
    if (step := folder.generated_step(len(synthetic))) != snapshot.step:
        raise InputError(
            f"{folder.synthetic}: was generated at step {step}, and training went on to step {snapshot.step} since; "
            f"run `anonimage generate {folder.path}`"
        )
    samples = DrawnSamples(
        training=store.samples(_draw(rows[TRAIN], recipe)),
        control=store.samples(_draw(rows[CONTROL], recipe)),
        synthetic=synthetic.select(_draw(np.arange(len(synthetic)), recipe)),
    )
    return Sets(recipe, store, codec, snapshot, synthetic, rows, samples)


def _refuse_other(folder: RunFolder, synthetic: Samples, codec: Codec) -> None:
    """Refuse what this run cannot have made."""
    wanted = {
        "channels": (tuple(codec.channels), tuple(synthetic.channels)),
        "values in each": (codec.arrangement.length, synthetic.length),
        "Hz": (codec.fs, synthetic.fs),
    }
    for what, (own, given) in wanted.items():
        if own != given:
            shown = (", ".join(map(str, each[:4])) if isinstance(each, tuple) else each for each in (given, own))
            raise InputError("{}: has {} {}, this run makes {}; generate again".format(folder.synthetic, what, *shown))
    if not len(synthetic):
        raise InputError(f"{folder.synthetic}: is empty; generate again")


def _draw(positions: np.ndarray, recipe: Recipe) -> np.ndarray:
    """As many of some positions as are evaluated, at random and in random order."""
    return np.random.default_rng(recipe.seed).permutation(positions)[: recipe.evaluate.evaluated]


def _of_these(folder: RunFolder, scores: Scores, mark: str) -> Scores:
    if scores.fingerprint != mark:
        again = f"run `anonimage evaluate {folder.path}`"
        raise InputError(f"{folder.scores}: is of other samples than {folder.synthetic} holds; {again}")
    return scores


def _summary(run: Run) -> list[str]:
    """What a reader wants to know first, a line each."""
    score = run.scores["1nnc"]
    says = f"95 % {score.low:.3f} to {score.high:.3f}; real against real {score.baseline:.3f}; n {score.n}"
    halves = f"synthetic half {run.scores['1nnc_synthetic'].value:.3f}, real half {run.scores['1nnc_real'].value:.3f}"
    lines = [f"1NNC: {score.value:.3f} ({says}; best is 0.5 in both halves: {halves})"]
    if "r_peaks" in run.scores:
        peaks = run.scores["r_peaks"]
        lines.append(f"R peaks per window: {peaks.value:.2f}, in real ones {peaks.baseline:.2f}")
    for area in run.areas:
        more = f" (+ {len(area.reasons) - 1} more)" if len(area.reasons) > 1 else ""
        lines.append(f"{area.name}: {area.verdict}" + (f"; {area.reasons[0]}{more}" if area.reasons else ""))
    return lines


def _scores_beside(folder: RunFolder) -> dict[str, Score]:
    """Scores of the run in OUT/against; none if there is none, or it was not trained as long."""
    beside = RunFolder(folder.against)
    if folder.recipe.against is None or not beside.scores.is_file():
        return {}
    steps, others = folder.generated_step(), beside.generated_step()
    if steps != others:
        say(f"not compared: {folder.against} is of step {others}, this run of step {steps}")
        return {}
    return dict(load_scores(beside.scores).scores)


def _counts(sets: Sets) -> dict[str, int]:
    frame, rows = sets.store.frame, sets.rows
    people = {part: frame["patient"].iloc[at].nunique() for part, at in rows.items()}
    return {
        "synthetic": len(sets.synthetic),
        "training": len(rows[TRAIN]),
        "control": len(rows[CONTROL]),
        "training_patients": people[TRAIN],
        "control_patients": people[CONTROL],
        "records": frame["record"].nunique(),
        "steps": sets.snapshot.step,
    }


def _table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a table that grew with training, and has at least these columns."""
    try:
        table = pd.read_csv(path)
        return table[[*columns, *(name for name in table if name not in columns)]]
    except (OSError, ValueError, KeyError) as error:  # pandas' parser errors are among these
        raise InputError(f"{path}: cannot be read ({one_line(error)}); train again") from error


def _evolution(folder: Path) -> dict[int, np.ndarray]:
    """Images of the fixed latents by step."""
    images = {}
    for path in sorted(folder.glob("[0-9]*.npy")):
        try:
            images[int(path.stem)] = np.load(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read ({one_line(error)}); delete it") from error
    return images
