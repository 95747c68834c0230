"""Whose a record is, by its name, its folder, or a table."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path, PurePosixPath

import pandas as pd

from ..errors import InputError, one_line

_PERSON = re.compile(r"(?:patient|person|participant|subject|subj|sub|case|pat|p)[-_ ]?\d+", re.IGNORECASE)
# Most records of one person: ECG-ID has 22 sessions of one. Databases that lie side by side hold more.
_FEW = 25

_Parts = tuple[str, ...]


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
    """What a CSV file with the columns record and `column` says about each of these records.

    Raises:
        InputError: no such file or column, a record without a value, or with two that differ.
    """
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
