"""Section 4.6: how well the discriminator tells the classes of real and of generated images."""

import numpy as np

from ....errors import InputError
from ..score import INTERVAL, Score, interval
from .measures import recall, resampled


def score_recall(
    right: np.ndarray, labels: np.ndarray, groups: np.ndarray, seed: int, classes: int | None = None
) -> Score:
    """Mean over the classes of the share that was told right, with guessing as baseline.

    Arguments:
        right: (N,) True where the class was told.
        labels: (N,) the true classes.
        groups: (N,) the patient of each image.
        seed: of the bootstrap, over the patients of each class.
        classes: among which was guessed: all that training knows; None: those among labels.
    """
    present = np.unique(labels)
    draws = np.concatenate(
        [
            np.mean([recall(right, labels == k, times) for k in present], axis=0)
            for times in resampled(groups, labels, seed)
        ]
    )  # the estimate, then its resamples
    low, high = np.nanpercentile(draws[1:], INTERVAL)
    return Score(float(draws[0]), float(low), float(high), 1 / (classes or len(present)), len(right))


def score_classes(right: np.ndarray, labels: np.ndarray, groups: np.ndarray, seed: int) -> Score:
    """Accuracy with the majority class as baseline.

    Arguments:
        right: (N,) True where the class was told.
        labels: (N,) the true classes, or those that were asked of the generator.
        groups: (N,) the patient of each real image; a generated one is its own.
        seed: of the bootstrap.
    """
    if not len(right):
        raise InputError("no image has a class that training knows; give control patients of the classes of training")
    majority = float(np.bincount(labels).max() / len(labels))
    return Score(float(right.mean()), *interval(right.astype(float), groups, seed=seed), majority, len(right))
