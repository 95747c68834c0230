"""Nearest neighbours between synthetic and real samples, both ways in one pass; memory does not grow with N²."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

BLOCK = 32_000_000  # bytes of distances held at a time


@dataclass(frozen=True)
class Sweep:
    """What one pass found.

    Arguments:
        to_synthetic: (N,) distance of each real sample to the nearest synthetic one.
        person: (S,) to whom the nearest real sample of each synthetic one belongs.
        first, second: (S,) distances to that sample, and to the nearest one of anybody else.
    """

    to_synthetic: np.ndarray
    person: np.ndarray
    first: np.ndarray
    second: np.ndarray


def sweep(synthetic: np.ndarray, real: np.ndarray, codes: np.ndarray) -> Sweep:
    """Distances (Euclidean) of synthetic (S, F) from real samples (N, F) that are ordered by person (N,), 0 … P−1."""
    starts = _starts(codes)
    column = np.full(len(real), np.inf, dtype=np.float32)
    person, first, second = np.empty(len(synthetic), dtype=np.int64), *np.empty((2, len(synthetic)), dtype=np.float32)
    for start, squares in _blocks(synthetic, real):
        rows = slice(start, start + len(squares))
        np.minimum(column, squares.min(axis=0), out=column)
        people = _cleared(np.minimum.reduceat(squares, starts, axis=1), synthetic[rows, None])
        person[rows] = people.argmin(axis=1)
        first[rows] = np.take_along_axis(people, person[rows, None], axis=1)[:, 0]
        np.put_along_axis(people, person[rows, None], np.inf, axis=1)
        second[rows] = people.min(axis=1)
    return Sweep(np.sqrt(_cleared(column, real)), person, np.sqrt(first), np.sqrt(second))


def nearest_others(real: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(N,) distance of each real sample to the nearest one of another person."""
    starts = _starts(codes)
    found = np.empty(len(real), dtype=np.float32)
    for start, squares in _blocks(real, real):
        rows = slice(start, start + len(squares))
        people = _cleared(np.minimum.reduceat(squares, starts, axis=1), real[rows, None])
        np.put_along_axis(people, codes[rows, None], np.inf, axis=1)
        found[rows] = people.min(axis=1)
    return np.sqrt(found)


def candidates(asked: np.ndarray, real: np.ndarray, codes: np.ndarray, own: np.ndarray | None, k: int) -> np.ndarray:
    """(Q, k) the nearest real samples, in any order, of each asked (Q, F); `own` (Q,) is a person not to look at."""
    k = min(k, len(real) - (np.bincount(codes).max() if own is not None else 0))
    found = np.empty((len(asked), k), dtype=np.int64)
    for start, squares in _blocks(asked, real):
        rows = slice(start, start + len(squares))
        if own is not None:
            squares[codes[None, :] == own[rows, None]] = np.inf
        found[rows] = np.argpartition(squares, k - 1, axis=1)[:, :k]
    return found


def _blocks(asked: np.ndarray, real: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(start, squared distances (b, N)) of a block of rows after the other."""
    lengths = np.einsum("nf,nf->n", real, real)
    rows = max(1, BLOCK // (4 * len(real)))
    for start in range(0, len(asked), rows):
        block = asked[start : start + rows]
        squares = block @ real.T
        squares *= -2
        squares += lengths
        squares += np.einsum("nf,nf->n", block, block)[:, None]
        yield start, squares


def _starts(codes: np.ndarray) -> np.ndarray:
    return np.searchsorted(codes, np.arange(codes[-1] + 1))


def _cleared(squares: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Squared distances from points, of which those are nought that are but rounding of so long vectors."""
    return np.where(squares > 4e-6 * np.square(points).sum(axis=-1), squares, 0)
