"""Step 2, grey levels to an image: the contract of layouts, and the one that is a table of indices.

Example: five values in a 3 × 3 image, and back.

    >>> five = Arrangement([[[0, 1, 2], [3, 4, -1], [-1, -1, -1]]], channels=1, length=5)
    >>> image = five.transform(np.array([[[10, 20, 30, 40, 50]]], np.uint8))
    >>> image.tolist()
    [[[[10, 20, 30], [40, 50, 0], [0, 0, 0]]]]
    >>> five.inverse_transform(image).tolist()
    [[[10, 20, 30, 40, 50]]]
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Self

import numpy as np

from ...errors import InputError
from ..transform import Forward, State, Transform

NULL = -1  # an index that stands for no value; the image has level 0 at it


class Layout(Forward):
    """Grey levels (N, C, L) to images (N, c, H, W); one that can be undone is a `Transform` too.

    `transform` arranges levels into images, `inverse_transform` restores levels from images. A layout with parameters
    or a fitted state adds them to `state` and takes them from there in `from_state`; one that learns has `fit_chunks`,
    and is fitted on the standardized training windows.

    Arguments:
        channels, length: C and L.
    """

    name: str  # in messages and in a codec
    image_shape: tuple[int, int, int]  # (c, H, W)
    takes_missing: bool = True  # a level may stand for a missing value (NULL); if not, none of what is restored does
    marks_with_null: bool = False  # level 0 has to be free, because the image says with it how it is to be read

    def __init__(self, channels: int, length: int) -> None:
        self.channels, self.length = channels, length

    @property
    def null(self) -> np.ndarray:
        """(c, H, W): True where no image has a value."""
        return np.zeros(self.image_shape, bool)

    @property
    def digest(self) -> str:
        """SHA-256 of what the name has to build again; a fitted state is not part of it."""
        return hashlib.sha256(f"{self.name} {self.channels} {self.length} {self.image_shape}".encode()).hexdigest()

    def state(self) -> State:
        return {"kind": self.name, "channels": self.channels, "length": self.length, "sha256": self.digest}

    @classmethod
    def from_state(cls, state: State) -> Self:
        return cls(state["channels"], state["length"])

    def check_levels(self, x: np.ndarray) -> None:
        """Refuse levels of another shape than (N, C, L)."""
        if x.ndim != 3 or x.shape[1:] != (self.channels, self.length):
            wanted = f"(samples, {self.channels}, {self.length})"
            raise InputError(f"{self.name}: expected values of shape {wanted}, got {x.shape}")

    def check_images(self, images: np.ndarray) -> None:
        """Refuse images of another shape than (N, c, H, W)."""
        if images.ndim != 4 or images.shape[1:] != self.image_shape:
            wanted = f"(samples, {str(self.image_shape)[1:]}"
            raise InputError(f"{self.name}: expected images of shape {wanted}, got {images.shape}")


class Arrangement(Layout, Transform):
    """An integer table that says which value stands where: arranging is x[index], restoring averages copies.

    Arguments:
        index: (c, H, W) integers into the flattened (C, L), or -1 for NULL; each value occurs at least once.
        channels, length: C and L.
        name: how it is called in messages.
    """

    by_name = False  # whether `arrangement(name, …)` builds it again, so that a codec need not hold the table itself

    def __init__(self, index: np.ndarray | Sequence, channels: int, length: int, name: str = "table") -> None:
        super().__init__(channels, length)
        self.name = name
        flat = self._checked(index)
        c, height, width = np.shape(index)
        self.image_shape = c, height, width
        self.index = flat.reshape(self.image_shape)
        self.index.setflags(write=False)
        order = np.argsort(flat, kind="stable")
        self._copies = np.bincount(flat[flat != NULL], minlength=channels * length)  # how often each value occurs
        self._positions = order[np.count_nonzero(flat == NULL) :]  # in the flattened image, grouped by value
        self._whole = np.array_equal(flat, np.arange(channels * length))  # the image is the values, in their order

    def _checked(self, index: np.ndarray | Sequence) -> np.ndarray:
        """The flattened table."""
        try:
            table = np.asarray(index)
        except ValueError:
            raise InputError(f"{self.name}: the rows of the table are not of the same length") from None
        n_values = self.channels * self.length
        if table.ndim != 3 or table.size == 0 or table.dtype.kind not in "iu":
            raise InputError(
                f"{self.name}: a table is whole numbers of shape (c, H, W), not {table.dtype} {table.shape}"
            )
        if table.min() < NULL or table.max() >= n_values:
            wrong = table.min() if table.min() < NULL else table.max()
            raise InputError(
                f"{self.name}: index {wrong} is in the table; with {self.channels} channels of length {self.length} "
                f"indices go from 0 to {n_values - 1}, and -1 is NULL"
            )
        flat = table.astype(np.intp).ravel()
        if (lost := np.flatnonzero(np.bincount(flat[flat != NULL], minlength=n_values) == 0)).size:
            raise InputError(
                f"{self.name}: {lost.size} of {n_values} values are not in the table (the first is {lost[0]})"
            )
        return flat

    @property
    def null(self) -> np.ndarray:
        return self.index == NULL

    @property
    def digest(self) -> str:
        """SHA-256 of the table: two arrangements are the same if theirs are."""
        shape = f"{self.channels} {self.length} {self.image_shape}".encode()
        return hashlib.sha256(shape + self.index.astype("<i8").tobytes()).hexdigest()

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Values (N, C, L) to images (N, c, H, W) of the same dtype; 0 where the table has NULL."""
        self.check_levels(x)
        flat = x.reshape(len(x), -1)
        if self._whole:
            return flat.reshape(len(x), *self.image_shape)
        images = flat.take(self.index, axis=1, mode="clip")  # (N, c, H, W); NULL takes some value, until the next line
        if len(self._positions) < self.index.size:
            images[:, self.index == NULL] = 0
        return images

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        """The mean of each value's copies, float32; of the images' own dtype if each value stands there once."""
        self.check_images(y)
        pixels = y.reshape(len(y), -1)
        if self._whole:
            return pixels.reshape(len(y), self.channels, self.length)
        if self._copies.max() == 1:
            return pixels.take(self._positions, axis=1, mode="clip").reshape(len(y), self.channels, self.length)
        ends = np.cumsum(self._copies)  # of each value's copies
        if self._copies.max() == 2:  # as below, several times as fast
            pair = (pixels.take(self._positions[at], axis=1, mode="clip") for at in (ends - self._copies, ends - 1))
            values = np.add(*pair, dtype=np.float32) * np.float32(0.5)
        else:
            copies = pixels.take(self._positions, axis=1, mode="clip").astype(np.float32, copy=False)
            values = np.add.reduceat(copies, ends - self._copies, axis=1) / self._copies.astype(np.float32)
        return values.reshape(len(y), self.channels, self.length)

    def state(self) -> State:
        """The name and the side where they say it all, else the table itself."""
        _, height, width = self.image_shape
        if self.by_name:
            return {**super().state(), "side": height if height == width else None}
        return {**super().state(), "kind": "table", "name": self.name, "table": self.index.tolist()}

    @classmethod
    def from_state(cls, state: State) -> Self:
        return cls(state["table"], state["channels"], state["length"], state["name"])


def smallest_side(values: int) -> int:
    """Of a square that has so many pixels."""
    return math.isqrt(values - 1) + 1
