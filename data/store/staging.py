"""Where a store is written before it is in its place: a staged folder, or notes beside a URL."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ...errors import InputError, ResumableError
from ...files import discard_staged, refuse_file, staged_folder
from .ingest import VERSION, RecordNote, file_of
from .storage import Storage
from .store import MANIFEST, SPANS, WINDOWS, Store

_STORE_FILE = re.compile(r"r\d{6,}(\.npy)?|(manifest|zarr|about)\.json|(samples|spans)\.parquet|values\.npy")
_NOTES = ".unfinished"  # behind a URL: notes about the sources that are done


@dataclass
class Staging:
    """Where a store is written before it is in its place."""

    path: Path | str  # of the store
    signals: Storage  # where signals go; of a URL, whose files cannot move, the place itself
    notes: Storage  # where notes about sources go
    commit: Callable[[], None]  # has what is done survive a failure from now on
    put: Callable[[bytes], None]  # gives it its place, with its manifest
    manifest: bytes = b""

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

    def finish(self, about: dict[str, Any], frame: pd.DataFrame, spans: pd.DataFrame) -> Store:
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
        return Store.load(self.path, self.signals, self.manifest)

    def publish(self) -> None:
        """Give it its place."""
        self.put(self.manifest)


@contextmanager
def staging_at(path: Path | str, stamp: dict[str, Any]) -> Iterator[Staging]:
    """Staging for a store; what happens to it in the end, see `StagedStore`.

    Raises:
        InputError: in the store's place are files that are not a store's, or no folder can be made there.
    """
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

        def put(manifest: bytes) -> None:
            if staged.files.is_dir():
                signals.write(MANIFEST, [manifest])
                staged.publish()

        yield Staging(path, signals, notes, lambda: staged.commit(begun=True), put)


@contextmanager
def _at_url(path: Path | str, storage: Storage) -> Iterator[Staging]:
    """Files cannot move there: they are in their place at once, and are a store as soon as the manifest is written."""
    notes, committed = storage.beside(_NOTES), []
    for name in (MANIFEST, "zarr.json", "about.json"):  # the latter two of older versions
        storage.remove(name)
    staging = Staging(
        path, storage, notes, lambda: committed.append(True), lambda manifest: storage.write(MANIFEST, [manifest])
    )
    try:
        yield staging
    except BaseException as fault:
        if (isinstance(fault, InputError) and not isinstance(fault, ResumableError)) or not committed:
            storage.remove(MANIFEST)
            _discard(storage)
        raise
    notes.remove()


def discard_unfinished(path: Path | str) -> None:
    """Delete what an interrupted call left beside a store; the store stays."""
    storage = Storage.at(path)
    if storage.folder is not None:
        discard_staged(storage.folder)
    else:
        _discard(storage)


def _discard(storage: Storage) -> None:
    """Delete the notes at a URL, and the signals there unless they are a store's."""
    storage.beside(_NOTES).remove()
    names = storage.sizes()
    for name in () if MANIFEST in names else filter(_STORE_FILE.fullmatch, names):
        storage.remove(name)
