"""The transforms that a codec's file may name."""

from .bounds import QuantileBounds
from .by_channel import ByChannel
from .equalize import Equalize
from .grey import GreyLevels
from .standardize import AdaptedRange, MinMax
from .transform import ForwardOnly

TRANSFORMS: dict[str, type[ForwardOnly]] = {
    kind.__name__: kind for kind in (MinMax, QuantileBounds, AdaptedRange, Equalize, GreyLevels, ByChannel)
}
