"""Samples as time series files of the layout that they were read from."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from ...errors import InputError
from ..samples import Samples
from ..writer_folder import Making
from ..writer_npz import Spooled, save_npz, spool_values, spooled_values
from ..writer_set import TABLE, Format, Plan, Progress, append_rows, row_table, write_set
from .text import BLANKS

_MISSING = "NaN"  # an empty cell cannot be seen among blanks


def write_series(
    samples: Samples,
    dest: Path,
    form: dict[str, Any],
    prefix: str = "synthetic",
    progress: Progress | None = None,
) -> list[Path]:
    """Write samples as `read_series` found its source: the same layout, header, delimiter, digits and suffix.

    Columns become one file a sample, with its class in every line and a clock from 0 where the source had them. Rows
    become one file of the source's name, and so does .npz, with the source's keys. Beside them stands `samples.csv`:
    one row a sample, its name in `record`, then the columns of `samples.frame` (of which `record` becomes
    `source_record`).

    Arguments:
        samples: (N, C, L). With classes, the frame's label counts. A missing value is written NaN.
        dest: the folder to make; an existing one is replaced in one step.
        form: from `read_series`.
        prefix: samples are named prefix000001 and so on.
        progress: called with (samples written, N).

    Returns:
        The files with the values.

    Raises:
        InputError: no samples, or such as do not fit the form.
    """
    plan = Plan.of(samples, prefix)
    write_set(lambda first: [samples], dest, series_format(plan, form), progress=progress)
    if form["layout"] != "columns":
        return [dest / form["file"]]
    return [dest / f"{name}{form['suffix']}" for name in plan.names(0, plan.n)]


def series_format(plan: Plan, form: dict[str, Any]) -> Format:
    """How samples are written in the layout of a source, for `write_set`.

    Raises:
        InputError: samples of other channels than the source has.
    """
    layout, channels = form["layout"], len(plan.channels)
    if (layout == "columns" and channels != len(form["decimals"])) or (layout == "rows" and channels != 1):
        needed = len(form["decimals"]) if layout == "columns" else 1
        raise InputError(f"samples of {channels} channels, where the source's files have {needed}; use its own")
    kinds: dict[str, type[_Series]] = {"columns": _Columns, "rows": _Rows, "npz": _Npz}
    return kinds[layout](plan, form)


class _Series(ABC):
    """What the layouts have in common: samples.csv, unless that is the name of the file with the samples."""

    def __init__(self, plan: Plan, form: dict[str, Any]) -> None:
        self.plan, self.form = plan, form

    def add(self, shard: Samples, first: int, made: Making) -> None:
        names = self.plan.names(first, len(shard))
        self._add(shard, names, _classes(shard.frame, self.form), made)
        if self.form.get("file") != TABLE:
            append_rows(row_table(shard, names), first, made)

    @abstractmethod
    def finish(self, made: Making) -> None:
        """See `Format`."""

    @abstractmethod
    def _add(self, shard: Samples, names: list[str], classes: list[str], made: Making) -> None:
        """Write the values."""


class _Columns(_Series):
    """A file a sample."""

    def _add(self, shard: Samples, names: list[str], classes: list[str], made: Making) -> None:
        form = self.form
        ticks = form["period"] * np.arange(shard.length) if form["clock"] is not None else None
        for name, label, values in zip(names, classes, shard.values, strict=True):
            columns = [_numbers(row, n, form["decimal"]) for row, n in zip(values, form["decimals"], strict=True)]
            if ticks is not None:
                columns.insert(form["clock"], _numbers(ticks, form["clock_decimals"], form["decimal"]))
            if form["label"] is not None:
                columns.insert(form["label"], [label] * shard.length)
            with (made.files / f"{name}{form['suffix']}").open("w", encoding="utf-8", newline="") as file:
                file.writelines(f"{line}\n" for line in form["comments"])
                _write_lines(file, form, [*_header(form), *zip(*columns, strict=True)])

    def finish(self, made: Making) -> None:
        pass


class _Rows(_Series):
    """One text with a line a sample."""

    def _add(self, shard: Samples, names: list[str], classes: list[str], made: Making) -> None:
        form = self.form
        lines = [] if made.done else _header(form)
        for label, (row,) in zip(classes, shard.values, strict=True):
            line = _numbers(row, form["decimals"], form["decimal"])
            if form["label"] is not None:
                line.insert(form["label"], label)
            lines.append(line)
        text = StringIO(newline="")
        _write_lines(text, form, lines)
        made.append(form["file"]).write(text.getvalue().encode())

    def finish(self, made: Making) -> None:
        pass


class _Npz(_Series):
    """One archive. Values pass through memory a shard at a time, names and labels are held together."""

    def _add(self, shard: Samples, names: list[str], classes: list[str], made: Making) -> None:
        spool_values(_typed(shard.values, np.dtype(self.form["dtypes"]["values"])), made)

    def finish(self, made: Making) -> None:
        plan, form = self.plan, self.form
        axes = (len(plan.channels), plan.length) if form["axes"] == 3 else (plan.length,)
        arrays: dict[str, np.ndarray | Spooled] = {}
        for key in form["keys"]:
            dtype = np.dtype(form["dtypes"][key])
            if key == "values":
                arrays[key] = spooled_values((plan.n, *axes), dtype, made)
            elif key == form["label"] and form["classes"]:
                arrays[key] = _class_array(_classes(pd.read_csv(made.files / TABLE), form), dtype)
            elif key == "fs":
                arrays[key] = np.array(plan.fs, dtype=float)
            elif key in ("channels", "units"):
                arrays[key] = np.array(getattr(plan, key))
            elif key in ("patient", "patients", "records"):
                arrays[key] = np.array(plan.names(0, plan.n))
            # what remains, comments and labels that nothing was learnt of, says something that is not so of these
        save_npz(made.files / form["file"], arrays)


def _classes(frame: pd.DataFrame, form: dict[str, Any]) -> list[str]:
    """The class's name of each sample; "" where the source has none."""
    known = form["classes"]
    if not known:
        return [""] * len(frame)
    if "label" not in frame:
        raise InputError(f"the samples have no label; they need one of the classes {', '.join(known)} each")
    labels = [int(label) for label in frame["label"]]
    for label in labels:
        if not 0 <= label < len(known):
            raise InputError(f"label {label} is no class; there are {len(known)}, counted from 0")
    return [known[label] for label in labels]


def _class_array(classes: list[str], dtype: np.dtype[Any]) -> np.ndarray:
    if dtype.kind == "b":
        return np.array([name == "True" for name in classes])
    return np.array(classes) if dtype.kind in "US" else np.array(classes, dtype=float).astype(dtype)


def _typed(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Whole numbers where the source has them, within what their type holds."""
    if dtype.kind not in "iu":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    if np.isnan(values).any():
        raise InputError(f"a value is missing, and the source's values are of {dtype}, which has no number for that")
    return np.clip(np.rint(values.astype(np.float64)), limits.min, limits.max).astype(dtype)


def _numbers(values: np.ndarray, digits: int | None, decimal: str) -> list[str]:
    written = [f"{value:.9g}" if digits is None else f"{value:.{digits}f}" for value in values.tolist()]
    cells = [_MISSING if cell == "nan" else cell for cell in written]
    return cells if decimal == "." else [cell.replace(".", decimal) for cell in cells]


def _header(form: dict[str, Any]) -> list[Sequence[str]]:
    return [form["header"]] if form["header"] else []


def _write_lines(file: IO[str], form: dict[str, Any], lines: Iterable[Sequence[str]]) -> None:
    if form["delimiter"] == BLANKS:
        file.writelines(f"{' '.join(line)}\n" for line in lines)
    else:
        csv.writer(file, delimiter=form["delimiter"], lineterminator="\n").writerows(lines)
