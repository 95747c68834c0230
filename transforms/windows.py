"""Arrays (N, C, L) at the door, their extremes, and whole grey levels: what every standardizer does alike."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from .transform import ForwardOnly


def as_windows(x: np.ndarray, channels: int | None = None) -> np.ndarray:
    """The array as float32, if it is (N, C, L) with that many channels."""
    x = np.asarray(x)
    if x.ndim != 3 or x.shape[1] == 0 or x.shape[2] == 0:
        raise InputError(f"expected an array (samples, channels, length), got shape {x.shape}")
    if channels is not None and x.shape[1] != channels:
        raise InputError(f"expected {channels} channels as in the training data, got {x.shape[1]} (shape {x.shape})")
    return x.astype(np.float32, copy=False)


def minima(x: np.ndarray) -> np.ndarray:
    """(N, C, 1): smallest value that is not missing."""
    low = x.min(axis=-1, keepdims=True)
    if not np.isfinite(low).all():  # min hands NaN on: the search for missing values costs nothing where there are none
        low = np.fmin.reduce(x, axis=-1, keepdims=True)
        if np.isinf(low).any():
            raise InputError("a window has an infinite value; mark it as missing (NaN)")
    return low


def extremes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest value of each window and channel, (N, C, 1) each; NaN where all values are missing."""
    return np.fmin.reduce(x, axis=-1, keepdims=True), np.fmax.reduce(x, axis=-1, keepdims=True)


def to_bytes(levels: np.ndarray, a: int) -> np.ndarray:
    """Cut off to whole levels; NaN becomes NULL, level 0."""
    if levels.size and np.isnan(levels.min()):
        if a == 0:
            raise InputError(
                "a value is missing (NaN) but a=0 leaves no level for NULL: take a=1, or leave such windows out"
            )
        np.copyto(levels, 0, where=np.isnan(levels))
    return levels.astype(np.uint8)


def from_levels(y: np.ndarray, a: int) -> np.ndarray:
    """Levels above a, as float32 (N, C, L); NULL, whatever is nearer to 0 than to a, becomes NaN."""
    levels = np.array(y, np.float32)
    if a:
        np.copyto(levels, np.nan, where=levels < a / 2)
        levels -= a
    return levels


def numbers(values: Any, shape: Sequence[int | None]) -> np.ndarray:
    array = np.array(values, float)
    if array.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, array.shape, strict=True)):
        raise InputError(f"expected numbers of shape {tuple(shape)}, got {array.shape}")
    return array


def grey_level(name: str, a: int) -> int:
    if not (isinstance(a, int) and 0 <= a <= 254):
        raise InputError(f"{name} must be a whole grey level from 0 to 254, not {a!r}")
    return a


def one_of(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def refuse_loaded(transform: ForwardOnly, loaded: bool) -> None:
    if loaded:
        raise InputError(f"this {type(transform).__name__} was loaded and holds no counts to add to: fit it afresh")
