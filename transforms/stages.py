"""What a codec asks of its stages: that they go together, the lowest level, a standardizer without bounds."""

import numpy as np

from ..errors import InputError
from .bounds import QuantileBounds
from .by_channel import ByChannel
from .colours import Colours
from .layouts.layout import ForwardLayout
from .transform import Compose, ForwardChain, ForwardOnly, Transform


def check_colours(colours: Colours, channels: int, standardizer: ForwardOnly, table: ForwardLayout) -> None:
    """Refuse colours that the standardizer or the arrangement does not go with."""
    if channels != 3:
        raise InputError(f"{colours.name}: colours need 3 channels (red, green, blue), not {channels}")
    if table.channels != colours.channels:
        raise InputError(
            f"{colours.name}: gives {colours.channels} channels, but the arrangement is for {table.channels}; "
            f"arrange {colours.channels}"
        )
    if _has_null(standardizer):
        raise InputError(f"{colours.name}: colours would change the level of missing values (NULL): take a=0")


def check_layout(standardizer: ForwardOnly, table: ForwardLayout, colours: Colours | None) -> None:
    """Refuse an arrangement that needs level 0 for itself, or all channels as they are, and does not get it."""
    if colours is not None and (table.marks_with_null or not table.takes_missing):
        raise InputError(f"{table.name}: takes no colours, which its images would change; take colours 'none'")
    if table.marks_with_null and not _has_null(standardizer):
        raise InputError(
            f"{table.name}: level 0 says where rows end and no value may have it: take a null_level (a) of 1 or more"
        )


def _has_null(standardizer: ForwardOnly) -> bool:
    parts = getattr(standardizer, "parts", ())
    return getattr(standardizer, "a", 0) > 0 or any(map(_has_null, parts))


def lowest(standardizer: ForwardOnly, channels: int) -> np.ndarray:
    """(C,): the lowest level of a value that is not missing."""
    if isinstance(standardizer, ForwardChain):
        return lowest(standardizer.parts[-1], channels)
    if isinstance(standardizer, ByChannel):
        levels = np.zeros(channels, np.uint8)
        for group, part in zip(standardizer.groups, standardizer.parts, strict=True):
            levels[list(group)] = lowest(part, len(group))
        return levels
    return np.full(channels, getattr(standardizer, "a", 0), np.uint8)


def without_bounds(standardizer: Transform) -> Transform:
    """The standardizer with its quantile bounds taken out, wherever they stand."""
    if isinstance(standardizer, Compose):
        kept = [part for part in standardizer.parts if not isinstance(part, QuantileBounds)]
        return Compose(*map(without_bounds, kept))
    if isinstance(standardizer, ByChannel):
        return ByChannel(standardizer.groups, list(map(without_bounds, standardizer.parts)))
    return standardizer
