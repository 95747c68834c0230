"""Recordings from text files with one column a channel and one line a time step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np

from ...errors import InputError
from ..labels import UNKNOWN, classes_of
from ..recording import RecordEntry, RecordHead, Recording, stamp_of
from .sheet import Sheet, decimals_of, label_position, read_sheet, settled_fs

BLOCKS = 10  # into so many stretches a recording is cut to have patients who can be told apart
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
) -> tuple[list[Recording], dict[str, Any], tuple[str, ...]]:
    """One recording a file, the form of the files, and the classes; see `read_series`.

    Arguments:
        in_blocks: cut each recording into ten of equal length, each a patient of its own.
        known: see `classes_of`.
        problems: takes what is wrong with single files, which are then left out; None: that is raised.

    Raises:
        InputError: the first thing that cannot be used, by file and line; files that differ in their channels or rate.
    """
    pages: list[_Page] = []
    for entry in entries:
        try:
            page = _page(entry, fs, label)
            _check_alike(pages[0] if pages else page, page)
            pages.append(page)
        except InputError as fault:
            if problems is None or (not pages and entry is entries[-1]):
                raise
            problems.append(str(fault))
    classes, labels = classes_of([page.label for page in pages if page.label], known)
    recordings: list[Recording] = []
    for page, number in zip(pages, labels or [0] * len(pages), strict=True):
        whole = _recording(page, number)
        recordings += _blocks(whole) if in_blocks else [whole]
    return recordings, column_form([page.form for page in pages], classes), classes


def column_form(forms: Sequence[dict[str, Any]], classes: Sequence[str]) -> dict[str, Any]:
    """The form of all files together, from what each recording `said`: the first one's, with enough digits for all."""
    decimals = zip(*(form["decimals"] for form in forms), strict=True)
    return forms[0] | {
        "classes": list(classes),
        "decimals": [None if None in some else max(some) for some in decimals],
    }


@dataclass(frozen=True)
class SeriesSource:
    """A file with a column a channel, or one of the ten stretches of it, for a store; see `Source`.

    Its class stands in the diagnosis only: which number it has is known when all files have been read.

    Arguments:
        entry: the file.
        fs, label: see `read_series`.
        block: which stretch, from 0; None is the whole file.
    """

    entry: RecordEntry
    fs: float | None = None
    label: str | None = None
    block: int | None = None

    @property
    def name(self) -> str:
        return self.entry.name if self.block is None else _block_name(self.entry.name, self.block)

    @property
    def stamp(self) -> str:
        return stamp_of([self.entry.path], self.entry, self.fs, self.label, self.block)

    def read(self) -> Recording:
        if self.block is None:
            return _recording(_page(self.entry, self.fs, self.label), 0)
        with _one_reads:  # the other stretches of the file come next
            page = _same_page(self.entry, self.fs, self.label, stamp_of([self.entry.path]))
        return _blocks(_recording(page, 0))[self.block]


@dataclass(frozen=True)
class _Page:
    """One file: values (C, T) float32, what its channels are called, its rate in Hz, the class's name or ""."""

    entry: RecordEntry
    values: np.ndarray
    channels: tuple[str, ...]
    units: tuple[str, ...]
    fs: float
    label: str
    step: np.ndarray
    form: dict[str, Any]


def _page(entry: RecordEntry, fs: float | None, label: str | None) -> _Page:
    file = entry.path
    sheet = read_sheet(file)
    place = label_position(sheet, label)
    table = sheet.cells([] if place is None else [place])
    named = [_name_and_unit(name) for name in _titles(sheet)]
    clock = 0 if place != 0 and sheet.header and named[0][0].casefold() in _CLOCKS and sheet.width > 1 else None
    chosen = [k for k in range(sheet.width) if k not in (place, clock)]
    if not chosen:
        raise InputError(f"{file}: holds no channel beside its label; give a file with a column of numbers")
    numbers = table[chosen].to_numpy().T  # C, T
    for name, row in zip((named[k][0] for k in chosen), numbers, strict=True):
        if np.isnan(row).all():
            raise InputError(f"{file}: channel '{name}' holds no number; delete the column")
    channels = tuple(named[k][0] for k in chosen)
    if len(set(channels)) < len(channels) or "" in channels:
        raise InputError(f"{file}: channels are called {', '.join(channels)}; give each a name of its own")
    period = None if clock is None else _period(sheet, table[clock].to_numpy())
    scale = _CLOCKS[named[0][0].casefold()] or _SECONDS.get(named[0][1].casefold(), 0) if clock is not None else 0
    stated = 1 / (period * scale) if period and scale else _stated_rate(sheet)
    return _Page(
        entry=entry,
        values=numbers.astype(np.float32),
        channels=channels,
        units=tuple(named[k][1] for k in chosen),
        fs=settled_fs(file, stated, fs),
        label="" if place is None else _only_class(sheet, table[place].tolist(), place),
        step=np.array([_step(row) for row in numbers]),
        form={
            "kind": "series",
            "layout": "columns",
            "suffix": file.suffix,
            "delimiter": sheet.delimiter,
            "decimal": sheet.decimal,
            "comments": [line for line in sheet.comments if _KEPT.fullmatch(line)],
            "header": list(sheet.header) if sheet.header else None,
            "label": place,
            "clock": clock,
            "period": period,
            "clock_decimals": None if clock is None else sheet.decimals([clock], table[[clock]].to_numpy().T)[0],
            "decimals": sheet.decimals(chosen, numbers),
        },
    )


_one_reads = Lock()


@lru_cache(maxsize=1)
def _same_page(entry: RecordEntry, fs: float | None, label: str | None, stamp: str) -> _Page:
    return _page(entry, fs, label)


def _titles(sheet: Sheet) -> list[str]:
    """Columns as the header or biosppy's comment calls them."""
    if sheet.header:
        return list(sheet.header)
    for comment in sheet.comments:
        found = _NAMES.fullmatch(comment)
        if found and len(found[1].split()) == sheet.width:
            return found[1].split()
    return [f"channel{k}" for k in range(1, sheet.width + 1)]


def _name_and_unit(title: str) -> tuple[str, str]:
    """`ii (mV)` is lead ii in mV."""
    found = re.fullmatch(r"(.*?)\s*[(\[]([^()\[\]]+)[)\]]", title)
    return (found[1].strip() or title, found[2].strip()) if found else (title.strip(), "")


def _stated_rate(sheet: Sheet) -> float | None:
    for comment in sheet.comments:
        if found := _RATE.fullmatch(comment):
            try:
                return float(found[1])
            except ValueError:
                return None
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


def _only_class(sheet: Sheet, names: list[Any], place: int) -> str:
    """The class of a recording, which is the same in all lines."""
    for row, name in enumerate(names):
        if not isinstance(name, str):
            raise InputError(f"{sheet.file}: line {sheet.first_line + row}: no label in '{sheet.names[place]}'; add it")
        if name != names[0]:
            raise InputError(
                f"{sheet.file}: line {sheet.first_line + row}: label '{name}', before it '{names[0]}'; a recording has "
                "one class; split the file, or leave out --label"
            )
    return str(names[0])


def _step(row: np.ndarray) -> float:
    """Finest difference that a channel's numbers can tell, in its unit."""
    extent = float(np.nanmax(row) - np.nanmin(row))
    digits = decimals_of(row)
    by_digits = 0.0 if digits is None else 10.0**-digits
    return max(by_digits, extent / _LEVELS) or 1.0


def _check_alike(first: _Page, other: _Page) -> None:
    file, like = other.entry.path, first.entry.path
    if [name.casefold() for name in other.channels] != [name.casefold() for name in first.channels]:
        raise InputError(
            f"{file}: its channels are {', '.join(other.channels)}, those of {like} "
            f"{', '.join(first.channels)}; give files with the same columns"
        )
    if other.units != first.units:
        raise InputError(
            f"{file}: its units are {', '.join(other.units)}, those of {like} {', '.join(first.units)}; "
            "bring all to one unit"
        )
    if abs(other.fs / first.fs - 1) > 1e-3:
        raise InputError(f"{file}: {other.fs:g} Hz, but {like} has {first.fs:g} Hz; resample one of them")


def _recording(page: _Page, label: int) -> Recording:
    entry = page.entry
    n_channels, n_samples = page.values.shape
    head = RecordHead(entry.name, entry.path, entry.patient, page.label or UNKNOWN, label, page.fs, n_samples)
    ones = np.ones(n_channels)
    zeros, gain = np.zeros(n_channels), 1 / page.step
    return Recording(head, page.values, page.channels, page.units, page.fs, ones, zeros, gain, page.form)


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
