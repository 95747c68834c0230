"""Steps 1 and 2: invertible maps between values and images. numpy, scipy, skimage; no torch, no wfdb, no files."""

from .bounds import QuantileBounds
from .by_channel import ByChannel
from .codec import Codec
from .colours import COLOURS, Colours
from .equalize import Equalize
from .grey import GreyLevels
from .known import TRANSFORMS
from .layouts.arrangements import ARRANGEMENT_LINES, ARRANGEMENTS, arrangement
from .layouts.grids import TABLE_GRIDS, table_grid
from .layouts.layout import ForwardLayout, Layout
from .layouts.table import Arrangement, grid
from .offsets import MODES
from .standardize import AdaptedRange, MinMax
from .transform import Compose, ForwardChain, ForwardOnly, Saturation, Transform, from_state

__all__ = [
    "ARRANGEMENTS",
    "ARRANGEMENT_LINES",
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
    "ForwardChain",
    "ForwardLayout",
    "ForwardOnly",
    "GreyLevels",
    "Layout",
    "MinMax",
    "QuantileBounds",
    "Saturation",
    "Transform",
    "arrangement",
    "from_state",
    "grid",
    "table_grid",
]
