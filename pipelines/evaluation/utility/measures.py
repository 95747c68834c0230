"""How well a classifier does, on the samples as they are and on many resamples of their patients at once."""

from collections.abc import Iterator, Sequence

import numpy as np

from ..score import RESAMPLES

PRECISION, RECALL = "macro PR-AUC", "balanced accuracy"
MANY, FEWER = 5000, 200  # samples of a test set from which on so many resamples do: they vary little, and take minutes
_BLOCK = 2_000_000  # weights that are looked at together, so that memory does not grow with the number of resamples


def measures(
    probabilities: np.ndarray,
    labels: np.ndarray,
    people: np.ndarray,
    frequencies: np.ndarray,
    names: Sequence[str],
    seed: int,
) -> dict[str, np.ndarray]:
    """Every measure of one classifier.

    Arguments:
        probabilities: (N, K) of each class.
        labels: (N,) true classes.
        people: (N,) whose each sample is.
        frequencies: (K,) as how frequent the classes count: precision depends on it, so that sets can only be compared
            at the same ones; a class of frequency 0, or without samples, is not measured.
        names: K.
        seed: of the bootstrap, which `resampled` does.

    Returns:
        "CLASS PR-AUC", one class against the others; "macro PR-AUC", their mean; "balanced accuracy", mean share of a
        class that is told. Each (1 + R,): the estimate, then its resamples; NaN where one lacks a class that is needed.
    """
    counts = np.bincount(labels, minlength=len(names))
    present = [k for k in range(len(names)) if counts[k] and frequencies[k]]
    importance = (frequencies / np.maximum(counts, 1))[labels][:, None]  # (N, 1); 1 at the samples' own frequencies
    right = probabilities.argmax(1) == labels
    areas, recalls = [], []  # (classes present, R) each
    for times in resampled(people, labels, seed):
        weights = times * importance  # (N, R)
        areas.append([average_precision(probabilities[:, k], labels == k, weights) for k in present])
        recalls.append([recall(right, labels == k, weights) for k in present])
    area = np.concatenate(areas, axis=1)
    each = {f"{names[k]} PR-AUC": area[place] for place, k in enumerate(present)}
    return each | {PRECISION: area.mean(axis=0), RECALL: np.concatenate(recalls, axis=1).mean(axis=0)}


def average_precision(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the precision-recall curve for many weightings at once.

    scikit-learn's `average_precision_score` takes one weighting and sorts anew for each, minutes for a bootstrap.

    Arguments:
        scores: (N,) the higher, the likelier.
        positive: (N,) bool.
        weights: (N, R) of the samples.

    Returns:
        (R,) means of the precision at each threshold, weighted by what recall gains there; NaN without a positive.
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
    """Share of a class that is told (R,), for weights (N, R) of samples; NaN without one of the class."""
    with np.errstate(invalid="ignore"):
        return weights[right & positive].sum(axis=0) / weights[positive].sum(axis=0)


def resampled(people: np.ndarray, labels: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """How often each sample is in a set: once in the first, then as people are drawn with replacement.

    They are drawn among those of their class, so that no resample lacks one: a mean over fewer classes is another
    figure, and with a single class left any classifier is perfect. Only a class that is nobody's most frequent one can
    be missing. A class of one person is the same in all resamples: how much people of it differ, nobody can tell.

    Arguments:
        people: (N,) whose each sample is.
        labels: (N,) true classes; a person is of the most frequent one of theirs, of several the first.
        seed: of the draws.

    Returns:
        Blocks (N, R), of which the first has R = 1.
    """
    yield np.ones((len(people), 1))
    rng = np.random.default_rng(seed)
    names, codes = np.unique(people, return_inverse=True)
    counts = np.zeros((len(names), labels.max(initial=0) + 1), int)
    np.add.at(counts, (codes, labels), 1)
    of = counts.argmax(axis=1)
    strata = [np.flatnonzero(of == k) for k in np.unique(of)]
    resamples = RESAMPLES if len(people) <= MANY else FEWER
    at_once = max(1, _BLOCK // len(people))
    for first in range(0, resamples, at_once):
        times = np.zeros((len(names), min(at_once, resamples - first)))
        for rows in strata:
            times[rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=times.shape[1]).T
        yield times[codes]
