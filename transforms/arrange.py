"""Step 2: where each value stands in the image. An arrangement is a table of indices, not a class.

Example: five values in a 3 × 3 image, and back.

    >>> import numpy as np
    >>> five = arrangement("z", channels=1, length=5)
    >>> image = five.arrange(np.array([[[10, 20, 30, 40, 50]]], np.uint8))
    >>> image.tolist()
    [[[[10, 20, 30], [40, 50, 0], [0, 0, 0]]]]
    >>> five.restore(image).tolist()
    [[[10, 20, 30, 40, 50]]]
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError, nearest

NULL = -1  # an index that stands for no value; the image has level 0 there


@dataclass(frozen=True, eq=False)
class Arrangement:
    """A table that says which value stands where.

    Arguments:
        index: (c, H, W) integers into the flattened (C, L), or -1 for NULL; each value occurs at least once.
        channels, length: C and L.
        name: how it is called in messages and in a codec.
    """

    index: np.ndarray
    channels: int
    length: int
    name: str = "table"
    _copies: np.ndarray = field(init=False, repr=False)  # (C·L,): how often each value stands in the image
    _places: np.ndarray = field(init=False, repr=False)  # places in the flattened image, grouped by value
    _whole: bool = field(init=False, repr=False)  # the image is the values, in their order

    def __post_init__(self) -> None:
        index, n_values = np.asarray(self.index), self.channels * self.length
        if index.ndim != 3 or index.size == 0 or index.dtype.kind not in "iu":
            raise InputError(
                f"{self.name}: a table is whole numbers of shape (c, H, W), not {index.dtype} {index.shape}"
            )
        if index.min() < NULL or index.max() >= n_values:
            wrong = index.min() if index.min() < NULL else index.max()
            raise InputError(
                f"{self.name}: index {wrong} is in the table; with {self.channels} channels of length {self.length} "
                f"indices go from 0 to {n_values - 1}, and -1 is NULL"
            )
        flat = index.astype(np.intp).ravel()
        copies = np.bincount(flat[flat != NULL], minlength=n_values)
        if (lost := np.flatnonzero(copies == 0)).size:
            raise InputError(
                f"{self.name}: {lost.size} of {n_values} values are not in the table (the first is {lost[0]})"
            )
        order = np.argsort(flat, kind="stable")
        for name, value in {
            "index": flat.reshape(index.shape),
            "_copies": copies,
            "_places": order[np.count_nonzero(flat == NULL) :],
            "_whole": np.array_equal(flat, np.arange(n_values)),
        }.items():
            object.__setattr__(self, name, value)
        self.index.setflags(write=False)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(c, H, W)"""
        c, height, width = self.index.shape
        return c, height, width

    @property
    def null(self) -> np.ndarray:
        """(c, H, W): True where the image has no value."""
        return self.index == NULL

    @property
    def digest(self) -> str:
        """SHA-256 of the table: two arrangements are the same if theirs are."""
        shape = f"{self.channels} {self.length} {self.image_shape}".encode()
        return hashlib.sha256(shape + self.index.astype("<i8").tobytes()).hexdigest()

    def arrange(self, x: np.ndarray) -> np.ndarray:
        """Values (N, C, L) to images (N, c, H, W) of the same dtype; 0 where the table has NULL."""
        if x.ndim != 3 or x.shape[1:] != (self.channels, self.length):
            wanted = f"(samples, {self.channels}, {self.length})"
            raise InputError(f"{self.name}: expected values of shape {wanted}, got {x.shape}")
        flat = x.reshape(len(x), -1)
        if self._whole:
            return flat.reshape(len(x), *self.image_shape)
        images = flat.take(self.index, axis=1, mode="clip")  # (N, c, H, W); NULL takes some value, until the next line
        if len(self._places) < self.index.size:
            images[:, self.index == NULL] = 0
        return images

    def restore(self, images: np.ndarray) -> np.ndarray:
        """Images (N, c, H, W) to values (N, C, L): the mean of each value's copies.

        Returns:
            The same dtype if each value stands in the image once, else float32.
        """
        places = self._flat(images)
        if self._whole:
            return places.reshape(len(images), self.channels, self.length)
        values = places.take(self._places, axis=1)
        if len(self._places) > len(self._copies):
            first = np.cumsum(self._copies) - self._copies  # of each value's copies
            values = np.add.reduceat(values.astype(np.float32, copy=False), first, axis=1) / self._copies.astype(
                np.float32
            )
        return values.reshape(len(images), self.channels, self.length)

    def disagreement(self, images: np.ndarray) -> np.ndarray:
        """How far copies of the same value differ: root mean square about their mean, in levels, over all copies.

        Returns:
            (N,), 0 where no value has a copy.
        """
        copied = np.repeat(self._copies > 1, self._copies)  # (places,)
        if not copied.any():
            return np.zeros(len(images), np.float32)
        values = self._flat(images).take(self._places, axis=1).astype(np.float32)
        mean = np.repeat(self.restore(images).reshape(len(images), -1), self._copies, axis=1)
        return np.sqrt(np.square(values - mean)[:, copied].mean(axis=1))

    def _flat(self, images: np.ndarray) -> np.ndarray:
        if images.ndim != 4 or images.shape[1:] != self.image_shape:
            c, height, width = self.image_shape
            raise InputError(
                f"{self.name}: expected images of shape (samples, {c}, {height}, {width}), got {images.shape}"
            )
        return images.reshape(len(images), -1)


def grid(table: np.ndarray | list, channels: int, length: int, name: str = "grid") -> Arrangement:
    """An arrangement from its table: (H, W) for a one-channel image, or (c, H, W).

    Arguments:
        table: indices into the flattened (channels, length); -1 is NULL, and a value may stand in several places.
    """
    try:
        index = np.asarray(table)
    except ValueError:
        raise InputError(f"{name}: the rows of the table are not of the same length") from None
    return Arrangement(index[None] if index.ndim == 2 else index, channels, length, name)


def arrangement(name: str, channels: int, length: int) -> Arrangement:
    """The arrangement of that name for samples of (channels, length); the names are the keys of ARRANGEMENTS."""
    if name not in ARRANGEMENTS:
        raise InputError(f"unknown arrangement '{name}'{nearest(name, ARRANGEMENTS)}")
    if channels < 1 or length < 1:
        raise InputError(
            f"{name}: needs at least one channel and one value, got {channels} channels of length {length}"
        )
    return ARRANGEMENTS[name](channels, length)


def _board(length: int) -> np.ndarray:
    """(side, side): the smallest square that holds 0 … length − 1 in the paper's Z order, then NULL (§3.3.2)."""
    side = math.isqrt(length - 1) + 1
    return np.pad(np.arange(length), (0, side * side - length), constant_values=NULL).reshape(side, side)


def _per_channel(name: str, turn: Callable[[np.ndarray], np.ndarray], only: int | None = None) -> Callable:
    """A builder: the same path for each channel, one image channel each."""

    def build(channels: int, length: int) -> Arrangement:
        if only is not None and channels != only:
            raise InputError(f"{name}: needs {only} channels, got {channels}; 'z' takes any number")
        board = turn(_board(length))
        starts = np.arange(channels)[:, None, None] * length
        return Arrangement(np.where(board == NULL, NULL, board + starts), channels, length, name)

    return build


ARRANGEMENTS: dict[str, Callable[[int, int], Arrangement]] = {
    "z": _per_channel("z", lambda board: board),  # left to right, then down (§3.3.2)
    "transposed": _per_channel("transposed", lambda board: board.T),  # down, then left to right (§4.2)
    "reversed": _per_channel("reversed", lambda board: board[::-1, ::-1]),  # Z from the bottom right (§4.2)
    "rgb": _per_channel("rgb", lambda board: board, only=3),  # three leads as red, green, blue (§4.3)
    "six": _per_channel("six", lambda board: board, only=6),  # six leads as six image channels (§4.4)
}
