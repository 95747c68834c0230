"""Step 5 on one run: every score that has meaning for its kind of data, and what the report's pictures need."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ...data.split import CONTROL, TRAIN
from ...data.table.form import TableForm
from ...gan import classify, sample_images
from ...transforms import Codec
from ..progress import progress
from .coding import score_coding
from .encoder import fit_encoder
from .evidence import Evidence
from .fidelity import (
    feature_map,
    measure_parameters,
    score_1nnc,
    score_amplitude,
    score_autocorrelation,
    score_columns,
    score_distances,
    score_diversity,
    score_kernel_images,
    score_lead_distance,
    score_limb_leads,
    score_manifold,
    score_noise,
    score_null,
    score_pairs,
    score_parameters,
    score_r_peaks,
    score_ranges,
    score_spectrum,
    score_variation,
    spectra,
    variables,
)
from .fidelity.distances import RELATIVE_PEOPLE
from .fidelity.parameters import measured_lead
from .score import Score
from .scores import score_table
from .sets import Sets
from .utility import score_utility
from .utility.class_accuracy import score_classes, score_recall

NULL_IMAGES = 2000  # generated to see whether their NULL pixels are 0
UTILITY = ("utility", "tstr: macro PR-AUC", "trtr: macro PR-AUC")  # in a word, and what a policy may ask for


@dataclass
class Measured:
    """What the steps of measuring add to: scores, what pictures are drawn from, and what was not measured and why."""

    scores: dict[str, Score] = field(default_factory=dict)
    parameters: dict[str, pd.DataFrame] = field(default_factory=dict)
    spectra: dict[str, np.ndarray] = field(default_factory=dict)
    features: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["x", "y", "kind"]))
    not_measured: dict[str, str] = field(default_factory=dict)

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.parameters, self.spectra, self.features)

    def lacks(self, names: Iterable[str], reason: str) -> None:
        """Say why there are no such scores; of those that there are, nothing is said."""
        self.not_measured |= {name: reason for name in names if name not in self.scores}


def measure(sets: Sets) -> Measured:
    """All scores of a run but those of privacy."""
    steps: list[tuple[str, Callable[[Sets, Measured], None]]] = [
        ("likeness", _likeness),
        ("what is of its kind", {"signals": _signals, "table": _table, "images": _pictures}[sets.recipe.data.kind]),
        ("what it is good for", _utility),
        ("what the networks show", _networks),
    ]
    found = Measured()
    with progress("evaluate", len(steps)) as advance:
        for done, (name, step) in enumerate(steps):
            advance(done, name)
            step(sets, found)
        advance(len(steps), "done")
    return found


def _likeness(sets: Sets, found: Measured) -> None:
    """What has meaning for all kinds of data: likeness as grey levels, where offsets play no part."""
    images, seed = sets.drawn.images(sets.codec), sets.recipe.seed
    flat = {kind: part.reshape(len(part), -1).astype(np.float32) for kind, part in images.items()}
    compared = (flat["synthetic"], flat["control"], sets.people(CONTROL), flat["training"], sets.people(TRAIN), seed)
    found.scores |= score_1nnc(*compared)
    found.scores |= score_manifold(*compared)
    found.lacks(
        score_table().group("neighbours"),
        "too few samples, or too many of one patient: each needs five neighbours of other patients",
    )
    if sets.recipe.data.kind != "table":
        found.scores |= score_diversity(images["synthetic"], images["control"], sets.people(CONTROL), seed)


def _signals(sets: Sets, found: Measured) -> None:
    """Shape, spectrum, leads; of an ECG its beats; and where windows lie for a network that has seen many."""
    drawn, codec, seed = sets.drawn, sets.codec, sets.recipe.seed
    ours, real, learnt = (part.values for part in (drawn.synthetic, drawn.control, drawn.training))
    people = sets.people(CONTROL)
    found.scores |= score_coding(sets.store, codec, np.concatenate(list(sets.drawn_rows.values())), seed)
    found.scores |= score_autocorrelation(ours, real, people, learnt, seed)
    found.scores |= score_amplitude(ours, real, people, learnt, codec.channels, seed)
    found.scores |= score_lead_distance(ours, real, seed)
    # grey levels alone roughen a signal: real windows have to have gone through them too
    coded, coded_learnt = (codec.decode(codec.encode(part), codec.offset(part)) for part in (real, learnt))
    if set(codec.units) == {"mV"}:
        found.scores |= score_limb_leads(ours, coded, codec.relations, seed, codec.channels)
    elif len(codec.relations):
        found.lacks(score_table().group("limb leads"), _not_an_ecg(codec))
    # of training and control people alike: what it has seen lies better apart than what it has not
    everybody = np.concatenate([sets.people(TRAIN), people])
    encoder = fit_encoder(np.concatenate([learnt, real]), everybody, seed, sets.recipe.evaluate.judge_steps)
    features = {kind: encoder.embed(part) for kind, part in (("training", learnt), ("control", real))}
    features["synthetic"] = encoder.embed(ours)
    found.scores |= score_distances(features["synthetic"], features["control"], people, features["training"], seed)
    n = len(np.unique(people))
    found.lacks(
        score_table().group("relative"),
        f"{n} control patients are too few for halves of them; {RELATIVE_PEOPLE} are needed"
        if n < RELATIVE_PEOPLE
        else "a half of the control patients has fewer than two windows that differ",
    )
    found.features = feature_map(features, seed)
    if codec.fs is None:
        found.lacks(score_table().group("spectrum"), "the sampling rate is unknown")
        return
    found.scores |= score_noise(ours, coded, codec.fs, seed)
    found.scores |= score_spectrum(ours, coded, people, coded_learnt, codec.fs, seed)
    found.spectra |= spectra(ours, coded, codec.fs, seed)
    if set(codec.units) == {"mV"}:  # an ECG, as far as anybody says
        lead = measured_lead(codec.channels)
        found.scores |= score_r_peaks(ours[:, lead], real[:, lead], people, codec.fs, seed)
        found.lacks(("r_peaks",), "windows are too short to hold a beat")
        told, other, seen = (measure_parameters(part, codec.channels, codec.fs) for part in (ours, real, learnt))
        found.parameters |= {"synthetic": told, "control": other}
        scores, reasons = score_parameters(told, other, people, seen, seed)
        found.scores |= scores
        found.not_measured |= reasons
    else:
        found.lacks(("ECG parameters", "r_peaks"), _not_an_ecg(codec))


def _not_an_ecg(codec: Codec) -> str:
    return f"units are {', '.join(sorted(set(codec.units))) or 'unknown'}, not mV"


def _table(sets: Sets, found: Measured) -> None:
    """Each column, and columns two by two; of all rows, not of those drawn."""
    seed = sets.recipe.seed
    table = TableForm.from_state(sets.codec.form["table"])
    ours = sets.synthetic.values[:, :, 0]
    learnt, others = (sets.store.values(sets.rows[part])[:, :, 0] for part in (TRAIN, CONTROL))
    patients = sets.store.frame["patient"].iloc[sets.rows[TRAIN]].to_numpy()
    found.scores |= score_ranges(ours, others, learnt)
    names, kinds = [*table.features], [*table.kinds]
    if sets.recipe.conditional:  # the classes are columns of the table as well
        frames = (sets.synthetic.frame, *(sets.store.frame.iloc[sets.rows[part]] for part in (TRAIN, CONTROL)))
        each = np.arange(len(table.classes))
        ours, learnt, others = (
            np.hstack([values, frame["label"].to_numpy()[:, None] == each])
            for values, frame in zip((ours, learnt, others), frames, strict=True)
        )
        names += [f"{table.label} = {name}" for name in table.classes]
        kinds += ["binary"] * len(each)
    found.scores |= score_columns(ours, learnt, patients, others, names, kinds, seed)
    columns = variables(table, sets.recipe.conditional)
    found.scores |= score_variation(ours, learnt, patients, others, columns, seed)
    found.scores |= score_pairs(ours, learnt, patients, others, columns, seed)


def _pictures(sets: Sets, found: Measured) -> None:
    images = sets.drawn.images(sets.codec)
    found.scores |= score_kernel_images(
        images["synthetic"], images["control"], sets.people(CONTROL), images["training"], sets.recipe.seed
    )


def _utility(sets: Sets, found: Measured) -> None:
    """What a classifier that learns from synthetic samples is worth on real ones."""
    if not sets.recipe.conditional:
        found.lacks(UTILITY, "this run knows no classes; a recipe with a head learns them")
        return
    drawn = sets.drawn
    samples = {"synthetic": drawn.synthetic, "training": drawn.training, "control": drawn.control}
    labels = {part: sets.labels(samples[part]) for part in ("training", "control")}
    labels["synthetic"] = drawn.synthetic.frame["label"].to_numpy()
    seed, steps = sets.recipe.seed, sets.recipe.evaluate.judge_steps
    scores, reason = score_utility(sets.recipe.data.kind, samples, labels, sets.classes.names, seed, steps)
    found.scores |= scores
    if reason:
        found.lacks(UTILITY, reason.removeprefix("not measured: "))


def _networks(sets: Sets, found: Measured) -> None:
    """What the generator itself shows: NULL pixels before decoding; and the classes, to its discriminator."""
    recipe, codec, classes = sets.recipe, sets.codec, sets.classes
    labels = classes.draw(NULL_IMAGES, "balanced", recipe.seed) if recipe.conditional else None
    images = sample_images(sets.snapshot.averaged_generator(), NULL_IMAGES, recipe.seed, labels=labels)
    found.scores |= score_null(images, codec.arrangement.null, recipe.seed)
    if recipe.class_head != "auxiliary":  # a projection judges whether an image fits its class, not which class it is
        return
    critic = sets.snapshot.trained_critic()
    assert labels is not None  # an auxiliary head is of a conditional recipe
    told = classify(critic, images).argmax(1) == labels
    found.scores["class_accuracy"] = score_classes(told, labels, np.arange(len(told)), recipe.seed)
    for name, part in (("control", sets.drawn.control), ("training", sets.drawn.training)):
        numbers = sets.labels(part)
        known = numbers >= 0
        told = classify(critic, codec.encode(part.values[known])).argmax(1) == numbers[known]
        seen = (told, numbers[known], part.frame["patient"].to_numpy()[known], recipe.seed)
        found.scores[f"class_accuracy_{name}"] = score_classes(*seen)
        if part is sets.drawn.control:
            found.scores["class_recall_control"] = score_recall(*seen, classes=len(classes.names))
