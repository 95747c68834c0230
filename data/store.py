"""The store: each record's signal once, and a table of windows that are cut from it whenever they are needed."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import zarr

from ..errors import InputError, one_line
from ..files import new_folder
from .draft import SPANS, VERSION, WINDOWS, Draft, StoredRecord, fine_gains, learnt_from
from .labels import CLASSES
from .samples import Samples
from .wfdb_source import Recording, to_physical
from .windows import is_missing

_MANY = 4  # from so many windows of one record on, reading all of it beats reading them one by one
_VALUES_AT_ONCE = 1 << 24  # 64 MiB of float32: the most that iter_windows hands out in one piece


class Store:
    """Windows of many records, all with the same channels, units, fs and length; signals are read when asked for.

    Attributes:
        path: its folder.
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
        dropped: what was left out: records that are "short"; windows "missing" a sample; windows "flat".
        problems: one line per record of which nothing was kept.
    """

    def __init__(
        self,
        path: Path,
        meta: dict[str, Any],
        frame: pd.DataFrame,
        spans: pd.DataFrame,
        arrays: zarr.Group,
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
        self._spans = spans
        self._arrays = arrays
        self._cache: dict[str, np.ndarray] = {}
        self._room = cache_bytes
        self._lock = Lock()
        self._scale = {
            name: (np.array(row.gain, np.float32)[:, None], np.array(row.baseline, np.float32)[:, None])
            for name, row in self.records.items()
        }

    @staticmethod
    def write(
        path: Path,
        recordings: Iterable[Recording],
        length: int,
        stride: int | None = None,
        split: Callable[[pd.DataFrame], np.ndarray] | None = None,
        total: int = 0,
        progress: Callable[[int, int], None] | None = None,
        classes: Sequence[str] = CLASSES,
        form: dict[str, Any] | None = None,
    ) -> Store:
        """Cut recordings into windows and store them; the folder appears when all is written, or not at all.

        Arguments:
            path: the folder; an existing one is replaced.
            recordings: from `read_records`; taken one at a time.
            length: samples in a window.
            stride: samples from start to start; None is `length`.
            split: the part of every row of the frame, e.g. `split_patients`; None leaves them "".
            total: how many recordings there are, for `progress`.
            progress: called with (recordings done, total).
            classes: names of the classes that labels count; () is none.
            form: kept for whoever writes such recordings again; None is that of WFDB.

        Raises:
            InputError: recordings that differ in channels, units or fs, or of a class that is not named; no window
                left; whatever `split` raises.
        """
        if length < 2 or (stride is not None and stride < 1):
            raise InputError(f"windows of {length} samples every {stride or length}: need at least 2 and 1")
        with new_folder(Path(path)) as folder:
            draft = Draft(folder, length, stride or length)
            for done, recording in enumerate(recordings, start=1):
                draft.add(recording)
                if progress is not None:
                    progress(done, max(total, done))
            draft.finish(split, tuple(classes), {"kind": "wfdb"} if form is None else form)
        return Store.open(path)

    @staticmethod
    def open(path: Path, cache_bytes: int = 1 << 31) -> Store:
        """Open a store; signals stay on disk until asked for.

        Arguments:
            path: the folder.
            cache_bytes: the most memory for signals; what does not fit is read piece by piece, from disk each time.

        Raises:
            InputError: no store there, or only half of one.
        """
        path = Path(path)
        if not (path / "zarr.json").is_file():
            raise InputError(f"{path}: no store in this folder; make it with `prepare`")
        try:
            arrays = zarr.open_group(path, mode="r")
            meta = json.loads(json.dumps(dict(arrays.attrs)))
            if meta["version"] != VERSION:
                raise InputError(f"{path}: store of version {meta['version']}, this is {VERSION}; run `prepare` again")
            frame = pd.read_parquet(path / WINDOWS)
            spans = pd.read_parquet(path / SPANS)
            store = Store(path, meta, frame, spans, arrays, cache_bytes)
        except (OSError, ValueError, KeyError, TypeError) as fault:  # pyarrow's and zarr's errors are among these
            raise InputError(f"{path}: only part of a store ({one_line(fault)}); run `prepare` again") from fault
        absent = [row.record for row in store.records.values() if not (path / row.key / "zarr.json").is_file()]
        whole = len(frame) == meta["n_windows"] and len(spans) == meta["n_spans"]
        if absent or not whole:
            there = f"{len(frame)} of {meta['n_windows']} windows, {len(spans)} of {meta['n_spans']} spans"
            what = f"the signal of {absent[0]} is missing" if absent else there
            raise InputError(f"{path}: only part of a store ({what}); run `prepare` again")
        return store

    def __len__(self) -> int:
        return len(self.frame)

    def signal(self, record: str) -> np.ndarray:
        """One record as stored, (C, T) int16 (MISSING where there is no sample) or float32; do not write to it.

        Raises:
            InputError: an unknown record, or a file that is not what was written.
        """
        if record in self._cache:
            return self._cache[record]
        row = self._row(record)
        stored = np.ascontiguousarray(self._read(row, slice(None)))
        if zlib.crc32(stored.data) != row.checksum:
            raise self._damaged(row, "not what was written")
        stored.flags.writeable = False
        with self._lock:  # training prefetches batches from threads
            if record not in self._cache and row.n_bytes <= self._room:
                self._cache[record] = stored
                self._room -= row.n_bytes
        return stored

    def windows(self, records: Sequence[str] | np.ndarray, starts: Sequence[int] | np.ndarray) -> np.ndarray:
        """Cut windows: from each record at its start.

        Arguments:
            records: N names.
            starts: N samples; any start inside the record, not only those of `frame`.

        Returns:
            (N, C, L) float32 in `units`, NaN where there is no sample.
        """
        out = np.empty((len(records), len(self.channels), self.length), dtype=np.float32)
        sources = {record: self._source(record, n) for record, n in Counter(records).items()}
        for window, record, start in zip(out, records, np.asarray(starts).tolist(), strict=True):
            row = self.records[record]
            if not 0 <= start <= row.n_samples - self.length:
                raise InputError(f"{record}: no window of {self.length} samples at {start}; it has {row.n_samples}")
            source = sources[record]
            times = slice(start, start + self.length)
            stored = self._read(row, times) if source is None else source[:, times]
            window[:] = to_physical(stored, *self._scale[record], row.missing)
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

    def _source(self, record: str, n_windows: int) -> np.ndarray | None:
        """The whole signal where that pays: it is cached, or there is room for it, or many windows are wanted of it."""
        row = self._row(record)
        if record in self._cache or row.n_bytes <= self._room or n_windows >= _MANY:
            return self.signal(record)
        return None

    def _read(self, row: StoredRecord, times: slice) -> np.ndarray:
        try:
            array = self._arrays[row.key]
            if not isinstance(array, zarr.Array):
                raise ValueError("it is no array")
            stored = np.asarray(array[:, times])
        except (OSError, ValueError, RuntimeError, KeyError) as fault:
            raise self._damaged(row, one_line(fault)) from fault
        if not row.missing and is_missing(stored).any():
            raise self._damaged(row, "a block is missing")  # zarr fills in for blocks that are not there
        return stored

    def _damaged(self, row: StoredRecord, why: str) -> InputError:
        return InputError(f"{self.path}/{row.key}: the signal of {row.record} is damaged ({why}); run `prepare` again")
