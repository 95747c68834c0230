"""Tables of places: each channel on a plane of its own, several channels on one plane, and overlapping rows."""

import math
from collections.abc import Callable

import numpy as np

from ...errors import InputError
from .table import NULL, Arrangement

Path = Callable[[int], np.ndarray]  # side -> (side, side): at which turn each place is reached


def smallest_side(values: int) -> int:
    """Of a square that has so many places."""
    return math.isqrt(values - 1) + 1


def per_channel(name: str, path: Path, channels: int, length: int, only: int | None = None) -> Arrangement:
    """The same path for each channel, one image channel each; what is left of the square is NULL.

    Arguments:
        only: the one number of channels that there may be.
    """
    if only is not None and channels != only:
        raise InputError(f"{name}: needs {only} channels, got {channels}; 'z' takes any number")
    turn = path(smallest_side(length))
    starts = np.arange(channels)[:, None, None] * length
    return Arrangement(np.where(turn < length, turn + starts, NULL), channels, length, name)


def stripes(channels: int, length: int) -> Arrangement:
    """One plane: a row of the first channel, one of the second, …, and then the second row of the first.

    The side is the smallest with which the rows of all channels fit.
    """
    side = smallest_side(channels * length)
    while channels * -(-length // side) > side:  # each channel's last row may end before the edge
        side += 1
    row, column = np.divmod(np.arange(side * side), side)
    place = row // channels * side + column
    index = np.where(place < length, row % channels * length + place, NULL)
    return Arrangement(index.reshape(1, side, side), channels, length, "stripes")


def mosaic(channels: int, length: int) -> Arrangement:
    """One plane: the channels' boards in Z order, left to right and then down; boards that are left over are NULL."""
    side, across = smallest_side(length), smallest_side(channels)
    boards = per_channel("mosaic", _rows, channels, length).index
    spare = np.full((across * across - channels, side, side), NULL)
    tiles = np.concatenate([boards, spare]).reshape(across, across, side, side)
    whole = tiles.swapaxes(1, 2).reshape(1, across * side, across * side)
    return Arrangement(whole, channels, length, "mosaic")


def delay(channels: int, length: int) -> Arrangement:
    """Each row begins in the middle of the one above, so all values but the first and last half row stand twice.

    The rows are points of a delay embedding with delay 1; restoring averages the copies. The square is the smallest
    that holds the whole window.

    Source: Takens, Detecting strange attractors in turbulence, 1981; as images of a generative model: Naiman et al.,
    Utilizing image transforms and diffusion models for generative modeling of short and long time series, NeurIPS 2024.
    """
    side = 1
    while (side - 1) * -(-side // 2) + side < length:
        side += 1
    turn = np.arange(side)[:, None] * -(-side // 2) + np.arange(side)  # an odd row overlaps by less than half
    starts = np.arange(channels)[:, None, None] * length
    return Arrangement(np.where(turn < length, turn + starts, NULL), channels, length, "delay")


def _rows(side: int) -> np.ndarray:
    return np.arange(side * side).reshape(side, side)
