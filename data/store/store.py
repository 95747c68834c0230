"""The store: each record's signal once, and a table of windows that are cut from it whenever they are needed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError, one_line
from ..labels import CLASSES
from ..parallel import Spread
from ..recording import Source, to_physical
from ..samples import Samples
from .blocks import pieces
from .ingest import VERSION, StoredRecord, fine_gains, learnt_from
from .storage import BrokenFileError, Piece, Place, place_at
from .work import ABOUT, SPANS, WINDOWS, Work
from .writing import Form, StoreWriter

CACHE_BYTES = 1 << 29  # the most memory for signals
_VALUES_AT_ONCE = 1 << 24  # 64 MiB of float32: the most that iter_windows hands out in one piece


class Store:
    """Windows of many records, all with the same channels, units, fs and length; signals are read when asked for.

    Attributes:
        path: its folder or URL.
        frame: one row a window: record, patient, start (samples at fs), label, diagnosis, part.
        records: what is kept of each record, by name.
        channels, units: C names and physical units.
        fs: Hz of the stored signals.
        length, stride: samples in a window and from one start to the next.
        step: finest difference any training record's ADC could tell, in units of the channels.
        gains: one per channel, to write windows like these in 16 bit: the finest gain of any training record, in ADC
            units per unit, unless twice their largest value would not fit; then the finest whole number that lets it.
        classes: names of the classes; frame's label is an index into them. Empty: no classes, every label is 0.
        form: how samples become the source's own format again, as JSON.
        is_in_memory: signals stay in memory once they were read.
        dropped: what was left out: records that are "short"; windows "missing" a sample; windows "flat".
        problems: one line per record of which nothing was kept.
    """

    def __init__(
        self,
        path: Path | str,
        place: Place,
        meta: dict[str, Any],
        frame: pd.DataFrame,
        spans: pd.DataFrame,
        cache_bytes: int,
    ) -> None:
        self.path = path
        self.frame = frame
        self.records = {row["record"]: StoredRecord(**row) for row in meta["records"]}
        self.channels: tuple[str, ...] = tuple(meta["channels"])
        self.units: tuple[str, ...] = tuple(meta["units"])
        self.fs: float = meta["fs"]
        self.length: int = meta["length"]
        self.stride: int = meta["stride"]
        self.step: float = meta["step"]
        self.gains = fine_gains(learnt_from(self.records.values(), frame))
        self.classes: tuple[str, ...] = tuple(meta["classes"])
        self.form: dict[str, Any] = meta["form"]
        self.dropped: dict[str, int] = meta["dropped"]
        self.problems: list[str] = meta["problems"]
        self._place = place
        self._spans = spans
        self._cache: dict[str, np.ndarray] = {}
        self.is_in_memory = sum(row.n_bytes for row in self.records.values()) <= cache_bytes

    @staticmethod
    def write(
        path: Path | str,
        sources: Sequence[Source],
        length: int,
        stride: int | None = None,
        split: Callable[[pd.DataFrame], np.ndarray] | None = None,
        *,
        spread: Spread | None = None,
        skip_bad: bool = False,
        progress: Callable[[int, int], None] | None = None,
        classes: Sequence[str] | None = CLASSES,
        form: Form | None = None,
        hold: bool = False,
    ) -> Store:
        """Cut recordings into windows and store them; nothing of it depends on `spread`.

        What is done lies in a folder beside the store, `path` with .unfinished behind. Whoever is interrupted calls
        again with the same arguments and goes on; a source that has changed, or is cut otherwise, is made anew.

        Arguments:
            path: a folder, which appears when all is written, or not at all; an older store is replaced. Or an fsspec
                URL; what stood there is gone as soon as this begins, and what is not whole is no store.
            sources: one a recording, each with a name of its own.
            length: samples in a window.
            stride: samples from start to start; None is `length`.
            split: the part of every row of the frame, e.g. `split_patients`; None leaves them "".
            spread: who reads; None is this process.
            skip_bad: leave out sources that cannot be read, and say which in `problems`.
            progress: called with (recordings done, all).
            classes: names of the classes that labels count; () is none, None: the diagnoses are the classes.
            form: kept for whoever writes such recordings again, or what makes it of all that the recordings `said` and
                the names of the classes; None is that of WFDB.
            hold: keep the work, with which the same call would go on, until `settle` or `discard`.

        Raises:
            InputError: a source that cannot be read, by name (what is done of the others stays); recordings that differ
                in channels, units or fs, or of a class that is not named; no window left; whatever `split` raises; a
                place that holds something else.
        """
        if length < 2 or (stride is not None and stride < 1):
            raise InputError(f"windows of {length} samples every {stride or length}: need at least 2 and 1")
        writer = StoreWriter(
            Work(path), sources, length, stride or length, skip_bad=skip_bad, progress=progress, hold=hold
        )
        writer.write(spread, split, classes, {"kind": "wfdb"} if form is None else form)
        return Store.open(path)

    @staticmethod
    def discard(path: Path | str) -> None:
        """Delete what a `write` made that was interrupted or held; another store there stays, or comes back."""
        Work(path).discard()

    @staticmethod
    def settle(path: Path | str) -> None:
        """Delete the work that a `write` held; its store stays."""
        Work(path).settle()

    @staticmethod
    def is_begun(path: Path | str) -> bool:
        """Whether there is work with which `write` would go on."""
        return bool(Work(path).folder.names())

    @staticmethod
    def is_held(path: Path | str) -> bool:
        """Whether what stands there is a `write`'s that was held, and neither settled nor discarded since."""
        return Work(path).is_placed()

    @staticmethod
    def open(path: Path | str, cache_bytes: int = CACHE_BYTES) -> Store:
        """Open a store; signals stay where they are until asked for.

        Arguments:
            path: the folder, or an fsspec URL.
            cache_bytes: the most memory for signals; if all of them fit, they stay in memory once they were read, else
                every window is read when it is asked for.

        Raises:
            InputError: no store there, or only half of one; a URL of a protocol that is not installed.
        """
        place = place_at(path)
        try:
            try:
                meta = json.loads(place.read(ABOUT))["attributes"]
            except FileNotFoundError:
                raise InputError(f"{path}: no store here; make it with `prepare`") from None
            if meta["version"] != VERSION:
                raise InputError(f"{path}: store of version {meta['version']}, this is {VERSION}; run `prepare` again")
            frame, spans = place.read_table(WINDOWS), place.read_table(SPANS)
            store = Store(path, place, meta, frame, spans, cache_bytes)
        except (OSError, ValueError, KeyError, TypeError) as fault:  # pyarrow's errors are among these
            raise InputError(f"{path}: only part of a store ({one_line(fault)}); run `prepare` again") from fault
        there = place.names()
        absent = [row.record for row in store.records.values() if row.key not in there]
        whole = len(frame) == meta["n_windows"] and len(spans) == meta["n_spans"]
        if absent or not whole:
            counts = f"{len(frame)} of {meta['n_windows']} windows, {len(spans)} of {meta['n_spans']} spans"
            what = f"the signal of {absent[0]} is missing" if absent else counts
            raise InputError(f"{path}: only part of a store ({what}); run `prepare` again")
        return store

    def __len__(self) -> int:
        return len(self.frame)

    def signal(self, record: str) -> np.ndarray:
        """One record as stored, (C, T) int16 (MISSING where there is no sample) or float32; do not write to it.

        Raises:
            InputError: an unknown record, or a file that is not what was written.
        """
        return self._signal(self._row(record)).T

    def windows(self, records: Sequence[str] | np.ndarray, starts: Sequence[int] | np.ndarray) -> np.ndarray:
        """Cut windows: from each record at its start.

        Arguments:
            records: N names.
            starts: N samples; any start inside the record, not only those of `frame`.

        Returns:
            (N, C, L) float32 in `units`, NaN where there is no sample.
        """
        rows, begins = [self._row(record) for record in records], np.asarray(starts).tolist()
        for row, begin in zip(rows, begins, strict=True):
            if not 0 <= begin <= row.n_samples - self.length:
                raise InputError(f"{row.record}: no window of {self.length} samples at {begin}; it has {row.n_samples}")
        dtypes = {row.dtype for row in rows}
        if len(dtypes) == 1:
            return self._windows(rows, begins)
        out = np.empty((len(rows), len(self.channels), self.length), np.float32)
        for dtype in dtypes:  # resampled records stand beside others
            chosen = [k for k, row in enumerate(rows) if row.dtype == dtype]
            out[chosen] = self._windows([rows[k] for k in chosen], [begins[k] for k in chosen])
        return out

    def samples(self, rows: np.ndarray | None = None) -> Samples:
        """The windows of the frame, or those at a boolean mask or at positions, as Samples."""
        positions = np.arange(len(self)) if rows is None else np.asarray(rows)
        if positions.dtype == bool:
            positions = np.flatnonzero(positions)
        return Samples(self.values(positions), self.frame.iloc[positions], self.channels, self.units, self.fs)

    def values(self, rows: np.ndarray) -> np.ndarray:
        """The windows at these positions (n,) of the frame: (n, C, L) float32."""
        frame = self.frame.iloc[rows]
        return self.windows(frame["record"].to_numpy(), frame["start"].to_numpy())

    def iter_windows(self, part: str | None = "train", chunk: int = 4096) -> Iterator[np.ndarray]:
        """All windows of one part, in the order of the frame, in pieces that fit in memory.

        Arguments:
            part: "train", "control", or None for all.
            chunk: the most windows in a piece; fewer where windows are large.

        Yields:
            (n, C, L) float32.
        """
        rows = np.arange(len(self)) if part is None else np.flatnonzero(self.frame["part"] == part)
        n = max(1, min(chunk, _VALUES_AT_ONCE // (len(self.channels) * self.length)))
        for first in range(0, len(rows), n):
            yield self.values(rows[first : first + n])

    def spans(self, part: str | None = "train") -> pd.DataFrame:
        """Where the windows of one part may start off the grid: nothing missing or flat in any of them; see `cut`.

        Arguments:
            part: "train", "control", or None for all.

        Returns:
            One row a stretch: record, begin and end in samples; a window may start anywhere in [begin, end − length].
        """
        frame = self.frame if part is None else self.frame[self.frame["part"] == part]
        return self._spans[self._spans["record"].isin(frame["record"].unique())].reset_index(drop=True)

    def _row(self, record: str) -> StoredRecord:
        try:
            return self.records[record]
        except KeyError:
            raise InputError(f"{self.path}: no record '{record}' in this store") from None

    def _windows(self, rows: Sequence[StoredRecord], begins: Sequence[int]) -> np.ndarray:
        """(n, C, L) float32 of records of one dtype."""
        stored = np.empty((len(rows), self.length, len(self.channels)), rows[0].dtype)
        if self.is_in_memory:
            for window, row, begin in zip(stored, rows, begins, strict=True):
                window[:] = self._signal(row)[begin : begin + self.length]
        else:
            self._read(rows, begins, stored)
        gain = np.array([row.gain for row in rows])[:, :, np.newaxis]
        baseline = np.array([row.baseline for row in rows])[:, :, np.newaxis]
        return to_physical(stored.transpose(0, 2, 1), gain, baseline, any(row.missing for row in rows))

    def _signal(self, row: StoredRecord) -> np.ndarray:
        """(T, C) as stored, checked, not to be written to."""
        if row.record in self._cache:
            return self._cache[row.record]
        stored = np.empty((row.n_samples, len(self.channels)), row.dtype)
        self._read([row], [0], [stored])
        if zlib.crc32(stored.data) != row.checksum:
            raise self._damaged(row, "not what was written")
        stored.flags.writeable = False
        if self.is_in_memory:
            self._cache[row.record] = stored
        return stored

    def _read(self, rows: Sequence[StoredRecord], begins: Sequence[int], into: Iterable[np.ndarray]) -> None:
        """Fill each array with samples of a record from its begin on."""
        wanted: list[Piece] = []
        for row, begin, target in zip(rows, begins, into, strict=True):
            wanted += pieces(row.key, row.n_samples, begin, target)
        try:
            self._place.fill(wanted)
        except BrokenFileError as fault:
            row = next(row for row in rows if fault.name.startswith(f"{row.key}/"))
            raise self._damaged(row, fault.why) from fault

    def _damaged(self, row: StoredRecord, why: str) -> InputError:
        return InputError(f"{self.path}/{row.key}: the signal of {row.record} is damaged ({why}); run `prepare` again")
