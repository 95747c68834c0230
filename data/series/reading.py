"""Time series that are no WFDB database: text files of numbers, one column a channel or one row a sample, and .npz."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError, nearest
from ..folders import files_below
from ..patients import patients_of
from ..recording import Recording
from ..samples import Samples
from ..wfdb.listing import RecordEntry
from .columns import BLOCKS, SeriesSource, read_columns
from .npz import read_npz
from .rows import read_rows
from .text import TABLE, read_sheet

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
