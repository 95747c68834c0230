"""Step 2 for rows of a table: where each feature stands in a square image of one channel.

Example: two numbers and three yes-no features on 3 × 3 cells; 0 is NULL.

    >>> kinds = table_grid("kinds", ["continuous", "binary", "binary", "integer", "binary"])
    >>> kinds.transform(np.array([[[10], [1], [2], [20], [3]]], np.uint8))[0, 0].tolist()
    [[10, 20, 0], [1, 2, 0], [3, 0, 0]]
"""

from collections.abc import Callable, Sequence

import numpy as np

from ...errors import InputError, nearest
from .table import NULL, Arrangement, smallest_side

KINDS = {"continuous": 0, "integer": 0, "binary": 1}  # numbers stand above yes-no features and one-hots


def table_grid(name: str, kinds: Sequence[str], side: int | None = None, seed: int = 0) -> Arrangement:
    """An arrangement for features of length 1: (N, F, 1) to images (N, 1, side, side), and back.

    Arguments:
        name: a key of TABLE_GRIDS.
        kinds: of each feature: "continuous", "integer" or "binary".
        side: of the image in cells; None: the smallest with which this grid holds all features.
        seed: of the permutation, for "random".

    Raises:
        InputError: an unknown name or kind, no feature, or more features than the image has cells.

    Source: Piacentino, Guarner, Angulo, §3.3.2 and Fig. 3 (the grid "kinds" of the thyroid table on side 7).
    """
    if name not in TABLE_GRIDS:
        raise InputError(f"unknown table grid '{name}'{nearest(name, TABLE_GRIDS)}")
    for position, kind in enumerate(kinds):
        if kind not in KINDS:
            raise InputError(f"{name}: feature {position} is of unknown kind '{kind}'{nearest(kind, KINDS)}")
    if not len(kinds):
        raise InputError(f"{name}: a table without features cannot become images")
    if side is not None and side < 1:
        raise InputError(f"{name}: the side of an image is a whole number of cells from 1, not {side}")
    smallest = smallest_side(len(kinds))
    while (board := TABLE_GRIDS[name](kinds, smallest, seed)) is None:  # "kinds" may leave cells free in two rows
        smallest += 1
    if side is not None and (board := TABLE_GRIDS[name](kinds, side, seed)) is None:
        raise InputError(
            f"{name}: {len(kinds)} features do not fit into the {side * side} cells of side {side} as this grid "
            f"lays them out: take a side of at least {smallest}, or fewer columns"
        )
    return Arrangement(board[None], channels=len(kinds), length=1, name=name)


def _rows(kinds: Sequence[str], side: int, seed: int) -> np.ndarray | None:
    """Left to right, then down; NULL at the end."""
    if len(kinds) > side * side:
        return None
    return np.pad(np.arange(len(kinds)), (0, side * side - len(kinds)), constant_values=NULL).reshape(side, side)


def _kinds(kinds: Sequence[str], side: int, seed: int) -> np.ndarray | None:
    """Numbers, then yes-no features from a new row on; as narrow as the side's height allows, NULL on the right."""
    of_kind = np.array([KINDS[kind] for kind in kinds])
    groups = [np.flatnonzero(of_kind == k) for k in np.unique(of_kind)]
    for width in range(1, side + 1):
        if sum(-(-len(group) // width) for group in groups) <= side:
            break
    else:
        return None
    board, top = np.full((side, side), NULL), 0
    for group in groups:
        row, column = np.divmod(np.arange(len(group)), width)
        board[top + row, column] = group
        top += -(-len(group) // width)
    return board


def _blocks(kinds: Sequence[str], side: int, seed: int) -> np.ndarray | None:
    """Each feature a square of copies, the largest with which all fit; what is over on the right and below is NULL."""
    per_row = smallest_side(len(kinds))
    if per_row > side:
        return None
    size = side // per_row
    per_row = side // size  # may have become more: fewer rows of blocks then
    coarse = _rows(kinds, per_row, seed)
    if coarse is None:
        return None
    over = side - per_row * size
    return np.pad(np.kron(coarse, np.ones((size, size), int)), (0, over), constant_values=NULL)


def _random(kinds: Sequence[str], side: int, seed: int) -> np.ndarray | None:
    """The cells of the whole board, NULL among them, in a seeded order."""
    board = _rows(kinds, side, seed)
    return None if board is None else np.random.default_rng(seed).permutation(board.ravel()).reshape(side, side)


# name: what builds the board (side, side) of feature indices; None where the features do not fit
TABLE_GRIDS: dict[str, Callable[[Sequence[str], int, int], np.ndarray | None]] = {
    "rows": _rows,
    "kinds": _kinds,
    "blocks": _blocks,
    "random": _random,
}
