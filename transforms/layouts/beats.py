"""Step 2 with rows as long as a part of a heartbeat: beats stand below one another, however fast the heart beats."""

import math
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import InputError
from .layout import Layout
from .planes import smallest_side
from .rhythm import LONGEST, periods

_SHORTEST = 3  # sides: a shorter period is taken as often as makes it so long, and so no row is far from a side
_MOST_ROWS = 64  # of one period
_DARK = 16  # levels: what is lighter is as surely a value as what is white


class Beats(Layout):
    """Rows from the window's own rhythm: row i begins at value round(i · P / k), NULL fills it up to the right edge.

    P is the window's period (`rhythm.periods`, all channels together), k makes a row as near as possible to the side of
    the square that holds the window, so every k-th row begins at the same moment of the beat, without any drift. A
    window without a rhythm, which `rhythms` answers with 0, gets rows of one side. Images are squares of about 1.16
    sides, 52 for 2,025 values, whatever the rhythm.

    For the inverse nothing is stored of a window: P stands in its image, as the ends of its rows. Restoring finds, of
    all row lengths that there can be, the one that leaves the least light outside; of images that `arrange` made it is
    exact. So level 0 must be free (a null_level of 1 or more) and no value may be missing.

    64 windows of 2,025 values take 4 ms there and 4 ms back.

    Arguments:
        channels, length: C and L.
    """

    takes_missing = False
    marks_with_null = True

    def __init__(self, channels: int, length: int) -> None:
        self.name, self.channels, self.length = "beats", channels, length
        self._side = smallest_side(length)
        longest = min(int(LONGEST * length), _MOST_ROWS * self._side)
        self._patterns = np.append(np.arange(_SHORTEST * self._side, longest + 1), 0)  # periods; 0: rows of one side
        starts = self._starts(self._patterns)
        rows = np.count_nonzero(starts[:, :-1] < length, axis=1)
        self._square = int(max(np.diff(starts).max(), rows.max()))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.channels, self._square, self._square

    @property
    def null(self) -> np.ndarray:
        return np.broadcast_to(~self._ever, self.image_shape)

    def rhythms(self, x: np.ndarray) -> np.ndarray:
        """Periods (N,) of windows of levels (N, C, L), in values; 0 where none was found."""
        self._check_levels(x)
        return periods(x)

    def arrange(self, x: np.ndarray) -> np.ndarray:
        self._check_levels(x)
        if not x.all():
            raise InputError(
                "beats: level 0 ends the rows here, but a window has it: take a null_level of 1 or more, "
                "and leave out windows with missing values"
            )
        return self._placed(x, self._taken(periods(x)))

    def restore(self, images: np.ndarray) -> np.ndarray:
        places = self._places(self._read(images))[:, None]
        return np.take_along_axis(images.reshape(len(images), self.channels, -1), places, axis=2)

    def row_lengths(self, images: np.ndarray) -> np.ndarray:
        """P / k as each image says it: (N,), in values; one side where there was no rhythm."""
        taken = self._read(images)
        return np.where(taken > 0, taken / self._per_period(taken), self._side)

    def _read(self, images: np.ndarray) -> np.ndarray:
        """The first of the periods (N,) whose rows fit an image best: some differ, but have the same rows."""
        self._check_images(images)
        light = np.rint(np.clip(images, 0, _DARK)).sum(axis=1, dtype=np.float32)  # whole, so sums of it are exact
        within = np.cumsum(light, axis=2).transpose(1, 2, 0).reshape(-1, len(images))  # (row · W + last column, N)
        return self._patterns[np.argmax(self._ends @ within, axis=0)]

    def disagreement(self, images: np.ndarray) -> np.ndarray:
        """Light where the rows have ended: (N,), root mean square over the image, in levels."""
        values = self.restore(images)
        placed = self._placed(values, self._read(images)).astype(np.float32)
        return np.sqrt(np.square(placed - images).mean(axis=(1, 2, 3)))

    def _placed(self, x: np.ndarray, taken: np.ndarray) -> np.ndarray:
        images = np.zeros((len(x), self.channels, self._square**2), x.dtype)
        np.put_along_axis(images, self._places(taken)[:, None], x, axis=2)
        return images.reshape(len(x), *self.image_shape)

    def _taken(self, found: np.ndarray) -> np.ndarray:
        """Periods of windows to periods of patterns: none, or as often as makes three sides at least."""
        multiple = found * np.maximum(1, -(-_SHORTEST * self._side // np.maximum(found, 1)))
        return np.where(multiple <= self._patterns.max(), multiple, 0)

    def _starts(self, taken: np.ndarray) -> np.ndarray:
        """Where rows begin, (N, rows + 1) of them, in values; more rows than any window needs."""
        period, k = np.where(taken > 0, taken, self._side), self._per_period(taken)
        rows = np.arange(math.ceil(1.25 * self._side) + 2)
        return (2 * rows * period[:, None] + k[:, None]) // (2 * k[:, None])

    def _per_period(self, taken: np.ndarray) -> np.ndarray:
        """k (N,): into how many rows a period goes."""
        k = np.maximum(taken // self._side, 1)
        return k + (taken**2 > k * (k + 1) * self._side**2)  # k or one more, whichever is nearer as a ratio

    def _places(self, taken: np.ndarray) -> np.ndarray:
        """(N, L): where in the flattened square each value stands."""
        starts = self._starts(taken)
        jumps = np.ones((len(taken), self.length), np.int64)
        jumps[:, 0] = 0
        for row in range(1, self._square):
            inside = np.flatnonzero(starts[:, row] < self.length)
            jumps[inside, starts[inside, row]] += self._square - (starts[inside, row] - starts[inside, row - 1])
        return np.cumsum(jumps, axis=1)

    @cached_property
    def _lengths(self) -> np.ndarray:
        """(patterns, square): how many values each row of each pattern has."""
        return np.diff(np.minimum(self._starts(self._patterns), self.length))[:, : self._square]

    @cached_property
    def _ever(self) -> np.ndarray:
        """(square, square): True where some pattern has a value."""
        return np.arange(self._square) < self._lengths.max(axis=0)[:, None]

    @cached_property
    def _ends(self) -> Any:
        """(patterns, square²): one at the last value of each row, sparse."""
        from scipy.sparse import csr_array

        pattern, row = np.nonzero(self._lengths)
        last = row * self._square + self._lengths[pattern, row] - 1
        shape = (len(self._patterns), self._square**2)
        return csr_array((np.ones(len(last), np.float32), (pattern, last)), shape=shape)
