"""Time series that are no WFDB database: text files of numbers, one column a channel or one row a sample, and .npz."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError, nearest
from ..patients import files_below, patients_of
from ..recording import RecordEntry, Recording
from ..samples import Samples
from ..sharded import TABLE, Format, Plan
from .columns import BLOCKS, ColumnsFormat, SeriesFormat, SeriesSource, read_columns
from .rows import NpzFormat, RowsFormat, read_npz, read_rows
from .sheet import read_sheet

LAYOUTS = ("auto", "columns", "rows")
SUFFIXES = (".csv", ".tsv", ".txt", ".npz")
WIDE = 64  # more columns than that are no channels but the values of a sample
_FORMATS: dict[str, type[SeriesFormat]] = {"columns": ColumnsFormat, "rows": RowsFormat, "npz": NpzFormat}


@dataclass(frozen=True)
class Series:
    """Time series: recordings that windows are cut from, or samples that are windows already."""

    recordings: tuple[Recording, ...]  # one a file (ten, with patient "time"); () if there are samples
    samples: Samples | None  # one a row; None if there are recordings
    form: dict[str, Any]  # what `series_format` needs, as JSON

    @property
    def classes(self) -> tuple[str, ...]:
        """Names that labels are indices into; () without labels, when every label is 0."""
        return tuple(self.form["classes"])

    @property
    def source(self) -> Recording | Samples:
        """What holds the channels, units and fs that all have."""
        return self.recordings[0] if self.samples is None else self.samples

    @property
    def values(self) -> list[np.ndarray]:
        """(C, T) of each recording or sample."""
        if self.samples is not None:
            return list(self.samples.values)
        return [recording.values for recording in self.recordings]

    @property
    def frame(self) -> pd.DataFrame:
        """The label and patient of each recording or sample."""
        if self.samples is not None:
            return self.samples.frame
        return pd.DataFrame([{"label": one.head.label, "patient": one.head.patient} for one in self.recordings])


def find_series(path: Path, patient: str = "record") -> list[RecordEntry]:
    """The files of a source: one, or all of SUFFIXES below a folder, but for a written set's table.

    They are called by their paths below the folder without suffix; `patient` says whose each is, see `patients_of`.
    """
    path = Path(path)
    kinds = ", ".join(SUFFIXES)
    if path.is_dir():
        files, root = [file for file in sorted(files_below(path)) if file.suffix.lower() in SUFFIXES], path
        files = [file for file in files if file.name != TABLE] or files
        if not files:
            raise InputError(f"{path}: no time series in this folder; it needs {kinds} files")
    elif path.is_file():
        files, root = [path], path.parent
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(f"{path}: a {path.suffix or 'nameless'} file is no time series; give one of {kinds}")
    else:
        raise InputError(f"{path}: no such file or folder; give a {kinds} file, or a folder of them")
    odd = next((file for file in files if file.suffix != files[0].suffix), None)
    if odd is not None:
        raise InputError(f"{odd}: of another kind than {files[0]}; give files of one kind")
    names = [file.relative_to(root).with_suffix("").as_posix() for file in files]
    patients = patients_of(names, patient)
    return [RecordEntry(name, file, who) for name, file, who in zip(names, files, patients, strict=True)]


def read_series(
    path: Path,
    fs: float | None = None,
    layout: str = "auto",
    label: str | None = None,
    patient: str = "auto",
    classes: Sequence[str] = (),
) -> Series:
    """Read time series from text files or an .npz file.

    Arguments:
        path: a file, or a folder of files with one recording each.
        fs: Hz; None where the source says it: an .npz file, a column time_s, biosppy's comments.
        layout: "columns", one column a channel and one line a time step; "rows", one line a sample; "auto": rows if
            there are more than 64 columns and no header, else columns. An .npz file holds rows.
        label: name of the column with the class, or its number: column1, column2, …; "none" if there is none.
            A recording is of one class in all of its lines. Of an .npz file: the key, found by itself.
        patient: whose a recording is; see `patients_of`. "time": every tenth of a recording, or of the rows, counts
            as somebody of its own, so that what is of a single person can be split into training and control.
        classes: the classes and their order, where that is settled, as for generated series; () finds them.

    Raises:
        InputError: the first thing that cannot be used, by file and line.
    """
    return _read(*_layout(path, layout, patient), fs, label, patient, classes)


def series_sources(
    path: Path, fs: float | None = None, layout: str = "auto", label: str | None = None, patient: str = "auto"
) -> list[SeriesSource]:
    """The recordings of files with one column a channel, for `stage_store`; none where a line is a sample."""
    entries, kind = _layout(path, layout, patient)
    blocks = range(BLOCKS) if patient == "time" else (None,)
    return [SeriesSource(entry, fs, label, block) for entry in entries for block in blocks if kind == "columns"]


def describe_series(
    path: Path, fs: float | None = None, layout: str = "auto", label: str | None = None, patient: str = "auto"
) -> tuple[Series | None, list[str]]:
    """What `read_series` can use, if anything, and one line for each problem of a file instead of an error."""
    entries, kind = _layout(path, layout, patient)
    problems: list[str] = []
    try:
        return _read(entries, kind, fs, label, patient, problems=problems), problems
    except InputError as fault:
        return None, [*problems, str(fault)]


def series_format(plan: Plan, form: dict[str, Any]) -> Format:
    """How samples are written in the layout of a source: header, delimiter, digits and suffix are its.

    Columns become one file a sample; rows one file of the source's name, and so does .npz, with the source's keys. A
    missing value is written NaN. Beside them stands `samples.csv`: a row a sample, its name in `record`.

    Arguments:
        plan: of the set.
        form: from `read_series`.
    """
    layout, channels = form["layout"], len(plan.channels)
    needed = len(form["decimals"]) if layout == "columns" else 1 if layout == "rows" else channels
    if channels != needed:
        raise InputError(f"samples of {channels} channels, where the source's files have {needed}; use its own")
    return _FORMATS[layout](plan, form)


def _layout(path: Path, layout: str, patient: str) -> tuple[list[RecordEntry], str]:
    """The files, and "columns", "rows" or "npz"; all but columns are one file."""
    if layout not in LAYOUTS:
        raise InputError(f"layout '{layout}' is not known{nearest(layout, LAYOUTS)}")
    entries = find_series(path)
    first = entries[0].path
    kind = "npz" if first.suffix.lower() == ".npz" else layout
    if kind == "auto":
        sheet = read_sheet(first)
        kind = "rows" if sheet.width > WIDE and sheet.header is None else "columns"
    if kind == "columns":
        return entries if patient in ("time", "record") else find_series(path, patient), kind
    if len(entries) > 1:
        raise InputError(f"{path}: holds {len(entries)} files, and rows are read from one; name one of them")
    return entries, kind


def _read(
    entries: Sequence[RecordEntry],
    kind: str,
    fs: float | None,
    label: str | None,
    patient: str,
    classes: Sequence[str] = (),
    problems: list[str] | None = None,
) -> Series:
    if kind == "columns":
        in_blocks = patient == "time"
        recordings, form = read_columns(entries, fs, label, in_blocks=in_blocks, known=classes, problems=problems)
        return Series(tuple(recordings), None, form)
    samples, form = (read_npz if kind == "npz" else read_rows)(entries[0].path, fs, label, patient, classes)
    return Series((), samples, form)
