"""Steps 1 and 2: invertible maps between values and images. numpy, scipy, skimage; no torch, no wfdb, no files."""

from .codec import TRANSFORMS, Codec
from .colours import COLOURS, Colours
from .equalize import Equalize
from .layouts import ARRANGEMENTS, arrangement
from .layouts.grids import TABLE_GRIDS, table_grid
from .layouts.table import Arrangement, Layout
from .offsets import MODES
from .quantiles import QuantileBounds
from .standardize import AdaptedRange, GreyLevels, MinMax
from .transform import ByChannel, Compose, Forward, Saturation, Transform, from_state

__all__ = [
    "ARRANGEMENTS",
    "COLOURS",
    "MODES",
    "TABLE_GRIDS",
    "TRANSFORMS",
    "AdaptedRange",
    "Arrangement",
    "ByChannel",
    "Codec",
    "Colours",
    "Compose",
    "Equalize",
    "Forward",
    "GreyLevels",
    "Layout",
    "MinMax",
    "QuantileBounds",
    "Saturation",
    "Transform",
    "arrangement",
    "from_state",
    "table_grid",
]
