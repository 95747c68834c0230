"""Training and control patients: nobody is in both."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import InputError

TRAIN, CONTROL = "train", "control"


def split_patients(frame: pd.DataFrame, control_share: float = 0.2, seed: int = 0) -> np.ndarray:
    """Set patients aside whom the network never sees, in the same proportion from every class.

    A patient's class is the commonest label of the patient's windows. The control patients are round(share × patients);
    classes share them by largest remainder, each keeps at least one patient for training.

    Arguments:
        frame: one row a window, with patient and label.
        control_share: part of the patients to set aside, above 0 and below 1.
        seed: the same seed and the same patients give the same split, whatever the order of the rows.

    Returns:
        "train" or "control" per row (N,).

    Raises:
        InputError: no training patient or no control patient is left.
    """
    if not 0 < control_share < 1:
        raise InputError(
            f"control share {control_share} leaves no {'training' if control_share >= 1 else 'control'} patient; "
            "give a share above 0 and below 1"
        )
    patients = frame["patient"].astype(str)
    if not len(patients):
        raise InputError("no training patient is left: there are no windows to split; see what was dropped")
    label = frame.groupby(patients)["label"].agg(lambda labels: labels.mode().iloc[0])  # sorted by patient
    classes = [label.index[label == value].to_numpy() for value in sorted(label.unique())]
    rng = np.random.default_rng(seed)
    control: set[str] = set()
    for members, quota in zip(classes, _quotas([len(c) for c in classes], control_share), strict=True):
        control.update(rng.permutation(members)[:quota])
    if not control:
        raise InputError(
            f"no control patient is left: {len(label)} patient{'s' * (len(label) != 1)} in {len(classes)} "
            f"class{'es' * (len(classes) != 1)}, and each class keeps one for training; "
            "use a source with at least two patients in one class"
        )
    return np.where(patients.isin(control), CONTROL, TRAIN)


def _quotas(sizes: list[int], share: float) -> list[int]:
    """How many of each class to set aside: largest remainder, at most all but one, at least one in total if any can."""
    room = [size - 1 for size in sizes]
    quotas = [min(int(size * share), most) for size, most in zip(sizes, room, strict=True)]
    wanted = min(sum(room), max(1, round(sum(sizes) * share)))
    # Ties go to the larger class, then to the earlier one.
    order = sorted(range(len(sizes)), key=lambda k: (int(sizes[k] * share) - sizes[k] * share, -sizes[k], k))
    while sum(quotas) < wanted:
        for k in order:
            if quotas[k] < room[k] and sum(quotas) < wanted:
                quotas[k] += 1
    return quotas


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
