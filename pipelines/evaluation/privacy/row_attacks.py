"""Attacks on single rows of a table: singling out by predicates, linking halves, guessing cells, and whole copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from scipy.sparse import csr_matrix

from .row_space import TOLERANCE, RowSpace

PREDICATES = 500
TRIES = 10  # candidates for one predicate that holds for exactly one synthetic row
WIDTHS = (2, 8)  # columns in a predicate of several
NEIGHBOURS = 5  # nearest synthetic rows of each half
OBVIOUS = 0.9  # a column of which one guess is right for so many says nothing about a person

Condition = tuple[int, str, float]  # column; "<=", ">=" or "=="; value, NaN for a missing one
Predicate = tuple[Condition, ...]  # all of them hold


def single_out(predicates: Sequence[Predicate], rows: np.ndarray, codes: np.ndarray, people: int) -> np.ndarray:
    """How often each person (people,) is singled out: by how many predicates that hold for this person and no other.

    All real people, whose rows (N, K) are by codes (N,), are the crowd, members and non-members alike: so nobody is
    singled out more easily than others unless the predicates reveal who was in training.
    """
    holds = csr_matrix(np.stack([matches(predicate, rows) for predicate in predicates]))  # (P, N)
    predicate, person = (holds @ csr_matrix((np.ones(len(codes)), (np.arange(len(codes)), codes)))).nonzero()
    alone = np.bincount(predicate, minlength=len(predicates))[predicate] == 1
    return np.bincount(person[alone], minlength=people)


def matches(predicate: Predicate, rows: np.ndarray) -> np.ndarray:
    """For which rows (N, K) a predicate holds, (N,)."""
    holds = np.ones(len(rows), bool)
    for column, sign, value in predicate:
        cells = rows[:, column]
        if sign == "==":
            holds &= np.isnan(cells) if np.isnan(value) else cells == value
        else:
            holds &= cells <= value if sign == "<=" else cells >= value
    return holds


def single_column_predicates(synthetic: np.ndarray, space: RowSpace, rng: np.random.Generator) -> list[Predicate]:
    """Beyond the smallest and largest number, and values that occur once: at most PREDICATES, the extremes first.

    Source: Giomi et al. 2022, section 4.1 (univariate predicates).
    """
    extremes: list[Predicate] = []
    rare: list[Predicate] = []
    for k, column in enumerate(space.columns):
        cells = synthetic[:, k]
        known = cells[~np.isnan(cells)]
        if len(cells) - len(known) == 1:
            rare.append(((k, "==", np.nan),))
        if column.number and len(known):
            extremes += [((k, "<=", known.min()),), ((k, ">=", known.max()),)]
        values, counts = np.unique(known, return_counts=True)
        rare += [((k, "==", value),) for value in values[counts == 1]]
    some = rng.permutation(len(rare))[: max(0, PREDICATES - len(extremes))]
    return extremes + [rare[at] for at in some]


def several_column_predicates(synthetic: np.ndarray, space: RowSpace, rng: np.random.Generator) -> list[Predicate]:
    """Conditions on a few columns of one synthetic row that no other synthetic row meets: at most PREDICATES.

    Numbers in the upper half of their column are met by all that are as large, others by all that are as small, with
    TOLERANCE for a generator's noise. Source: Giomi et al. 2022, section 4.1 (multivariate predicates).
    """
    middles = [np.nanmedian(cells) if not np.isnan(cells).all() else 0.0 for cells in synthetic.T]
    kept: dict[Predicate, None] = {}
    for _ in range(PREDICATES * TRIES):
        row = synthetic[rng.integers(len(synthetic))]
        predicate = tuple(_condition(k, row[k], middles[k], space) for k in _some_columns(len(row), rng))
        if matches(predicate, synthetic).sum() == 1:
            kept[predicate] = None
        if len(kept) == PREDICATES:
            break
    return [*kept]


def guessed_predicates(
    synthetic: np.ndarray, space: RowSpace, rng: np.random.Generator, several: bool
) -> list[Predicate]:
    """Without looking at any row: numbers anywhere between smallest and largest, any of the values that occur.

    Source: Giomi et al. 2022, section 4.1 (naive attack).
    """
    n = synthetic.shape[1]
    predicates = []
    for _ in range(PREDICATES):
        columns = _some_columns(n, rng) if several else rng.integers(n, size=1)
        predicates.append(tuple(_guess(int(k), synthetic[:, k], space, rng) for k in columns))
    return predicates


def _some_columns(n: int, rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.choice(n, rng.integers(WIDTHS[0], min(WIDTHS[1], n) + 1), replace=False))


def _condition(k: int, value: float, middle: float, space: RowSpace) -> Condition:
    if np.isnan(value):
        return int(k), "==", np.nan
    if not space.columns[k].number:
        return int(k), "==", float(value)
    slack = TOLERANCE * space.columns[k].spread
    return (int(k), ">=", float(value - slack)) if value > middle else (int(k), "<=", float(value + slack))


def _guess(k: int, cells: np.ndarray, space: RowSpace, rng: np.random.Generator) -> Condition:
    known = cells[~np.isnan(cells)]
    if not len(known):
        return k, "==", np.nan
    if not space.columns[k].number:
        return k, "==", float(rng.choice(np.unique(known)))
    return k, str(rng.choice(["<=", ">="])), float(rng.uniform(known.min(), known.max()))


@dataclass(frozen=True)
class Hits:
    """Successes on real rows, of training or not."""

    linked: np.ndarray  # (N,) the two halves of the row have a synthetic neighbour in common
    guessed: np.ndarray  # (N, K) the cell is that of the synthetic row nearest in all other columns
    unusual: np.ndarray  # (N, K) the cell is no number and not its column's commonest synthetic value
    copied: np.ndarray  # (N,) a synthetic row is the same in all columns
    naive_linked: float  # probability of `linked` if neighbours were drawn blindly
    naive_guessed: np.ndarray  # (N, K) probability of `guessed` with a cell drawn from the synthetic column


def look_up(rows: np.ndarray, synthetic: np.ndarray, space: RowSpace, seed: int) -> Hits:
    """Attack real rows (N, K) with synthetic ones (M, K), K at least 2.

    Source: Giomi et al. 2022, sections 4.2 (linkability) and 4.3 (attribute inference).
    """
    synthetic = np.random.default_rng(seed).permutation(synthetic)
    first, second = halves(synthetic)
    k = min(NEIGHBOURS, len(synthetic))
    linked = np.zeros(len(rows), bool)
    guesses = np.empty_like(rows)
    for part, apart in space.distances(rows, synthetic):
        # (n, k) each, in any order
        near = [np.argpartition(apart[half].sum(axis=0), k - 1, axis=1)[:, :k] for half in (first, second)]
        linked[part] = (near[0][:, :, None] == near[1][:, None, :]).any(axis=(1, 2))
        everything = apart.sum(axis=0)  # (n, M)
        for column in range(rows.shape[1]):
            guesses[part, column] = synthetic[(everything - apart[column]).argmin(axis=1), column]
    released = {row.tobytes() for row in _comparable(synthetic)}
    return Hits(
        linked,
        space.right(guesses, rows),
        _unusual(rows, synthetic, space),
        np.array([row.tobytes() in released for row in _comparable(rows)], bool),
        1 - comb(len(synthetic) - k, k) / comb(len(synthetic), k),
        _blindly(rows, synthetic, space),
    )


def own_copies(
    synthetic: np.ndarray, rows: np.ndarray, codes: np.ndarray, member: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which rows are a training person's, and the same as no row of a non-member.

    Takes rows (M, K), all real rows (N, K), the person of each (N,), and whether each was in training (P,).

    Returns:
        (M,) of synthetic rows; (M,) a number of each, the same for the same rows; and (C,) of control rows, had they
        been released, beside all other control people.
    """
    _, number = np.unique(_comparable(np.concatenate([synthetic, rows])), axis=0, return_inverse=True)
    own, real = number[: len(synthetic)], number[len(synthetic) :]
    learnt = member[codes]
    in_training = np.bincount(real[learnt], minlength=number.max() + 1) > 0
    each = np.unique(np.stack([real[~learnt], codes[~learnt]]), axis=1)[0]
    others = np.bincount(each, minlength=len(in_training))  # non-members who have such a row
    return (in_training & (others == 0))[own], own, (in_training & (others == 1))[real[~learnt]]


def halves(synthetic: np.ndarray) -> tuple[list[int], list[int]]:
    """Two disjoint sets of columns that say about equally much: dealt 1-2-2-1 by how many values they have."""
    telling = np.argsort([-len(np.unique(column)) for column in synthetic.T], kind="stable").tolist()
    first = [k for at, k in enumerate(telling) if at % 4 in (0, 3)]
    return first, [k for k in telling if k not in first]


def telling_columns(rows: np.ndarray, space: RowSpace) -> np.ndarray:
    """Columns (K,) of which no single guess is right for OBVIOUS of the real rows."""
    best = np.empty((1, rows.shape[1]))
    for k, column in enumerate(space.columns):
        known = rows[:, k][~np.isnan(rows[:, k])]
        best[0, k] = np.nan if not len(known) else np.median(known) if column.number else _commonest(known)
    return space.right(np.repeat(best, len(rows), axis=0), rows).mean(axis=0) < OBVIOUS


def _commonest(cells: np.ndarray) -> float:
    values, counts = np.unique(cells, return_counts=True)  # NaN is one of them
    return float(values[counts.argmax()])


def _unusual(rows: np.ndarray, synthetic: np.ndarray, space: RowSpace) -> np.ndarray:
    unusual = np.zeros(rows.shape, bool)
    for k, column in enumerate(space.columns):
        if not column.number:
            unusual[:, k] = (rows[:, k] != _commonest(synthetic[:, k])) & ~np.isnan(rows[:, k])
    return unusual


def _comparable(cells: np.ndarray) -> np.ndarray:
    return np.nan_to_num(cells, nan=-np.pi).astype(np.float32) + np.float32(0)  # −0 is 0


def _blindly(rows: np.ndarray, synthetic: np.ndarray, space: RowSpace) -> np.ndarray:
    """(N, K) share of the synthetic column's cells that would be right."""
    shares = np.empty(rows.shape)
    for k, reach in enumerate(space.reach):
        cells, wanted = synthetic[:, k], rows[:, k]
        known = np.sort(cells[~np.isnan(cells)])
        n = np.searchsorted(known, wanted + reach, "right") - np.searchsorted(known, wanted - reach, "left")
        shares[:, k] = np.where(np.isnan(wanted), len(cells) - len(known), n) / len(cells)
    return shares
