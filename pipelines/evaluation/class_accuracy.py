"""Section 4.6: how well the discriminator tells the classes of real and of generated images."""

import numpy as np

from ...errors import InputError
from .score import Score, interval


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
