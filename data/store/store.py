"""The store: each recording's signal once, and a table of windows that are cut from it whenever they are needed."""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError, one_line
from ..patients import TRAIN
from ..recording import to_physical
from ..samples import Samples
from ..windows import TOP
from .storage import ByteRange, DamagedFileError, Storage

MANIFEST, WINDOWS, SPANS = "manifest.json", "samples.parquet", "spans.parquet"
VERSION = 5
CACHE_BYTES = 1 << 29  # the most memory for signals
_OLDER = {"zarr.json", "about.json"}  # manifests of versions before 5
_VALUES_AT_ONCE = 1 << 24  # 64 MiB of float32: the most that iter_windows hands out at once


@dataclass(frozen=True, kw_only=True)
class StoredRecord:
    """One record of a store, or all samples of one that came whole; lists have one entry a channel."""

    file: str  # its signal (T, C), a .npy file in the store
    offset: int  # bytes of that file before the samples
    record: str = ""  # this and the next three: see RecordHead; of whole samples, the frame says them
    patient: str = ""
    diagnosis: str = ""
    label: int = 0
    fs: float | None  # Hz of the source; None where samples have no time
    n_samples: int
    n_bytes: int
    dtype: str  # of the array: int16 or float32
    gain: list[float]  # this and the next two: see Recording
    baseline: list[float]
    source_gain: list[float] = field(default_factory=list)  # empty where no ADC is known, as is `peak`
    peak: list[float] = field(default_factory=list)  # largest absolute value in physical units
    missing: bool  # some sample holds no value
    checksum: int  # CRC-32 of the samples as stored


class Store:
    """Samples, all with the same channels, units, fs and length; signals are read when asked for.

    Samples are windows of recordings, or come whole (rows of a table, pictures, series of one sample a row): then they
    follow each other in one recording, and the frame has whatever columns their source gave.

    Attributes:
        path: its folder or URL.
        frame: one row a sample. Of windows: record, patient, start (samples at fs), label, diagnosis, part. Without a
            split, every part is "".
        records: what is kept of each recording, by name.
        channels, units: C names and physical units.
        fs: Hz of the stored signals; None where samples have no time.
        length, stride: values per channel in a sample, and from one start to the next.
        step: finest difference any training record's ADC could tell, in units of the channels; of samples that come
            whole the range of the training samples in 16 bit.
        gains: one per channel, to write windows like these in 16 bit: the finest gain of any training record, in ADC
            units per unit, unless twice their largest value would not fit; then the finest whole number that lets it.
            None where no ADC is known.
        classes: names of the classes; frame's label is an index into them. Empty: no classes, every label is 0.
        form: how samples become the source's own format again, as JSON.
        is_whole: samples came whole, so windows cannot start elsewhere.
        is_in_memory: signals stay in memory once they were read.
        dropped: what was left out: records that are "short"; windows "missing" a sample; windows "flat".
        problems: one line per record of which nothing was kept.
        mark: SHA-256 of all that the store says of itself; see `store_mark`.
    """

    def __init__(self, path: Path | str, storage: Storage, manifest: bytes, cache_bytes: int = CACHE_BYTES) -> None:
        about, self.frame, self._spans = _checked(path, storage, manifest)
        self.path = path
        self.records = {row["record"]: StoredRecord(**row) for row in about["records"]}
        self.channels: tuple[str, ...] = tuple(about["channels"])
        self.units: tuple[str, ...] = tuple(about["units"])
        self.fs: float | None = about["fs"]
        self.length: int = about["length"]
        self.stride: int = about["stride"]
        self.step: float = about["step"]
        self.classes: tuple[str, ...] = tuple(about["classes"])
        self.form: dict[str, Any] = about["form"]
        self.dropped: dict[str, int] = about["dropped"]
        self.problems: list[str] = about["problems"]
        self.is_whole = set(self.records) == {""}
        self.gains = None if self.is_whole else _fine_gains(training_records(self.records.values(), self.frame))
        self.is_in_memory = sum(row.n_bytes for row in self.records.values()) <= cache_bytes
        self.mark = hashlib.sha256(manifest).hexdigest()
        self._storage = storage
        self._cache: dict[str, np.ndarray] = {}

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

    def values(self, rows: np.ndarray | Sequence[int]) -> np.ndarray:
        """The samples at these positions (n,) of the frame: (n, C, L) float32, a copy."""
        rows = np.asarray(rows, dtype=np.int64)
        if not self.is_whole:
            frame = self.frame.iloc[rows]
            return self.windows(frame["record"].to_numpy(), frame["start"].to_numpy())
        (row,) = self.records.values()
        positions = np.arange(len(self))[rows]  # negative ones count from the end
        if self.is_in_memory:
            stored = self._signal(row).reshape(len(self), self.length, -1)[positions]
        else:
            stored = np.empty((len(positions), self.length, len(self.channels)), row.dtype)
            self._read([row] * len(positions), (positions * self.length).tolist(), stored)
        return np.ascontiguousarray(stored.transpose(0, 2, 1))

    def iter_windows(self, part: str | None = "train", chunk: int = 4096) -> Iterator[np.ndarray]:
        """All windows of one part, in the order of the frame, in parts that fit in memory.

        Arguments:
            part: "train", "control", or None for all.
            chunk: the most windows at once; fewer where windows are large.

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
        if self.is_whole:
            return self._spans
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
        width = len(self.channels)
        wanted = [
            ByteRange(row.file, row.offset + begin * width * target.itemsize, target.data.cast("B"))
            for row, begin, target in zip(rows, begins, into, strict=True)
        ]
        try:
            self._storage.read_ranges(wanted)
        except DamagedFileError as fault:
            raise self._damaged(next(row for row in rows if row.file == fault.name), fault.why) from fault

    def _damaged(self, row: StoredRecord, why: str) -> InputError:
        whose = f" of {row.record}" if row.record else ""
        return InputError(f"{self.path}/{row.file}: the signal{whose} is damaged ({why}); run `prepare` again")


def open_store(path: Path | str, cache_bytes: int = CACHE_BYTES) -> Store:
    """Open a store; signals stay where they are until asked for.

    Arguments:
        path: the folder, or an fsspec URL.
        cache_bytes: the most memory for signals; if all of them fit, they stay in memory once they were read (and are
            checked then), else every window is read when it is asked for.

    Raises:
        InputError: no store there, only half of one, or one that somebody edited; a URL of a protocol that is not
            installed.
    """
    storage = Storage.at(path)
    return Store(path, storage, _manifest(path, storage), cache_bytes)


def store_mark(path: Path | str) -> str:
    """SHA-256 of all that a store says of itself: its description, and whose which sample is.

    Raises:
        InputError: no store there.
    """
    return hashlib.sha256(_manifest(path, Storage.at(path))).hexdigest()


def _checked(path: Path | str, storage: Storage, manifest: bytes) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """What a manifest says, its windows and spans; refuses another version, half of a store, one that was edited."""
    try:
        about = json.loads(manifest.decode())
        if about["version"] != VERSION:
            raise InputError(f"{path}: store of version {about['version']}, this is {VERSION}; run `prepare` again")
        if about.pop("checksum") != zlib.crc32(json.dumps(about, sort_keys=True).encode()):
            raise ValueError(f"{MANIFEST} is not what was written")
        tables = []
        for name in (WINDOWS, SPANS):
            content = storage.read(name)
            if hashlib.sha256(content).hexdigest() != about["sums"][name]:
                raise ValueError(f"{name} is not what was written")
            tables.append(pd.read_parquet(io.BytesIO(content)))
        sizes = storage.sizes()
        for row in about["records"]:
            if sizes.get(row["file"]) != row["offset"] + row["n_bytes"]:
                whose = f" of {row['record']}" if row["record"] else ""
                raise ValueError(f"the signal{whose} is {'cut short' if row['file'] in sizes else 'missing'}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:  # pyarrow's are among these
        raise InputError(f"{path}: only part of a store ({one_line(fault)}); run `prepare` again") from fault
    return about, tables[0], tables[1]


def training_records(records: Collection[StoredRecord], frame: pd.DataFrame) -> list[StoredRecord]:
    """The records with training windows, for what is released must not tell of others; all where nobody split them."""
    names = set(frame.loc[frame["part"] == TRAIN, "record"])
    return [row for row in records if row.record in names] or list(records)


def _fine_gains(records: Collection[StoredRecord]) -> tuple[float, ...]:
    """One gain a channel to write windows of all these records with; see Store."""
    finest = np.max([row.source_gain for row in records], axis=0)
    peak = np.max([row.peak for row in records], axis=0)
    gains = []
    for gain, value in zip(finest.tolist(), peak.tolist(), strict=True):
        limit = TOP / (2 * value) if value else np.inf
        gains.append(gain if gain <= limit else float(np.floor(limit)) if limit >= 1 else limit)
    return tuple(gains)


def _manifest(path: Path | str, storage: Storage) -> bytes:
    try:
        return storage.read(MANIFEST)
    except OSError as fault:
        if _OLDER & storage.sizes().keys():
            raise InputError(f"{path}: store of an older version, this is {VERSION}; run `prepare` again") from fault
        raise InputError(f"{path}: no store here ({one_line(fault)}); make it with `prepare`") from fault
