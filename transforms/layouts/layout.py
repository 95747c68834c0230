"""What every way from grey levels to an image promises (step 2); a table of places is one, not the only one."""

import hashlib
from abc import ABC, abstractmethod

import numpy as np

from ...errors import InputError


class ForwardLayout(ABC):
    """Grey levels (N, C, L) to images (N, c, H, W) that nothing maps back; what can be undone is a `Layout`.

    Attributes:
        name: how it is called in messages and in a codec.
        channels, length: C and L.
        takes_missing: whether a level may stand for a missing value (NULL); if not, none of what is restored does.
        marks_with_null: whether level 0 has to be free, because the image says with it how it is to be read.
    """

    name: str
    channels: int
    length: int
    takes_missing: bool = True
    marks_with_null: bool = False

    @property
    @abstractmethod
    def image_shape(self) -> tuple[int, int, int]:
        """(c, H, W)"""

    @property
    def null(self) -> np.ndarray:
        """(c, H, W): True where no image has a value."""
        return np.zeros(self.image_shape, bool)

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides where a level goes: two layouts are the same if theirs are."""
        return hashlib.sha256(f"{self.name} {self.channels} {self.length} {self.image_shape}".encode()).hexdigest()

    @abstractmethod
    def arrange(self, x: np.ndarray) -> np.ndarray:
        """Levels (N, C, L) to images (N, c, H, W); each sample's image depends on its own levels only."""

    def _check_levels(self, x: np.ndarray) -> None:
        if x.ndim != 3 or x.shape[1:] != (self.channels, self.length):
            wanted = f"(samples, {self.channels}, {self.length})"
            raise InputError(f"{self.name}: expected values of shape {wanted}, got {x.shape}")

    def _check_images(self, images: np.ndarray) -> None:
        if images.ndim != 4 or images.shape[1:] != self.image_shape:
            c, height, width = self.image_shape
            raise InputError(
                f"{self.name}: expected images of shape (samples, {c}, {height}, {width}), got {images.shape}"
            )


class Layout(ForwardLayout):
    """A way with an inverse: x ≈ restore(arrange(x)) within `tolerance`; any image can be restored.

    Attributes:
        tolerance: the largest round-trip error, in levels; 0 is exact.
    """

    tolerance: float = 0.0

    @abstractmethod
    def restore(self, images: np.ndarray) -> np.ndarray:
        """Images (N, c, H, W), grey levels rounded or not, to levels (N, C, L)."""

    def disagreement(self, images: np.ndarray) -> np.ndarray:
        """How far images are from those that some signal has: (N,), root mean square over their pixels, in levels."""
        back = self.arrange(self.restore(images)).astype(np.float32)
        return np.sqrt(np.square(back - images).mean(axis=(1, 2, 3)))
