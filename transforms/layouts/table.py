"""Step 2 as a table of indices: where each value stands in the image.

Example: five values in a 3 × 3 image, and back.

    >>> import numpy as np
    >>> five = grid([[0, 1, 2], [3, 4, -1], [-1, -1, -1]], channels=1, length=5)
    >>> image = five.arrange(np.array([[[10, 20, 30, 40, 50]]], np.uint8))
    >>> image.tolist()
    [[[[10, 20, 30], [40, 50, 0], [0, 0, 0]]]]
    >>> five.restore(image).tolist()
    [[[10, 20, 30, 40, 50]]]
"""

import hashlib
from dataclasses import dataclass, field

import numpy as np

from ...errors import InputError
from .layout import Layout

NULL = -1  # an index that stands for no value; the image has level 0 there


@dataclass(frozen=True, eq=False)
class Arrangement(Layout):
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
        self._check_levels(x)
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
        if self._copies.max() == 1:
            return places.take(self._places, axis=1, mode="clip").reshape(len(images), self.channels, self.length)
        ends = np.cumsum(self._copies)  # of each value's copies
        if self._copies.max() == 2:  # as below, several times as fast
            pair = (places.take(self._places[at], axis=1, mode="clip") for at in (ends - self._copies, ends - 1))
            values = np.add(*pair, dtype=np.float32) * np.float32(0.5)
        else:
            copies = places.take(self._places, axis=1, mode="clip").astype(np.float32, copy=False)
            values = np.add.reduceat(copies, ends - self._copies, axis=1) / self._copies.astype(np.float32)
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
        self._check_images(images)
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
