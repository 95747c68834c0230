"""A store of whole samples: rows of a table, pictures, series that come one sample a row; nothing is cut from them."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError, one_line
from ..samples import Samples
from ..split import TRAIN
from .storage import BrokenFileError, Piece, Place, place_at
from .store import CACHE_BYTES, Store
from .work import ABOUT as SIGNALS_ABOUT
from .work import ABOUT_SAMPLES as ABOUT
from .work import Work

VERSION = 1
_VALUES = "values.npy"
_FRAME = "samples.parquet"
_LEVELS = 65535  # a range in 16 bit
_VALUES_AT_ONCE = 1 << 24  # 64 MiB of float32: the most that is read in one piece


class SampleStore:
    """Samples as they were given, all with the same channels, units, fs and length; values are read when asked for.

    Attributes:
        path: its folder or URL.
        frame: one row a sample; `part` is "" where nobody split them.
        channels, units: C names and physical units.
        fs: Hz, or None.
        length: values per channel in one sample.
        step: resolution of the values: the range of the training samples, or of all where nobody split them, in 16 bit.
        gains: None; these samples came from no ADC.
        dropped: what was left out, by reason.
        problems: one line for each thing the user should know.
        form: how samples become the source's own format again.
        classes: names of the labels; () where there are none.
    """

    gains: None = None

    def __init__(
        self, path: Path | str, place: Place, about: dict[str, Any], frame: pd.DataFrame, cache_bytes: int
    ) -> None:
        self.path = path
        self.frame = frame
        self.channels: tuple[str, ...] = tuple(about["channels"])
        self.units: tuple[str, ...] = tuple(about["units"])
        self.fs: float | None = about["fs"]
        self.length: int = about["shape"][2]
        self.step: float = about["step"]
        self.dropped: dict[str, int] = about["dropped"]
        self.problems: list[str] = about["problems"]
        self.form: dict[str, Any] = about["form"]
        self.classes: tuple[str, ...] = tuple(about["classes"])
        self._checksum: int = about["checksum"]
        self._place = place
        self._shape: tuple[int, int, int] = tuple(about["shape"])
        self._header = len(_header(self._shape))  # bytes before the values
        self._values: np.ndarray | None = None  # all of them, where they fit
        self._is_cached = 4 * math.prod(self._shape) <= cache_bytes
        self._is_checked = False

    @staticmethod
    def write(
        path: Path | str,
        samples: Samples,
        form: Mapping[str, Any],
        classes: Sequence[str] = (),
        dropped: Mapping[str, int] | None = None,
        problems: Sequence[str] = (),
        hold: bool = False,
    ) -> SampleStore:
        """Store samples; a folder appears when all is written, or not at all.

        Arguments:
            path: a folder or an fsspec URL; a store that is there is replaced.
            samples: at least one.
            form: JSON.
            classes: names of the labels 0…K−1.
            dropped: how many samples were left out, by reason.
            problems: one line each.
            hold: see `Store.write`.

        Raises:
            InputError: no samples; a place that holds something else.
        """
        if not len(samples):
            raise InputError(f"{path}: there is no sample to store; give a source with samples")
        frame = samples.frame if "part" in samples.frame else samples.frame.assign(part="")
        values = np.ascontiguousarray(samples.values)
        learnt = (frame["part"] == TRAIN).to_numpy()
        table = frame.to_parquet(index=False)
        about = {
            "version": VERSION,
            "shape": list(values.shape),
            "channels": list(samples.channels),
            "units": list(samples.units),
            "fs": samples.fs,
            "step": _step(values[learnt] if learnt.any() else values),
            "dropped": dict(dropped or {}),
            "problems": list(problems),
            "form": dict(form),
            "classes": list(classes),
            "checksum": zlib.crc32(values.data),
            "frame_checksum": zlib.crc32(table),
        }
        sealed = json.dumps({**about, "about_checksum": _seal(about)}, indent=1, allow_nan=False)
        work = Work(path)
        work.begin()
        try:
            work.store.write(_VALUES, _header(values.shape), values.data)
            work.finish({_FRAME: table, ABOUT: sealed.encode()}, {_VALUES}, hold=hold)
        except BaseException:
            work.discard()
            raise
        return SampleStore.open(path)

    @staticmethod
    def open(path: Path | str, cache_bytes: int = CACHE_BYTES) -> SampleStore:
        """Open a store; values stay where they are until asked for.

        Arguments:
            path: the folder, or an fsspec URL.
            cache_bytes: the most memory for values; if they fit, they stay in memory once they were read.

        Raises:
            InputError: no store there, only half of one, or one that somebody edited.
        """
        place = place_at(path)
        try:
            try:
                about = json.loads(place.read(ABOUT).decode())
            except FileNotFoundError:
                raise InputError(f"{path}: no store here; make it with `prepare`") from None
            if about["version"] != VERSION:
                raise InputError(f"{path}: store of version {about['version']}, this is {VERSION}; run `prepare` again")
            if about.pop("about_checksum") != _seal(about):
                raise ValueError(f"{ABOUT} is not what was written")
            if zlib.crc32(place.read(_FRAME)) != about["frame_checksum"]:
                raise ValueError(f"{_FRAME} is not what was written")
            frame = place.read_table(_FRAME)
            header = _header(about["shape"])
            there, end = bytearray(len(header)), bytearray(1)
            last = len(header) + 4 * math.prod(about["shape"]) - 1
            place.fill([Piece(_VALUES, 0, memoryview(there)), Piece(_VALUES, last, memoryview(end))])
            if there != header or len(frame) != about["shape"][0]:
                raise ValueError(f"{_VALUES} is not what was written")
            return SampleStore(path, place, about, frame, cache_bytes)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, BrokenFileError) as fault:
            raise InputError(f"{path}: only part of a store ({one_line(fault)}); run `prepare` again") from fault

    def __len__(self) -> int:
        return len(self.frame)

    def values(self, rows: np.ndarray | Sequence[int]) -> np.ndarray:
        """The samples at these positions of the frame: (n, C, L) float32, a copy.

        Raises:
            InputError: the file is not what was written.
        """
        self._check()
        positions = np.arange(len(self))[np.asarray(rows, dtype=np.int64)]  # negative ones count from the end
        return self._read(positions) if self._values is None else self._values[positions]

    def samples(self, rows: np.ndarray | None = None) -> Samples:
        """All samples, or those at a boolean mask or at positions."""
        rows = np.arange(len(self)) if rows is None else np.asarray(rows)
        positions = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        return Samples(self.values(positions), self.frame.iloc[positions], self.channels, self.units, self.fs)

    def iter_windows(self, part: str | None = "train", chunk: int = 4096) -> Iterator[np.ndarray]:
        """All samples of one part, in the order of the frame, in pieces that fit in memory.

        Arguments:
            part: "train", "control", or None for all.
            chunk: the most samples in a piece; fewer where samples are large.

        Yields:
            (n, C, L) float32.
        """
        here = np.ones(len(self), bool) if part is None else (self.frame["part"] == part).to_numpy()
        positions = np.flatnonzero(here)
        n = self._at_once(chunk)
        for first in range(0, len(positions), n):
            yield self.values(positions[first : first + n])

    def _check(self) -> None:
        """Read everything once; later calls trust what they find."""
        if self._is_checked:
            return
        checksum, n = 0, self._at_once(len(self))
        whole = np.empty(self._shape, np.float32) if self._is_cached else None
        for first in range(0, len(self), n):
            values = self._read(np.arange(first, min(first + n, len(self))))
            checksum = zlib.crc32(values.data, checksum)
            if whole is not None:
                whole[first : first + n] = values
        if checksum != self._checksum:
            raise InputError(f"{self.path}/{_VALUES}: damaged (not what was written); run `prepare` again")
        self._values, self._is_checked = whole, True

    def _read(self, positions: np.ndarray) -> np.ndarray:
        values = np.empty((len(positions), *self._shape[1:]), "<f4")
        size = 4 * math.prod(self._shape[1:])
        room = values.data.cast("B") if values.size else memoryview(b"")
        try:
            self._place.fill(
                [
                    Piece(_VALUES, self._header + size * position, room[size * k : size * (k + 1)])
                    for k, position in enumerate(positions.tolist())
                ]
            )
        except BrokenFileError as fault:
            raise InputError(f"{self.path}/{_VALUES}: damaged ({fault.why}); run `prepare` again") from fault
        return values

    def _at_once(self, chunk: int) -> int:
        return max(1, min(chunk, _VALUES_AT_ONCE // max(1, math.prod(self._shape[1:]))))


AnyStore = Store | SampleStore


def open_store(path: Path | str, cache_bytes: int = CACHE_BYTES) -> AnyStore:
    """Open what `prepare` left in a place: windows of records, or whole samples.

    Arguments:
        path: the folder, or an fsspec URL.
        cache_bytes: the most memory for signals or values; see `Store.open`.

    Raises:
        InputError: no store there, or only half of one.
    """
    is_of_samples = ABOUT in place_at(path).names()
    return SampleStore.open(path, cache_bytes) if is_of_samples else Store.open(path, cache_bytes)


def store_mark(path: Path | str) -> str:
    """SHA-256 of all that a store says of itself: its description, and whose which sample is.

    Raises:
        InputError: no store there.
    """
    place, mark = place_at(path), hashlib.sha256()
    there = place.names()
    for name in (*({ABOUT, SIGNALS_ABOUT} & there), _FRAME):
        try:
            mark.update(place.read(name))
        except OSError as fault:
            raise InputError(f"{path}: no store here ({one_line(fault)}); make it with `prepare`") from fault
    return mark.hexdigest()


def _step(values: np.ndarray) -> float:
    """The range in 16 bit; values that are all the same, or all missing, have the range 1."""
    finite = values[np.isfinite(values)].astype(np.float64)
    extent = float(np.ptp(finite)) if finite.size else 0.0
    return (extent or 1.0) / _LEVELS


def _header(shape: Sequence[int]) -> bytes:
    """What a .npy file of float32 of this shape begins with."""
    file = io.BytesIO()
    about = {"descr": "<f4", "fortran_order": False, "shape": tuple(shape)}
    np.lib.format.write_array_header_1_0(file, about)
    return file.getvalue()


def _seal(about: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(about, sort_keys=True).encode())
