"""Ingesting one recording: reading it, cutting it into windows, storing its signal, noting what came of it."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ..patients import TRAIN
from ..recording import Recording, Source
from ..windows import TOP, is_missing, stretches
from .storage import Storage

VERSION = 5  # of stores


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


@dataclass(frozen=True)
class RecordNote:
    """What came of one source."""

    stamp: str  # of what it was made from and how
    name: str
    diagnosis: str
    channels: tuple[str, ...]  # of the recording, as units and fs: all of a store share them
    units: tuple[str, ...]
    fs: float
    said: dict[str, Any]  # see Recording
    record: StoredRecord | None = None  # what is stored; None if nothing is
    starts: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # (n,) samples at which windows begin
    spans: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.int64))  # (m, 2) stretches of `stretches`
    dropped: dict[str, int] = field(default_factory=dict)  # windows left out, by reason
    problem: str = ""  # why nothing is stored; "" if something is

    def to_json(self) -> bytes:
        """As it lies on disk."""
        plain = asdict(self) | {"starts": self.starts.tolist(), "spans": self.spans.tolist()}
        return json.dumps(plain).encode()

    @classmethod
    def from_json(cls, text: bytes) -> RecordNote | None:
        """What `to_json` wrote; None if it is something else, as after a kill or a power cut."""
        try:
            plain = json.loads(text)
            plain["record"] = StoredRecord(**plain["record"]) if plain["record"] else None
            plain["channels"], plain["units"] = tuple(plain["channels"]), tuple(plain["units"])
            plain["starts"] = np.array(plain["starts"], np.int64)
            plain["spans"] = np.array(plain["spans"], np.int64).reshape(-1, 2)
            return cls(**plain)
        except (ValueError, TypeError, KeyError):
            return None


@dataclass(frozen=True)
class Ingest:
    """Read a source, cut it, write its signal and, when all of that is done, its note; can be pickled."""

    signals: Storage  # where the signal goes
    notes: Storage  # where the note goes
    length: int  # samples in a window
    stride: int  # samples from start to start

    def stamp(self, source: Source) -> str:
        """Of what is made of a source with these settings."""
        return f"{VERSION} {self.length} {self.stride} {source.name} {source.stamp}"

    def __call__(self, job: tuple[int, Source]) -> RecordNote | OSError:
        """Work on one source, by its position.

        Returns:
            The note; or the error of a storage that cannot be written to, which is no fault of the source.
        """
        position, source = job
        stamp, recording = self.stamp(source), source.read()
        note = self._cut(stamp, recording)
        try:
            if len(note.starts):
                note = self._stored(note, file_of(position, ".npy"), recording)
            self.notes.write(file_of(position, ".json"), [note.to_json()])
        except OSError as fault:
            return fault
        return note

    def _cut(self, stamp: str, recording: Recording) -> RecordNote:
        """A note of what would be stored."""
        head, fs = recording.head, recording.fs
        about = (stamp, head.name, head.diagnosis, recording.channels, recording.units, fs, recording.said)
        starts, dropped, problem = recording.cut(self.length, self.stride)
        if problem:
            return RecordNote(*about, dropped=dropped, problem=problem)
        return RecordNote(*about, starts=starts, spans=stretches(recording.values, self.length, fs), dropped=dropped)

    def _stored(self, note: RecordNote, file: str, recording: Recording) -> RecordNote:
        head, values = recording.head, recording.values
        signal = np.ascontiguousarray(values.T, dtype=values.dtype.newbyteorder("<"))  # T, C
        offset, checksum = write_signal(self.signals, file, signal.shape, signal.dtype, [signal])
        record = StoredRecord(
            file=file,
            offset=offset,
            record=head.name,
            patient=head.patient,
            diagnosis=head.diagnosis,
            label=head.label,
            fs=head.fs,
            n_samples=len(signal),
            n_bytes=signal.nbytes,
            dtype=values.dtype.name,
            gain=recording.gain.tolist(),
            baseline=recording.baseline.tolist(),
            source_gain=recording.source_gain.tolist(),
            peak=np.nanmax(np.abs(recording.physical()), axis=1).tolist(),
            missing=bool(is_missing(values).any()),
            checksum=checksum,
        )
        return replace(note, record=record)


def write_signal(
    storage: Storage, file: str, shape: tuple[int, ...], dtype: np.dtype[Any], parts: Iterable[np.ndarray]
) -> tuple[int, int]:
    """Write a .npy file from contiguous parts, one after the other.

    Returns:
        Bytes before the samples, and CRC-32 of the samples.
    """
    header = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, described)
    checksum = 0

    def buffers() -> Iterator[bytes | memoryview]:
        nonlocal checksum
        yield header.getvalue()
        for some in parts:
            content = some.data.cast("B") if some.size else b""
            checksum = zlib.crc32(content, checksum)
            yield content

    storage.write(file, buffers())
    return len(header.getvalue()), checksum


def file_of(position: int, ending: str) -> str:
    """Where a source's signal (.npy) or note (.json) lies: names hold slashes, and whatever else a system allows."""
    return f"r{position:06d}{ending}"


def training_records(records: Collection[StoredRecord], frame: pd.DataFrame) -> list[StoredRecord]:
    """The records with training windows, for what is released must not tell of others; all where nobody split them."""
    names = set(frame.loc[frame["part"] == TRAIN, "record"])
    return [row for row in records if row.record in names] or list(records)


def fine_gains(records: Collection[StoredRecord]) -> tuple[float, ...]:
    """One gain a channel to write windows of all these records with; see Store."""
    finest = np.max([row.source_gain for row in records], axis=0)
    peak = np.max([row.peak for row in records], axis=0)
    gains = []
    for gain, value in zip(finest.tolist(), peak.tolist(), strict=True):
        limit = TOP / (2 * value) if value else np.inf
        gains.append(gain if gain <= limit else float(np.floor(limit)) if limit >= 1 else limit)
    return tuple(gains)
