"""What the nearest synthetic rows give away about a real one: that two halves belong together, what a cell holds."""

from dataclasses import dataclass
from math import comb

import numpy as np

from .row_space import RowSpace

NEIGHBOURS = 5  # nearest synthetic rows of each half
KNOWN = 0.9  # a column of which one guess is right for so many tells nothing about a person


@dataclass(frozen=True)
class Hits:
    """Successes on real rows; the same of training rows and of others, before anybody knows which is which.

    Arguments:
        linked: (N,) the two halves of the row have a synthetic neighbour in common.
        guessed: (N, K) the cell is that of the synthetic row nearest in all other columns.
        unusual: (N, K) the cell is no number and not its column's commonest synthetic value.
        copied: (N,) a synthetic row is the same in all columns.
        naive_linked: chance of `linked` if neighbours were drawn blindly.
        naive_guessed: (N, K) chance of `guessed` with a cell drawn from the synthetic column.
    """

    linked: np.ndarray
    guessed: np.ndarray
    unusual: np.ndarray
    copied: np.ndarray
    naive_linked: float
    naive_guessed: np.ndarray


def look_up(rows: np.ndarray, synthetic: np.ndarray, space: RowSpace, seed: int) -> Hits:
    """Attack real rows with the synthetic ones.

    Arguments:
        rows: (N, K) cells of real rows, K at least 2.
        synthetic: (M, K) cells.
        space: of the table.
        seed: of the order of synthetic rows, which decides among equally near ones.

    Source: Giomi et al. 2022, sections 4.2 (linkability) and 4.3 (attribute inference).
    """
    synthetic = np.random.default_rng(seed).permutation(synthetic)
    first, second = halves(synthetic)
    k = min(NEIGHBOURS, len(synthetic))
    linked = np.zeros(len(rows), bool)
    guesses = np.empty_like(rows)
    for part, apart in space.distances(rows, synthetic):
        near = [_nearest(apart[half].sum(axis=0), k) for half in (first, second)]  # (n, k) each
        linked[part] = (near[0][:, :, None] == near[1][:, None, :]).any(axis=(1, 2))
        everything = apart.sum(axis=0)  # (n, M)
        for column in range(rows.shape[1]):
            guesses[part, column] = synthetic[(everything - apart[column]).argmin(axis=1), column]
    return Hits(
        linked,
        space.right(guesses, rows),
        _unusual(rows, synthetic, space),
        _copied(rows, synthetic),
        1 - comb(len(synthetic) - k, k) / comb(len(synthetic), k),
        _blindly(rows, synthetic, space),
    )


def own_copies(
    synthetic: np.ndarray, rows: np.ndarray, codes: np.ndarray, member: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which rows are a training person's, and the same as no row of the people that training never saw.

    Arguments:
        synthetic: (M, K) cells.
        rows: (N, K) cells of all real rows.
        codes: (N,) the person of each.
        member: (P,) whether the person was in training.

    Returns:
        (M,) of synthetic rows; (M,) a number of each, the same for the same rows; and (C,) of control rows, had they
        been released, beside all other control people.
    """
    _, place = np.unique(_comparable(np.concatenate([synthetic, rows])), axis=0, return_inverse=True)
    ours, theirs = place[: len(synthetic)], place[len(synthetic) :]
    seen = member[codes]
    known = np.bincount(theirs[seen], minlength=place.max() + 1) > 0
    each = np.unique(np.stack([theirs[~seen], codes[~seen]]), axis=1)[0]
    strangers = np.bincount(each, minlength=len(known))  # people who have such a row
    return (known & (strangers == 0))[ours], ours, (known & (strangers == 1))[theirs[~seen]]


def halves(synthetic: np.ndarray) -> tuple[list[int], list[int]]:
    """Two disjoint sets of columns that tell about equally much: dealt 1-2-2-1 by how many values they have."""
    telling = np.argsort([-len(np.unique(column)) for column in synthetic.T], kind="stable").tolist()
    first = [k for at, k in enumerate(telling) if at % 4 in (0, 3)]
    return first, [k for k in telling if k not in first]


def telling_columns(rows: np.ndarray, space: RowSpace) -> np.ndarray:
    """Columns (K,) of which no single guess is right for KNOWN of the real rows."""
    best = np.empty((1, rows.shape[1]))
    for k, column in enumerate(space.columns):
        there = rows[:, k][~np.isnan(rows[:, k])]
        best[0, k] = np.nan if not len(there) else np.median(there) if column.number else _commonest(there)
    return space.right(np.repeat(best, len(rows), axis=0), rows).mean(axis=0) < KNOWN


def _nearest(distances: np.ndarray, k: int) -> np.ndarray:
    return np.argpartition(distances, k - 1, axis=1)[:, :k] if k < distances.shape[1] else np.argsort(distances)


def _commonest(cells: np.ndarray) -> float:
    values, counts = np.unique(cells, return_counts=True)  # NaN is one of them
    return float(values[counts.argmax()])


def _unusual(rows: np.ndarray, synthetic: np.ndarray, space: RowSpace) -> np.ndarray:
    unusual = np.zeros(rows.shape, bool)
    for k, column in enumerate(space.columns):
        if not column.number:
            unusual[:, k] = (rows[:, k] != _commonest(synthetic[:, k])) & ~np.isnan(rows[:, k])
    return unusual


def _copied(rows: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    released = {row.tobytes() for row in _comparable(synthetic)}
    return np.array([row.tobytes() in released for row in _comparable(rows)], bool)


def _comparable(cells: np.ndarray) -> np.ndarray:
    return np.nan_to_num(cells, nan=-np.pi).astype(np.float32) + np.float32(0)  # −0 is 0


def _blindly(rows: np.ndarray, synthetic: np.ndarray, space: RowSpace) -> np.ndarray:
    """(N, K) share of the synthetic column's cells that would be right."""
    chances = np.empty(rows.shape)
    for k, reach in enumerate(space.reach):
        cells, wanted = synthetic[:, k], rows[:, k]
        there = np.sort(cells[~np.isnan(cells)])
        n = np.searchsorted(there, wanted + reach, "right") - np.searchsorted(there, wanted - reach, "left")
        chances[:, k] = np.where(np.isnan(wanted), len(cells) - len(there), n) / len(cells)
    return chances
