"""A store while it is made: source by source, in work that a later call goes on with, and in the end all at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
import zarr

from ...errors import InputError
from ..labels import classes_of
from ..parallel import Failure, Spread, spread_over
from ..recording import Source
from .ingest import VERSION, Keep, Note, StoredRecord, learnt_from
from .work import ABOUT, SPANS, WINDOWS, Work

# What the source's own format needs: as JSON, or from what each recording said and the names of the classes
Form = dict[str, Any] | Callable[[list[dict[str, Any]], tuple[str, ...]], dict[str, Any]]


class BadSourceError(InputError):
    """A source that cannot be used; what was made of the others stays for the next call."""


class StoreWriter:
    """Makes a store; the arguments are those of `Store.write`."""

    def __init__(
        self,
        work: Work,
        sources: Sequence[Source],
        length: int,
        stride: int,
        *,
        skip_bad: bool,
        progress: Callable[[int, int], None] | None,
        hold: bool,
    ) -> None:
        self.hold = hold
        self.work, self.sources, self.skip_bad, self.progress = work, sources, skip_bad, progress
        self.keep = Keep(work.store, work.notes, length, stride)
        self.notes: list[Note] = []
        self.problems: list[str] = []

    def write(
        self,
        spread: Spread | None,
        split: Callable[[pd.DataFrame], np.ndarray] | None,
        classes: Sequence[str] | None,
        form: Form,
    ) -> None:
        """Make the store, or go on with it.

        Raises:
            BadSourceError: the work stays. Any other InputError: it is gone.
        """
        if not self.sources:
            raise InputError("there is no record to store; give a source with records")
        self._refuse_repeated()
        self.work.begin()
        try:
            self._work_on_sources(spread)
            self._finish(split, classes, form)
        except BaseException as fault:
            in_vain = isinstance(fault, InputError) and not isinstance(fault, BadSourceError)
            if in_vain or not self.work.notes.names():
                self.work.discard()
            raise

    def _work_on_sources(self, spread: Spread | None) -> None:
        """One note a source, in order, but for those that are left out."""
        stamps = [self.keep.stamp(source) for source in self.sources]
        earlier = self.work.still_holding(stamps)
        jobs = [job for job in enumerate(self.sources) if job[0] not in earlier]
        with spread_over(spread, self.keep, jobs) as results:
            for position, source in enumerate(self.sources):
                result = earlier.pop(position) if position in earlier else next(results)
                if isinstance(result, OSError):
                    raise result
                if isinstance(result, Failure):
                    self._leave_out(source, result)
                else:
                    self._take(result)
                if self.progress is not None:
                    self.progress(position + 1, len(self.sources))
        if not self.notes:
            raise InputError(f"{self.problems[0]}; nor can any other record be read")

    def _leave_out(self, source: Source, failure: Failure) -> None:
        why = failure.reason
        if failure.died:
            why = f"{source.name}: the process that read it ended without a word ({why}); give it more memory"
        elif not failure.is_input:
            why = f"{source.name}: cannot be read ({why}); fetch or export the record again"
        if not self.skip_bad:
            raise BadSourceError(f"{why}, or leave it out with --skip-bad")
        self.problems.append(why)

    def _take(self, note: Note) -> None:
        if self.notes:
            _check_alike(self.notes[0], note)
        if note.problem:
            self.problems.append(note.problem)
        self.notes.append(note)

    def _refuse_repeated(self) -> None:
        names: set[str] = set()
        for source in self.sources:
            if source.name in names:
                raise InputError(f"{source.name}: two records of this name; list it once in RECORDS")
            names.add(source.name)

    def _finish(
        self, split: Callable[[pd.DataFrame], np.ndarray] | None, classes: Sequence[str] | None, form: Form
    ) -> None:
        kept = [note for note in self.notes if note.record is not None]
        dropped = {why: sum(note.dropped.get(why, 0) for note in self.notes) for why in ("short", "missing", "flat")}
        if not kept:
            raise InputError(
                f"no window of {self.keep.length} samples is left: {dropped['short']} records shorter than a window, "
                f"{dropped['missing']} windows with missing samples, {dropped['flat']} flat windows; "
                "use shorter windows, other leads or other records"
            )
        records = [note.record for note in kept if note.record is not None]
        if classes is None:
            classes, _ = classes_of([note.diagnosis for note in self.notes])
            _, labels = classes_of([row.diagnosis for row in records], classes)
            records = [replace(row, label=label) for row, label in zip(records, labels, strict=True)]
        classes = tuple(classes)
        if callable(form):
            form = form([note.said for note in self.notes], classes)
        _check_classes(records, classes)
        frame = _frame(records, [note.starts for note in kept])
        if split is not None:
            frame["part"] = split(frame)
            _refuse_torn(frame)
        spans = _spans(records, [note.spans for note in kept])
        about = {
            "version": VERSION,
            "channels": list(self.notes[0].channels),
            "units": list(self.notes[0].units),
            "fs": self.notes[0].fs,
            "length": self.keep.length,
            "stride": self.keep.stride,
            "step": 1 / max(max(row.source_gain) for row in learnt_from(records, frame)),
            "n_windows": len(frame),
            "n_spans": len(spans),
            "classes": list(classes),
            "form": form,
            "dropped": dropped,
            "problems": self.problems,
            "records": [asdict(row) for row in records],
        }
        files = {WINDOWS: frame.to_parquet(index=False), SPANS: spans.to_parquet(index=False), ABOUT: _group(about)}
        self.work.finish(files, {row.key for row in records}, hold=self.hold)


def _group(about: dict[str, Any]) -> bytes:
    """The zarr.json of a group with these attributes."""
    files: dict[str, Any] = {}
    zarr.create_group(files, attributes=json.loads(json.dumps(about)))
    return files[ABOUT].to_bytes()


def _frame(records: Sequence[StoredRecord], starts: Sequence[np.ndarray]) -> pd.DataFrame:
    n_windows = [len(some) for some in starts]
    columns = {
        name: np.repeat(np.array([getattr(row, name) for row in records]), n_windows)
        for name in ("record", "patient", "label", "diagnosis")
    }
    frame = pd.DataFrame({**columns, "start": np.concatenate(starts), "part": ""})
    return frame[["record", "patient", "start", "label", "diagnosis", "part"]]


def _spans(records: Sequence[StoredRecord], spans: Sequence[np.ndarray]) -> pd.DataFrame:
    names = np.repeat([row.record for row in records], [len(some) for some in spans])
    begin, end = np.concatenate(spans).T
    return pd.DataFrame({"record": names, "begin": begin, "end": end})


def _check_classes(records: Sequence[StoredRecord], classes: tuple[str, ...]) -> None:
    for row in records:
        if not 0 <= row.label < max(1, len(classes)):
            there = f"there are {', '.join(classes)}" if classes else "there are no classes"
            raise InputError(f"{row.record}: label {row.label} is no class; {there}, counted from 0")


def _check_alike(first: Note, other: Note) -> None:
    if [c.casefold() for c in other.channels] != [c.casefold() for c in first.channels]:
        raise InputError(
            f"{other.name}: its channels are {', '.join(other.channels)}, those of {first.name} "
            f"{', '.join(first.channels)}; choose leads that all have with --leads, or files of the same columns"
        )
    if other.units != first.units:
        raise InputError(
            f"{other.name}: its units are {', '.join(other.units)}, those of {first.name} {', '.join(first.units)}; "
            "choose leads or records of one unit"
        )
    if other.fs != first.fs:
        raise InputError(
            f"{other.name}: {other.fs:g} Hz, but {first.name} has {first.fs:g} Hz; give an fs to resample all to"
        )


def _refuse_torn(frame: pd.DataFrame) -> None:
    """A record in two parts would put training and control windows over the same heartbeats."""
    parts = frame.groupby("record", sort=False)["part"].nunique()
    if (parts > 1).any():
        raise InputError(f"{parts.idxmax()}: its windows are in {parts.max()} parts; split by patient, or by record")
