"""Tables for several channels: each on a plane of its own, all on one plane, rows that overlap, and one row alone.

Example: two channels of three values, on two planes, on one, and as images of height 1.

    >>> per_channel("z", paths.z, 2, 3).index.tolist()
    [[[0, 1], [2, -1]], [[3, 4], [5, -1]]]
    >>> stripes(2, 3).index.tolist()
    [[[0, 1, 2], [3, 4, 5], [-1, -1, -1]]]
    >>> line(2, 3).index.tolist()
    [[[0, 1, 2]], [[3, 4, 5]]]
"""

import math

import numpy as np

from ...errors import InputError
from . import paths
from .table import NULL, Arrangement


def smallest_side(values: int) -> int:
    """Of a square that has so many pixels."""
    return math.isqrt(values - 1) + 1


def per_channel(
    name: str, path: paths.Path, channels: int, length: int, side: int | None = None, only: int | None = None
) -> Arrangement:
    """The same path for each channel, one image channel each; what is left of the square is NULL.

    Arguments:
        name: of the arrangement.
        path: at which turn each pixel of a square is reached.
        channels, length: C and L.
        side: of the image; None: the smallest that holds the window.
        only: the one number of channels that there may be.
    """
    if only is not None and channels != only:
        raise InputError(f"{name}: needs {only} channels, got {channels}; 'z' takes any number")
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
    boards = per_channel("mosaic", paths.z, channels, length, board).index
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
    """Each channel as one row of its own image channel, for one-dimensional networks; side must be None."""
    if side is not None:
        raise InputError(f"line: images are 1×{length}, they have no side; leave out the side {side}")
    return Arrangement(np.arange(channels * length).reshape(channels, 1, length), channels, length, "line")


def _checked(name: str, side: int | None, least: int) -> int:
    """The side, by default the least."""
    if side is not None and side < least:
        raise InputError(
            f"{name}: side {side} does not hold such a window; take a side of at least {least}, or leave it out"
        )
    return side or least
