"""Text files with one column a channel and one line a time step: a recording each, read and written."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np

from ...errors import InputError
from ...files import StagedFolder
from ..labels import NO_LABEL, UNKNOWN, class_names, classes_of
from ..recording import RecordEntry, RecordHead, Recording, check_alike, stamp_of
from ..samples import Samples
from ..sharded import TABLE, Format, Plan, append_rows
from ..units import name_and_unit
from .sheet import Sheet, decimals_of, number_cells, read_sheet, settled_fs, write_lines

BLOCKS = 10  # into so many stretches of time a recording is cut to have patients who can be split
_LEVELS = 65535  # steps between smallest and largest value, where the digits tell no coarser resolution
# A first column of one of these names is a clock, in units of so many seconds; 0: the name does not say.
_CLOCKS = {"time": 0, "t": 0, "time_s": 1, "seconds": 1, "time_ms": 0.001}
_SECONDS = {"s": 1, "sec": 1, "seconds": 1, "ms": 0.001}
# What biosppy writes above a signal. Other comments may say who it was recorded from, and so are not written again.
_RATE = re.compile(r"#\s*Sampling Rate \(Hz\):=\s*(\S+)\s*")
_NAMES = re.compile(r"#\s*Labels:=\s*(.*\S)\s*")
_KEPT = re.compile(r"#\s*(Simple Text Format|Sampling Rate \(Hz\):=|Resolution:=|Labels:=).*")


def read_columns(
    entries: Sequence[RecordEntry],
    fs: float | None,
    label: str | None,
    *,
    in_blocks: bool,
    known: Sequence[str] = (),
    problems: list[str] | None = None,
) -> tuple[list[Recording], dict[str, Any]]:
    """One recording a file, and the form of the files; see `read_series`.

    Arguments:
        entries, fs, label: the files, their rate in Hz if they do not say it, name of the column with the class.
        in_blocks: cut each recording into ten of equal length, each a patient of its own.
        known: see `classes_of`.
        problems: takes what is wrong with single files, which are then left out; None: that is raised.
    """
    recordings: list[Recording] = []
    for entry in entries:
        try:
            recording = _read(entry, fs, label)
            check_alike((recordings or [recording])[0].traits, recording.traits)
            recordings.append(recording)
        except InputError as fault:
            if problems is None or (not recordings and entry is entries[-1]):
                raise
            problems.append(str(fault))
    classes: tuple[str, ...] = ()
    if recordings[0].said["label"] is not None:
        classes, labels = classes_of([recording.head.diagnosis for recording in recordings], known)
        recordings = [
            replace(recording, head=replace(recording.head, label=number))
            for recording, number in zip(recordings, labels, strict=True)
        ]
    form = column_form([recording.said for recording in recordings], classes, problems)
    return [block for whole in recordings for block in (_blocks(whole) if in_blocks else [whole])], form


def column_form(
    forms: Sequence[dict[str, Any]], classes: Sequence[str], problems: list[str] | None = None
) -> dict[str, Any]:
    """The form of all files together, from that of each recording: the first one's, with enough digits for all.

    A single class, which tells nothing, is refused, or added to the problems where there is a list of them.
    """
    if len(classes) == 1:
        fault = f"--label: every recording is of class '{classes[0]}'; one class is none: leave the option out"
        if problems is None:
            raise InputError(fault)
        problems.append(fault)
    decimals = zip(*(form["decimals"] for form in forms), strict=True)
    return forms[0] | {
        "classes": list(classes),
        "decimals": [None if None in some else max(some) for some in decimals],
    }


@dataclass(frozen=True)
class SeriesSource:
    """A file with a column a channel, or one of ten stretches of it, for a store, with its class as diagnosis only."""

    entry: RecordEntry  # the file
    fs: float | None = None  # fs, label: see `read_series`
    label: str | None = None
    block: int | None = None  # which stretch, from 0; None is the whole file

    @property
    def name(self) -> str:
        return self.entry.name if self.block is None else _block_name(self.entry.name, self.block)

    @property
    def stamp(self) -> str:
        return stamp_of([self.entry.path], self.entry, self.fs, self.label, self.block)

    def read(self) -> Recording:
        if self.block is None:
            return _read(self.entry, self.fs, self.label)
        with _one_reads:  # the other stretches of the file come next
            whole = _last_read(self.entry, self.fs, self.label, stamp_of([self.entry.path]))
        return _blocks(whole)[self.block]


class SeriesFormat(Format):
    """What the layouts of series have in common: samples.csv, unless that is the name of the file with the samples."""

    def __init__(self, plan: Plan, form: dict[str, Any]) -> None:
        self.plan, self.form = plan, form

    def add(self, shard: Samples, first: int, staged: StagedFolder) -> None:
        names = self.plan.names(first, len(shard))
        self._add(shard, names, class_names(shard.frame, self.form["classes"]), staged)
        if self.form.get("file") != TABLE:
            append_rows(shard, names, first, staged)

    @abstractmethod
    def _add(self, shard: Samples, names: list[str], classes: list[str], staged: StagedFolder) -> None:
        """Write the values."""


class ColumnsFormat(SeriesFormat):
    """A file a sample, with its class in every line and a clock from 0 where the source had them."""

    def _add(self, shard: Samples, names: list[str], classes: list[str], staged: StagedFolder) -> None:
        form, decimal = self.form, self.form["decimal"]
        clock = None
        if form["clock"] is not None:
            clock = number_cells(form["period"] * np.arange(shard.length), form["clock_decimals"], decimal)
        for name, label, values in zip(names, classes, shard.values, strict=True):
            columns = [number_cells(row, n, decimal) for row, n in zip(values, form["decimals"], strict=True)]
            if clock is not None:
                columns.insert(form["clock"], clock)
            if form["label"] is not None:
                columns.insert(form["label"], [label] * shard.length)
            with (staged.files / f"{name}{form['suffix']}").open("w", encoding="utf-8", newline="") as file:
                file.writelines(f"{line}\n" for line in form["comments"])
                write_lines(file, form, zip(*columns, strict=True))


def label_position(sheet: Sheet, label: str | None) -> int | None:
    """Position of the column with the class; None if there is none."""
    return None if label in (None, NO_LABEL) else sheet.position(str(label))


def _read(entry: RecordEntry, fs: float | None, label: str | None) -> Recording:
    """A file as a recording, whose class stands in its diagnosis."""
    file, sheet = entry.path, read_sheet(entry.path)
    label_at = label_position(sheet, label)
    table = sheet.cells([] if label_at is None else [label_at])
    named = [name_and_unit(name) for name in _titles(sheet)]
    clock = 0 if label_at != 0 and sheet.header and named[0][0].casefold() in _CLOCKS and sheet.width > 1 else None
    chosen = [k for k in range(sheet.width) if k not in (label_at, clock)]
    channels = tuple(named[k][0] for k in chosen)
    numbers = table[chosen].to_numpy().T  # C, T
    _check_channels(sheet, channels, numbers)
    stated, period = _stated_rate(sheet), None
    if clock is not None:
        period = _period(sheet, table[clock].to_numpy())
        scale = _CLOCKS[named[0][0].casefold()] or _SECONDS.get(named[0][1].casefold(), 0)
        stated = 1 / (period * scale) if scale else stated
    diagnosis = UNKNOWN if label_at is None else _only_class(sheet, table[label_at].tolist(), label_at)
    settled, n_samples = settled_fs(file, stated, fs), numbers.shape[1]
    form = {
        "kind": "series",
        "layout": "columns",
        "suffix": file.suffix,
        **sheet.dialect,
        "comments": [line for line in sheet.comments if _KEPT.fullmatch(line)],
        "label": label_at,
        "clock": clock,
        "period": period,
        "clock_decimals": None if clock is None else sheet.decimals([clock], table[[clock]].to_numpy().T)[0],
        "decimals": sheet.decimals(chosen, numbers),
    }
    return Recording(
        head=RecordHead(entry.name, file, entry.patient, diagnosis, 0, settled, n_samples),
        values=numbers.astype(np.float32),
        channels=channels,
        units=tuple(named[k][1] for k in chosen),
        fs=settled,
        gain=np.ones(len(chosen)),
        baseline=np.zeros(len(chosen)),
        source_gain=1 / np.array([_step(row) for row in numbers]),
        said=form,
    )


_one_reads = Lock()


@lru_cache(maxsize=1)
def _last_read(entry: RecordEntry, fs: float | None, label: str | None, stamp: str) -> Recording:
    return _read(entry, fs, label)


def _titles(sheet: Sheet) -> list[str]:
    """Columns as the header or biosppy's comment calls them."""
    if sheet.header:
        return list(sheet.header)
    for comment in sheet.comments:
        match = _NAMES.fullmatch(comment)
        if match and len(match[1].split()) == sheet.width:
            return match[1].split()
    return [f"channel{k}" for k in range(1, sheet.width + 1)]


def _check_channels(sheet: Sheet, channels: Sequence[str], numbers: np.ndarray) -> None:
    if not channels:
        raise InputError(f"{sheet.file}: holds no channel beside its label; give a file with a column of numbers")
    for name, row in zip(channels, numbers, strict=True):
        if np.isnan(row).all():
            raise InputError(f"{sheet.file}: channel '{name}' holds no number; delete the column")
    if len(set(channels)) < len(channels) or "" in channels:
        raise InputError(f"{sheet.file}: channels are called {', '.join(channels)}; give each a name of its own")


def _stated_rate(sheet: Sheet) -> float | None:
    rates = filter(None, map(_RATE.fullmatch, sheet.comments))
    with suppress(StopIteration, ValueError):
        return float(next(rates)[1])
    return None


def _period(sheet: Sheet, clock: np.ndarray) -> float:
    """From one tick to the next; every tick must be where it belongs, or a time step is missing."""
    if len(clock) < 2:
        raise InputError(f"{sheet.file}: holds one time step; give more")
    ticks = np.diff(clock)
    usual = float(np.median(ticks))
    uneven = ~(np.abs(ticks - usual) <= usual / 2)  # so much rounding may do; NaN is uneven too
    if uneven.any() or not usual > 0:
        line = sheet.first_line + 1 + int(np.argmax(uneven))
        raise InputError(
            f"{sheet.file}: line {line}: '{sheet.names[0]}' does not rise evenly; fill in the time steps that are "
            "missing, with empty values"
        )
    return float(clock[-1] - clock[0]) / len(ticks)


def _only_class(sheet: Sheet, names: list[Any], column: int) -> str:
    """The class of a recording, which is the same in all lines."""
    for row, name in enumerate(names):
        line = f"{sheet.file}: line {sheet.first_line + row}"
        if not isinstance(name, str):
            raise InputError(f"{line}: no label in '{sheet.names[column]}'; add it")
        if name != names[0]:
            raise InputError(
                f"{line}: label '{name}', before it '{names[0]}'; a recording has one class; split the file, or leave "
                "out --label"
            )
    return str(names[0])


def _step(row: np.ndarray) -> float:
    """Finest difference that a channel's numbers can tell, in its unit."""
    extent = float(np.nanmax(row) - np.nanmin(row))
    digits = decimals_of(row)
    by_digits = 0.0 if digits is None else 10.0**-digits
    return max(by_digits, extent / _LEVELS) or 1.0


def _blocks(whole: Recording) -> list[Recording]:
    """Ten stretches of a recording, each a record and a patient of its own: no window reaches from one to the next."""
    edges = np.linspace(0, whole.values.shape[1], BLOCKS + 1).astype(int)
    blocks = []
    for number, (begin, end) in enumerate(pairwise(edges.tolist())):
        name = _block_name(whole.head.name, number)
        head = replace(whole.head, name=name, patient=name, n_samples=end - begin)
        blocks.append(replace(whole, head=head, values=whole.values[:, begin:end]))
    return blocks


def _block_name(name: str, block: int) -> str:
    return f"{name}/{block + 1:02d}"
