"""Section 4.6: how well the discriminator tells the classes of real and of generated images."""

import numpy as np

from ....errors import InputError
from ..score import Score, interval


def score_recall(right: np.ndarray, labels: np.ndarray, groups: np.ndarray, seed: int) -> Score:
    """Mean over the classes of the share that was told right, with guessing as baseline.

    Arguments:
        right: (N,) True where the class was told.
        labels: (N,) the true classes.
        groups: (N,) the patient of each image.
        seed: of the bootstrap.
    """

    def mean_recall(rows: np.ndarray) -> float:
        return float(np.mean([right[rows][labels[rows] == label].mean() for label in np.unique(labels[rows])]))

    rows = np.arange(len(right))
    ends = interval(rows, groups, mean_recall, seed)
    return Score(mean_recall(rows), *ends, 1 / len(np.unique(labels)), len(right))


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
