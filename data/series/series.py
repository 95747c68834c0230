"""Time series that are no WFDB database: text files of numbers, one column a channel or one row a sample, and .npz."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from ...errors import InputError, nearest
from ...files import StagedFolder
from ..folders import files_below
from ..formats import save_npz, stack_values, stacked_values
from ..patients import patients_of
from ..recording import RecordEntry, Recording
from ..samples import Samples
from ..sharded import TABLE, Format, Plan, Progress, append_rows, row_table, write_set
from .columns import BLOCKS, SeriesSource, read_columns
from .rows import read_npz, read_rows
from .sheet import BLANKS, read_sheet

LAYOUTS = ("auto", "columns", "rows")
SUFFIXES = (".csv", ".tsv", ".txt", ".npz")
WIDE = 64  # more columns than that are no channels but the values of a sample


@dataclass(frozen=True)
class Series:
    """Time series: recordings that windows are cut from, or samples that are windows already.

    Arguments:
        recordings: one a file (ten, with patient "time"); () if there are samples.
        samples: one a row; None if there are recordings.
        form: what `write_series` needs, as JSON.
        classes: names that labels are indices into; () without labels, when every label is 0.
    """

    recordings: tuple[Recording, ...]
    samples: Samples | None
    form: dict[str, Any]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class SeriesDescription:
    """A source of time series as a whole; counts are of what can be used.

    Arguments:
        source: as given.
        layout: "columns", "rows" or "npz".
        recordings: files with a column a channel; 0 in the other layouts.
        samples: rows; 0 with recordings.
        length: values in a row; 0 with recordings.
        channels, units: by name.
        fs: Hz.
        seconds: together.
        patients: how many people.
        classes: recordings or samples per class; {} without labels.
        missing: values that are not there.
        problems: one line each.
    """

    source: str
    layout: str = ""
    recordings: int = 0
    samples: int = 0
    length: int = 0
    channels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    fs: float = 0.0
    seconds: float = 0.0
    patients: int = 0
    classes: dict[str, int] | None = None
    missing: int = 0
    problems: tuple[str, ...] = ()


def find_series(path: Path, patient: str = "record") -> list[RecordEntry]:
    """The files of a source: one, or all .csv, .tsv, .txt or .npz files below a folder, but for a written set's table.

    Arguments:
        path: the file or the folder.
        patient: whose each is; see `patients_of`.

    Returns:
        Names are paths below the folder without suffix.

    Raises:
        InputError: no such file or folder, nothing in it, files of several kinds.
    """
    path = Path(path)
    kinds = ", ".join(SUFFIXES)
    if path.is_dir():
        files, root = [file for file in files_below(path) if file.suffix.lower() in SUFFIXES], path
        files = [file for file in files if file.name != TABLE] or files
        if not files:
            raise InputError(f"{path}: no time series in this folder; it needs {kinds} files")
    elif path.is_file():
        files, root = [path], path.parent
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(f"{path}: a {path.suffix or 'nameless'} file is no time series; give one of {kinds}")
    else:
        raise InputError(f"{path}: no such file or folder; give a {kinds} file, or a folder of them")
    other = next((file for file in files if file.suffix != files[0].suffix), None)
    if other is not None:
        raise InputError(f"{other}: of another kind than {files[0]}; give files of one kind")
    names = [file.relative_to(root).with_suffix("").as_posix() for file in files]
    people = patients_of(names, patient)
    return [RecordEntry(name, file, who) for name, file, who in zip(names, files, people, strict=True)]


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
    entries, kind = _layout(path, layout)
    if kind == "columns":
        if patient not in ("time", "record"):
            entries = find_series(path, patient)
        recordings, form, found = read_columns(entries, fs, label, in_blocks=patient == "time", known=classes)
        refuse_one_class(path, found)
        return Series(tuple(recordings), None, form, found)
    read = read_npz if kind == "npz" else read_rows
    samples, form, found = read(entries[0].path, fs, label, patient, classes)
    return Series((), samples, form, found)


def series_sources(
    path: Path, fs: float | None = None, layout: str = "auto", label: str | None = None, patient: str = "auto"
) -> list[SeriesSource]:
    """The recordings of files with one column a channel, for `Store.write`; none where a line is a sample.

    Arguments:
        path, fs, layout, label, patient: see `read_series`.

    Raises:
        InputError: a source that is missing or empty, or a `patient` that does not fit.
    """
    entries, kind = _layout(path, layout)
    if kind != "columns":
        return []
    if patient == "time":
        return [SeriesSource(entry, fs, label, block) for entry in entries for block in range(BLOCKS)]
    if patient != "record":
        entries = find_series(path, patient)
    return [SeriesSource(entry, fs, label) for entry in entries]


def refuse_one_class(path: Path, classes: Sequence[str]) -> None:
    """Refuse classes that tell nothing.

    Raises:
        InputError: there is a single one.
    """
    if len(classes) == 1:
        raise InputError(f"{path}: every recording is of class '{classes[0]}'; one class is none: leave out --label")


def describe_series(
    path: Path, fs: float | None = None, layout: str = "auto", label: str | None = None, patient: str = "auto"
) -> SeriesDescription:
    """Look through time series; problems of single files are collected, not raised.

    Arguments:
        path, fs, layout, label, patient: see `read_series`.

    Raises:
        InputError: a source that is missing or empty, or a `patient` that does not fit.
    """
    entries, kind = _layout(path, layout)
    if kind == "columns":
        entries = find_series(path, "record" if patient == "time" else patient)
        return _describe_columns(str(path), entries, fs, label, in_blocks=patient == "time")
    try:
        found = read_series(path, fs, layout, label, patient)
    except InputError as fault:
        return SeriesDescription(str(path), kind, problems=(str(fault),))
    samples = found.samples
    assert samples is not None  # rows are samples
    counts = Counter(samples.frame["label"])
    return SeriesDescription(
        source=str(path),
        layout=kind,
        samples=len(samples),
        length=samples.length,
        channels=samples.channels,
        units=samples.units,
        fs=samples.fs or 0.0,
        seconds=len(samples) * samples.length / (samples.fs or 1.0),
        patients=len(samples.patients()),
        classes={name: counts[number] for number, name in enumerate(found.classes)},
        missing=int((samples.values != samples.values).sum()),
    )


def _layout(path: Path, layout: str) -> tuple[list[RecordEntry], str]:
    """The files, and "columns", "rows" or "npz"; all but columns are one file."""
    if layout not in LAYOUTS:
        raise InputError(f"layout '{layout}' is not known{nearest(layout, LAYOUTS)}")
    entries = find_series(path)
    first = entries[0].path
    kind = "npz" if first.suffix.lower() == ".npz" else layout
    if kind == "auto":
        sheet = read_sheet(first)
        kind = "rows" if sheet.width > WIDE and sheet.header is None else "columns"
    if kind != "columns" and len(entries) > 1:
        raise InputError(f"{path}: holds {len(entries)} files, and rows are read from one; name one of them")
    return entries, kind


def _describe_columns(
    source: str, entries: list[RecordEntry], fs: float | None, label: str | None, *, in_blocks: bool
) -> SeriesDescription:
    problems: list[str] = []
    try:
        recordings, _, classes = read_columns(entries, fs, label, in_blocks=in_blocks, problems=problems)
    except InputError as fault:
        return SeriesDescription(source, "columns", problems=(*problems, str(fault)))
    counts = Counter(recording.head.label for recording in recordings)
    first = recordings[0]
    return SeriesDescription(
        source=source,
        layout="columns",
        recordings=len(recordings),
        channels=first.channels,
        units=first.units,
        fs=first.fs,
        seconds=sum(recording.values.shape[1] for recording in recordings) / first.fs,
        patients=len({recording.head.patient for recording in recordings}),
        classes={name: counts[number] for number, name in enumerate(classes)},
        missing=sum(int((recording.values != recording.values).sum()) for recording in recordings),
        problems=tuple(problems),
    )


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

    def add(self, shard: Samples, first: int, staged: StagedFolder) -> None:
        names = self.plan.names(first, len(shard))
        self._add(shard, names, _classes(shard.frame, self.form), staged)
        if self.form.get("file") != TABLE:
            append_rows(row_table(shard, names), first, staged)

    @abstractmethod
    def finish(self, staged: StagedFolder) -> None:
        """See `Format`."""

    @abstractmethod
    def _add(self, shard: Samples, names: list[str], classes: list[str], staged: StagedFolder) -> None:
        """Write the values."""


class _Columns(_Series):
    """A file a sample."""

    def _add(self, shard: Samples, names: list[str], classes: list[str], staged: StagedFolder) -> None:
        form = self.form
        ticks = form["period"] * np.arange(shard.length) if form["clock"] is not None else None
        for name, label, values in zip(names, classes, shard.values, strict=True):
            columns = [_numbers(row, n, form["decimal"]) for row, n in zip(values, form["decimals"], strict=True)]
            if ticks is not None:
                columns.insert(form["clock"], _numbers(ticks, form["clock_decimals"], form["decimal"]))
            if form["label"] is not None:
                columns.insert(form["label"], [label] * shard.length)
            with (staged.files / f"{name}{form['suffix']}").open("w", encoding="utf-8", newline="") as file:
                file.writelines(f"{line}\n" for line in form["comments"])
                _write_lines(file, form, [*_header(form), *zip(*columns, strict=True)])

    def finish(self, staged: StagedFolder) -> None:
        pass


class _Rows(_Series):
    """One text with a line a sample."""

    def _add(self, shard: Samples, names: list[str], classes: list[str], staged: StagedFolder) -> None:
        form = self.form
        lines = [] if staged.state else _header(form)
        for label, (row,) in zip(classes, shard.values, strict=True):
            line = _numbers(row, form["decimals"], form["decimal"])
            if form["label"] is not None:
                line.insert(form["label"], label)
            lines.append(line)
        text = StringIO(newline="")
        _write_lines(text, form, lines)
        staged.append(staged.files / form["file"]).write(text.getvalue().encode())

    def finish(self, staged: StagedFolder) -> None:
        pass


class _Npz(_Series):
    """One archive. Values pass through memory a shard at a time, names and labels are held together."""

    def _add(self, shard: Samples, names: list[str], classes: list[str], staged: StagedFolder) -> None:
        stack_values(_typed(shard.values, np.dtype(self.form["dtypes"]["values"])), staged)

    def finish(self, staged: StagedFolder) -> None:
        plan, form = self.plan, self.form
        axes = (len(plan.channels), plan.length) if form["axes"] == 3 else (plan.length,)
        arrays: dict[str, np.ndarray] = {}
        for key in form["keys"]:
            dtype = np.dtype(form["dtypes"][key])
            if key == "values":
                arrays[key] = stacked_values((plan.n, *axes), dtype, staged)
            elif key == form["label"] and form["classes"]:
                arrays[key] = _class_array(_classes(pd.read_csv(staged.files / TABLE), form), dtype)
            elif key == "fs":
                arrays[key] = np.array(plan.fs, dtype=float)
            elif key in ("channels", "units"):
                arrays[key] = np.array(getattr(plan, key))
            elif key in ("patient", "patients", "records"):
                arrays[key] = np.array(plan.names(0, plan.n))
            # what remains, comments and labels that nothing was learnt of, says something that is not so of these
        save_npz(staged.files / form["file"], arrays)


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
