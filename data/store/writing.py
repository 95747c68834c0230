"""Writing a store: staged beside its place, source by source, continued by a repeated call, and placed when whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError, ResumableError
from ...parallel import Failure, ParallelMap, map_over
from ..labels import CLASSES, classes_of
from ..recording import Source, check_alike
from ..samples import Samples
from .ingest import Ingest, RecordNote, Staging, file_of, staging_at, write_signal
from .store import Store, StoredRecord, open_store, training_records

# What the source's own format needs: as JSON, or from what each recording said and the names of the classes
Form = Mapping[str, Any] | Callable[[list[dict[str, Any]], tuple[str, ...]], dict[str, Any]]
Split = Callable[[pd.DataFrame], np.ndarray]

_LEVELS = 65535  # a range in 16 bit
_CHUNK_VALUES = 1 << 24  # 64 MiB of float32 that are copied at once


@dataclass(frozen=True)
class Cut:
    """How recordings are cut into windows, and these split into parts.

    Arguments:
        length: samples in a window.
        stride: samples from start to start; None is `length`.
        split: the part of every row of the store's frame, e.g. `split_patients`; None leaves them "".

    Raises:
        InputError: such windows cannot be.
    """

    length: int
    stride: int | None = None
    split: Split | None = None

    def __post_init__(self) -> None:
        if self.length < 2 or (self.stride is not None and self.stride < 1):
            raise InputError(f"windows of {self.length} samples every {self.step}: need at least 2 and 1")

    @property
    def step(self) -> int:
        """Samples from start to start."""
        return self.stride or self.length


StagedStore = AbstractContextManager[Staging]


@contextmanager
def stage_store(
    path: Path | str,
    sources: Sequence[Source],
    cut: Cut,
    *,
    classes: Sequence[str] | None = CLASSES,
    form: Form | None = None,
    parallel: ParallelMap | None = None,
    skip_bad: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Staging]:
    """Cut recordings into windows and store them; nothing of it depends on `parallel`.

    What is done lies in a hidden folder beside the store. Whoever is interrupted calls again with the same arguments
    and continues; a source that has changed, or is cut otherwise, is read again.

    Arguments:
        path: a folder, which appears when all is written, or not at all; an older store is replaced. Or an fsspec URL;
            what stood there is gone as soon as this begins, and what is not whole is no store.
        sources: one a recording, each with a name of its own.
        cut: into which windows.
        classes: names of the classes that labels count; () is none, None: the diagnoses are the classes.
        form: kept for whoever writes such recordings again, or what derives it from all that the recordings `said` and
            the names of the classes; None is that of WFDB.
        parallel: who reads; None is this process.
        skip_bad: leave out sources that cannot be read, and say which in `problems`.
        progress: called with (recordings done, all).

    Raises:
        ResumableError: a source that cannot be read, by name; what is done of the others stays.
        InputError: recordings that differ in channels, units or fs, see `check_alike`; of a class that is not named; no
            window left; whatever the split raises; a place that holds something else.
    """
    if not sources:
        raise InputError("there is no record to store; give a source with records")
    name, times = Counter(source.name for source in sources).most_common(1)[0]
    if times > 1:
        raise InputError(f"{name}: two records of this name; list it once in RECORDS")
    with staging_at(path, {"length": cut.length, "stride": cut.step}) as staging:
        notes, problems = _read(staging, sources, cut, parallel, skip_bad, progress)
        staging.finish(*_described(notes, problems, cut, classes, form))
        yield staging


@contextmanager
def stage_samples(
    path: Path | str,
    samples: Samples,
    form: Mapping[str, Any],
    classes: Sequence[str] = (),
    problems: Sequence[str] = (),
) -> Iterator[Staging]:
    """Store samples that come whole: one recording in which they follow each other.

    Arguments:
        path: see `stage_store`.
        samples: at least one.
        form: JSON.
        classes: names of the labels 0…K−1.
        problems: one line each.

    Raises:
        InputError: no samples; a place that holds something else.
    """
    if not len(samples):
        raise InputError(f"{path}: there is no sample to store; give a source with samples")
    frame = samples.frame if "part" in samples.frame else samples.frame.assign(part="")
    values, shape = samples.values, (len(samples) * samples.length, len(samples.channels))
    n = max(1, _CHUNK_VALUES // (samples.length * shape[1]))
    parts = (
        np.ascontiguousarray(values[first : first + n].transpose(0, 2, 1), "<f4") for first in range(0, len(values), n)
    )
    with staging_at(path, {"length": samples.length}) as staging:
        offset, checksum = write_signal(staging.signals, file_of(0, ".npy"), shape, np.dtype("<f4"), parts)
        record = StoredRecord(
            file=file_of(0, ".npy"),
            offset=offset,
            fs=samples.fs,
            n_samples=shape[0],
            n_bytes=values.nbytes,
            dtype="float32",
            gain=[1.0] * shape[1],
            baseline=[0.0] * shape[1],
            missing=bool(np.isnan(values).any()),
            checksum=checksum,
        )
        training = (frame["part"] == "train").to_numpy()
        about = {
            "channels": samples.channels,
            "units": samples.units,
            "fs": samples.fs,
            "length": samples.length,
            "stride": samples.length,
            "step": _sample_step(values[training] if training.any() else values),
            "classes": list(classes),
            "form": dict(form),
            "dropped": {},
            "problems": list(problems),
            "records": [asdict(record)],
        }
        staging.finish(about, frame, pd.DataFrame({"record": [], "begin": [], "end": []}))
        del samples, values, parts  # which are stored now
        yield staging


def placed(staged: StagedStore) -> Store:
    """Put a store in its place, and open it."""
    with staged as staging:
        pass
    return open_store(staging.path)


def _sample_step(values: np.ndarray) -> float:
    """The range of values in 16 bit; values that are all the same, or all missing, have the range 1."""
    finite = values[np.isfinite(values)].astype(np.float64)
    extent = float(np.ptp(finite)) if finite.size else 0.0
    return (extent or 1.0) / _LEVELS


def _read(
    staging: Staging,
    sources: Sequence[Source],
    cut: Cut,
    parallel: ParallelMap | None,
    skip_bad: bool,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[RecordNote], list[str]]:
    """Notes of the sources in order, but for those that are left out; and a line for each that gave nothing."""
    notes: list[RecordNote] = []
    problems: list[str] = []
    ingest = Ingest(staging.signals, staging.notes, cut.length, cut.step)
    earlier = staging.notes_of([ingest.stamp(source) for source in sources])
    jobs = [job for job in enumerate(sources) if job[0] not in earlier]
    with map_over(parallel, ingest, jobs) as results:
        for position, source in enumerate(sources):
            note = earlier.pop(position) if position in earlier else next(results)
            if isinstance(note, OSError):
                raise note
            if isinstance(note, Failure):
                problems.append(_why(source, note))
                if not skip_bad:
                    raise (ResumableError if notes else InputError)(f"{problems[-1]}, or leave it out with --skip-bad")
            else:
                if notes:
                    check_alike(notes[0], note)
                else:
                    staging.commit()
                notes.append(note)
                problems += [note.problem] if note.problem else []
            if progress is not None:
                progress(position + 1, len(sources))
    if not notes:
        raise InputError(f"{problems[0]}; nor can any other record be read")
    return notes, problems


def _why(source: Source, failure: Failure) -> str:
    """Why a source cannot be read, in a line."""
    if failure.died:
        return f"{source.name}: the process that read it ended without a word ({failure.reason}); give it more memory"
    if failure.is_input:
        return failure.reason
    return f"{source.name}: cannot be read ({failure.reason}); fetch or export the record again"


def _described(
    notes: Sequence[RecordNote], problems: Sequence[str], cut: Cut, classes: Sequence[str] | None, form: Form | None
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """What a store says of itself, its windows and its spans."""
    kept = [note for note in notes if note.record is not None]
    dropped = {why: sum(note.dropped.get(why, 0) for note in notes) for why in ("short", "missing", "flat")}
    if not kept:
        raise InputError(
            f"no window of {cut.length} samples is left: {dropped['short']} records shorter than a window, "
            f"{dropped['missing']} windows with missing samples, {dropped['flat']} flat windows; "
            "use shorter windows, other leads or other records"
        )
    records = [note.record for note in kept if note.record is not None]
    if classes is None:
        classes, _ = classes_of([note.diagnosis for note in notes])
        _, labels = classes_of([row.diagnosis for row in records], classes)
        records = [replace(row, label=label) for row, label in zip(records, labels, strict=True)]
    classes = tuple(classes)
    if form is None:
        form = {"kind": "wfdb"}
    elif callable(form):
        form = form([note.said for note in notes], classes)
    _check_classes(records, classes)
    frame = _frame(records, [note.starts for note in kept])
    if cut.split is not None:
        frame["part"] = cut.split(frame)
        # a record in two parts would put training and control windows over the same heartbeats
        parts = frame.groupby("record", sort=False)["part"].nunique()
        if (parts > 1).any():
            torn = f"{parts.idxmax()}: its windows are in {parts.max()} parts"
            raise InputError(f"{torn}; split by patient, or by record")
    about = {
        "channels": notes[0].channels,
        "units": notes[0].units,
        "fs": notes[0].fs,
        "length": cut.length,
        "stride": cut.step,
        "step": 1 / max(max(row.source_gain) for row in training_records(records, frame)),
        "classes": classes,
        "form": dict(form),
        "dropped": dropped,
        "problems": list(problems),
        "records": [asdict(row) for row in records],
    }
    begin, end = np.concatenate([note.spans for note in kept]).T
    names = np.repeat([row.record for row in records], [len(note.spans) for note in kept])
    return about, frame, pd.DataFrame({"record": names, "begin": begin, "end": end})


def _frame(records: Sequence[StoredRecord], starts: Sequence[np.ndarray]) -> pd.DataFrame:
    columns = ("record", "patient", "label", "diagnosis")
    rows = pd.DataFrame({name: [getattr(row, name) for row in records] for name in columns})
    frame = rows.iloc[np.repeat(np.arange(len(rows)), [len(some) for some in starts])].reset_index(drop=True)
    frame.insert(2, "start", np.concatenate(starts))
    return frame.assign(part="")


def _check_classes(records: Sequence[StoredRecord], classes: tuple[str, ...]) -> None:
    for row in records:
        if not 0 <= row.label < max(1, len(classes)):
            known = f"there are {', '.join(classes)}" if classes else "there are no classes"
            raise InputError(f"{row.record}: label {row.label} is no class; {known}, counted from 0")
