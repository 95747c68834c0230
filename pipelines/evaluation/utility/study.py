"""Which set trains and which set tests: a table of studies, and the one function that carries them out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ....data.samples import Samples
from ....errors import InputError
from ..score import INTERVAL, Score
from .measures import PRECISION, RECALL, measures

Judge = Callable[[np.ndarray], np.ndarray]  # values (N, …) → probability of each class (N, K)
Learner = Callable[[np.ndarray, np.ndarray, int, int], Judge]  # values (N, …), labels (N,), K, seed → judge
Features = Callable[[np.ndarray], np.ndarray]  # values of samples (N, C, L) → what a learner sees (N, …)
Progress = Callable[[int, str], object]


@dataclass(frozen=True)
class Study:
    """What a classifier that learns from some sets is worth on another.

    Arguments:
        name: as scores begin.
        train: sets it learns from; "shuffled" are training samples with their labels exchanged between patients.
        test: set on which it is measured.
        baseline: the study whose figures stand beside these, told before; None: there is no lower one.
        guess: it learns nothing but how frequent the classes are.
    """

    name: str
    train: tuple[str, ...]
    test: str
    baseline: str | None
    guess: bool = False


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
_NONE = np.empty(0, np.int64)


def study(
    samples: Mapping[str, Samples],
    labels: Mapping[str, np.ndarray],
    names: Sequence[str],
    learner: Learner,
    features: Features,
    seed: int,
    most: int | None = None,
    progress: Progress | None = None,
) -> tuple[dict[str, Score], str]:
    """Every study with one learner.

    Arguments:
        samples, labels, names, seed, progress: as in `score_utility`.
        learner: makes a judge of what it sees, and labels.
        features: what of values (N, C, L) it sees, (N, …).
        most: samples of a set that take part, at random; None: all.

    Returns:
        As `score_utility`.
    """
    rows = {name: _known(name, labels.get(name), len(part), names, seed, most) for name, part in samples.items()}
    truths = {name: np.asarray(labels[name], np.int64)[at] for name, at in rows.items() if len(at)}
    for name in ("training", "control", "synthetic"):
        if reason := _unusable(name, truths.get(name, _NONE), names):
            return {}, f"not measured: {reason}"
    sets = {name: _Set.of(samples[name].select(at), name, truths[name], features) for name, at in rows.items()}
    sets["shuffled"] = sets["training"].shuffled(seed)

    counts = np.bincount(truths["control"], minlength=len(names))
    lacking = [
        f"class '{name}', of which control has no sample" for name, n in zip(names, counts, strict=True) if not n
    ]
    judges: dict[tuple[tuple[str, ...], bool], Judge] = {}  # one for several studies
    estimates: dict[str, dict[str, np.ndarray]] = {}
    for done, each in enumerate(STUDIES, start=1):
        learnt, test = (each.train, each.guess), sets[each.test]
        if np.count_nonzero(counts[np.unique(test.labels)]) < 2:
            lacking.append(f"{each.name}, as {each.test} and control samples share fewer than two classes")
            continue
        if learnt not in judges:
            values = np.concatenate([sets[name].values for name in each.train])
            truth = np.concatenate([sets[name].labels for name in each.train])
            learns = frequencies if each.guess or len(np.unique(truth)) < 2 else learner
            judges[learnt] = learns(values, truth, len(names), seed)
        told = judges[learnt](test.values)
        estimates[each.name] = measures(told, test.labels, test.people, counts, names, seed)
        if progress is not None:
            progress(done, each.name)
    sizes = {each.name: len(sets[each.test].labels) for each in STUDIES}
    return _scores(estimates, sizes), f"not measured: {'; '.join(lacking)}" if lacking else ""


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
    def of(samples: Samples, name: str, labels: np.ndarray, features: Features) -> "_Set":
        """What a learner sees of samples, all of a known class."""
        people = np.arange(len(samples)) if name == "synthetic" else samples.frame["patient"].astype(str).to_numpy()
        return _Set(features(samples.values), labels, people)

    def shuffled(self, seed: int) -> "_Set":
        """The same samples, but each patient with the labels of another, as often as there are samples to label."""
        people, codes = np.unique(self.people, return_inverse=True)
        rows = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
        labels = np.empty_like(self.labels)
        for mine, donor in zip(rows, np.random.default_rng(seed).permutation(len(people)), strict=True):
            labels[mine] = np.resize(self.labels[rows[donor]], len(mine))
        return _Set(self.values, labels, self.people)


def _known(
    name: str, labels: np.ndarray | None, n: int, names: Sequence[str], seed: int, most: int | None
) -> np.ndarray:
    """Rows of the samples that take part: of those whose class is known, as many as may."""
    if labels is None:
        return _NONE
    if len(labels) != n:
        raise InputError(f"{name} samples: {len(labels)} labels for {n} samples; give one each")
    if n and (min(labels) < -1 or max(labels) >= len(names)):
        raise InputError(
            f"{name} samples: labels {min(labels)}…{max(labels)} for {len(names)} classes; give 0…{len(names) - 1}, "
            "or −1 where the class is unknown"
        )
    return np.sort(np.random.default_rng(seed).permutation(np.flatnonzero(np.asarray(labels) >= 0))[:most])


def _unusable(name: str, labels: np.ndarray, names: Sequence[str]) -> str:
    """Why nothing can be learned from, or measured on, a set; "" if it can."""
    found = np.unique(labels)
    if not len(found):
        remedy = "train by class (--set head=auto)" if name == "synthetic" else "name them with --label"
        return f"the {name} samples have no classes; {remedy}"
    if len(found) < 2:
        return f"the {name} samples are all of class '{names[int(found[0])]}'; a classifier needs two"
    return ""


def _scores(estimates: Mapping[str, Mapping[str, np.ndarray]], sizes: Mapping[str, int]) -> dict[str, Score]:
    """Scores of estimates by study and measure, of which the first is the value and the others give its interval."""

    def score(draws: np.ndarray, baseline: float | None, n: int) -> Score:
        low, high = np.nanpercentile(draws[1:], INTERVAL)
        return Score(float(draws[0]), float(low), float(high), baseline, n)

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
