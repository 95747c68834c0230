"""Step 5 on a folder OUT: what its synthetic samples are worth, as numbers and as a report."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from ...data import CONTROL, TRAIN, AnyStore, Samples, TableForm, open_store
from ...errors import InputError, one_line
from ...gan import Check, Reading, Snapshot, classify, load, sample_images
from ...transforms import Codec
from ..classes import Classes
from ..codecs import load_codec
from ..progress import progress, say
from ..recipe import Recipe
from ..report import write_report
from ..run import Run, Windows
from ..run_folder import RunFolder
from ..sources import read_synthetic
from ..studies import observe
from ..training import chosen_checkpoint
from .coding import score_coding
from .fidelity import (
    score_1nnc,
    score_columns,
    score_diversity,
    score_limb_leads,
    score_noise,
    score_null,
    score_r_peaks,
    score_ranges,
)
from .people import refuse_seen_patients
from .score import Score, load_scores, save_scores
from .utility.class_accuracy import score_classes, score_recall

R_PEAK_WINDOWS = 200  # neurokit2 takes some milliseconds a window
NULL_IMAGES = 2000  # generated to see whether their NULL pixels are 0


def evaluate(out: Path) -> None:
    """Score OUT/synthetic against control patients; write scores.json and report.html.

    Arguments:
        out: folder of a run in which something was generated.

    Raises:
        InputError: nothing generated yet, or what is in OUT/synthetic is not this run's.
    """
    folder = RunFolder.prepared(out)
    recipe, store, codec = folder.recipe, open_store(folder.store), load_codec(folder.codec_file)
    if not folder.synthetic.is_dir():
        raise InputError(f"{out}: nothing generated yet; run `anonimage generate {out}`")
    rows = {part: np.flatnonzero(store.frame["part"] == part) for part in (TRAIN, CONTROL)}
    drawn = {part: _draw(at, recipe) for part, at in rows.items()}
    synthetic = read_synthetic(folder.synthetic, codec)
    windows = Windows(
        training=store.samples(drawn[TRAIN]),
        control=store.samples(drawn[CONTROL]),
        synthetic=synthetic.select(_draw(np.arange(len(synthetic)), recipe)),
    )
    refuse_seen_patients(*(set(store.frame["patient"].iloc[rows[part]].astype(str)) for part in (TRAIN, CONTROL)))
    snapshot = load(chosen_checkpoint(folder))
    with progress("evaluate", 3) as advance:
        scores = _score_images(windows, codec, recipe)
        advance(1, "of each kind")
        scores |= _score_kind(windows, synthetic, store, codec, recipe, np.concatenate(list(drawn.values())))
        advance(2, "networks")
        scores |= _score_networks(snapshot, windows, store, codec, recipe)
    save_scores(scores, folder.scores)
    run = Run(
        recipe=recipe,
        codec=codec,
        windows=windows,
        scores=scores,
        against=_scores_beside(folder),
        metrics=_table(folder.metrics, Reading),
        monitor=_table(folder.monitor, Check),
        evolution=_evolution(folder.evolution),
        counts=_counts(store, rows, synthetic, folder),
        dropped=store.dropped,
        versions=folder.about()["versions"],
    )
    observation = observe(run)
    write_report(folder.report, run, observation)
    score = scores["1nnc"]
    says = f"95 % {score.low:.3f} to {score.high:.3f}; real against real {score.baseline:.3f}; n {score.n}"
    halves = f"synthetic half {scores['1nnc_synthetic'].value:.3f}, real half {scores['1nnc_real'].value:.3f}"
    say(f"1NNC: {score.value:.3f} ({says}; best is 0.5 in both halves: {halves})")
    if "r_peaks" in scores:
        say(f"R peaks per window: {scores['r_peaks'].value:.2f}, in real ones {scores['r_peaks'].baseline:.2f}")
    if observation is not None:
        say(f"section {recipe.section}: {observation.sentence}")


def _score_images(windows: Windows, codec: Codec, recipe: Recipe) -> dict[str, Score]:
    """What has meaning for all kinds of data: likeness as grey levels, where offsets play no part."""
    people, training_people = (s.frame["patient"].to_numpy() for s in (windows.control, windows.training))
    images = windows.images(codec)
    scores = score_1nnc(
        images["synthetic"], images["control"], people, images["training"], training_people, recipe.seed
    )
    if recipe.data == "table":
        return scores
    return scores | score_diversity(images["synthetic"], images["control"], people, recipe.seed)


def _score_kind(
    windows: Windows, everything: Samples, store: AnyStore, codec: Codec, recipe: Recipe, drawn: np.ndarray
) -> dict[str, Score]:
    """What has meaning for one kind of data only; `everything` is all that was generated."""
    control, synthetic = windows.control, windows.synthetic
    if recipe.data == "table":
        table = TableForm.from_state(codec.form["table"])
        learnt, others = (
            store.values(np.flatnonzero(store.frame["part"] == part))[:, :, 0] for part in (TRAIN, CONTROL)
        )
        ours = everything.values[:, :, 0]
        scores = score_ranges(ours, others, learnt)
        names, kinds = [*table.features], [*table.kinds]
        if recipe.conditional:  # the classes are columns of the table as well
            frames = (everything.frame, *(store.frame[store.frame["part"] == part] for part in (TRAIN, CONTROL)))
            each = np.arange(len(table.classes))
            ours, learnt, others = (
                np.hstack([values, frame["label"].to_numpy()[:, None] == each])
                for values, frame in zip((ours, learnt, others), frames, strict=True)
            )
            names += [f"{table.label} = {name}" for name in table.classes]
            kinds += ["binary"] * len(each)
        return score_columns(ours, learnt, others, names, kinds, recipe.seed) | scores
    if recipe.data == "images":
        return {}
    scores = score_coding(store, codec, drawn, recipe.seed)
    if codec.fs is None:
        return scores
    people = control.frame["patient"].to_numpy()
    # grey levels alone roughen a signal: real windows have to have gone through them too
    coded = codec.decode(codec.encode(control.values), codec.offset(control.values))
    scores |= score_noise(synthetic.values, coded, codec.fs, recipe.seed)
    if set(codec.units) == {"mV"}:  # an ECG, as far as anybody says
        few = slice(R_PEAK_WINDOWS)
        scores |= score_r_peaks(synthetic.values[few, 0], control.values[few, 0], people[few], codec.fs, recipe.seed)
    return scores | score_limb_leads(synthetic.values, control.values, codec.relations, recipe.seed)


def _score_networks(
    snapshot: Snapshot, windows: Windows, store: AnyStore, codec: Codec, recipe: Recipe
) -> dict[str, Score]:
    """What the generator itself shows: NULL pixels before decoding; and the classes, to its discriminator."""
    classes = Classes.from_form(codec.form)
    labels = classes.draw(NULL_IMAGES, "balanced", recipe.seed) if recipe.conditional else None
    images = sample_images(snapshot.averaged_generator(), NULL_IMAGES, recipe.seed, labels=labels)
    scores = score_null(images, codec.arrangement.null, recipe.seed)
    if recipe.class_head != "auxiliary":  # a projection judges whether an image fits its class, not which class it is
        return scores
    discriminator = snapshot.trained_discriminator()
    assert labels is not None  # an auxiliary head is of a conditional recipe
    told = classify(discriminator, images).argmax(1) == labels
    scores["class_accuracy"] = score_classes(told, labels, np.arange(len(told)), recipe.seed)
    for name, part in (("class_accuracy_control", windows.control), ("class_accuracy_training", windows.training)):
        numbers = classes.numbers(part.frame, store.classes)
        known = numbers >= 0
        told = classify(discriminator, codec.encode(part.values[known])).argmax(1) == numbers[known]
        seen = (told, numbers[known], part.frame["patient"].to_numpy()[known], recipe.seed)
        scores[name] = score_classes(*seen)
        if part is windows.control:
            scores["class_recall_control"] = score_recall(*seen)
    return scores


def _scores_beside(folder: RunFolder) -> dict[str, Score]:
    """Scores of the run in OUT/against; none if there is none, or it was not trained as long."""
    beside = RunFolder(folder.against)
    if folder.recipe.against is None or not beside.scores.is_file():
        return {}
    steps, theirs = _step(folder.generated), _step(beside.generated)
    if steps != theirs:
        say(f"not compared: {folder.against} is of step {theirs}, this run of step {steps}")
        return {}
    return load_scores(beside.scores)


def _counts(store: AnyStore, rows: dict[str, np.ndarray], synthetic: Samples, folder: RunFolder) -> dict[str, int]:
    people = {part: store.frame["patient"].iloc[at].nunique() for part, at in rows.items()}
    return {
        "synthetic": len(synthetic),
        "training": len(rows[TRAIN]),
        "control": len(rows[CONTROL]),
        "training_patients": people[TRAIN],
        "control_patients": people[CONTROL],
        "records": store.frame["record"].nunique(),
        "steps": _step(folder.generated, len(synthetic)),
    }


def _step(path: Path, n: int | None = None) -> int:
    """The step of the network that generated OUT/synthetic, where there are n samples, if that is known."""
    try:
        generated = json.loads(path.read_text("utf-8"))
        step, written = int(generated["step"]), int(generated["n"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: missing or edited; generate again") from error
    if n is not None and written != n:
        raise InputError(f"{path}: speaks of {written} samples, there are {n}; generate again")
    return step


def _table(path: Path, kind: type) -> pd.DataFrame:
    """A table that grew with training; kind is the dataclass of its rows."""
    try:
        return pd.read_csv(path)[[field.name for field in fields(kind)]]
    except (OSError, ValueError, KeyError) as error:  # pandas' parser errors are among these
        raise InputError(f"{path}: cannot be read ({one_line(error)}); train again") from error


def _evolution(folder: Path) -> dict[int, np.ndarray]:
    """Images of the fixed latents by step."""
    found = {}
    for path in sorted(folder.glob("[0-9]*.npy")):
        try:
            found[int(path.stem)] = np.load(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read ({one_line(error)}); delete it") from error
    return found


def _draw(positions: np.ndarray, recipe: Recipe) -> np.ndarray:
    """As many of some positions as are evaluated, at random and in random order."""
    return np.random.default_rng(recipe.seed).permutation(positions)[: recipe.evaluated]
