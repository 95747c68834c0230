"""A verifier of people: do two windows of one ECG lead come from one person? Tried on people that it never saw.

It sees the median beat of a window and projects it to where, over people, sessions differ least and people most. With
some hundred people to learn from, this linear metric erred no more on new ones than small convolutional networks did.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from ...errors import InputError
from ...files import new_file
from .beats import beat_shapes
from .score import Score
from .trial import (
    OTHER_DAY,
    SAME_DAY,
    Comparisons,
    Sessions,
    compare,
    is_trial,
    pooled,
    read_sessions,
    same_lead,
    score_equal_error,
)

FORMAT = 1
FOLDS = 5  # people are unseen in one of so many trainings
FEATURES = 20  # directions that are kept
SHRINKAGE = 0.02  # of covariances within people, which rest on few windows each
SMALLEST_MV = 0.01  # so that the size of a beat has a logarithm


@dataclass(frozen=True)
class Verifier:
    """What distinguishes people by one lead, and how well it does.

    Arguments:
        centre: (89,) mean description of a beat.
        axes: (89, F) what it is projected on.
        lead: of the windows.
        seconds: length of the windows it was tried on.
        errors: equal error rates on unseen people by "same day: session", "same day: window", "other day: …";
            interval over people, n people. A session is compared with a session, or a window with one.
        threshold: cosine of a window and somebody's mean from which on they count as one person: where the two errors
            of "window" are equal.
        trained_on: how many people it learnt from.
        usable: share of the windows of the source that hold a whole beat; the others took no part in the trial.
    """

    centre: np.ndarray
    axes: np.ndarray
    lead: str
    seconds: float
    errors: Mapping[str, Score]
    threshold: float
    trained_on: int
    usable: float

    @property
    def error(self) -> Score:
        """The equal error rate of single windows, which an attack uses."""
        return self.errors.get(f"{SAME_DAY}: window") or self.errors[f"{OTHER_DAY}: window"]

    def embed(self, values: np.ndarray, channels: Sequence[str], fs: float) -> np.ndarray:
        """Embed windows; their mean over somebody's windows, at length 1, stands for the person.

        Arguments:
            values: (N, C, L) mV.
            channels: C names, one of which is the verifier's lead.
            fs: Hz.

        Returns:
            (N, F) float32 of length 1; 0 for windows that hold no whole beat, which are like nobody's.

        Raises:
            InputError: the lead is not among the channels.
        """
        channel = same_lead(self.lead, tuple(channels))
        if channel is None:
            raise InputError(f"verifier: needs lead '{self.lead}', not {', '.join(channels)}; train one on such a lead")
        return _project(_described(values[:, list(channels).index(channel)], fs), self.centre, self.axes)

    def save(self, path: Path) -> None:
        """Write it into one safetensors file."""
        about = {"format": FORMAT, "lead": self.lead, "seconds": self.seconds, "threshold": self.threshold}
        errors = {name: asdict(score) for name, score in self.errors.items()}
        metadata = {
            "verifier": json.dumps(about | {"trained_on": self.trained_on, "usable": self.usable, "errors": errors})
        }
        arrays = {"centre": np.ascontiguousarray(self.centre), "axes": np.ascontiguousarray(self.axes)}
        with new_file(path, "wb") as file:
            file.write(safetensors.numpy.save(arrays, metadata))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            InputError: missing, cut, or no verifier of this version.
        """
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
        seed: of the folds and of the resampling.
        more: WFDB databases with further people to learn from; one record of each will do.

    Raises:
        InputError: fewer people with several sessions than the trial needs, no dates, or what `read_sessions` raises.
    """
    whole = read_sessions(source, lead, seconds, fs)
    sessions, described = _usable(whole)
    if (several := _people_with_several(sessions)) < 2 * FOLDS:
        raise InputError(
            f"{source}: {several} people have several sessions with usable windows; "
            f"a verifier needs {2 * FOLDS}, give a database like ECG-ID"
        )
    taught = [_usable(read_sessions(folder, lead, seconds, fs)) for folder in more]
    beside = np.concatenate([described[:0], *(rows for _, rows in taught)])
    people_beside = np.concatenate([sessions.person[:0], *(other.person for other, _ in taught)])

    names, codes = np.unique(sessions.person, return_inverse=True)
    fold = (np.random.default_rng(seed).permutation(len(names)) % FOLDS)[codes]  # N
    trial: dict[str, list[Comparisons]] = {}
    for k in range(FOLDS):
        learnt, unseen = fold != k, fold == k
        metric = _learn(
            np.concatenate([described[learnt], beside]), np.concatenate([sessions.person[learnt], people_beside])
        )
        points = _project(described[unseen], *metric)
        for name, pairs in compare(points, codes[unseen], sessions.session[unseen], sessions.day[unseen]).items():
            trial.setdefault(name, []).append(pairs)
    scored = {name: score_equal_error(pooled(pairs), seed) for name, pairs in trial.items() if is_trial(pairs)}
    if not scored:
        raise InputError(f"{source}: no header says the day of its record ('# ECG date: …'); add it or use ECG-ID")
    errors = {name: score for name, (score, _) in scored.items()}
    threshold = scored.get(f"{SAME_DAY}: window", scored.get(f"{OTHER_DAY}: window"))
    assert threshold is not None  # whoever has two sessions has windows to compare with them
    centre, axes = _learn(np.concatenate([described, beside]), np.concatenate([sessions.person, people_beside]))
    trained_on = len(names) + len(np.unique(people_beside))
    return Verifier(centre, axes, lead, seconds, errors, threshold[1], trained_on, len(described) / len(whole.values))


def _usable(sessions: Sessions) -> tuple[Sessions, np.ndarray]:
    """Windows with a whole beat, and what describes each (N, 89)."""
    described = _described(sessions.values, sessions.fs)
    rows = np.isfinite(described).all(axis=1)
    kept = Sessions(
        sessions.values[rows], sessions.person[rows], sessions.session[rows], sessions.day[rows], sessions.fs
    )
    return kept, described[rows]


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


def _people_with_several(sessions: Sessions) -> int:
    """How many people have more than one session."""
    _, first = np.unique(sessions.session, return_index=True)
    _, counts = np.unique(sessions.person[first], return_counts=True)
    return int((counts > 1).sum())
