"""Recordings of people who came several times: what a verifier is trained and tried on."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb

from ....data.recording import RecordEntry, RecordHead
from ....data.wfdb.header import read_head
from ....data.wfdb.listing import find_records
from ....data.wfdb.signals import read_record
from ....data.windows import cut
from ....errors import InputError, one_line

_DATE = re.compile(r"\bdate:\s*(\S+)", re.IGNORECASE)
_SPELLED = re.compile(r"^(?:ecg|lead)[\s_-]*", re.IGNORECASE)


@dataclass(frozen=True)
class Sessions:
    """Windows of one lead by person and session.

    Arguments:
        values: (N, L) mV.
        person: (N,) whose each is.
        session: (N,) the record it is of.
        day: (N,) the day of that record as its header writes it; empty where it does not.
        fs: Hz.
    """

    values: np.ndarray
    person: np.ndarray
    session: np.ndarray
    day: np.ndarray
    fs: float

    def of(self, people: np.ndarray) -> np.ndarray:
        """(N,) whether a window is of one of these people."""
        return np.isin(self.person, people)


def read_sessions(source: Path, lead: str, seconds: float, fs: float) -> Sessions:
    """Read windows of one lead of all records of a WFDB database that have it.

    Stretches where nothing moves, such as the (−1, −1) that some records of ECG-ID begin with, are left out: they would
    be known again without any ECG.

    Arguments:
        source: the database; whose a record is says its folder.
        lead: its name; "i" is also found as "ECG I".
        seconds: length of a window.
        fs: Hz to resample to.

    Raises:
        InputError: no database, a record that cannot be read, none with the lead, or no usable window.
    """
    values, names, held = [], [], 0
    entries = find_records(source)
    for entry in entries:
        head = read_head(entry)
        channel = same_lead(lead, head.channels)
        if head.problem is not None:
            raise InputError(head.problem)
        if channel is None:
            continue
        held += 1
        recording = read_record(head, (channel,), fs)
        length = round(seconds * fs)
        starts, _ = cut(recording.values, length, fs=fs)
        if not len(starts):
            continue
        values.append(recording.windows(starts, length)[:, 0])
        names += [(f"{source.name}/{entry.patient}", f"{source.name}/{entry.name}", _day(entry))] * len(starts)
    if not held:
        has = ", ".join(_leads(entries)) or "none"
        raise InputError(f"{source}: no record has lead '{lead}' (the first has {has}); choose one of those")
    if not names:
        raise InputError(f"{source}: no {seconds:g} s of any record are usable; give longer records or shorter windows")
    person, session, day = np.array(names, dtype=str).T
    return Sessions(np.concatenate(values), person, session, day, fs)


def same_lead(lead: str, channels: tuple[str, ...]) -> str | None:
    """Which of these channels is the lead, whatever its case and with or without "ECG" before it; None if none is."""
    wanted = _plain(lead)
    exact = [name for name in channels if name.strip().casefold() == lead.strip().casefold()]
    return next(iter(exact + [name for name in channels if _plain(name) == wanted]), None)


def _plain(name: str) -> str:
    return _SPELLED.sub("", name.strip()).casefold()


def _leads(entries: list[RecordEntry]) -> tuple[str, ...]:
    head: RecordHead = read_head(entries[0])
    return head.channels


def _day(entry: RecordEntry) -> str:
    """The date in a record's header, in its comments or where WFDB has its own place for it; empty without one."""
    try:
        header = wfdb.rdheader(str(entry.path))
    except (OSError, ValueError) as fault:
        raise InputError(f"{entry.name}: its header cannot be read ({one_line(fault)}); fetch it again") from fault
    found = _DATE.search("\n".join(header.comments))
    return found[1] if found else str(header.base_date or "")
