"""Samples from a text file with one line a sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError
from ..patients import patients_of
from ..samples import Samples
from ..wfdb.labels import UNKNOWN, classes_of
from .columns import BLOCKS
from .text import NO_LABEL, Sheet, label_position, read_sheet, settled_fs

_MOST_CLASSES = 20  # so few different whole numbers at the ends of the lines look like classes


def read_rows(
    file: Path, fs: float | None, label: str | None, patient: str, known: Sequence[str] = ()
) -> tuple[Samples, dict[str, Any], tuple[str, ...]]:
    """The samples of a file, one a line, its form, and the classes; see `read_series`.

    Raises:
        InputError: the first thing that cannot be used, by file and line.
    """
    sheet = read_sheet(file)
    place = label_position(sheet, label)
    table = sheet.cells([] if place is None else [place])
    if label is None:
        _refuse_hidden_label(sheet, table)
    chosen = [k for k in range(sheet.width) if k != place]
    if len(chosen) < 2:
        raise InputError(f"{file}: a line holds {len(chosen)} values; a sample needs two; say --set layout=columns")
    numbers = table[chosen].to_numpy()  # N, L
    names: list[str] | None = None
    if place is not None:
        names = [name if isinstance(name, str) else "" for name in table[place]]
        if "" in names:
            line = sheet.first_line + names.index("")
            raise InputError(f"{file}: line {line}: no label in '{sheet.names[place]}'; add it or delete the line")
        if len({*names, *known}) < 2:
            raise InputError(
                f"{file}: every label in '{sheet.names[place]}' is '{names[0]}'; one class is none: leave out --label"
            )
    frame, classes = sample_frame(len(numbers), names, patient, known=known)
    form = {
        "kind": "series",
        "layout": "rows",
        "file": file.name,
        "delimiter": sheet.delimiter,
        "decimal": sheet.decimal,
        "header": list(sheet.header) if sheet.header else None,
        "label": place,
        "decimals": _decimals(sheet, chosen, numbers),
        "classes": list(classes),
    }
    values = numbers[:, np.newaxis].astype(np.float32)  # N, 1, L
    return Samples(values, frame, ("signal",), ("",), settled_fs(file, None, fs)), form, classes


def sample_frame(
    n: int,
    labels: Sequence[str] | None,
    patient: str,
    records: Sequence[str] | None = None,
    people: Sequence[str] | None = None,
    known: Sequence[str] = (),
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table of samples that stand one by one: patient, record, start, label, diagnosis; and the classes.

    Arguments:
        n: samples.
        labels: the class's name of each; None without classes.
        patient: see `read_series`.
        records: their names; None counts them: row000001, ….
        people: whose each is, if the source says it and `patient` is "auto".
        known: see `classes_of`.
    """
    records = list(records) if records is not None else [f"row{k:06d}" for k in range(1, n + 1)]
    classes, numbers = classes_of(labels, known) if labels is not None else ((), [0] * n)
    if patient == "time":
        patients = [f"{BLOCKS * k // n + 1:02d}" for k in range(n)]
    else:
        patients = list(people) if people is not None and patient == "auto" else patients_of(records, patient)
    frame = pd.DataFrame({"patient": patients, "record": records, "start": 0, "label": numbers})
    frame["diagnosis"] = list(labels) if labels is not None else UNKNOWN
    return frame, classes


def _refuse_hidden_label(sheet: Sheet, table: pd.DataFrame) -> None:
    """A class that is taken for the first value of a sample would go unnoticed, so it must be denied in words."""
    for place in (0, sheet.width - 1):
        column, others = table[place], table.drop(columns=place).to_numpy()
        whole = column.notna().all() and (column % 1 == 0).all()
        if whole and 1 < column.nunique() <= min(_MOST_CLASSES, len(column) // 2) and (others % 1 > 0).any():
            name = sheet.names[place]
            raise InputError(
                f"{sheet.file}: '{name}' holds {column.nunique()} different whole numbers, as a class does; "
                f"give --label {name}, or --label {NO_LABEL} if it is a value"
            )


def _decimals(sheet: Sheet, chosen: list[int], numbers: np.ndarray) -> int | None:
    """Digits after the point, the same for all values of all samples."""
    each = sheet.decimals(chosen, numbers.T)
    known = [digits for digits in each if digits is not None]
    return max(known) if len(known) == len(each) else None
