"""Recordings: what a record says of itself, its signals, and sources that are known by name before they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..errors import InputError
from .windows import MISSING, cut

_SAME_RATE = 1e-3  # clocks and headers round; it is a thousandth of a heart rate, 2 samples of a window of 2,025


@dataclass(frozen=True)
class RecordEntry:
    """A record that a source lists: its name there, its path (of WFDB: without extension), and whose it is."""

    name: str
    path: Path
    patient: str


@dataclass(frozen=True)
class Signal:
    """One signal line of a header; units, gain and baseline with voltages in mV."""

    name: str  # the lead as the header writes it
    units: str  # physical unit
    gain: float  # ADC units per physical unit
    baseline: int  # ADC value of 0
    scale: float  # what values in the header's own unit are multiplied by to be in `units`
    file: str  # file, fmt, offset, per_frame, skew: where and how its samples are stored, in WFDB's terms
    fmt: str
    offset: int
    per_frame: int
    skew: int


@dataclass(frozen=True)
class RecordHead:
    """What a header says about its record."""

    name: str  # as the source lists it: the path below the source, with slashes
    path: Path  # on disk, without extension
    patient: str  # whose it is
    diagnosis: str = "n/a"  # the header's reason for admission
    label: int = 1  # of the paper's classes, the one that a missing diagnosis falls into
    fs: float = 0.0  # Hz; 0 if there is a problem
    n_samples: int = 0  # per signal
    signals: tuple[Signal, ...] = ()  # all of them
    segmented: bool = False  # a multi-segment record
    problem: str | None = None  # the one line that says why this header cannot be used

    @property
    def channels(self) -> tuple[str, ...]:
        """All lead names, as the header writes them."""
        return tuple(signal.name for signal in self.signals)

    @property
    def units(self) -> tuple[str, ...]:
        """One physical unit per lead; voltages mV."""
        return tuple(signal.units for signal in self.signals)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.n_samples / self.fs if self.fs else 0.0


@dataclass(frozen=True)
class Traits:
    """What all recordings of a store share, but for the name: channels, units and fs as `Recording` has them."""

    name: str
    channels: tuple[str, ...]
    units: tuple[str, ...]
    fs: float


@dataclass(frozen=True)
class Recording:
    """The chosen leads of one record at one sampling frequency."""

    head: RecordHead  # the record's header
    # (C, T) int16 as the ADC gave them, MISSING where there is no sample; or float32 in `units` with NaN
    values: np.ndarray
    channels: tuple[str, ...]  # lead names as the record writes them
    units: tuple[str, ...]  # one per lead; voltages always mV
    fs: float  # Hz
    gain: np.ndarray  # (C,) stored units per physical unit; 1 for float32
    baseline: np.ndarray  # (C,) stored value of 0; 0 for float32
    source_gain: np.ndarray  # (C,) ADC units of the source per physical unit, without sign
    said: dict[str, Any] = field(default_factory=dict)  # what else it takes to write such a recording again, as JSON

    @property
    def traits(self) -> Traits:
        """What it has to share with the others of a store."""
        return Traits(self.head.name, self.channels, self.units, self.fs)

    @property
    def step(self) -> np.ndarray:
        """(C,) finest difference the source's ADC could tell, in `units`."""
        return 1 / self.source_gain

    def physical(self) -> np.ndarray:
        """(C, T) float32 in `units`, NaN where there is no sample."""
        return to_physical(self.values, self.gain[:, np.newaxis], self.baseline[:, np.newaxis])

    def windows(self, starts: np.ndarray, length: int) -> np.ndarray:
        """(N, C, L) float32 in `units`: the windows that begin at these samples."""
        views = np.lib.stride_tricks.sliding_window_view(self.values, length, axis=1)  # C, T−L+1, L
        stored = views[:, starts].transpose(1, 0, 2)  # N, C, L
        return to_physical(stored, self.gain[:, np.newaxis], self.baseline[:, np.newaxis])

    def cut(self, length: int, stride: int | None = None) -> tuple[np.ndarray, dict[str, int], str]:
        """Where the usable windows start, how many are left out by reason, and why none is left, if none is."""
        n_samples = self.values.shape[1]
        if n_samples < length:
            seconds = f"{n_samples / self.fs:.3g} s is shorter than a window of {length / self.fs:.3g} s"
            return np.empty(0, np.int64), {"short": 1}, f"{self.head.name}: {seconds}; skipped"
        starts, dropped = cut(self.values, length, stride, self.fs)
        why = " or ".join(reason for reason, n in dropped.items() if n)
        return starts, dropped, "" if len(starts) else f"{self.head.name}: every window is {why}; skipped"


def check_alike(first: Traits, second: Traits) -> None:
    """Refuse recordings that cannot stand in one store: channels or units differ, or rates by over 0.1 %."""
    if [name.casefold() for name in second.channels] != [name.casefold() for name in first.channels]:
        raise InputError(
            f"{second.name}: its channels are {', '.join(second.channels)}, those of {first.name} "
            f"{', '.join(first.channels)}; choose leads that all have with --leads, or files of the same columns"
        )
    if second.units != first.units:
        raise InputError(
            f"{second.name}: its units are {', '.join(second.units)}, those of {first.name} {', '.join(first.units)}; "
            "choose leads or files of one unit"
        )
    if not same_rate(first.fs, second.fs):
        raise InputError(
            f"{second.name}: {second.fs:g} Hz, but {first.name} has {first.fs:g} Hz; bring all to one rate, WFDB "
            "records with --fs"
        )


def same_rate(first: float, second: float) -> bool:
    """Whether two sampling rates differ by no more than clocks that are rounded do."""
    return abs(second / first - 1) <= _SAME_RATE


class Source(Protocol):
    """One recording that has not been read; can be pickled."""

    @property
    def name(self) -> str:
        """What its recording is called; of all sources of a store, each has its own."""

    @property
    def stamp(self) -> str:
        """Another one as soon as its files are others, or as something else is read of them; see `stamp_of`."""

    def read(self) -> Recording:
        """Read it.

        Raises:
            InputError: it cannot be used.
        """


def to_physical(stored: np.ndarray, gain: np.ndarray, baseline: np.ndarray, missing: bool = True) -> np.ndarray:
    """Samples, int16 with MISSING or physical already, as float32; `missing` is False where none is known to be."""
    values = stored.astype(np.float32, order="C")
    if stored.dtype != np.int16:
        return values
    if baseline.any():
        values -= baseline.astype(np.float32, copy=False)
    values /= gain.astype(np.float32, copy=False)
    if missing and stored.size and stored.min() == MISSING:
        values[stored == MISSING] = np.nan
    return values


def stamp_of(files: Iterable[Path], *what: Any) -> str:
    """A digest of files by name, size and time of change, and of what is read of them, by its repr."""
    digest = hashlib.sha256(repr(what).encode())
    for file in files:
        try:
            stat = file.stat()
            digest.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
        except OSError:
            digest.update(f"{file} cannot be seen\n".encode())
    return digest.hexdigest()
