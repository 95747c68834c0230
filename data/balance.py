"""Classes of equal size: those with more samples are cut down to the smallest one."""

from __future__ import annotations

import numpy as np

from ..errors import InputError


def undersample(labels: np.ndarray, seed: int) -> np.ndarray:
    """Draw from every class as many samples as the smallest class has.

    Arguments:
        labels: (N,) int class of each sample; classes without a sample do not count.
        seed: the same seed and labels give the same positions.

    Returns:
        Sorted positions of the samples kept (k · classes,) int64; of the smallest class, all.

    Raises:
        InputError: there is nothing to draw from.

    Source:
        Piacentino, Guarner and Angulo, section 4.6.
    """
    labels = np.asarray(labels)
    if not len(labels):
        raise InputError("no samples to balance: there are none of any class; see what was dropped")
    classes, sizes = np.unique(labels, return_counts=True)
    rng = np.random.default_rng(seed)
    members = (np.flatnonzero(labels == name) for name in classes)
    return np.sort(np.concatenate([rng.choice(rows, sizes.min(), replace=False) for rows in members]))
