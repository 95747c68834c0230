"""Recordings in pairs: how alike are two of one person, on one day or on another, and two of different people?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SAME_DAY, OTHER_DAY = "same day", "other day"


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
    found = {}
    for kind, one, of, at, wanted in (
        ("session", means, whose, when, each_once),
        ("window", points, person, day, another),
    ):
        similar, same = one @ means.T, of[:, None] == whose
        known = (at[:, None] != "") & (when != "")
        for name, days in ((SAME_DAY, at[:, None] == when), (OTHER_DAY, at[:, None] != when)):
            rows, columns = np.nonzero(wanted & (~same | (days & known)))
            found[f"{name}: {kind}"] = Comparisons(similar[rows, columns], of[rows], whose[columns])
    return found


def together(pairs: Sequence[Comparisons]) -> Comparisons:
    similar, first, second = (
        np.concatenate([getattr(one, name) for one in pairs]) for name in ("similar", "first", "second")
    )
    return Comparisons(similar, first, second)


def is_trial(pairs: Sequence[Comparisons]) -> bool:
    """Whether there is more than one person with a genuine pair, and anybody to mistake them for."""
    whole = together(pairs)
    return whole.people > 1 and not whole.genuine.all()


def mean_points(points: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
    """Mean point (count, F) of each group, at length 1."""
    sums = np.zeros((count, points.shape[1]), dtype=np.float32)
    np.add.at(sums, codes, points)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
