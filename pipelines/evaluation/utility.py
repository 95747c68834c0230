"""Utility: what a classifier that learns from synthetic samples is worth on real ones, and class accuracy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...data.samples import Samples
from ...errors import InputError
from .resampling import ends, interval, rows_of_groups, stratified_multiplicities
from .scores import Score

PRECISION, RECALL = "macro PR-AUC", "balanced accuracy"

Judge = Callable[[np.ndarray], np.ndarray]  # values (N, …) → probability of each class (N, K)
Learner = Callable[[np.ndarray, np.ndarray, int, int], Judge]  # values (N, …), labels (N,), K, seed → judge


@dataclass(frozen=True)
class Study:
    """What a classifier that learns from some sets is worth on another."""

    name: str  # as scores begin
    # sets it learns from; "shuffled" are training samples with their labels exchanged between patients
    train: tuple[str, ...]
    test: str  # set on which it is measured
    baseline: str | None  # the study whose figures stand beside these, measured before; None: there is no lower one
    guess: bool = False  # it learns nothing but how frequent the classes are


# Sources: Esteban, Hyland and Rätsch 2017, section 4.2 (TSTR, TRTS); ME-GAN, Table 2 (augmentation, PR-AUC by class)
STUDIES = (
    Study("majority", ("training",), "control", None, guess=True),
    Study("shuffled", ("shuffled",), "control", "majority"),
    Study("trtr", ("training",), "control", "shuffled"),
    Study("tstr", ("synthetic",), "control", "trtr"),
    Study("trts", ("training",), "synthetic", "trtr"),
    Study("augmented", ("training", "synthetic"), "control", "trtr"),
)
# Both of a pair are measured on the same resamples of patients, so the interval is that of the difference.
DIFFERENCES = (("tstr", "trtr"), ("augmented", "trtr"))


@dataclass(frozen=True)
class Lesson:
    """How the samples of one kind of data are learned."""

    learner: Learner  # makes a judge of what it sees of samples, and their labels
    features: Callable[[np.ndarray], np.ndarray] = lambda values: values  # what it sees of values (N, C, L): (N, …)
    most: int | None = None  # samples of a set that take part, at random; None: all


def score_utility(
    lesson: Lesson, samples: Mapping[str, Samples], labels: Mapping[str, np.ndarray], names: Sequence[str], seed: int
) -> tuple[dict[str, Score], str]:
    """What samples are worth to somebody who trains a classifier on them, and what was not measured and why.

    Arguments:
        lesson: how they are learned; the class must not be among what is learned from.
        samples: by "synthetic", "training" and "control"; the real ones with patients.
        labels: by the same names, (N,) numbers into the names of classes; −1: unknown, left out.

    Returns:
        Scores by STUDIES and DIFFERENCES, with intervals over the patients of the test set, where a synthetic sample is
        its own; and the reasons, "" if all was measured.

    Raises:
        InputError: labels that do not fit samples or names.
    """
    rows = {}
    for name, part in samples.items():
        known = _known(name, labels[name], len(part), names)
        rows[name] = np.sort(np.random.default_rng(seed).permutation(known)[: lesson.most])
    truths = {name: np.asarray(labels[name], np.int64)[at] for name, at in rows.items()}
    for name in ("training", "control", "synthetic"):
        if reason := _unusable(name, truths[name], names):
            return {}, reason
    sets = {name: _Set.of(samples[name].select(at), name, truths[name], lesson) for name, at in rows.items()}
    sets["shuffled"] = sets["training"].shuffled(seed)

    counts = np.bincount(truths["control"], minlength=len(names))
    lacking = [
        f"class '{name}', of which control has no sample" for name, n in zip(names, counts, strict=True) if not n
    ]
    judges: dict[tuple[tuple[str, ...], bool], Judge] = {}  # one for several studies
    estimates: dict[str, dict[str, np.ndarray]] = {}
    for each in STUDIES:
        learnt, test = (each.train, each.guess), sets[each.test]
        if np.count_nonzero(counts[np.unique(test.labels)]) < 2:
            lacking.append(f"{each.name}, as {each.test} and control samples share fewer than two classes")
            continue
        if learnt not in judges:
            values = np.concatenate([sets[name].values for name in each.train])
            truth = np.concatenate([sets[name].labels for name in each.train])
            learns = frequencies if each.guess or len(np.unique(truth)) < 2 else lesson.learner
            judges[learnt] = learns(values, truth, len(names), seed)
        estimates[each.name] = measures(judges[learnt](test.values), test.labels, test.people, counts, names, seed)
    sizes = {each.name: len(sets[each.test].labels) for each in STUDIES}
    return _scores(estimates, sizes), "; ".join(lacking)


def measures(
    probabilities: np.ndarray,
    labels: np.ndarray,
    people: np.ndarray,
    frequencies: np.ndarray,
    names: Sequence[str],
    seed: int,
) -> dict[str, np.ndarray]:
    """Every measure of one classifier, by name (1 + R,): the estimate, then its resamples.

    Arguments:
        probabilities: (N, K) of each class.
        labels: (N,) true classes.
        people: (N,) whose each sample is.
        frequencies: (K,) as how frequent the classes count: precision depends on it, so that sets can only be compared
            at the same ones; a class of frequency 0, or without samples, is not measured.
    """
    counts = np.bincount(labels, minlength=len(names))
    present = [k for k in range(len(names)) if counts[k] and frequencies[k]]
    importance = (frequencies / np.maximum(counts, 1))[labels][:, None]  # (N, 1); 1 at the samples' own frequencies
    right = probabilities.argmax(1) == labels
    areas, recalls = [], []  # (classes present, R) each
    for times in stratified_multiplicities(people, labels, seed):
        weights = times * importance  # (N, R)
        areas.append([average_precision(probabilities[:, k], labels == k, weights) for k in present])
        recalls.append([recall(right, labels == k, weights) for k in present])
    area = np.concatenate(areas, axis=1)
    each = {f"{names[k]} PR-AUC": area[row] for row, k in enumerate(present)}
    return each | {PRECISION: area.mean(axis=0), RECALL: np.concatenate(recalls, axis=1).mean(axis=0)}


def average_precision(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the precision-recall curve for many weightings (N, R) at once, (R,); NaN without a positive.

    scikit-learn's `average_precision_score` takes one weighting and sorts anew for each, minutes for a bootstrap.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # samples of one score are called together
    ordered = weights[order]
    called = np.cumsum(ordered, axis=0)[last]
    hits = np.cumsum(ordered * positive[order, None], axis=0)[last]
    gained = np.diff(hits, axis=0, prepend=0)
    precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
    with np.errstate(invalid="ignore"):
        return np.minimum((gained * precision).sum(axis=0) / hits[-1], 1.0)  # as rounding may go beyond


def recall(right: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of a class that is recognised (R,), for weights (N, R) of samples; NaN without one of the class."""
    with np.errstate(invalid="ignore"):
        return weights[right & positive].sum(axis=0) / weights[positive].sum(axis=0)


def score_recall(right: np.ndarray, labels: np.ndarray, groups: np.ndarray, seed: int, classes: int) -> Score:
    """Mean over the classes of the share that was recognised; baseline: guessing among so many (section 4.6)."""
    present = np.unique(labels)
    blocks = stratified_multiplicities(groups, labels, seed)  # the samples themselves, then resamples
    draws = np.concatenate([np.mean([recall(right, labels == k, each) for k in present], axis=0) for each in blocks])
    return Score(float(draws[0]), *ends(draws[1:]), 1 / classes, len(right))


def score_classes(right: np.ndarray, labels: np.ndarray, groups: np.ndarray, seed: int) -> Score:
    """Share of images that are right (N,), of classes (N,) and patients (N,); baseline: the majority class."""
    if not len(right):
        raise InputError("no image has a class that training knows; give control patients of the classes of training")
    majority = float(np.bincount(labels).max() / len(labels))
    return Score(float(right.mean()), *interval(right.astype(float), groups, seed=seed), majority, len(right))


def frequencies(values: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Judge:
    """A learner that looks at no sample: it finds every class as likely as it is frequent."""
    shares = np.bincount(labels, minlength=classes) / len(labels)
    return lambda values: np.tile(shares, (len(values), 1))


@dataclass(frozen=True)
class _Set:
    values: np.ndarray  # (N, …)
    labels: np.ndarray  # (N,)
    people: np.ndarray  # (N,)

    @staticmethod
    def of(samples: Samples, name: str, labels: np.ndarray, lesson: Lesson) -> "_Set":
        """What a learner sees of samples, all of a known class."""
        people = np.arange(len(samples)) if name == "synthetic" else samples.frame["patient"].astype(str).to_numpy()
        return _Set(lesson.features(samples.values), labels, people)

    def shuffled(self, seed: int) -> "_Set":
        """The same samples, but each patient with the labels of another, as often as there are samples to label."""
        rows = rows_of_groups(self.people)
        labels = np.empty_like(self.labels)
        for own, donor in zip(rows, np.random.default_rng(seed).permutation(len(rows)), strict=True):
            labels[own] = np.resize(self.labels[rows[donor]], len(own))
        return _Set(self.values, labels, self.people)


def _known(name: str, labels: np.ndarray, n: int, names: Sequence[str]) -> np.ndarray:
    """Rows of the samples whose class is known."""
    if len(labels) != n:
        raise InputError(f"{name} samples: {len(labels)} labels for {n} samples; give one each")
    if n and (min(labels) < -1 or max(labels) >= len(names)):
        raise InputError(
            f"{name} samples: labels {min(labels)}…{max(labels)} for {len(names)} classes; give 0…{len(names) - 1}, "
            "or −1 where the class is unknown"
        )
    return np.flatnonzero(np.asarray(labels) >= 0)


def _unusable(name: str, labels: np.ndarray, names: Sequence[str]) -> str:
    """Why nothing can be learned from, or measured on, a set; "" if it can."""
    present = np.unique(labels)
    if not len(present):
        remedy = "train by class (--set head=auto)" if name == "synthetic" else "name them with --label"
        return f"the {name} samples have no classes; {remedy}"
    if len(present) < 2:
        return f"the {name} samples are all of class '{names[int(present[0])]}'; a classifier needs two"
    return ""


def _scores(estimates: Mapping[str, Mapping[str, np.ndarray]], sizes: Mapping[str, int]) -> dict[str, Score]:
    """Scores of estimates by study and measure, of which the first is the value and the others give its interval."""

    def score(draws: np.ndarray, baseline: float | None, n: int) -> Score:
        return Score(float(draws[0]), *ends(draws[1:]), baseline, n)

    scores = {}
    for each in STUDIES:
        beside = estimates.get(each.baseline or "", {})
        for measure, draws in estimates.get(each.name, {}).items():
            baseline = float(beside[measure][0]) if measure in beside else None
            scores[f"{each.name}: {measure}"] = score(draws, baseline, sizes[each.name])
    for first, second in DIFFERENCES:
        for measure in (PRECISION, RECALL):
            draws = estimates[first][measure] - estimates[second][measure]
            scores[f"{first} − {second}: {measure}"] = score(draws, 0.0, sizes[first])
    return scores
