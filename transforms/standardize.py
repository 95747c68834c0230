"""Step 1: values to grey levels 0…255. Sources: Piacentino, Guarner, Angulo, eq. 2 (§3.3.1) and eq. 3 (§4.1).

Example: 1 mV of 3 mV is a third of 255 levels; 1 mV above the window's minimum is level 102 of a range of 2.5 mV.

    >>> x = np.array([[[0, 1, 3]]])
    >>> MinMax().fit(x).transform(x).tolist()
    [[[0, 85, 255]]]
    >>> AdaptedRange(2.5).transform(x - 7).tolist(), AdaptedRange(2.5).offset(x - 7).tolist()
    ([[[0, 102, 255]]], [[-7.0]])
    >>> GreyLevels().transform(np.array([[[-3, 7.4, 300]]])).tolist()
    [[[0, 7, 255]]]
"""

from typing import Literal, Self

import numpy as np

from ..errors import InputError
from .quantiles import Histogram, checked_step, extremes
from .transform import Chunks, Saturation, State, Transform, as_windows, numbers, one_of

# Rounding errors of float32 arithmetic on at most 255 levels, in levels: part of every declared tolerance.
_SLACK = 2e-4
# The ceiling must not lift a value that lies exactly on a level, as 0.5 mV above the minimum does (51 levels).
# PTB's values are multiples of 1/2000 mV = 51/1000 levels: one that is not on a level is at least 1/1000 away from it.
# Differences of float32 values within ±16 mV err by less than 2e-4 levels. The guard lies between the two.
_GUARD = 5e-4


class MinMax(Transform):
    r"""Eq. 2, to the nearest level.

    .. math:: y = \frac{x - \min}{\max - \min} (255 - a) + a

    min and max are each channel's in the training data; values beyond saturate.

    Arguments:
        a: the lowest level of a value; 1 reserves level 0 for NULL (missing values), 0 admits none.
    """

    settings = ("a",)
    learns = "range"

    def __init__(self, a: int = 0) -> None:
        self.a = self.lowest = grey_level(a)

    def fit_chunks(self, chunks: Chunks) -> Self:
        ends: np.ndarray | None = None  # (2, C)
        for x in chunks():
            low, high = extremes(as_windows(x))
            low, high = (np.fmin.reduce(low, (0, 2), initial=np.nan), np.fmax.reduce(high, (0, 2), initial=np.nan))
            if np.isinf([low, high]).any():
                channel = int(np.isinf([low, high]).any(axis=0).argmax())
                raise InputError(f"channel {channel} has an infinite value; mark it as missing (NaN)")
            before = np.stack([low, high]) if ends is None else ends
            if before.shape[1] != len(low):
                raise InputError(f"a chunk has {len(low)} channels where the ones before it had {before.shape[1]}")
            ends = np.stack([np.fmin(before[0], low), np.fmax(before[1], high)]).astype(float)
        self._learnt = ends
        return self

    @property
    def range(self) -> np.ndarray:
        """(2, C): minimum and maximum of each channel, in input units."""
        if np.isnan(self.learnt).any():
            channel = int(np.isnan(self.learnt[0]).argmax())
            raise InputError(f"channel {channel} of the training data has no value that is not missing; leave it out")
        return self.learnt

    @property
    def level(self) -> np.ndarray:  # type: ignore[override]
        """(C,): one grey level in input units; 0 for a channel that is constant in the training data."""
        return (self.range[1] - self.range[0]) / (255 - self.a)

    def transform(self, x: np.ndarray) -> np.ndarray:
        low, high = self.range.astype(np.float32)[..., None]  # (C, 1) each
        # a constant channel becomes level a
        per_unit = np.divide(1, self.level, out=np.zeros_like(self.level), where=self.level > 0)
        levels = np.clip(as_windows(x, low.size), low, high)  # (N, C, L)
        levels -= low
        levels *= per_unit[:, None].astype(np.float32)
        levels += self.a + 0.5
        return to_bytes(levels, self.a)

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        values = from_levels(y, self.a)
        values *= self.level[:, None].astype(np.float32)
        values += self.range[0, :, None].astype(np.float32)
        return values

    @property
    def tolerance(self) -> float:  # type: ignore[override]
        """Half a level of the channel with the widest."""
        spacing = np.spacing(np.abs(self.range).max(axis=0).astype(np.float32))  # of the sum that gives the value
        return float(np.max(self.level * (0.5 + _SLACK) + spacing))

    def saturated(self, x: np.ndarray) -> dict[str, Saturation]:
        low, high = self.range[..., None]
        x = as_windows(x, low.size)
        return {"MinMax": Saturation.count((x < low) | (x > high), x)}


class AdaptedRange(Transform):
    r"""Eq. 3: the window's minimum is left out as its offset; wider windows saturate at level 255.

    .. math:: y = \frac{x - \min(\text{window})}{\text{width}} (255 - a) + a

    Arguments:
        width: of the range in input units (the paper's is 2.5 mV); None: fitted, per channel.
        rounding: "nearest" errs by half a level and has no bias; "ceil" is the paper's, it errs by a level, upwards.
        a: the lowest level of a value; 1 reserves level 0 for NULL (missing values), 0 admits none.
        coverage: with width None, the width is the smallest that this share of the training windows does not exceed.
        step: with width None, the grid of the values in input units; the fitted width is a multiple of it.
    """

    settings = ("width", "rounding", "a", "coverage", "step")
    relative = True

    def __init__(
        self,
        width: float | None = 2.5,
        rounding: Literal["nearest", "ceil"] = "nearest",
        a: int = 0,
        *,
        coverage: float = 0.99,
        step: float | None = None,
    ) -> None:
        if width is not None and not (np.isfinite(width) and width > 0):
            raise InputError(f"width must be a positive number or None (fitted), not {width}")
        if width is None and step is None:
            raise InputError("width None (fitted) needs the grid of the values: give step")
        if not 0 < coverage <= 1:
            raise InputError(f"coverage must lie in 0 < coverage <= 1, not {coverage}")
        one_of("rounding", rounding, ("nearest", "ceil"))
        self.given, self.rounding, self.coverage, self.step = width, rounding, coverage, checked_step(step)
        self.a = self.lowest = grey_level(a)
        self._learnt = None if width is None else np.array([width])

    def fit_chunks(self, chunks: Chunks) -> Self:
        if self.given is None:
            widths = Histogram(self.step)
            for x in chunks():
                low, high = extremes(as_windows(x))
                widths.add(high - low)
            self._learnt = widths.covering(self.coverage)
            if (flat := np.flatnonzero(self._learnt == 0)).size:
                raise InputError(
                    f"channels {flat.tolist()} are flat in nearly all windows; leave them out or give a width"
                )
        return self

    @property
    def width(self) -> np.ndarray:
        """(C,), or (1,) if the width was given for all channels: the range in input units."""
        return self.learnt

    @property
    def level(self) -> np.ndarray:  # type: ignore[override]
        """(C,) or (1,): one grey level in input units."""
        return self.width / (255 - self.a)

    def transform(self, x: np.ndarray) -> np.ndarray:
        x = self._windows(x)
        levels = x - _minima(x)
        levels *= (1 / self.level)[:, None].astype(np.float32)
        np.clip(levels, 0, 255 - self.a, out=levels)
        if self.rounding == "ceil":
            levels -= _GUARD
            np.ceil(levels, out=levels)
            levels += self.a
        else:
            levels += self.a + 0.5
        return to_bytes(levels, self.a)

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        values = from_levels(y, self.a)
        values *= self.level[:, None].astype(np.float32)
        return values

    @property
    def tolerance(self) -> float:  # type: ignore[override]
        """Of a window no wider than the range; values plus offset are rounded to float32 besides."""
        return float(self.level.max() * ((1 if self.rounding == "ceil" else 0.5) + _SLACK))

    def offset(self, x: np.ndarray) -> np.ndarray:
        """The minimum of each window and channel (N, C), in input units; NaN where all values are missing."""
        return _minima(self._windows(x))[..., 0]

    def saturated(self, x: np.ndarray) -> dict[str, Saturation]:
        """Values more than the width above their window's minimum; windows that are wider than the width."""
        x = self._windows(x)
        low, width = _minima(x), self.width[:, None].astype(np.float32)
        rounding = 2 * np.spacing(np.abs(low) + width)  # of the values, not to be mistaken for their being outside
        return {"AdaptedRange": Saturation.count(x - low > width + rounding, x)}

    def _windows(self, x: np.ndarray) -> np.ndarray:
        return as_windows(x, self.width.size if self.given is None else None)

    def state(self) -> State:
        return super().state() | {"width": self.given, "fitted": self.width.tolist() if self.given is None else None}

    @classmethod
    def from_state(cls, state: State) -> Self:
        new = cls(**{name: state[name] for name in cls.settings})
        if new.given is None:
            new._learnt = numbers(state["fitted"], (None,))
        return new


class GreyLevels(Transform):
    """Grey levels 0 … 255 of pictures stay as they are: whole ones come back exactly, others to the nearest.

    Values below 0 or above 255 saturate. There is no level for NULL: a picture has no missing values.
    """

    tolerance = 0.5  # of values between two levels; whole levels are exact
    level = 1

    def transform(self, x: np.ndarray) -> np.ndarray:
        x = as_windows(x)
        if x.size and np.isnan(x.min()):
            raise InputError("a picture has a missing value (NaN), for which there is no grey level: leave it out")
        return np.rint(np.clip(x, 0, 255)).astype(np.uint8)

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        return from_levels(y, 0)

    def saturated(self, x: np.ndarray) -> dict[str, Saturation]:
        x = as_windows(x)
        return {"GreyLevels": Saturation.count((x < 0) | (x > 255), x)}


def _minima(x: np.ndarray) -> np.ndarray:
    """(N, C, 1): smallest value that is not missing."""
    low = x.min(axis=-1, keepdims=True)
    if not np.isfinite(low).all():  # min hands NaN on: the search for missing values costs nothing where there are none
        low = np.fmin.reduce(x, axis=-1, keepdims=True)
        if np.isinf(low).any():
            raise InputError("a window has an infinite value; mark it as missing (NaN)")
    return low


def grey_level(a: int) -> int:
    """The level, if it is one that leaves another above it."""
    if not (isinstance(a, int) and 0 <= a <= 254):
        raise InputError(f"a must be a whole grey level from 0 to 254, not {a!r}")
    return a


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
