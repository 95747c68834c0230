"""Step 2 as a Gramian angular field: how each moment goes with every other; nothing maps it back.

Example: four values on side 2 have two means, whose angles are π and 0.

    >>> Gramian(1, 4).transform(np.array([[[1, 3, 5, 7]]], np.uint8)).tolist()
    [[[[255, 0], [0, 255]]]]
"""

import numpy as np

from .table import Layout, smallest_side


class Gramian(Layout):
    """The summation field cos(φ_i + φ_j) of each channel, φ = arccos of the window scaled to −1 … 1.

    A window becomes as many piecewise means as the square that holds it has a side; −1 … 1 become levels 0 … 255. Which
    of several windows a field is of cannot be known: what is left out, means, sign and scale, is kept nowhere. A window
    without any change is taken as all −1. 64 windows of 2,025 values take 0.3 ms.

    Source: Wang and Oates, Encoding time series as images for visual inspection and classification using tiled
    convolutional neural networks, AAAI 2015 workshops, eq. 1-5; scaled after taking means, as pyts 0.14 does.

    Arguments:
        channels, length: C and L.
    """

    name = "gramian"
    takes_missing = False

    def __init__(self, channels: int, length: int) -> None:
        super().__init__(channels, length)
        self._side = smallest_side(length)
        self.image_shape = channels, self._side, self._side

    def transform(self, x: np.ndarray) -> np.ndarray:
        self.check_levels(x)
        starts = np.arange(self._side + 1) * self.length // self._side
        means = np.add.reduceat(x, starts[:-1], axis=-1, dtype=np.float32) / np.diff(starts).astype(np.float32)
        low, high = means.min(axis=-1, keepdims=True), means.max(axis=-1, keepdims=True)
        scaled = np.divide(2 * (means - low), high - low, out=np.zeros_like(means), where=high > low)
        cosine = scaled - 1  # (N, C, side)
        sine = np.sqrt(np.clip(1 - cosine**2, 0, None))
        # cos(a + b) = cos a · cos b − sin a · sin b; then to levels
        field = cosine[..., :, None] * cosine[..., None, :]
        field -= sine[..., :, None] * sine[..., None, :]
        field += 1
        field *= 127.5
        return np.rint(field).astype(np.uint8)
