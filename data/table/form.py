"""How the rows of a table become samples, and samples rows again: same columns, dtypes, values and missing cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError, nearest
from ...files import StagedFolder
from ..formats import VALUES, stack_values
from ..labels import class_names
from ..samples import Samples
from ..sharded import Format, Plan
from ..text import refuse_repeats
from .columns import (
    AnyColumn,
    Binary,
    Category,
    Constant,
    Number,
    column_from_state,
    numbers_of,
    positions_in,
    row_of,
    text_of,
)
from .file import table_lines, write_parquet
from .kinds import category_of, column_of

KIND = "table"


@dataclass(frozen=True)
class TableForm:
    """What is learnt from the training rows of a table."""

    name: str  # of the table, for errors
    columns: tuple[AnyColumn, ...]  # those that are written, in their order; the label is among them
    label: str | None = None  # name of the label's column; None without
    patient: str | None = None  # name of the column that tells whose row it is; it is no feature and is not written
    dropped: tuple[str, ...] = ()  # names of the columns that are left out

    @staticmethod
    def fit(
        frame: pd.DataFrame,
        name: str,
        *,
        label: str | None = None,
        patient: str | None = None,
        binary: Collection[str] = (),
        category: Collection[str] = (),
        drop: Collection[str] = (),
        keep: Collection[str] = (),
    ) -> TableForm:
        """Find what each column is.

        Arguments:
            frame: rows that have every category and class, the training rows for example.
            name: of the table, for errors.
            label: the column to learn classes from.
            patient: the column that tells whose row it is.
            binary: columns of two values, whatever their type.
            category: columns of which only values that occur may come out.
            drop: columns to leave out.
            keep: columns of one value, to be copied into every row.

        Raises:
            InputError: an unknown column, a column named in two options, or one that nothing can be learnt from.
        """
        options = {"--binary": binary, "--category": category, "--drop": drop, "--keep": keep}
        single = {"--label": label, "--patient": patient}
        check_options(frame, name, {**options, **{key: [one] for key, one in single.items() if one is not None}})
        refuse_repeats(map(str, frame.columns), name)
        if not len(frame):
            raise InputError(f"{name}: no training rows; give a table with rows")
        given = {column: key[2:] for key, some in options.items() for column in some}
        left_out = {*drop, patient}
        columns = [
            category_of(frame[column], name) if column == label else column_of(frame[column], name, given.get(column))
            for column in frame.columns
            if column not in left_out
        ]
        form = TableForm(name, tuple(columns), label, patient, tuple(drop))
        if not form.features:
            raise InputError(f"{name}: no column is left to learn from; drop fewer columns")
        return form

    def refit(self, frame: pd.DataFrame) -> TableForm:
        """The same columns with the ranges and digits of some of their rows, which have every category and class."""
        columns = (
            column_of(frame[column.name], self.name, "number") if isinstance(column, Number) else column
            for column in self.columns
        )
        return replace(self, columns=tuple(columns))

    @property
    def features(self) -> tuple[str, ...]:
        """Name of each feature, in the order of the samples' channels."""
        names: dict[str, None] = {}
        for column in self._inputs:
            for feature, _ in column.features:
                while feature in names:  # as when a column is called like another's value
                    feature += "'"
                names[feature] = None
        return tuple(names)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Whether each feature is "continuous", "integer" or "binary"."""
        return tuple(kind for column in self._inputs for _, kind in column.features)

    @property
    def texts(self) -> tuple[str, ...]:
        """Names of the columns that hold text, however much their cells look like numbers."""
        with_values = (column for column in self.columns if isinstance(column, (Binary, Category)))
        return tuple(column.name for column in with_values if isinstance(column.values[0], str))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels; () without."""
        label = self._label
        return () if label is None else tuple(text_of(value) for value in label.values)

    def to_samples(self, frame: pd.DataFrame) -> Samples:
        """Rows → samples (N, F, 1); a column that is left out, or tells whose row it is, may be absent."""
        mask, lines = self.unseen(frame)
        if mask.any():
            raise InputError(lines[0])
        parts = [column.encode(frame[column.name]) for column in self._inputs]
        values = np.concatenate(parts, axis=1)[:, :, None]  # (N, F, 1)
        rows = rows_of(frame, self.name, patient=self.patient if self.patient in frame else None)
        if self._label is not None:
            rows["label"] = positions_in(frame[self._label.name], self._label.values)
            rows["diagnosis"] = np.array(self.classes, dtype=object)[rows["label"]]
        return Samples(values, rows, self.features, ("",) * values.shape[1])

    def to_frame(self, samples: Samples) -> pd.DataFrame:
        """Samples → rows: ranges of the training rows are not left, only values that occur there come out."""
        if samples.channels != self.features or samples.length != 1:
            raise InputError(
                f"{self.name}: samples of {len(samples.channels)} features × {samples.length} are not of this table, "
                f"which has {len(self.features)} × 1; decode with the codec that it was encoded with"
            )
        columns, first = [], 0
        for column in self.columns:
            if column is self._label:
                class_names(samples.frame, self.classes)  # refuses others
                columns.append(self._label.at(samples.frame["label"].to_numpy(np.int64)))
                continue
            last = first + len(column.features)
            columns.append(column.decode(samples.values[:, first:last, 0]))
            first = last
        return pd.DataFrame({column.name: column for column in columns})

    def unseen(self, frame: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
        """Rows (N,) bool with values that no training row has and no image can hold, and one line for each value."""
        self._check_columns(frame)
        mask, lines = np.zeros(len(frame), bool), []
        for column in self.columns:
            series = frame[column.name]
            missing = series.isna().to_numpy()
            if isinstance(column, Constant):
                continue
            if isinstance(column, Number):
                self._check_numbers(column, series[~missing])
                odd = np.zeros(len(frame), bool)
            else:
                odd = (positions_in(series, column.values) < 0) & ~missing
            for value in series[odd].unique():
                here = odd & (series == value).fillna(False).to_numpy(bool)
                lines.append(self._line(series, here, f"'{value}'"))
            if missing.any() and not column.missing:
                lines.append(self._line(series, missing, "missing"))
                odd = odd | missing
            mask |= odd
        return mask, lines

    def to_state(self) -> dict[str, Any]:
        """JSON from which `from_state` makes this form again."""
        return {"kind": KIND} | asdict(self)

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> TableForm:
        """The form of a state that `to_state` gave."""
        if state.get("kind") != KIND:
            raise InputError(f"a form of kind '{state.get('kind')}' is no table's; use the codec of a table")
        try:
            columns = tuple(column_from_state(column) for column in state["columns"])
            return TableForm(state["name"], columns, state["label"], state["patient"], tuple(state["dropped"]))
        except (KeyError, TypeError) as fault:
            raise InputError(
                f"the form of table '{state.get('name')}' is damaged ({fault}); run `prepare` again"
            ) from fault

    @property
    def _inputs(self) -> tuple[AnyColumn, ...]:
        return tuple(column for column in self.columns if column.name != self.label)

    @property
    def _label(self) -> Category | None:
        return next((c for c in self.columns if c.name == self.label and isinstance(c, Category)), None)

    def _line(self, series: pd.Series, here: np.ndarray, what: str) -> str:
        n = int(here.sum())
        return (
            f"{self.name}: column '{series.name}' is {what} in {n} row{'s' * (n != 1)} (first {row_of(series, here)}), "
            "in no training row; leave such rows out"
        )

    def _check_columns(self, frame: pd.DataFrame) -> None:
        known = {column.name for column in self.columns}
        for column in self.columns:
            if column.name not in frame:
                raise InputError(
                    f"{self.name}: no column '{column.name}'{nearest(column.name, map(str, frame.columns))}"
                )
        for name in frame.columns:
            if name not in known and name not in self.dropped and name != self.patient:
                raise InputError(f"{self.name}: column '{name}' is not in the training rows{nearest(str(name), known)}")

    def _check_numbers(self, column: Number, present: pd.Series) -> None:
        try:
            values = numbers_of(present)
        except (TypeError, ValueError) as fault:
            raise InputError(f"{self.name}: column '{column.name}' is no longer of numbers ({fault})") from fault
        infinite = ~np.isfinite(values)
        if infinite.any():
            raise InputError(
                f"{self.name}: column '{column.name}' holds {values[infinite][0]} in {row_of(present, infinite)}"
            )


def rows_of(frame: pd.DataFrame, name: str, *, label: str | None = None, patient: str | None = None) -> pd.DataFrame:
    """Whose rows they are, to split them before anything is learnt: the samples' frame.

    Arguments:
        frame, name: rows of a table, and its name for errors.
        label: column with classes; None: all rows are of one class.
        patient: column that tells whose row it is; None: each row is somebody else's.

    Returns:
        record, patient, start, label (classes of these rows, in order) and diagnosis.
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
    """Refuse named columns that the table lacks, or that two options name."""
    named: dict[str, str] = {}
    for option, columns in options.items():
        for column in columns:
            if column not in frame.columns:
                raise InputError(f"{name}: {option} {column}: no such column{nearest(column, map(str, frame.columns))}")
            if named.setdefault(column, option) != option:
                raise InputError(f"{name}: column '{column}' is named by {named[column]} and {option}; choose one")


_LABELS = "labels"  # what they are called in the scratch folder


class TableFormat(Format):
    """One file. Text grows by rows; Parquet, which cannot grow, is made of all rows in memory when they are there."""

    def __init__(self, plan: Plan, form: TableForm, name: str, dialect: dict[str, Any]) -> None:
        self.plan, self.form, self.name, self.dialect = plan, form, name, dialect

    def add(self, shard: Samples, first: int, staged: StagedFolder) -> None:
        """Append the shard's rows to the text, or its values to what `finish` makes Parquet of."""
        if self.dialect["kind"] == "text":
            lines = table_lines(self.form.to_frame(shard), self.dialect, header=first == 0)
            staged.append(staged.files / self.name).write("".join(lines).encode())
            return
        stack_values(shard.values, staged)
        if "label" in shard.frame:
            staged.append(staged.scratch / _LABELS).write(shard.frame["label"].to_numpy(np.int64).data)

    def finish(self, staged: StagedFolder) -> None:
        """Write Parquet of all that was added."""
        if self.dialect["kind"] == "text":
            return
        plan = self.plan
        values = np.fromfile(staged.scratch / VALUES, np.float32).reshape(plan.n, len(plan.channels), plan.length)
        labels = staged.scratch / _LABELS
        frame = pd.DataFrame({"label": np.fromfile(labels, np.int64)} if labels.is_file() else {}, range(plan.n))
        rows = self.form.to_frame(Samples(values, frame, plan.channels, plan.units, plan.fs))
        write_parquet(rows, staged.files / self.name, self.dialect)
