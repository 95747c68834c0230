"""Paths through all pixels of a square, and the tables they make for channels on planes of their own or on one.

Example: row after row, every other one backwards; two channels of three values on two planes, on one, and as rows.

    >>> serpentine(3).tolist()
    [[0, 1, 2], [5, 4, 3], [6, 7, 8]]
    >>> per_channel("z", z, 2, 3).index.tolist()
    [[[0, 1], [2, -1]], [[3, 4], [5, -1]]]
    >>> stripes(2, 3).index.tolist()
    [[[0, 1, 2], [3, 4, 5], [-1, -1, -1]]]
    >>> line(2, 3).index.tolist()
    [[[0, 1, 2]], [[3, 4, 5]]]
"""

from collections.abc import Callable, Iterator

import numpy as np

from ...errors import InputError
from .table import NULL, Arrangement, smallest_side

Path = Callable[[int], np.ndarray]  # side -> (side, side): at which turn each pixel is reached


def per_channel(name: str, path: Path, channels: int, length: int, side: int | None = None) -> Arrangement:
    """The same path for each channel, one image channel each; what is left of the square is NULL.

    Here and below: side of the image, by default the smallest that holds the window.
    """
    turn = path(_checked(name, side, smallest_side(length)))
    starts = np.arange(channels)[:, None, None] * length
    return Arrangement(np.where(turn < length, turn + starts, NULL), channels, length, name)


def stripes(channels: int, length: int, side: int | None = None) -> Arrangement:
    """One plane: a row of the first channel, one of the second, …, and then the second row of the first.

    The smallest side is the one with which the rows of all channels fit.
    """
    least = smallest_side(channels * length)
    while channels * -(-length // least) > least:  # each channel's last row may end before the edge
        least += 1
    side = _checked("stripes", side, least)
    row, column = np.divmod(np.arange(side * side), side)
    position = row // channels * side + column
    index = np.where(position < length, row % channels * length + position, NULL)
    return Arrangement(index.reshape(1, side, side), channels, length, "stripes")


def mosaic(channels: int, length: int, side: int | None = None) -> Arrangement:
    """One plane: the channels' boards in Z order, left to right and then down; boards that are left over are NULL."""
    across = smallest_side(channels)
    side = _checked("mosaic", side, across * smallest_side(length))
    board = side // across
    boards = per_channel("mosaic", z, channels, length, board).index
    spare = np.full((across * across - channels, board, board), NULL)
    tiles = np.concatenate([boards, spare]).reshape(across, across, board, board)
    plane = tiles.swapaxes(1, 2).reshape(across * board, across * board)
    return Arrangement(np.pad(plane, (0, side - len(plane)), constant_values=NULL)[None], channels, length, "mosaic")


def delay(channels: int, length: int, side: int | None = None) -> Arrangement:
    """Each row begins in the middle of the one above, so all values but the first and last half row stand twice.

    The rows are points of a delay embedding with delay 1; restoring averages the copies.

    Source: Takens, Detecting strange attractors in turbulence, 1981; as images of a generative model: Naiman et al.,
    Utilizing image transforms and diffusion models for generative modeling of short and long time series, NeurIPS 2024.
    """
    least = 1
    while (least - 1) * -(-least // 2) + least < length:
        least += 1
    side = _checked("delay", side, least)
    turn = np.arange(side)[:, None] * -(-side // 2) + np.arange(side)  # an odd row overlaps by less than half
    starts = np.arange(channels)[:, None, None] * length
    return Arrangement(np.where(turn < length, turn + starts, NULL), channels, length, "delay")


def line(channels: int, length: int, side: int | None = None) -> Arrangement:
    """Each channel as one row of its own image channel, for one-dimensional networks; a lone value has side 1."""
    if side is not None and length > 1:
        raise InputError(f"line: images are 1×{length}, they have no side; leave out the side {side}")
    return Arrangement(np.arange(channels * length).reshape(channels, 1, length), channels, length, "line")


def _checked(name: str, side: int | None, least: int) -> int:
    """The side, by default the least."""
    if side is not None and side < least:
        raise InputError(
            f"{name}: side {side} does not hold such a window; take a side of at least {least}, or leave it out"
        )
    return side or least


def z(side: int) -> np.ndarray:
    """(side, side): left to right, then down. Source: Piacentino, Guarner, Angulo, §3.3.2."""
    return np.arange(side * side).reshape(side, side)


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
    """Pixels x + iy of a rectangle from its corner `at` to the other end of the side `along`; sides lie on the axes."""
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
