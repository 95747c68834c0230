"""Ingesting recordings: each read, cut into windows, its signal stored and noted, where a repeated call finds it."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError, ResumableError
from ...files import discard_staged, refuse_file, staged_folder
from ..recording import Recording, Source, Traits
from ..windows import is_missing, stretches
from .storage import Storage
from .store import MANIFEST, SPANS, VERSION, WINDOWS, Store, StoredRecord

_STORE_FILE = re.compile(r"r\d{6,}(\.npy)?|(manifest|zarr|about)\.json|(samples|spans)\.parquet|values\.npy")
_NOTES = ".unfinished"  # behind a URL: notes about the sources that are done


@dataclass(frozen=True)
class RecordNote(Traits):
    """What came of one source."""

    stamp: str  # of what it was made from and how
    diagnosis: str
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
        """The note of a source, given with its position; or why a storage cannot be written to, no source's fault."""
        position, source = job
        stamp, recording = self.stamp(source), source.read()
        head, fs = recording.head, recording.fs
        about = (head.name, recording.channels, recording.units, fs, stamp, head.diagnosis, recording.said)
        starts, dropped, problem = recording.cut(self.length, self.stride)
        note = RecordNote(*about, dropped=dropped, problem=problem)
        try:
            if not problem:
                spans = stretches(recording.values, self.length, fs)
                note = replace(note, starts=starts, spans=spans, record=self._stored(position, recording))
            self.notes.write(file_of(position, ".json"), [note.to_json()])
        except OSError as fault:
            return fault
        return note

    def _stored(self, position: int, recording: Recording) -> StoredRecord:
        head, values, file = recording.head, recording.values, file_of(position, ".npy")
        signal = np.ascontiguousarray(values.T, dtype=values.dtype.newbyteorder("<"))  # T, C
        offset, checksum = write_signal(self.signals, file, signal.shape, signal.dtype, [signal])
        return StoredRecord(
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


def write_signal(
    storage: Storage, file: str, shape: tuple[int, ...], dtype: np.dtype[Any], parts: Iterable[np.ndarray]
) -> tuple[int, int]:
    """Write a .npy file of contiguous parts; its bytes before the samples, and the CRC-32 of these."""
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


@dataclass
class Staging:
    """Where a store is written before it is in its place, which it gets at the end of the context that gives this.

    An InputError in the context discards it, and another store in its place stays; after anything else, the next call
    finds all that was read.
    """

    path: Path | str  # of the store
    signals: Storage  # where signals go; of a URL, whose files cannot move, the place itself
    notes: Storage  # where notes about sources go
    commit: Callable[[], None]  # has what is done survive a failure from now on
    publish: Callable[[], None]  # puts the store in its place, with its manifest, before the end of the context
    manifest: bytes = b""
    store: Store = field(init=False)  # once it is whole, to read from until it is placed

    def notes_of(self, stamps: Sequence[str]) -> dict[int, RecordNote]:
        """Notes of earlier calls about sources that are the same today and whose signals are stored, by position."""
        listed, stored = self.notes.sizes(), self.signals.sizes()
        kept: dict[int, RecordNote] = {}
        for position, stamp in enumerate(stamps):
            if (name := file_of(position, ".json")) not in listed:
                continue
            note = RecordNote.from_json(self.notes.read(name))
            if note is None or note.stamp != stamp:
                continue
            row = note.record
            if row is None or stored.get(row.file) == row.offset + row.n_bytes:
                kept[position] = note
        return kept

    def finish(self, about: dict[str, Any], frame: pd.DataFrame, spans: pd.DataFrame) -> None:
        """Write the tables, delete what is left of other stores, and open what is staged."""
        tables = {WINDOWS: frame.to_parquet(index=False), SPANS: spans.to_parquet(index=False)}
        kept = {row["file"] for row in about["records"]}
        for name in self.signals.sizes().keys() - kept:
            self.signals.remove(name)
        for name, content in tables.items():
            self.signals.write(name, [content])
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in tables.items()}
        about = {"version": VERSION, **about, "sums": sums}
        checksum = zlib.crc32(json.dumps(about, sort_keys=True).encode())
        self.manifest = json.dumps(about | {"checksum": checksum}, indent=1, allow_nan=False).encode()
        self.store = Store(self.path, self.signals, self.manifest)


@contextmanager
def staging_at(path: Path | str, stamp: dict[str, Any]) -> Iterator[Staging]:
    """Staging for a store, refused where files are that are no store's; what happens in the end, see `Staging`."""
    storage = Storage.at(path)
    if storage.folder is not None:
        refuse_file(storage.folder)
    if foreign := sorted(name for name in storage.sizes() if not _STORE_FILE.fullmatch(name)):
        raise InputError(f"{path}: holds '{foreign[0]}', which is no part of a store; choose another place")
    with _in_folder(path, storage.folder, stamp) if storage.folder else _at_url(path, storage) as staging:
        yield staging
        staging.publish()


@contextmanager
def _in_folder(path: Path | str, folder: Path, stamp: dict[str, Any]) -> Iterator[Staging]:
    with staged_folder(folder, {"store": VERSION, **stamp}) as staged:
        signals, notes = Storage.at(staged.files), Storage.at(staged.scratch)

        def publish() -> None:
            if staged.files.is_dir():
                signals.write(MANIFEST, [staging.manifest])
                staged.publish()

        staging = Staging(path, signals, notes, lambda: staged.commit(begun=True), publish)
        yield staging


@contextmanager
def _at_url(path: Path | str, storage: Storage) -> Iterator[Staging]:
    """Files cannot move there: they are in their place at once, and are a store as soon as the manifest is written."""
    notes, committed = storage.beside(_NOTES), []
    for name in (MANIFEST, "zarr.json", "about.json"):  # the latter two of older versions
        storage.remove(name)

    def publish() -> None:
        storage.write(MANIFEST, [staging.manifest])

    staging = Staging(path, storage, notes, lambda: committed.append(True), publish)
    try:
        yield staging
    except BaseException as fault:
        if (isinstance(fault, InputError) and not isinstance(fault, ResumableError)) or not committed:
            storage.remove(MANIFEST)
            discard_unfinished(path)
        raise
    notes.remove()


def discard_unfinished(path: Path | str) -> None:
    """Delete what an interrupted call left beside a store, and at a URL signals that are no store's; a store stays."""
    storage = Storage.at(path)
    if storage.folder is not None:
        discard_staged(storage.folder)
        return
    storage.beside(_NOTES).remove()
    names = storage.sizes()
    for name in () if MANIFEST in names else filter(_STORE_FILE.fullmatch, names):
        storage.remove(name)
