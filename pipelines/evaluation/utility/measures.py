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
        seed: of the bootstrap, which draws as `interval` does.

    Returns:
        "CLASS PR-AUC", one class against the others; "macro PR-AUC", their mean; "balanced accuracy", mean share of a
        class that is told. Each (1 + R,): the estimate, then its resamples; NaN where one has nobody of the class.
    """
    counts = np.bincount(labels, minlength=len(names))
    present = [k for k in range(len(names)) if counts[k] and frequencies[k]]
    importance = (frequencies / np.maximum(counts, 1))[labels][:, None]  # (N, 1); 1 at the samples' own frequencies
    right = probabilities.argmax(1) == labels
    areas, recalls = [], []  # (classes present, R) each
    for times in _resampled(people, seed):
        weights = times * importance  # (N, R)
        areas.append([average_precision(probabilities[:, k], labels == k, weights) for k in present])
        with np.errstate(invalid="ignore"):
            recalls.append([weights[right & (labels == k)].sum(0) / weights[labels == k].sum(0) for k in present])
    area, recall = np.concatenate(areas, axis=1), np.concatenate(recalls, axis=1)
    each = {f"{names[k]} PR-AUC": area[place] for place, k in enumerate(present)}
    return each | {PRECISION: _mean(area), RECALL: _mean(recall)}


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


def _mean(figures: np.ndarray) -> np.ndarray:
    """Mean over the classes that a resample has (R,), of (classes, R)."""
    there = ~np.isnan(figures)
    with np.errstate(invalid="ignore"):
        return np.where(there, figures, 0).sum(axis=0) / there.sum(axis=0)


def _resampled(people: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """How often each sample is in a set (N, R): once in the first, then as patients are drawn with replacement."""
    yield np.ones((len(people), 1))
    rng = np.random.default_rng(seed)
    names, codes = np.unique(people, return_inverse=True)
    resamples = RESAMPLES if len(people) <= MANY else FEWER
    at_once = max(1, _BLOCK // len(people))
    for first in range(0, resamples, at_once):
        draws = rng.integers(len(names), size=(min(at_once, resamples - first), len(names)))
        times = np.stack([np.bincount(draw, minlength=len(names)) for draw in draws], axis=1, dtype=np.float64)
        yield times[codes]
