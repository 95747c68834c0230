"""The files below a folder, whose each is, and which patients are set aside as control: nobody is in both sets."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from ..errors import InputError, one_line

TRAIN, CONTROL = "train", "control"
_PERSON = re.compile(r"(?:patient|person|participant|subject|subj|sub|case|pat|p)[-_ ]?\d+", re.IGNORECASE)
# Most records of one person: ECG-ID has 22 sessions of one. Databases that lie side by side hold more.
_FEW = 25

_Parts = tuple[str, ...]


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in no order.

    Links to folders are followed, which `Path.rglob` does not do: a folder of links is how databases are put together.
    A folder that can be reached in several ways counts once, under its own name rather than a link's: the same record
    under two names could land among the training and the control records.
    """
    visited: set[Path] = set()
    folders, links = deque([folder]), deque[Path]()
    while folders or links:
        here = folders.popleft() if folders else links.popleft()
        real = here.resolve()
        if real in visited:
            continue
        visited.add(real)
        for entry in sorted(here.iterdir()):
            if entry.is_dir():
                (links if entry.is_symlink() else folders).append(entry)
            else:
                yield entry


def patients_of(names: list[str], patient: str, above: int = 0) -> list[str]:
    """Whose each record is.

    Arguments:
        names: of the records: paths below the source, with slashes.
        patient: how to tell:
            "record": each its own.
            "folder": the folder it lies in.
            "auto": the deepest folder called like a person (`patient001`, `Person_01`, `p100`). Failing that, the
            uppermost folder that has others beside it, if no more than 25 records lie in any of them and none holds
            folders called like persons, for then they are databases (`ptbdb/patient001`, `ludb/1` … `ludb/100`).
            Otherwise each record its own.
            A path that ends in .csv: a file with the columns record and patient.
            Anything else: a regular expression over the name, with one group.
        above: for "auto", how many of the uppermost folders are none of a person's unless they are called so: 1 where
            they stand for classes.

    Returns:
        One patient a name.

    Raises:
        InputError: a `patient` that does not fit.
    """
    folders = [PurePosixPath(name).parent.parts for name in names]
    if patient == "record":
        return names
    if patient == "folder":
        return ["/".join(parts) or name for parts, name in zip(folders, names, strict=True)]
    if patient == "auto":
        people = _people(folders, above)
        return ["/".join(_person(parts, people)) or name for parts, name in zip(folders, names, strict=True)]
    if patient.endswith(".csv"):
        return column_of(names, Path(patient), "patient")
    return _by_pattern(names, patient)


def column_of(names: list[str], table: Path, column: str) -> list[str]:
    """What a CSV file with the columns record and `column` says about each of these records."""
    try:
        rows = pd.read_csv(table, dtype=str)
    except (FileNotFoundError, IsADirectoryError) as fault:
        raise InputError(f"{table}: no such file; give a CSV file with the columns record and {column}") from fault
    except ValueError as fault:  # pandas' parser errors are among these
        raise InputError(f"{table}: not a CSV file ({one_line(fault)}); give columns record,{column}") from fault
    if missing := {"record", column} - set(rows.columns):
        raise InputError(f"{table}: no column '{min(missing)}'; it needs record and {column}")
    values: dict[str, str] = {}
    for name, value in zip(rows["record"], rows[column], strict=True):
        if isinstance(value, str) and values.setdefault(name, value) != value:
            raise InputError(
                f"{table}: {column} of record {name} is '{values[name]}' and '{value}'; keep one of the rows"
            )
    for name in names:
        if name not in values:
            raise InputError(f"{table}: says no {column} for record {name}; add a row for it")
    return [values[name] for name in names]


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


def undersample(labels: np.ndarray, seed: int) -> np.ndarray:
    """Draw from every class as many samples as the smallest class has.

    Arguments:
        labels: (N,) int class of each sample; classes without a sample do not count.
        seed: the same seed and labels give the same positions.

    Returns:
        Sorted positions of the samples kept (k · classes,) int64; of the smallest class, all.

    Source: Piacentino, Guarner and Angulo, section 4.6.
    """
    labels = np.asarray(labels)
    if not len(labels):
        raise InputError("no samples to balance: there are none of any class; see what was dropped")
    classes, sizes = np.unique(labels, return_counts=True)
    rng = np.random.default_rng(seed)
    members = (np.flatnonzero(labels == name) for name in classes)
    return np.sort(np.concatenate([rng.choice(rows, sizes.min(), replace=False) for rows in members]))


def _people(folders: list[_Parts], above: int) -> set[_Parts]:
    """Folders that are persons although they are not called so; see `patients_of`."""
    counts = Counter(parts[:depth] for parts in folders for depth in range(1, len(parts) + 1))
    siblings: dict[_Parts, list[_Parts]] = {}
    for folder in counts:
        siblings.setdefault(folder[:-1], []).append(folder)
    databases = {parts[:depth] for parts in folders for depth in range(_named(parts))}
    return {
        folder
        for group in siblings.values()
        if len(group) > 1 and max(counts[folder] for folder in group) <= _FEW and databases.isdisjoint(group)
        for folder in group
        if len(folder) > above
    }


def _person(folders: _Parts, people: set[_Parts]) -> _Parts:
    """The path down to the folder that is a person; () if none is."""
    if depth := _named(folders):
        return folders[:depth]
    return next((folders[:depth] for depth in range(1, len(folders) + 1) if folders[:depth] in people), ())


def _named(folders: _Parts) -> int:
    """How deep the deepest folder called like a person lies, from 1; 0 if there is none."""
    return max((depth for depth, name in enumerate(folders, start=1) if _PERSON.fullmatch(name)), default=0)


def _by_pattern(names: list[str], patient: str) -> list[str]:
    try:
        pattern = re.compile(patient)
    except re.error as fault:
        raise InputError(
            f"patient '{patient}' is not a regular expression ({fault}); or give auto, folder, record, a .csv file"
        ) from fault
    if pattern.groups != 1:
        raise InputError(f"patient '{patient}' has {pattern.groups} groups; put the patient's part in one (…)")
    matches = [pattern.search(name) for name in names]
    for name, match in zip(names, matches, strict=True):
        if match is None or not match[1]:
            raise InputError(f"{name}: patient '{patient}' finds nobody in this name; widen the expression")
    return [match[1] for match in matches if match]


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
