"""Singling out: does a predicate that the synthetic rows suggest hold for exactly one person of the training?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from .row_space import TOLERANCE, RowSpace

PREDICATES = 500
TRIES = 10  # candidates for one predicate that holds for exactly one synthetic row
WIDTHS = (2, 8)  # columns in a predicate of several

Condition = tuple[int, str, float]  # column; "<=", ">=" or "=="; value, NaN for a missing one
Predicate = tuple[Condition, ...]  # all of them hold


def single_out(predicates: Sequence[Predicate], rows: np.ndarray, codes: np.ndarray, people: int) -> np.ndarray:
    """How often each person is singled out: by how many predicates that hold for this person and no other.

    All real people are the crowd, those of training and those that it never saw alike: so nobody is singled out more
    easily than others unless the predicates tell who was in training.

    Arguments:
        predicates: at least one.
        rows: (N, K) cells of all real rows.
        codes: (N,) whose rows they are, 0 … people − 1.

    Returns:
        (people,) counts; their sum is how many predicates single out anybody.
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
        there = cells[~np.isnan(cells)]
        if len(cells) - len(there) == 1:
            rare.append(((k, "==", np.nan),))
        if column.number and len(there):
            extremes += [((k, "<=", there.min()),), ((k, ">=", there.max()),)]
        values, counts = np.unique(there, return_counts=True)
        rare += [((k, "==", value),) for value in values[counts == 1]]
    some = rng.permutation(len(rare))[: max(0, PREDICATES - len(extremes))]
    return extremes + [rare[at] for at in some]


def several_column_predicates(synthetic: np.ndarray, space: RowSpace, rng: np.random.Generator) -> list[Predicate]:
    """Conditions on a few columns of one synthetic row that no other synthetic row meets: at most PREDICATES.

    Numbers in the upper half of their column are met by all that are as large, others by all that are as small, with
    TOLERANCE for a generator's noise.

    Source: Giomi et al. 2022, section 4.1 (multivariate predicates).
    """
    if synthetic.shape[1] < WIDTHS[0]:
        return []
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
    there = cells[~np.isnan(cells)]
    if not len(there):
        return k, "==", np.nan
    if not space.columns[k].number:
        return k, "==", float(rng.choice(np.unique(there)))
    return k, str(rng.choice(["<=", ">="])), float(rng.uniform(there.min(), there.max()))
