"""What a WFDB database holds, as plain data for `anonimage inspect`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import InputError
from ...parallel import ordered_map
from ..labels import CLASSES, TABLE_1, table_1_row
from ..recording import RecordHead, Traits, check_alike
from .header import list_records, read_head, relabel
from .signals import read_record


@dataclass(frozen=True)
class RecordRow:
    """One record: what its header says, how many windows it gives, and what is wrong with it, if anything."""

    head: RecordHead  # with all of its leads
    windows: int = 0  # usable windows of the leads asked for
    dropped: dict[str, int] = field(default_factory=dict)  # windows left out, by reason; "short": the record, 1
    problem: str = ""  # one line, if there is one


@dataclass(frozen=True)
class Description:
    """A database as a whole; counts are of the records that can be used."""

    rows: tuple[RecordRow, ...]  # every record, usable or not
    problems: tuple[str, ...]  # one line per problem, each beginning with its record's name
    patients: int  # how many people
    diagnoses: dict[str, int]  # records per diagnosis, commonest first
    table_1: dict[str, int]  # records per row of the paper's Table 1, in its order; rows without a record are 0
    # records per class, in the order of their numbers: the paper's classes, or those of `labels`
    classes: dict[str, int]
    # class_patients, class_windows: patients and windows (the paper's "sliced samples", Table 2) per class
    class_patients: dict[str, int]
    class_windows: dict[str, int]
    leads: dict[str, int]  # records per lead, in lower case, commonest first
    fs: dict[float, int]  # records per sampling frequency in Hz
    seconds: float  # together
    dropped: dict[str, int]  # windows left out, by reason


def describe(
    source: Path,
    length: int = 2025,
    stride: int | None = None,
    leads: Sequence[str] = (),
    fs: float | None = None,
    patient: str = "auto",
    progress: Callable[[int, int], None] | None = None,
    labels: Path | None = None,
) -> Description:
    """Read a database as `prepare` does; problems of single records are collected, not raised.

    Arguments:
        source, patient: see `find_records`.
        length, stride: the windows to count, in samples at `fs`.
        leads, fs: see `read_record`.
        progress: called with (records done, total).
        labels: CSV file with the columns record and label, for other classes than the paper's; see `relabel`.
    """
    entries, repeated = list_records(Path(source), patient)
    heads, classes = list(ordered_map(read_head, entries)), CLASSES
    if labels is not None:
        heads, classes = relabel(heads, labels)
    rows: list[RecordRow] = []
    problems, first = list(repeated), None

    def read(head: RecordHead) -> tuple[RecordRow, Traits | None]:
        try:
            recording = read_record(head, leads, fs)
        except InputError as fault:
            return RecordRow(head, problem=str(fault)), None
        starts, dropped, problem = recording.cut(length, stride)
        return RecordRow(head, len(starts), dropped, problem), recording.traits

    for row, traits in ordered_map(read, heads):
        rows.append(row)
        problems += [row.problem] if row.problem else []
        first = first or traits
        if first and traits:
            try:
                check_alike(first, traits)
            except InputError as fault:
                problems.append(str(fault))
        if progress is not None:
            progress(len(rows), len(entries))
    return _summary(rows, problems, classes)


def _summary(rows: list[RecordRow], problems: list[str], classes: tuple[str, ...]) -> Description:
    usable = [row for row in rows if not row.problem]
    heads = [row.head for row in usable]
    by_class = {name: [row for row in usable if row.head.label == label] for label, name in enumerate(classes)}
    table_1 = Counter(table_1_row(head.diagnosis) for head in heads)
    dropped: Counter[str] = Counter()
    for row in rows:
        dropped.update({why: n for why, n in row.dropped.items() if why != "short"})  # of which no window is cut
    return Description(
        rows=tuple(rows),
        problems=tuple(problems),
        patients=len({head.patient for head in heads}),
        diagnoses=dict(Counter(head.diagnosis for head in heads).most_common()),
        table_1={name: table_1[name] for name in TABLE_1},
        classes={name: len(members) for name, members in by_class.items()},
        class_patients={name: len({row.head.patient for row in members}) for name, members in by_class.items()},
        class_windows={name: sum(row.windows for row in members) for name, members in by_class.items()},
        leads=dict(Counter(lead.casefold() for head in heads for lead in head.channels).most_common()),
        fs=dict(sorted(Counter(head.fs for head in heads).items())),
        seconds=sum(head.seconds for head in heads),
        dropped=dict(dropped),
    )
