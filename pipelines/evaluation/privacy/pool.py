"""The real samples of an audit, training and control together: a label is all that tells them apart."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np

from ....data.samples import Samples
from .space import Kind, Space
from .sweep import nearest_others

Points = Callable[[Samples], np.ndarray]

MOST_WINDOWS = 48  # of one person, at most
MOST_ROWS = 4000  # of one part in all, where nobody has more than one


@dataclass(frozen=True)
class Library:
    """All training samples, none left out: what copies are copies of.

    Arguments:
        shapes, features: as of a pool.
        codes: (N,) the person of each.
    """

    shapes: np.ndarray
    features: np.ndarray
    codes: np.ndarray

    @property
    def people(self) -> int:
        return int(self.codes.max()) + 1


@dataclass(frozen=True)
class Pool:
    """Real samples ordered by person; the people are in random order, so that ties favour neither part.

    Arguments:
        space: where samples are compared.
        shapes: (N, C, l) as the space sees them.
        features: (N, F) in the space.
        codes: (N,) the person of each, ascending from 0.
        member: (P,) whether the person was in training.
        origin: (N,) place among training samples followed by control samples.
        step: largest difference of two values that are the same but for rounding.
        seed: of what is drawn from the pool.
        library: all training samples, those that are not in the pool among them.
        known: what was found out about the pool and is asked for again.
    """

    space: Space
    shapes: np.ndarray
    features: np.ndarray
    codes: np.ndarray
    member: np.ndarray
    origin: np.ndarray
    step: float
    seed: int
    library: Library
    known: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, training: Samples, control: Samples, kind: Kind, seed: int, points: Points | None = None) -> Self:
        """Pool both parts; nobody has more samples than the usual person of the part with fewer samples a person.

        Arguments:
            training, control: real samples of either part.
            kind: what a sample is.
            seed: of draws.
            points: (N, F) of samples where rows are compared; None: their values in standard deviations.
        """
        rng = np.random.default_rng(seed)
        names = [owners(part, name) for part, name in ((training, "training"), (control, "control"))]
        limit = int(min(MOST_WINDOWS, *(np.median(np.unique(name, return_counts=True)[1]) for name in names)))
        chosen = [_at_most(name, max(1, limit), rng) for name in names]
        origin = np.concatenate([chosen[0], chosen[1] + len(training)])
        people, codes = np.unique(np.concatenate(names)[origin], return_inverse=True)
        codes = rng.permutation(len(people))[codes]
        order = np.argsort(codes, kind="stable")
        origin, codes = origin[order], codes[order]
        member = np.zeros(len(people), dtype=bool)
        member[codes[origin < len(training)]] = True
        ours = origin < len(training)
        parts = (
            values_of(training.select(origin[ours]), points),
            values_of(control.select(origin[~ours] - len(training)), points),
        )
        values = np.empty((len(origin), *parts[0].shape[1:]), dtype=np.float32)
        values[ours], values[~ours] = parts
        space = Space.fit(kind, values, seed, scaled=points is None)
        shapes = space.shapes(values)
        step = _step(values, shapes, kind)
        whole = space.shapes(values_of(training, points))
        library = Library(whole, space.features(whole), np.unique(names[0], return_inverse=True)[1])
        return cls(space, shapes, space.features(shapes), codes, member, origin, step, seed, library)

    def keep(self, people: np.ndarray) -> Self:
        """The pool of some people (P,) only, in the same space."""
        rows = people[self.codes]
        codes = (np.cumsum(people) - 1)[self.codes[rows]]
        kept = (self.shapes[rows], self.features[rows], codes, self.member[people], self.origin[rows])
        usual = {name: found for name, found in self.known.items() if name == "usual_gap"}  # it is one for all rounds
        return type(self)(self.space, *kept, self.step, self.seed, self.library, usual)

    @cached_property
    def others(self) -> np.ndarray:
        """(N,) distance of each sample to the nearest one of another person: how rare it is."""
        return nearest_others(self.features, self.codes)

    @property
    def people(self) -> int:
        return len(self.member)


def values_of(samples: Samples, points: Points | None) -> np.ndarray:
    """(N, C, L) of samples as they are compared."""
    return samples.values if points is None else points(samples)[:, :, None].astype(np.float32)


def owners(samples: Samples, part: str) -> np.ndarray:
    """(N,) whose each sample is; everybody's own where the table names nobody."""
    if "patient" in samples.frame:
        return samples.frame["patient"].astype(str).to_numpy(dtype=str)
    return np.array([f"{part} {k}" for k in range(len(samples))])


def _at_most(names: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    """Places of at most `limit` samples a person, drawn at random, and of at most MOST_ROWS people who have but one."""
    mixed = rng.permutation(len(names))
    _, codes = np.unique(names[mixed], return_inverse=True)
    order = np.argsort(codes, kind="stable")
    starts = np.cumsum(np.bincount(codes)) - np.bincount(codes)
    turn = np.empty(len(names), dtype=np.int64)
    turn[order] = np.arange(len(names)) - starts[codes[order]]
    kept = mixed[turn < limit]
    return np.sort(kept[:MOST_ROWS] if limit == 1 else kept)


def _step(values: np.ndarray, shapes: np.ndarray, kind: Kind) -> float:
    """A step of the source's resolution, at most 1 % of how much values vary; of rows, rounding alone."""
    spread = float(shapes.std())
    if kind == "rows":
        return 1e-5
    levels = np.diff(np.unique(values[:200][np.isfinite(values[:200])]).astype(np.float64))
    levels = levels[levels > 1e-5 * spread]
    return min(1.01 * float(levels.min()) if len(levels) else 0.0, 0.01 * spread)
