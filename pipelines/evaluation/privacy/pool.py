"""The real samples of an audit, training and control together, and their nearest neighbours among synthetic samples."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from ....data.samples import Samples
from .space import Space, View

MOST_WINDOWS = 48  # of one person, at most
MOST_ROWS = 4000  # of one part in all, where nobody has more than one
BLOCK = 32_000_000  # bytes of distances held at a time
LOOKED_AT = 2000  # samples compared lag by lag
NEAREST = 4  # candidates for each
STRANGE = 0.01  # a copy is nearer than this share of real samples is to anybody else's
CHUNK = 256  # samples compared at a time


@dataclass(frozen=True)
class Library:
    """All training samples, none left out: what copies are copies of."""

    # shapes, features: as of a pool
    shapes: np.ndarray
    features: np.ndarray
    codes: np.ndarray  # (N,) the person of each


@dataclass(frozen=True)
class Pool:
    """Real samples ordered by person; the people are in random order, so that ties favour neither part."""

    space: Space  # where samples are compared
    shapes: np.ndarray  # (N, C, l) as the space sees them
    features: np.ndarray  # (N, F) in the space
    codes: np.ndarray  # (N,) the person of each, ascending from 0
    member: np.ndarray  # (P,) whether the person was in training
    origin: np.ndarray  # (N,) position among training samples followed by control samples
    resolution: float  # largest difference of two values that are the same but for rounding
    seed: int  # of what is drawn from the pool
    library: Library  # all training samples, those that are not in the pool among them
    # the distance that all but STRANGE of real samples keep from training samples of others; one for a whole audit
    usual_gap: float

    @classmethod
    def of(cls, training: Samples, control: Samples, view: View, seed: int) -> Self:
        """Pool both parts; nobody has more samples than the usual person of the part with fewer samples a person."""
        rng = np.random.default_rng(seed)
        names = [owners(part, name) for part, name in ((training, "training"), (control, "control"))]
        limit = int(min(MOST_WINDOWS, *(np.median(np.unique(name, return_counts=True)[1]) for name in names)))
        chosen = [_at_most(name, max(1, limit), rng) for name in names]
        origin = np.concatenate([chosen[0], chosen[1] + len(training)])
        people, codes = np.unique(np.concatenate(names)[origin], return_inverse=True)
        codes = rng.permutation(len(people))[codes]
        order = np.argsort(codes, kind="stable")
        origin, codes = origin[order], codes[order]
        learnt = origin < len(training)
        member = np.zeros(len(people), dtype=bool)
        member[codes[learnt]] = True
        parts = (
            view.values(training.select(origin[learnt])),
            view.values(control.select(origin[~learnt] - len(training))),
        )
        values = np.empty((len(origin), *parts[0].shape[1:]), dtype=np.float32)
        values[learnt], values[~learnt] = parts
        space = Space.fit(view, values, seed)
        shapes, whole = space.view.shapes(values), space.view.shapes(view.values(training))
        library = Library(whole, space.features(whole), np.unique(names[0], return_inverse=True)[1])
        resolution = space.view.resolution(values, shapes)
        pool = cls(space, shapes, space.features(shapes), codes, member, origin, resolution, seed, library, np.nan)
        return replace(pool, usual_gap=_usual_gap(pool))

    def keep(self, people: np.ndarray) -> Self:
        """The pool of some people (P,) only, in the same space."""
        rows = people[self.codes]
        codes = (np.cumsum(people) - 1)[self.codes[rows]]
        kept = {name: getattr(self, name)[rows] for name in ("shapes", "features", "origin")}
        return replace(self, codes=codes, member=self.member[people], **kept)

    @cached_property
    def others(self) -> np.ndarray:
        """(N,) distance of each sample to the nearest one of another person: how rare it is."""
        return sweep(self.features, self.features, self.codes).second  # the nearest person is the own one

    @property
    def people(self) -> int:
        """Number of people."""
        return len(self.member)


def owners(samples: Samples, part: str) -> np.ndarray:
    """(N,) whose each sample is; each its own where the table names nobody."""
    if "patient" in samples.frame:
        return samples.frame["patient"].astype(str).to_numpy(dtype=str)
    return np.array([f"{part} {k}" for k in range(len(samples))])


def _at_most(names: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of at most `limit` samples a person, at random, and of at most MOST_ROWS people who have but one."""
    mixed = rng.permutation(len(names))
    number = pd.Series(mixed).groupby(names[mixed]).cumcount().to_numpy()  # of each among its person's
    kept = mixed[number < limit]
    return np.sort(kept[:MOST_ROWS] if limit == 1 else kept)


def compare(shapes: np.ndarray, near: np.ndarray, real: np.ndarray, pool: Pool) -> tuple[np.ndarray, np.ndarray]:
    """Gaps (Q, k) of shapes (Q, C, l) from those of `real` at `near` (Q, k), and largest differences of a value."""
    gaps, steps = np.empty((2, *near.shape))
    for start in range(0, len(shapes), CHUNK):
        rows = slice(start, start + CHUNK)
        asked, others = shapes[rows, None], real[near[rows]]
        steps[rows] = np.abs(asked - others).max(axis=(2, 3))
        gaps[rows] = pool.space.view.gaps(asked, others)
    return gaps, steps


def _usual_gap(pool: Pool) -> float:
    """The gap that all but STRANGE of real samples keep from training samples of others, every person counting alike.

    From all of them: among more samples the nearest is nearer, though nobody copied anything. Samples that are somebody
    else's value for value are left out: databases list a record twice, under two names.
    """
    rng = np.random.default_rng(pool.seed)
    some = np.sort(rng.permutation(len(pool.codes))[:LOOKED_AT])
    all_, origin = pool.library, pool.origin[some]
    learnt = origin < len(all_.codes)
    own = np.where(learnt, all_.codes[np.where(learnt, origin, 0)], -1)  # non-members are nobody of training
    near = candidates(pool.features[some], all_.features, all_.codes, own, NEAREST)
    gaps, steps = compare(pool.shapes[some], near, all_.shapes, pool)
    twice = steps.min(axis=1) <= pool.resolution
    if twice.all():
        return 0.0
    gaps, owner = gaps[~twice].min(axis=1), pool.codes[some][~twice]
    share = 1 / np.bincount(owner, minlength=pool.people)[owner]
    order = np.argsort(gaps)
    above = np.cumsum(share[order]) > STRANGE * share.sum()
    return float(gaps[order][np.argmax(above)])


@dataclass(frozen=True)
class Sweep:
    """Nearest neighbours of one pass over both sets."""

    to_synthetic: np.ndarray  # (N,) distance of each real sample to the nearest synthetic one
    person: np.ndarray  # (S,) the person of the nearest real sample of each synthetic one
    # (S,) distances to that sample, and to the nearest one of anybody else
    first: np.ndarray
    second: np.ndarray


def sweep(synthetic: np.ndarray, real: np.ndarray, codes: np.ndarray) -> Sweep:
    """Distances (Euclidean) of synthetic (S, F) from real samples (N, F) that are ordered by person (N,), 0 … P−1."""
    column = np.full(len(real), np.inf, dtype=np.float32)
    person, first, second = np.empty(len(synthetic), dtype=np.int64), *np.empty((2, len(synthetic)), dtype=np.float32)
    for rows, squares in _blocks(synthetic, real):
        np.minimum(column, squares.min(axis=0), out=column)
        people = _to_people(squares, synthetic[rows], codes)
        person[rows] = people.argmin(axis=1)
        first[rows] = np.take_along_axis(people, person[rows, None], axis=1)[:, 0]
        np.put_along_axis(people, person[rows, None], np.inf, axis=1)
        second[rows] = people.min(axis=1)
    return Sweep(np.sqrt(_cleared(column, real)), person, np.sqrt(first), np.sqrt(second))


def candidates(asked: np.ndarray, real: np.ndarray, codes: np.ndarray, own: np.ndarray | None, k: int) -> np.ndarray:
    """(Q, k) the nearest real samples, in any order, of each asked (Q, F); `own` (Q,) is a person not to look at."""
    k = min(k, len(real) - (np.bincount(codes).max() if own is not None else 0))
    nearest = np.empty((len(asked), k), dtype=np.int64)
    for rows, squares in _blocks(asked, real):
        if own is not None:
            squares[codes[None, :] == own[rows, None]] = np.inf
        nearest[rows] = np.argpartition(squares, k - 1, axis=1)[:, :k]
    return nearest


def _blocks(asked: np.ndarray, real: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows, and their squared distances (b, N), a block after the other."""
    lengths = np.einsum("nf,nf->n", real, real)
    rows = max(1, BLOCK // (4 * len(real)))
    for start in range(0, len(asked), rows):
        block = asked[start : start + rows]
        squares = block @ real.T
        squares *= -2
        squares += lengths
        squares += np.einsum("nf,nf->n", block, block)[:, None]
        yield slice(start, start + len(block)), squares


def _to_people(squares: np.ndarray, points: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(b, P) least squared distance of points (b, F) to each person's samples, which are in their order."""
    starts = np.searchsorted(codes, np.arange(codes[-1] + 1))
    return _cleared(np.minimum.reduceat(squares, starts, axis=1), points[:, None])


def _cleared(squares: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Squared distances from points, with 0 for those that are but rounding of so long vectors."""
    return np.where(squares > 4e-6 * np.square(points).sum(axis=-1), squares, 0)
