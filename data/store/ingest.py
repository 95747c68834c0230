"""One record on its way into a store: read, cut, its signal written; and what a note about it says."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ..recording import Recording, Source
from ..split import TRAIN
from ..windows import TOP, cut, is_missing, stretches
from .blocks import write_blocks
from .storage import Place

VERSION = 4  # of stores


@dataclass(frozen=True)
class StoredRecord:
    """One record of a store; lists have one entry a channel.

    Arguments:
        key: its array in the store.
        fs: Hz of the source.
        dtype: of the array: int16 or float32.
        gain, baseline, source_gain: see Recording.
        peak: largest absolute value in physical units.
        missing: some sample holds no value.
        checksum: CRC-32 of the samples as stored.
    """

    key: str
    record: str
    patient: str
    diagnosis: str
    label: int
    fs: float
    n_samples: int
    n_bytes: int
    dtype: str
    gain: list[float]
    baseline: list[float]
    source_gain: list[float]
    peak: list[float]
    missing: bool
    checksum: int


@dataclass(frozen=True)
class Note:
    """What came of one source.

    Arguments:
        stamp: of what it was made from and how.
        name: of the record.
        diagnosis: of the record.
        channels, units, fs: of the recording, which all of a store share.
        said: see Recording.
        record: what is stored; None if nothing is.
        starts: (n,) samples at which windows begin.
        spans: (m, 2) stretches of `stretches`.
        dropped: windows left out, by reason.
        problem: why nothing is stored; "" if something is.
    """

    stamp: str
    name: str
    diagnosis: str
    channels: tuple[str, ...]
    units: tuple[str, ...]
    fs: float
    said: dict[str, Any]
    record: StoredRecord | None = None
    starts: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    spans: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.int64))
    dropped: dict[str, int] = field(default_factory=dict)
    problem: str = ""

    def to_json(self) -> bytes:
        """As it lies on disk."""
        plain = asdict(self) | {"starts": self.starts.tolist(), "spans": self.spans.tolist()}
        return json.dumps(plain).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Note | None:
        """What `to_json` wrote; None if it is something else, as after a power cut."""
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
class Keep:
    """Reads a source, cuts it, writes its signal and, when all of that is done, its note; can be pickled.

    Arguments:
        store: where the signal goes.
        notes: where the note goes.
        length, stride: samples in a window and from start to start.
    """

    store: Place
    notes: Place
    length: int
    stride: int

    def stamp(self, source: Source) -> str:
        """Of what is made of a source with these settings."""
        return f"{VERSION} {self.length} {self.stride} {source.name} {source.stamp}"

    def __call__(self, job: tuple[int, Source]) -> Note | OSError:
        """Work on one source, by its position.

        Returns:
            The note; or the error of a place that cannot be written to, which is no fault of the source.
        """
        position, source = job
        stamp, recording = self.stamp(source), source.read()
        note = self._cut(stamp, recording)
        key = key_of(position)
        try:
            if len(note.starts):
                self.store.remove(key)
                note = self._stored(note, key, recording)
            self.notes.write(f"{key}.json", note.to_json())
        except OSError as fault:
            return fault
        return note

    def _cut(self, stamp: str, recording: Recording) -> Note:
        """A note of what would be stored."""
        head, values, fs = recording.head, recording.values, recording.fs
        about = (stamp, head.name, head.diagnosis, recording.channels, recording.units, fs, recording.said)
        if values.shape[1] < self.length:
            seconds = f"{values.shape[1] / fs:.3g} s is shorter than a window of {self.length / fs:.3g} s"
            return Note(*about, dropped={"short": 1}, problem=f"{head.name}: {seconds}; skipped")
        starts, dropped = cut(values, self.length, self.stride, fs)
        if not len(starts):
            why = " or ".join(reason for reason, n in dropped.items() if n)
            return Note(*about, dropped=dropped, problem=f"{head.name}: every window is {why}; skipped")
        return Note(*about, starts=starts, spans=stretches(values, self.length, fs), dropped=dropped)

    def _stored(self, note: Note, key: str, recording: Recording) -> Note:
        head, values = recording.head, recording.values
        record = StoredRecord(
            key=key,
            record=head.name,
            patient=head.patient,
            diagnosis=head.diagnosis,
            label=head.label,
            fs=head.fs,
            n_samples=values.shape[1],
            n_bytes=values.nbytes,
            dtype=values.dtype.name,
            gain=recording.gain.tolist(),
            baseline=recording.baseline.tolist(),
            source_gain=recording.source_gain.tolist(),
            peak=_peak(recording).tolist(),
            missing=bool(is_missing(values).any()),
            checksum=write_blocks(self.store, key, values, head.name),
        )
        return replace(note, record=record)


def key_of(position: int) -> str:
    """Under which a source is stored: names hold slashes, and whatever else a file system allows."""
    return f"r{position:06d}"


def learnt_from(records: Collection[StoredRecord], frame: pd.DataFrame) -> list[StoredRecord]:
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


def _peak(recording: Recording) -> np.ndarray:
    """(C,) largest absolute values in physical units."""
    return np.nanmax(np.abs(recording.physical()), axis=1)
