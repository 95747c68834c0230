"""What a source holds: everything that `anonimage inspect` prints, as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import InputError
from ..labels import CLASSES, TABLE_1, table_1_row
from ..parallel import ordered_map
from ..resample import check_rate
from ..windows import cut
from .header import RecordHead, file_problem, read_head, relabel
from .leads import match_leads
from .listing import list_records
from .signals import read_record


@dataclass(frozen=True)
class RecordRow:
    """One record: what its header says, how many windows it gives, and what is wrong with it, if anything.

    Arguments:
        channels: all of its leads.
        windows: usable windows of the leads asked for; from the length alone where signals are not read.
        dropped: windows left out, by reason: "missing", "flat".
        problem: one line, or None.
    """

    name: str
    patient: str
    diagnosis: str
    label: int
    channels: tuple[str, ...]
    fs: float
    seconds: float
    windows: int
    dropped: dict[str, int] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True)
class Description:
    """A source as a whole; counts are of the records that can be used.

    Arguments:
        source: as given.
        rows: every record, usable or not.
        problems: one line per problem, each beginning with its record's name.
        patients: how many people.
        diagnoses: records per diagnosis, commonest first.
        table_1: records per row of the paper's Table 1, in its order; rows without a record are 0.
        classes: records per class, in the order of their numbers: the paper's classes, or those of `labels`.
        class_patients, class_windows: patients and windows (the paper's "sliced samples", Table 2) per class.
        leads: records per lead, in lower case, commonest first.
        fs: records per sampling frequency in Hz.
        seconds: together.
        dropped: windows left out, by reason.
    """

    source: str
    rows: tuple[RecordRow, ...]
    problems: tuple[str, ...]
    patients: int
    diagnoses: dict[str, int]
    table_1: dict[str, int]
    classes: dict[str, int]
    class_patients: dict[str, int]
    class_windows: dict[str, int]
    leads: dict[str, int]
    fs: dict[float, int]
    seconds: float
    dropped: dict[str, int]


def describe(
    source: Path,
    length: int = 2025,
    stride: int | None = None,
    leads: Sequence[str] = (),
    fs: float | None = None,
    patient: str = "auto",
    signals: bool = True,
    progress: Callable[[int, int], None] | None = None,
    labels: Path | None = None,
) -> Description:
    """Look through a source; problems of single records are collected, not raised.

    Arguments:
        source: a folder with a WFDB database.
        length, stride: the windows to count, in samples at `fs`.
        leads: the leads that would be read; none is all.
        fs: Hz to resample to; None keeps each record's own.
        patient: see `find_records`.
        signals: read the signals too, and so find flat and missing stretches; else only headers and file sizes.
        progress: called with (records done, total).
        labels: CSV file with the columns record and label, for other classes than the paper's; see `relabel`.

    Raises:
        InputError: a source that is missing or empty, or a `patient` or `labels` that does not fit.
    """
    entries, repeated = list_records(Path(source), patient)
    rows: list[RecordRow] = []
    heads, classes = list(ordered_map(read_head, entries)), CLASSES
    if labels is not None:
        heads, classes = relabel(heads, labels)
    for row in ordered_map(lambda head: _row(head, length, stride, leads, fs, signals), heads):
        rows.append(row)
        if progress is not None:
            progress(len(rows), len(entries))
    return _summary(str(source), rows, repeated, classes)


def _row(
    head: RecordHead, length: int, stride: int | None, leads: Sequence[str], fs: float | None, signals: bool
) -> RecordRow:
    windows, problem = 0, head.problem
    dropped: dict[str, int] = {}
    if problem is None:
        try:
            windows, dropped = _count(head, length, stride, leads, fs, signals)
        except InputError as fault:
            problem = str(fault)
    if problem is None and not windows:
        problem = f"{head.name}: {_nothing_usable(dropped, head.seconds, length)}; it would be skipped"
    return RecordRow(
        name=head.name,
        patient=head.patient,
        diagnosis=head.diagnosis,
        label=head.label,
        channels=head.channels,
        fs=head.fs,
        seconds=head.seconds,
        windows=windows,
        dropped=dropped,
        problem=problem,
    )


def _count(
    head: RecordHead, length: int, stride: int | None, leads: Sequence[str], fs: float | None, signals: bool
) -> tuple[int, dict[str, int]]:
    if signals:
        recording = read_record(head, leads, fs)
        starts, dropped = cut(recording.values, length, stride, recording.fs)
        return len(starts), dropped
    problem = file_problem(head, match_leads(leads, head.channels, head.name))
    if problem:
        raise InputError(problem)
    if fs is not None:
        check_rate(head.name, head.fs, fs)
    n_samples = head.n_samples if fs is None else int(head.seconds * fs)
    return len(range(0, n_samples - length + 1, stride or length)), {}


def _nothing_usable(dropped: dict[str, int], seconds: float, length: int) -> str:
    reasons = [reason for reason, n in dropped.items() if n]
    if reasons:
        return f"every window is {' or '.join(reasons)}"
    return f"its {seconds:.3g} s are shorter than a window of {length} samples"


def _summary(source: str, rows: list[RecordRow], repeated: list[str], classes: tuple[str, ...]) -> Description:
    usable = [row for row in rows if row.problem is None]
    by_class = [[row for row in usable if row.label == label] for label in range(len(classes))]
    table_1 = Counter(table_1_row(row.diagnosis) for row in usable)
    dropped: Counter[str] = Counter()
    for row in rows:
        dropped.update(row.dropped)
    return Description(
        source=source,
        rows=tuple(rows),
        problems=(*repeated, *(row.problem for row in rows if row.problem)),
        patients=len({row.patient for row in usable}),
        diagnoses=dict(Counter(row.diagnosis for row in usable).most_common()),
        table_1={name: table_1[name] for name in TABLE_1},
        classes={name: len(members) for name, members in zip(classes, by_class, strict=True)},
        class_patients={
            name: len({row.patient for row in members}) for name, members in zip(classes, by_class, strict=True)
        },
        class_windows={
            name: sum(row.windows for row in members) for name, members in zip(classes, by_class, strict=True)
        },
        leads=dict(Counter(lead.casefold() for row in usable for lead in row.channels).most_common()),
        fs=dict(sorted(Counter(row.fs for row in usable).items())),
        seconds=sum(row.seconds for row in usable),
        dropped=dict(dropped),
    )
