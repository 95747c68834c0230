"""The contract of step 2, grey levels to an image; a table of indices is one layout, not the only one.

Example: a signal as an image of height 1, and how wide it is.

    >>> from anonimage.transforms import Transform, arrangement
    >>> line = arrangement("line", channels=2, length=3)
    >>> line.image_shape, line.takes_missing, isinstance(line, Transform)
    ((2, 1, 3), True, True)
"""

import hashlib
from typing import Self

import numpy as np

from ...errors import InputError
from ..transform import Forward, State


class Layout(Forward):
    """Grey levels (N, C, L) to images (N, c, H, W); one that can be undone is a `Transform` too.

    `transform` arranges levels into images, `inverse_transform` restores levels from images. A layout with parameters
    or a fitted state adds them to `state` and takes them from there in `from_state`; one that learns has `fit_chunks`,
    and is fitted on the standardized training windows.

    Arguments:
        channels, length: C and L.

    Attributes:
        name: how it is called in messages and in a codec.
        image_shape: (c, H, W).
        takes_missing: whether a level may stand for a missing value (NULL); if not, none of what is restored does.
        marks_with_null: whether level 0 has to be free, because the image says with it how it is to be read.
    """

    name: str
    image_shape: tuple[int, int, int]
    takes_missing: bool = True
    marks_with_null: bool = False

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
        """All that `from_state` needs, as JSON can hold it; "kind" is the name."""
        return {"kind": self.name, "channels": self.channels, "length": self.length, "sha256": self.digest}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Rebuild from `state()`."""
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
