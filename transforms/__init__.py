"""Steps 1 and 2: invertible maps between values and images. numpy only; no torch, no wfdb, no files."""

from .arrange import ARRANGEMENTS, Arrangement, arrangement, grid
from .bounds import QuantileBounds
from .codec import Codec
from .offsets import MODES
from .standardize import TRANSFORMS, AdaptedRange, MinMax
from .transform import Compose, ForwardChain, ForwardOnly, Saturation, Transform, from_state

__all__ = [
    "ARRANGEMENTS",
    "MODES",
    "TRANSFORMS",
    "AdaptedRange",
    "Arrangement",
    "Codec",
    "Compose",
    "ForwardChain",
    "ForwardOnly",
    "MinMax",
    "QuantileBounds",
    "Saturation",
    "Transform",
    "arrangement",
    "from_state",
    "grid",
]
