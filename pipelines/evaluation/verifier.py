"""A verifier of people: do two windows of one ECG lead come from one person? Tried on people that it never saw.

It sees the median beat of a window and projects it to where, over people, sessions differ least and people most. With
some hundred people to learn from, this linear metric erred no more on new ones than small convolutional networks did.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import safetensors.numpy
import wfdb
from safetensors import SafetensorError, safe_open

from ...data.recording import RecordEntry
from ...data.wfdb.header import find_records, read_head
from ...data.wfdb.signals import read_record
from ...data.windows import cut
from ...errors import InputError, one_line
from ...files import new_file
from .beats import beat_shapes
from .resampling import RESAMPLES, ends
from .scores import Score

FORMAT = 1
FOLDS = 5  # people are unseen in one of so many trainings
FEATURES = 20  # directions that are kept
SHRINKAGE = 0.02  # of covariances within people, which rest on few windows each
SMALLEST_MV = 0.01  # so that the size of a beat has a logarithm
SAME_DAY, OTHER_DAY = "same day", "other day"
GUESSING = 0.5
_DATE = re.compile(r"\bdate:\s*(\S+)", re.IGNORECASE)
_SPELLED = re.compile(r"^(?:ecg|lead)[\s_-]*", re.IGNORECASE)


@dataclass(frozen=True)
class Verifier:
    """What distinguishes people by one lead, and how well it does."""

    centre: np.ndarray  # (89,) mean description of a beat
    axes: np.ndarray  # (89, F) what it is projected on
    lead: str  # of the windows
    seconds: float  # length of the windows it was tried on
    # equal error rates on unseen people by "same day: session", "same day: window", "other day: …"; interval over
    # people, n people. A session is compared with a session, or a window with one
    errors: Mapping[str, Score]
    # cosine of a window and somebody's mean from which on they count as one person: where the two errors of "window"
    # are equal
    threshold: float
    trained_on: int  # how many people it learnt from
    usable: float  # share of the windows of the source that hold a whole beat; the others took no part in the trial

    @property
    def error(self) -> Score:
        """The equal error rate of single windows, which an attack uses."""
        return self.errors.get(f"{SAME_DAY}: window") or self.errors[f"{OTHER_DAY}: window"]

    def embed(self, values: np.ndarray, channels: Sequence[str], fs: float) -> np.ndarray:
        """Embed windows (N, C, L) in mV; their mean over somebody's windows, at length 1, stands for the person.

        Returns:
            (N, F) float32 of length 1; 0 for windows that hold no whole beat, which are like nobody's.

        Raises:
            InputError: the verifier's lead is not among the C channels.
        """
        channel = same_lead(self.lead, tuple(channels))
        if channel is None:
            raise InputError(f"verifier: needs lead '{self.lead}', not {', '.join(channels)}; train one on such a lead")
        return _project(_described(values[:, list(channels).index(channel)], fs), self.centre, self.axes)

    def save(self, path: Path) -> None:
        """Write it into one safetensors file."""
        about = asdict(self)
        arrays = {name: np.ascontiguousarray(about.pop(name)) for name in ("centre", "axes")}
        with new_file(path, "wb") as file:
            file.write(safetensors.numpy.save(arrays, {"verifier": json.dumps({"format": FORMAT} | about)}))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; an InputError says that it is missing, cut, or no verifier of this version."""
        try:
            with safe_open(path, "np") as file:
                about = json.loads((file.metadata() or {})["verifier"])
                centre, axes = file.get_tensor("centre"), file.get_tensor("axes")
            if about.pop("format") != FORMAT:
                raise InputError(f"{path}: a verifier of another version of anonimage; train it anew")
            errors = {name: Score(**fields) for name, fields in about.pop("errors").items()}
            return cls(centre, axes, errors=errors, **about)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: missing, cut or no verifier; train it anew") from error


def train_verifier(
    source: Path, lead: str = "i", seconds: float = 2.0, fs: float = 250.0, seed: int = 0, more: Sequence[Path] = ()
) -> Verifier:
    """Train a verifier on a database whose people came several times, and try it on people it did not learn from.

    Arguments:
        source: WFDB database with several records a person, such as ECG-ID.
        lead: its name; "i" also matches "ECG I".
        seconds: length of the windows: that of the windows it shall judge.
        fs: Hz that records are resampled to.
        more: WFDB databases with further people to learn from; one record of each will do.

    Raises:
        InputError: fewer people with several sessions than the trial needs, no dates, or what `read_sessions` raises.
    """
    sessions, described, usable = _usable(*read_sessions(source, lead, seconds, fs), fs)
    several = np.count_nonzero(sessions.groupby("person")["session"].nunique() > 1)
    if several < 2 * FOLDS:
        raise InputError(
            f"{source}: {several} people have several sessions with usable windows; "
            f"a verifier needs {2 * FOLDS}, give a database like ECG-ID"
        )
    taught = [_usable(*read_sessions(folder, lead, seconds, fs), fs)[:2] for folder in more]
    beside = np.concatenate([described[:0], *(rows for _, rows in taught)])
    person, session, day = sessions.to_numpy(str).T
    people_beside = np.concatenate([person[:0], *(other["person"].to_numpy(str) for other, _ in taught)])

    names, codes = np.unique(person, return_inverse=True)
    fold = (np.random.default_rng(seed).permutation(len(names)) % FOLDS)[codes]  # N
    trial: dict[str, list[tuple[np.ndarray, ...]]] = {}
    for k in range(FOLDS):
        learnt, unseen = fold != k, fold == k
        people = np.concatenate([person[learnt], people_beside])
        points = _project(described[unseen], *_learn(np.concatenate([described[learnt], beside]), people))
        for name, compared in _compare(points, codes[unseen], session[unseen], day[unseen]):
            trial.setdefault(name, []).append(compared)
    # of more than one person with a genuine pair, and of anybody to mistake them for
    whole = {name: Comparisons(*map(np.concatenate, zip(*parts, strict=True))) for name, parts in trial.items()}
    judged = {name: pairs for name, pairs in whole.items() if pairs.people > 1 and not pairs.genuine.all()}
    scored = {name: score_equal_error(pairs, seed) for name, pairs in judged.items()}
    if not scored:
        raise InputError(f"{source}: no header says the day of its record ('# ECG date: …'); add it or use ECG-ID")
    errors = {name: score for name, (score, _) in scored.items()}
    # whoever has two sessions has windows to compare with them
    _, threshold = scored.get(f"{SAME_DAY}: window") or scored[f"{OTHER_DAY}: window"]
    centre, axes = _learn(np.concatenate([described, beside]), np.concatenate([person, people_beside]))
    trained_on = len(names) + len(np.unique(people_beside))
    return Verifier(centre, axes, lead, seconds, errors, threshold, trained_on, usable)


def _usable(values: np.ndarray, sessions: pd.DataFrame, fs: float) -> tuple[pd.DataFrame, np.ndarray, float]:
    """Of windows with a whole beat: whose they are, and what describes each (N, 89); and which share of all that is."""
    described = _described(values, fs)
    rows = np.isfinite(described).all(axis=1)
    return sessions[rows], described[rows], float(rows.mean())


def _described(signals: np.ndarray, fs: float) -> np.ndarray:
    """(N, 89): the median beat at spread 1, and the logarithm of its spread in mV; NaN without a whole beat."""
    shapes = beat_shapes(signals, fs)
    spread = shapes.std(axis=1, keepdims=True)
    spread[spread == 0] = np.nan
    return np.concatenate([shapes / spread, np.log(spread + SMALLEST_MV)], axis=1)


def _learn(described: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and axes of the projection that tells these people apart.

    Source: Fisher's discriminant, with covariances within people shrunk towards the diagonal.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    names, codes, counts = np.unique(people, return_inverse=True, return_counts=True)
    rows = counts[codes] > 1  # a single window says nothing about how a person's differ
    model = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE).fit(described[rows], people[rows])
    centre = model.priors_ @ model.means_
    return centre.astype(np.float32), model.scalings_[:, : min(FEATURES, len(names) - 1)].astype(np.float32)


def _project(described: np.ndarray, centre: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """(N, F) points of length 1; 0 where nothing is described."""
    points = np.nan_to_num((described - centre) @ axes)
    return (points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def read_sessions(source: Path, lead: str, seconds: float, fs: float) -> tuple[np.ndarray, pd.DataFrame]:
    """Windows of one lead of all records of a WFDB database that have it, see `train_verifier`; a person has a folder.

    (N, L) in mV; and their person, session, which is a record, and day as its header writes it, "" without. Stretches
    where nothing moves, such as the (−1, −1) that some records of ECG-ID begin with, are left out: they would be known
    again without any ECG. An InputError tells of what cannot be read, or has no such lead or no usable window.
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
    return np.concatenate(values), pd.DataFrame(names, columns=["person", "session", "day"])


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


def _compare(
    points: np.ndarray, person: np.ndarray, session: np.ndarray, day: np.ndarray
) -> Iterator[tuple[str, tuple[np.ndarray, ...]]]:
    """What `Comparisons` takes: every session with every other, and every window with every session but its own."""
    _, first, codes = np.unique(session, return_index=True, return_inverse=True)
    whose, when = person[first], day[first]
    means = np.zeros((len(first), points.shape[1]), dtype=np.float32)
    np.add.at(means, codes, points)
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    each_once = np.triu(np.ones((len(first), len(first)), dtype=bool), 1)
    another = codes[:, None] != np.arange(len(first))
    for kind, one, of, at, wanted in (
        ("session", means, whose, when, each_once),
        ("window", points, person, day, another),
    ):
        similar, same = one @ means.T, of[:, None] == whose
        known = (at[:, None] != "") & (when != "")
        for name, days in ((SAME_DAY, at[:, None] == when), (OTHER_DAY, at[:, None] != when)):
            rows, columns = np.nonzero(wanted & (~same | (days & known)))
            yield f"{name}: {kind}", (similar[rows, columns], of[rows], whose[columns])


def score_equal_error(pairs: Comparisons, seed: int) -> tuple[Score, float]:
    """Equal error rate and the threshold that belongs to it; n is the number of people with a genuine pair.

    A genuine pair counts as often as its person is drawn, one of two people as often as the one times as often as the
    other.
    """
    people = 1 + max(pairs.first.max(), pairs.second.max())
    value, threshold = pairs.equal_error(np.ones(people))
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(people, np.full(people, 1 / people), RESAMPLES).astype(float)
    rates = [pairs.equal_error(draw)[0] for draw in draws]
    # NaN where nobody with a genuine pair was drawn
    return Score(value, *ends(np.array(rates)), GUESSING, pairs.people), threshold


class Comparisons:
    """How alike pairs (K,) of recordings are, in falling order, so that every resample is two running sums.

    Whose the two of a pair are is said by integers, the same for a genuine pair.
    """

    def __init__(self, similar: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
        order = np.argsort(-similar, kind="stable")
        self.similar, self.first, self.second = similar[order], first[order], second[order]
        self.genuine = self.first == self.second
        self.people = len(np.unique(self.first[self.genuine]))  # with a genuine pair
        self.ends = np.append(np.flatnonzero(np.diff(self.similar)), len(order) - 1)  # of ties

    def equal_error(self, weights: np.ndarray) -> tuple[float, float]:
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
