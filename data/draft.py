"""A store while it is written: what is kept of each recording, and what all of them must share."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import zarr
from zarr.codecs import BloscCodec

from ..errors import InputError
from .split import TRAIN
from .wfdb_source import Recording
from .windows import MISSING, TOP, cut, is_missing, stretches

VERSION = 3
WINDOWS = "samples.parquet"
SPANS = "spans.parquet"
_BLOCK = 1 << 16  # samples per stored block: about a minute at 1000 Hz


@dataclass(frozen=True)
class StoredRecord:
    """One record of a store; lists have one entry a channel.

    Arguments:
        key: its array in the store.
        fs: Hz of the source.
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
    gain: list[float]
    baseline: list[float]
    source_gain: list[float]
    peak: list[float]
    missing: bool
    checksum: int


class Draft:
    """A store while it is written."""

    def __init__(self, folder: Path, length: int, stride: int) -> None:
        self.folder, self.length, self.stride = folder, length, stride
        self.arrays = zarr.create_group(folder)
        self.first: Recording | None = None
        self.names: set[str] = set()
        self.records: list[StoredRecord] = []
        self.starts: list[np.ndarray] = []
        self.spans: list[np.ndarray] = []
        self.dropped = {"short": 0, "missing": 0, "flat": 0}
        self.problems: list[str] = []

    def add(self, recording: Recording) -> None:
        head, values = recording.head, recording.values
        self.first = self.first or recording
        self._check_alike(self.first, recording)
        if head.name in self.names:
            raise InputError(f"{head.name}: two records of this name; list it once in RECORDS")
        self.names.add(head.name)
        if values.shape[1] < self.length:
            self.dropped["short"] += 1
            self.problems.append(
                f"{head.name}: {values.shape[1] / recording.fs:.3g} s is shorter than a window "
                f"of {self.length / recording.fs:.3g} s; skipped"
            )
            return
        starts, dropped = cut(values, self.length, self.stride, recording.fs)
        for reason, n in dropped.items():
            self.dropped[reason] += n
        if not len(starts):
            self.problems.append(
                f"{head.name}: every window is {' or '.join(k for k, n in dropped.items() if n)}; skipped"
            )
            return
        key = f"r{len(self.records):06d}"  # names hold slashes, and whatever else a file system allows
        array = self.arrays.create_array(
            key,
            shape=values.shape,
            dtype=values.dtype,
            chunks=(values.shape[0], min(values.shape[1], _BLOCK)),
            compressors=BloscCodec(cname="lz4", clevel=3, shuffle="bitshuffle"),
            fill_value=MISSING if values.dtype == np.int16 else np.nan,
            attributes={"record": head.name},
            config={"write_empty_chunks": True},
        )
        array[:] = values
        self.starts.append(starts)
        self.spans.append(stretches(values, self.length, recording.fs))
        self.records.append(
            StoredRecord(
                key=key,
                record=head.name,
                patient=head.patient,
                diagnosis=head.diagnosis,
                label=head.label,
                fs=head.fs,
                n_samples=values.shape[1],
                n_bytes=values.nbytes,
                gain=recording.gain.tolist(),
                baseline=recording.baseline.tolist(),
                source_gain=recording.source_gain.tolist(),
                peak=_peak(recording).tolist(),
                missing=bool(is_missing(values).any()),
                checksum=zlib.crc32(np.ascontiguousarray(values).data),
            )
        )

    def finish(
        self, split: Callable[[pd.DataFrame], np.ndarray] | None, classes: tuple[str, ...], form: dict[str, Any]
    ) -> None:
        if self.first is None:
            raise InputError("there is no record to store; give a source with records")
        if not self.records:
            raise InputError(
                f"no window of {self.length} samples is left: {self.dropped['short']} records shorter than a window, "
                f"{self.dropped['missing']} windows with missing samples, {self.dropped['flat']} flat windows; "
                "use shorter windows, other leads or other records"
            )
        self._check_classes(classes)
        frame = self._frame()
        if split is not None:
            frame["part"] = split(frame)
            _refuse_torn(frame)
        spans = self._spans()
        frame.to_parquet(self.folder / WINDOWS, index=False)
        spans.to_parquet(self.folder / SPANS, index=False)
        self.arrays.attrs.update(
            {
                "version": VERSION,
                "channels": list(self.first.channels),
                "units": list(self.first.units),
                "fs": self.first.fs,
                "length": self.length,
                "stride": self.stride,
                "step": 1 / max(max(row.source_gain) for row in learnt_from(self.records, frame)),
                "n_windows": len(frame),
                "n_spans": len(spans),
                "classes": list(classes),
                "form": form,
                "dropped": self.dropped,
                "problems": self.problems,
                "records": [asdict(row) for row in self.records],
            }
        )

    def _frame(self) -> pd.DataFrame:
        n_windows = [len(starts) for starts in self.starts]
        columns = {
            name: np.repeat(np.array([getattr(row, name) for row in self.records]), n_windows)
            for name in ("record", "patient", "label", "diagnosis")
        }
        frame = pd.DataFrame({**columns, "start": np.concatenate(self.starts), "part": ""})
        return frame[["record", "patient", "start", "label", "diagnosis", "part"]]

    def _spans(self) -> pd.DataFrame:
        names = np.repeat([row.record for row in self.records], [len(spans) for spans in self.spans])
        begin, end = np.concatenate(self.spans).T
        return pd.DataFrame({"record": names, "begin": begin, "end": end})

    def _check_classes(self, classes: tuple[str, ...]) -> None:
        for row in self.records:
            if not 0 <= row.label < max(1, len(classes)):
                there = f"there are {', '.join(classes)}" if classes else "there are no classes"
                raise InputError(f"{row.record}: label {row.label} is no class; {there}, counted from 0")

    @staticmethod
    def _check_alike(first: Recording, other: Recording) -> None:
        name, named = other.head.name, first.head.name
        if [c.casefold() for c in other.channels] != [c.casefold() for c in first.channels]:
            raise InputError(
                f"{name}: its leads are {', '.join(other.channels)}, those of {named} {', '.join(first.channels)}; "
                "choose leads that all records have with --leads"
            )
        if other.units != first.units:
            raise InputError(
                f"{name}: its units are {', '.join(other.units)}, those of {named} {', '.join(first.units)}; "
                "choose leads or records of one unit"
            )
        if other.fs != first.fs:
            raise InputError(f"{name}: {other.fs:g} Hz, but {named} has {first.fs:g} Hz; give an fs to resample all to")


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


def _refuse_torn(frame: pd.DataFrame) -> None:
    """A record in two parts would put training and control windows over the same heartbeats."""
    parts = frame.groupby("record", sort=False)["part"].nunique()
    if (parts > 1).any():
        raise InputError(f"{parts.idxmax()}: its windows are in {parts.max()} parts; split by patient, or by record")


def _peak(recording: Recording) -> np.ndarray:
    """(C,) largest absolute values in physical units."""
    return np.nanmax(np.abs(recording.physical()), axis=1)
