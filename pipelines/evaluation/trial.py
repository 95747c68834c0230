"""The trial of a verifier: recordings of people who came several times, compared in pairs, and its equal error rate."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb

from ...data.recording import RecordEntry
from ...data.wfdb.header import read_head
from ...data.wfdb.listing import find_records
from ...data.wfdb.signals import read_record
from ...data.windows import cut
from ...errors import InputError, one_line
from .resampling import RESAMPLES, ends
from .score import Score

SAME_DAY, OTHER_DAY = "same day", "other day"
GUESSING = 0.5
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


def read_sessions(source: Path, lead: str, seconds: float, fs: float) -> Sessions:
    """Read windows of one lead of all records of a WFDB database that have it.

    Stretches where nothing moves, such as the (−1, −1) that some records of ECG-ID begin with, are left out: they would
    be known again without any ECG.

    Arguments:
        source: the database; whose a record is says its folder.
        lead: its name; "i" also matches "ECG I".
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
        has = ", ".join(read_head(entries[0]).channels) or "none"
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


def _day(entry: RecordEntry) -> str:
    """The date in a record's header, in its comments or its own field; empty without one."""
    try:
        header = wfdb.rdheader(str(entry.path))
    except (OSError, ValueError) as fault:
        raise InputError(f"{entry.name}: its header cannot be read ({one_line(fault)}); fetch it again") from fault
    date = _DATE.search("\n".join(header.comments))
    return date[1] if date else str(header.base_date or "")


@dataclass(frozen=True)
class Comparisons:
    """How alike pairs of recordings are.

    Arguments:
        similar: (K,) similarity of each pair.
        first, second: (K,) whose the two are, as integers; the same for a genuine pair.
    """

    similar: np.ndarray
    first: np.ndarray
    second: np.ndarray

    @property
    def genuine(self) -> np.ndarray:
        return self.first == self.second

    @property
    def people(self) -> int:
        """How many people have a genuine pair."""
        return len(np.unique(self.first[self.genuine]))


def compare(points: np.ndarray, person: np.ndarray, session: np.ndarray, day: np.ndarray) -> dict[str, Comparisons]:
    """Every session with every other, and every window with every session but its own.

    Arguments:
        points: (N, F) of windows.
        person, session, day: (N,) of each; person as integers.
    """
    _, first, codes = np.unique(session, return_index=True, return_inverse=True)
    whose, when = person[first], day[first]
    means = mean_points(points, codes, len(first))
    each_once = np.triu(np.ones((len(first), len(first)), dtype=bool), 1)
    another = codes[:, None] != np.arange(len(first))
    compared = {}
    for kind, one, of, at, wanted in (
        ("session", means, whose, when, each_once),
        ("window", points, person, day, another),
    ):
        similar, same = one @ means.T, of[:, None] == whose
        known = (at[:, None] != "") & (when != "")
        for name, days in ((SAME_DAY, at[:, None] == when), (OTHER_DAY, at[:, None] != when)):
            rows, columns = np.nonzero(wanted & (~same | (days & known)))
            compared[f"{name}: {kind}"] = Comparisons(similar[rows, columns], of[rows], whose[columns])
    return compared


def pooled(pairs: Sequence[Comparisons]) -> Comparisons:
    """All comparisons of several folds."""
    similar, first, second = (
        np.concatenate([getattr(one, name) for one in pairs]) for name in ("similar", "first", "second")
    )
    return Comparisons(similar, first, second)


def is_trial(pairs: Sequence[Comparisons]) -> bool:
    """Whether there is more than one person with a genuine pair, and anybody to mistake them for."""
    whole = pooled(pairs)
    return whole.people > 1 and not whole.genuine.all()


def mean_points(points: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
    """Mean point (count, F) of each group, at length 1."""
    sums = np.zeros((count, points.shape[1]), dtype=np.float32)
    np.add.at(sums, codes, points)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


def score_equal_error(pairs: Comparisons, seed: int) -> tuple[Score, float]:
    """Equal error rate and the threshold that belongs to it; n is the number of people with a genuine pair.

    Arguments:
        pairs: all comparisons, each as often as it was made.
        seed: of the resampling. A genuine pair counts as often as its person is drawn, one of two people as often as
            the one times as often as the other.
    """
    ordered = _Sorted(pairs)
    people = 1 + max(pairs.first.max(), pairs.second.max())
    value, threshold = ordered.rate(np.ones(people))
    rng = np.random.default_rng(seed)
    rates = []
    for draw in rng.multinomial(people, np.full(people, 1 / people), RESAMPLES).astype(float):
        rates.append(ordered.rate(draw)[0])
    # NaN where nobody with a genuine pair was drawn
    return Score(value, *ends(np.array(rates)), GUESSING, pairs.people), threshold


class _Sorted:
    """Comparisons in falling order of similarity, so that every resample is two running sums."""

    def __init__(self, pairs: Comparisons) -> None:
        order = np.argsort(-pairs.similar, kind="stable")
        self.similar, self.first, self.second = pairs.similar[order], pairs.first[order], pairs.second[order]
        self.genuine = self.first == self.second
        self.ends = np.append(np.flatnonzero(np.diff(self.similar)), len(order) - 1)  # of ties

    def rate(self, weights: np.ndarray) -> tuple[float, float]:
        """Equal error rate and threshold, each person with a weight (P,); NaN if either kind of pair has none."""
        weight = np.where(self.genuine, weights[self.first], weights[self.first] * weights[self.second])
        accepted = np.cumsum(np.where(self.genuine, weight, 0))
        let_in = np.cumsum(np.where(self.genuine, 0, weight))
        if not accepted[-1] or not let_in[-1]:
            return float("nan"), float("nan")
        refused = np.append(1, 1 - accepted[self.ends] / accepted[-1])
        let_in = np.append(0, let_in[self.ends] / let_in[-1])
        over = let_in - refused  # rises from −1 to 1
        k = int(np.argmax(over >= 0))
        share = -over[k - 1] / (over[k] - over[k - 1])
        return float(let_in[k - 1] + share * (let_in[k] - let_in[k - 1])), float(self.similar[self.ends[k - 1]])
