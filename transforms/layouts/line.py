"""Step 2 for one-dimensional networks: a signal is an image of height 1.

Example: two channels of three values; nothing is moved and nothing added.

    >>> line(2, 3).transform(np.array([[[1, 2, 3], [4, 5, 6]]])).tolist()
    [[[[1, 2, 3]], [[4, 5, 6]]]]
"""

import numpy as np

from ...errors import InputError
from .table import Arrangement


def line(channels: int, length: int, side: int | None = None) -> Arrangement:
    """Each channel as one row of its own image channel: (C, L) to (C, 1, L).

    Arguments:
        channels, length: C and L.
        side: must be None, for such an image has none.
    """
    if side is not None:
        raise InputError(f"line: images are 1×{length}, they have no side; leave out the side {side}")
    return Arrangement(np.arange(channels * length).reshape(channels, 1, length), channels, length, "line")
