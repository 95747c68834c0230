"""Physical units of channels: what they are called, and that voltages are kept in mV."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import InputError

_TO_MILLIVOLT = {"v": 1000.0, "mv": 1.0, "uv": 0.001, "\u03bcv": 0.001, "nv": 1e-6}  # casefold makes every µ Greek


def in_millivolt(unit: str) -> tuple[str, float]:
    """The unit in which values are kept, and what values in the given one ("": mV) are multiplied by for that.

    Example:
        >>> in_millivolt("uV"), in_millivolt("mmHg")
        (('mV', 0.001), ('mmHg', 1.0))
    """
    scale = _TO_MILLIVOLT.get(unit.casefold() or "mv")
    return (unit, 1.0) if scale is None else ("mV", scale)


def name_and_unit(title: str) -> tuple[str, str]:
    """`ii (mV)` is lead ii in mV."""
    match = re.fullmatch(r"(.*?)\s*[(\[]([^()\[\]]+)[)\]]", title)
    return (match[1].strip() or title, match[2].strip()) if match else (title.strip(), "")


def refuse_several_words(channels: Sequence[str], units: Sequence[str]) -> None:
    """Refuse units that cannot stand in a WFDB header."""
    for channel, unit in zip(channels, units, strict=True):
        if not re.fullmatch(r"[\w^\-?%/]+", unit):
            raise InputError(
                f"lead '{channel}': unit '{unit}' cannot stand in a WFDB header; give one word, or write csv"
            )
