"""Saturating bounds from quantiles of the training data. Source: Piacentino, Guarner, Angulo, §4.1.

Example: half of the values 0, 1, … 4 lie between their quartiles, 1 and 3.

    >>> bounds = QuantileBounds(0.25, 0.75, of="values", step=1).fit(np.arange(5)[None, None])
    >>> bounds.transform(np.array([[[0, 2, 9]]])).tolist()
    [[[1.0, 2.0, 3.0]]]
"""

from typing import Literal, Self

import numpy as np

from ..errors import InputError
from .histogram import Histogram, checked_step
from .standardize import extremes
from .transform import Chunks, Saturation, State, Transform, as_windows, fitted, numbers, one_of


class QuantileBounds(Transform):
    """Values saturate at quantiles of the training data (§4.1); what is inside stays as it is.

    The paper says that "1% and 99% quantiles are chosen to be the bounds" and that then "only 4% of the samples
    have at least one of the values outside", not whether they are quantiles of all values or of the windows'
    extremes. Measured on 43 PTB records, leads i, ii, iii: quantiles of all values leave 7, 3 and 5 % of the
    windows outside, which fits the paper, but only because the electrodes' own voltage, up to 5 mV and different in
    each record, fills both tails. Where there is none they cut the R peaks: 77, 63 and 45 % of the same windows
    once their medians are 0, 60 % of MIT-BIH's. Quantiles of the windows' extremes leave about 1 % + 1 % of the
    windows outside on any source: hence the default.

    Arguments:
        low, high: the quantiles.
        of: "windows": low quantile of the windows' minima, high quantile of their maxima; "values": of all values.
        step: grid of the values in input units (a signal's converter step); quantiles are exact to it.
    """

    def __init__(
        self, low: float = 0.01, high: float = 0.99, of: Literal["windows", "values"] = "windows", *, step: float
    ) -> None:
        if not 0 <= low < high <= 1:
            raise InputError(f"quantiles must satisfy 0 <= low < high <= 1; got low={low}, high={high}")
        one_of("of", of, ("windows", "values"))
        self.low, self.high, self.of, self.step = low, high, of, checked_step(step)
        self._bounds: np.ndarray | None = None

    def fit_chunks(self, chunks: Chunks) -> Self:
        """Learn the quantiles of the values, or of the windows' extremes."""
        lows = Histogram(self.step)
        highs = Histogram(self.step) if self.of == "windows" else lows
        for x in chunks():
            if self.of == "windows":
                low, high = extremes(as_windows(x))
                lows.add(low)
                highs.add(high)
            else:
                lows.add(as_windows(x))
        self._bounds = np.stack([lows.quantile(self.low), highs.quantile(self.high)])
        return self

    @property
    def bounds(self) -> np.ndarray:
        """(2, C): lower and upper bound of each channel, in input units."""
        return fitted(self, self._bounds)

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Values (N, C, L), cut off at the bounds."""
        low, high = self.bounds.astype(np.float32)[..., None]  # (C, 1) each
        return np.clip(as_windows(x, low.size), low, high)

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        """The same values."""
        return y

    def carry(self, shift: np.ndarray) -> np.ndarray:
        """The same shift."""
        return shift

    def saturated(self, x: np.ndarray) -> dict[str, Saturation]:
        """Values beyond the bounds by more than their own float32 rounding."""
        low, high = self.bounds.astype(np.float32)[..., None]
        x = as_windows(x, low.size)
        outside = (x < low - 2 * np.spacing(np.abs(low))) | (x > high + 2 * np.spacing(np.abs(high)))
        return {"QuantileBounds": Saturation.count(outside, x)}

    def state(self) -> State:
        """What was given, and the bounds."""
        given = {"low": self.low, "high": self.high, "of": self.of, "step": self.step}
        return {"kind": "QuantileBounds", **given, "bounds": self.bounds.tolist()}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Rebuild from `state()`."""
        new = cls(state["low"], state["high"], state["of"], step=state["step"])
        new._bounds = numbers(state["bounds"], (2, None))
        return new
