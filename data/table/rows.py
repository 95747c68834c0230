"""Whose rows of a table they are, and whether the columns that options name are there."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from ...errors import InputError, nearest
from .cells import positions_in, row_of, text_of
from .kinds import category_of


def rows_of(frame: pd.DataFrame, name: str, *, label: str | None = None, patient: str | None = None) -> pd.DataFrame:
    """Whose rows they are, to split them before anything is learnt: the samples' frame.

    Arguments:
        frame: rows of a table.
        name: of the table, for errors.
        label: column with classes; None: all rows are of one class.
        patient: column that tells whose row it is; None: each row is somebody else's.

    Returns:
        record, patient, start, label (classes of these rows, in order) and diagnosis.

    Raises:
        InputError: an unknown column, or rows that are nobody's.
    """
    check_options(frame, name, {"--label": [label] if label else [], "--patient": [patient] if patient else []})
    record = [f"row{index + 1}" if isinstance(index, int) else str(index) for index in frame.index.tolist()]
    whose = pd.Series(record) if patient is None else frame[patient].reset_index(drop=True)
    if whose.isna().any():
        raise InputError(f"{name}: column '{patient}' is missing in {row_of(frame[patient], whose.isna().to_numpy())}")
    column = None if label is None else category_of(frame[label], name)
    position = np.zeros(len(frame), np.int64) if column is None else positions_in(frame[column.name], column.values)
    diagnosis = "" if column is None else [text_of(column.values[k]) for k in position]
    columns = {"record": record, "patient": whose.astype(str), "start": 0, "label": position, "diagnosis": diagnosis}
    return pd.DataFrame(columns)


def check_options(frame: pd.DataFrame, name: str, options: Mapping[str, Collection[str]]) -> None:
    """Every named column is there, and no column is named in two options."""
    named: dict[str, str] = {}
    for option, columns in options.items():
        for column in columns:
            if column not in frame.columns:
                raise InputError(f"{name}: {option} {column}: no such column{nearest(column, map(str, frame.columns))}")
            if named.setdefault(column, option) != option:
                raise InputError(f"{name}: column '{column}' is named by {named[column]} and {option}; choose one")


def refuse_repeats(frame: pd.DataFrame, name: str) -> None:
    """Refuse columns of the same name."""
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise InputError(f"{name}: two columns are called '{repeated[0]}'; give each its own name")
