"""Step 5 on one run: every score that has meaning for its kind of data, and the attacks on what it generated."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ...data.table.form import TableForm
from ...gan.sampling import classify, realness, sample_images
from ...transforms import Codec
from ..progress import progress
from . import beats, distances, images, neighbours, parameters, signals, tables, utility
from .learners import fit_encoder
from .privacy.attacks import REIDENTIFICATION, Matcher
from .privacy.battery import AuditInput, Extra, audit
from .privacy.findings import Audit
from .privacy.space import View
from .scores import Evidence, Score, score_table
from .sets import Comparison, Sets
from .utility import Lesson
from .verifier import Verifier

NULL_IMAGES = 2000  # generated to see whether their NULL pixels are 0
UTILITY = ("utility", "tstr: macro PR-AUC", "trtr: macro PR-AUC")  # in a word, and what a policy may ask for
NO_VERIFIER = "no verifier of people was given; make one with `anonimage verifier` from people who came several times"
NO_ECG = "people are recognised by their ECG, and these are no signals in mV"
LONGER = 1.5  # times as long, or as short, as the windows of a verifier's trial: its error is not known for those


@dataclass
class Measured:
    """What the steps of measuring add to: scores, what pictures are drawn from, and what was not measured and why."""

    scores: dict[str, Score] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    not_measured: dict[str, str] = field(default_factory=dict)

    def lacks(self, names: Iterable[str], reason: str) -> None:
        """Say why such scores are missing; those that were measured are left out."""
        self.not_measured |= {name: reason for name in names if name not in self.scores}


def measure(sets: Sets, fidelity: Callable[[Sets, Measured], None], lesson: Lesson) -> Measured:
    """All scores of a run but those of privacy; `fidelity` adds those that have meaning for its kind of data alone."""
    steps: dict[str, Callable[[Sets, Measured], None]] = {
        "likeness": _likeness,
        "what is of its kind": fidelity,
        "what it is good for": lambda sets, measured: _utility(sets, measured, lesson),
        "what the networks show": _networks,
    }
    measured = Measured()
    with progress("evaluate", len(steps)) as advance:
        for done, (name, step) in enumerate(steps.items()):
            advance(done, name)
            step(sets, measured)
        advance(len(steps), "done")
    return measured


def _images(sets: Sets) -> Comparison:
    return sets.comparison(**sets.drawn.images(sets.codec))


def _likeness(sets: Sets, measured: Measured) -> None:
    """What has meaning for all kinds of data: likeness as grey levels, where offsets play no part."""
    flat = _images(sets).mapped(lambda x: x.reshape(len(x), -1).astype(np.float32))
    measured.scores |= neighbours.score_1nnc(flat) | neighbours.score_manifold(flat)
    reason = "too few samples, or too many of one patient: each needs five neighbours of other patients"
    measured.lacks(score_table().group("neighbours"), reason)


def measure_pictures(sets: Sets, measured: Measured) -> None:
    """Scores that have meaning for pictures alone."""
    encoded = _images(sets)
    measured.scores |= images.score_diversity(encoded) | images.score_kernel_images(encoded)


def measure_signals(sets: Sets, measured: Measured, is_ecg: bool) -> None:
    """Shape, spectrum, leads; of an ECG its beats; and where windows lie for a network that has seen many."""
    drawn, codec, seed = sets.drawn, sets.codec, sets.recipe.seed
    windows = sets.comparison(drawn.synthetic.values, drawn.control.values, drawn.training.values)
    measured.scores |= images.score_diversity(_images(sets))
    # grey levels alone roughen a signal: real windows have to have gone through them too
    control, training = (codec.decode(codec.encode(x), codec.offset(x)) for x in (windows.control, windows.training))
    coded = windows.with_values(windows.synthetic, control, training)
    measured.scores |= images.score_round_trip(windows, coded, codec)
    measured.scores |= images.score_saturation(sets.store, codec, is_ecg, seed)
    measured.scores |= signals.score_autocorrelation(windows)
    measured.scores |= signals.score_amplitude(windows, codec.channels)
    measured.scores |= signals.score_lead_distance(windows)
    if is_ecg:
        measured.scores |= signals.score_limb_leads(coded, codec.relations, codec.channels)
    elif len(codec.relations):
        measured.lacks(score_table().group("limb leads"), _not_an_ecg(codec))
    _measure_features(sets, windows, measured)
    if codec.fs is None:
        measured.lacks(score_table().group("spectrum"), "the sampling rate is unknown")
        return
    measured.scores |= signals.score_noise(coded, codec.fs) | signals.score_spectrum(coded, codec.fs)
    measured.evidence.spectra = signals.spectra(coded, codec.fs)
    if is_ecg:
        _measure_beats(windows, codec, measured)
    else:
        measured.lacks(("ECG parameters", "r_peaks"), _not_an_ecg(codec))


def _measure_features(sets: Sets, windows: Comparison, measured: Measured) -> None:
    """Distances in the space of an encoder."""
    # of training and control people alike: what it has seen lies better apart than what it has not
    everybody = np.concatenate([windows.training_patients, windows.control_patients])
    values = np.concatenate([windows.training, windows.control])
    features = windows.mapped(fit_encoder(values, everybody, windows.seed, sets.recipe.evaluate.judge_steps))
    measured.scores |= distances.score_distances(features)
    n = len(np.unique(windows.control_patients))
    measured.lacks(
        score_table().group("relative"),
        f"{n} control patients are too few for halves of them; {distances.RELATIVE_PEOPLE} are needed"
        if n < distances.RELATIVE_PEOPLE
        else "a half of the control patients has fewer than two windows that differ",
    )
    measured.evidence.features = distances.feature_map(features)


def _measure_beats(windows: Comparison, codec: Codec, measured: Measured) -> None:
    """R peaks and ECG parameters."""
    assert codec.fs is not None
    lead = parameters.measured_lead(codec.channels)
    measured.scores |= beats.score_r_peaks(windows.mapped(lambda values: values[:, lead]), codec.fs)
    measured.lacks(("r_peaks",), "windows are too short to hold a beat")
    synthetic, control, training = (
        parameters.measure_parameters(part, codec.channels, codec.fs) for part in windows.values
    )
    measured.evidence.parameters = {"synthetic": synthetic, "control": control}
    scores, reasons = parameters.score_parameters(synthetic, control, windows.control_patients, training, windows.seed)
    measured.scores |= scores
    measured.not_measured |= reasons


def _not_an_ecg(codec: Codec) -> str:
    return f"units are {', '.join(sorted(set(codec.units))) or 'unknown'}, not mV"


def measure_table(sets: Sets, measured: Measured) -> None:
    """Each column, and columns two by two; of all rows, not of those drawn."""
    table, conditional = TableForm.from_state(sets.codec.form["table"]), sets.recipe.conditional
    parts = (sets.synthetic, sets.control, sets.training)
    patients = (part.frame["patient"].to_numpy() for part in parts[1:])
    rows = Comparison(*(part.values[:, :, 0] for part in parts), *patients, seed=sets.recipe.seed)
    measured.scores |= tables.score_ranges(rows)
    names, kinds = [*table.features], [*table.kinds]
    if conditional:  # the classes are columns of the table as well
        each = np.arange(len(table.classes))
        labels = [part.frame["label"].to_numpy()[:, None] == each for part in parts]
        rows = rows.with_values(*(np.hstack(both) for both in zip(rows.values, labels, strict=True)))
        names += [f"{table.label} = {name}" for name in table.classes]
        kinds += ["binary"] * len(each)
    columns = tables.variables(table, conditional)
    measured.scores |= (
        tables.score_columns(rows, names, kinds)
        | tables.score_variation(rows, columns)
        | tables.score_pairs(rows, columns)
    )


def _utility(sets: Sets, measured: Measured, lesson: Lesson) -> None:
    """What a classifier that learns from synthetic samples is worth on real ones."""
    if not sets.recipe.conditional:
        measured.lacks(UTILITY, "this run knows no classes; a recipe with a head learns them")
        return
    samples = vars(sets.drawn)
    labels = {part: sets.labels(samples[part]) for part in ("training", "control")}
    labels["synthetic"] = sets.drawn.synthetic.frame["label"].to_numpy()
    scores, reason = utility.score_utility(lesson, samples, labels, sets.classes.names, sets.recipe.seed)
    measured.scores |= scores
    if reason:
        measured.lacks(UTILITY, reason)


def _networks(sets: Sets, measured: Measured) -> None:
    """What the generator itself shows: NULL pixels before decoding; and the classes, to its critic."""
    recipe, codec, classes = sets.recipe, sets.codec, sets.classes
    labels = classes.draw(NULL_IMAGES, "balanced", recipe.seed) if recipe.conditional else None
    generated = sample_images(sets.snapshot.averaged_generator(), NULL_IMAGES, recipe.seed, labels=labels)
    measured.scores |= images.score_null(generated, codec.arrangement.null, recipe.seed)
    if recipe.class_head != "auxiliary":  # a projection judges whether an image fits its class, not which class it is
        return
    critic = sets.snapshot.trained_critic()
    assert labels is not None  # an auxiliary head is of a conditional recipe
    right = classify(critic, generated).argmax(1) == labels
    measured.scores["class_accuracy"] = utility.score_classes(right, labels, np.arange(len(right)), recipe.seed)
    for name, part in (("control", sets.drawn.control), ("training", sets.drawn.training)):
        numbers = sets.labels(part)
        known = numbers >= 0
        right = classify(critic, codec.encode(part.values[known])).argmax(1) == numbers[known]
        given = (right, numbers[known], part.frame["patient"].to_numpy()[known], recipe.seed)
        measured.scores[f"class_accuracy_{name}"] = utility.score_classes(*given)
        if name == "control":
            measured.scores["class_recall_control"] = utility.score_recall(*given, classes=len(classes.names))


def attack(sets: Sets, view: View, extra: Extra | None, matcher: Matcher | str | None, fingerprint: str) -> Audit:
    """Attack what a run generated, seen so, and both controls; `extra` are attacks on its kind of data alone.

    Arguments:
        matcher: a verifier of people, or why there is none; None: the samples are no ECG.
        fingerprint: of the synthetic files.
    """
    runs, real = sets.recipe.evaluate.control_runs, (sets.training, sets.control)
    given = AuditInput(
        sets.synthetic, *real, sets.recipe.seed, view, _realness(sets), matcher or NO_ECG, extra, runs, fingerprint
    )
    with progress("audit", 2 * runs + 1) as advance:
        result = audit(given, advance)
    if matcher is not None:
        return result
    others = {name: reason for name, reason in result.not_measured.items() if name != REIDENTIFICATION}
    return replace(result, not_measured=others, not_applicable={REIDENTIFICATION: NO_ECG})


def _realness(sets: Sets) -> tuple[np.ndarray, np.ndarray]:
    """What the critic says of every real sample, all mixed: one that sees a batch's moments compares them."""
    training, control = sets.training, sets.control
    values = np.concatenate([training.values, control.values])
    labels = np.concatenate([sets.labels(training), sets.labels(control)])
    order = np.random.default_rng(sets.recipe.seed).permutation(len(values))
    encoded = sets.codec.encode(values[order])
    figures = np.empty(len(values), np.float32)
    # a class that training has not is judged as the first one: non-members are not to be recognised by an error
    figures[order] = realness(sets.snapshot.trained_critic(), encoded, np.maximum(labels[order], 0))
    return figures[: len(training)], figures[len(training) :]


def matcher_of(sets: Sets, verifier: Path | None) -> Matcher | str:
    """A verifier of people, of a file or else the recipe, as the battery takes it for an ECG; or why there is none."""
    codec, named = sets.codec, sets.recipe.evaluate.verifier
    path = verifier or (Path(named) if named else None)
    if path is None:
        return NO_VERIFIER
    network, fs = Verifier.load(path), codec.fs
    assert fs is not None
    seconds = codec.arrangement.length / fs
    if not 1 / LONGER <= seconds / network.seconds <= LONGER:
        return (
            f"windows last {seconds:g} s, the verifier was tried on {network.seconds:g} s; train one on {seconds:g} s"
        )

    def embed(values: np.ndarray) -> np.ndarray:
        return network.embed(values, codec.channels, fs)

    embed(sets.drawn.control.values[:1])  # a lead that is missing is known before the long work
    return Matcher(embed, network.threshold, network.error)
