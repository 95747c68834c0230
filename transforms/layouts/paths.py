"""Paths through all pixels of a square, one value after the other: each says at which turn a pixel is reached.

Example: row after row, every other one backwards.

    >>> serpentine(3).tolist()
    [[0, 1, 2], [5, 4, 3], [6, 7, 8]]
"""

from collections.abc import Callable, Iterator

import numpy as np

Path = Callable[[int], np.ndarray]  # side -> (side, side)


def z(side: int) -> np.ndarray:
    """(side, side): left to right, then down. Source: Piacentino, Guarner, Angulo, §3.3.2."""
    return np.arange(side * side).reshape(side, side)


def transposed(side: int) -> np.ndarray:
    """Down, then left to right (§4.2)."""
    return z(side).T


def backwards(side: int) -> np.ndarray:
    """Z from the bottom right (§4.2)."""
    return z(side)[::-1, ::-1]


def serpentine(side: int) -> np.ndarray:
    """Boustrophedon, as an ox ploughs: consecutive values are neighbours, and so are every 2 · side."""
    turn = z(side)
    turn[1::2] = turn[1::2, ::-1]
    return turn


def spiral(side: int) -> np.ndarray:
    """Clockwise from the top left corner to the middle."""
    left, walked = z(side), []
    while left.size:
        walked.append(left[0])
        left = np.rot90(left[1:])
    return _turns(np.concatenate(walked), side)


def blocks(side: int) -> np.ndarray:
    """Squares of b × b one after the other, b nearest to √side; those at the right and lower edge may be cut."""
    size = round(side**0.5)
    rows, columns = np.divmod(np.arange(side * side), side)
    return _turns(np.lexsort((columns, rows, columns // size, rows // size)), side)


def shuffled(side: int, seed: int) -> np.ndarray:
    """All pixels in a seeded order."""
    return np.random.default_rng(seed).permutation(side * side).reshape(side, side)


def hilbert(side: int) -> np.ndarray:
    """The generalised Hilbert curve: consecutive values are neighbours, and near ones stay near, on any side.

    Source: Hilbert 1891; for any rectangle J. Červený, github.com/jakubcerveny/gilbert (BSD-2-Clause).
    """
    return _turns(np.array([round(at.imag) * side + round(at.real) for at in _gilbert(0, side, side * 1j)]), side)


def _gilbert(at: complex, along: complex, across: complex) -> Iterator[complex]:
    """Pixels x + iy of a rectangle from one corner to the other end of the side `along`.

    Arguments:
        at: the corner where the curve begins.
        along, across: the rectangle's sides, each parallel to an axis.
    """
    width, height = round(abs(along)), round(abs(across))
    step, aside = along / width, across / height
    if height == 1 or width == 1:
        line = step if height == 1 else aside
        yield from (at + k * line for k in range(max(width, height)))
        return
    half, half_across = _half(along, step), _half(across, aside)
    if 2 * width > 3 * height:  # long: two halves, one after the other
        yield from _gilbert(at, half, across)
        yield from _gilbert(at + half, along - half, across)
    else:  # one part up, one along, one down again
        yield from _gilbert(at, half_across, half)
        yield from _gilbert(at + half_across, along, across - half_across)
        yield from _gilbert(at + (along - step) + (half_across - aside), -half_across, half - along)


def _half(side: complex, step: complex) -> complex:
    """Half a rectangle's side, of even length where possible."""
    length = round(abs(side))
    half = length // 2
    return (half + (half % 2 and length > 2)) * step


def _turns(walked: np.ndarray, side: int) -> np.ndarray:
    """Pixels in the order in which they are reached -> at which turn each is."""
    turn = np.empty(side * side, int)
    turn[walked] = np.arange(side * side)
    return turn.reshape(side, side)
