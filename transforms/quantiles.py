"""Quantiles of any amount of training data in bounded memory, and bounds that saturate at them.

Example: three values on a grid of 0.5, and one that is missing; half of 0, 1, … 4 lie between their quartiles, 1 and 3.

    >>> histogram = Histogram(0.5)
    >>> histogram.add(np.array([[[1.5, 1, np.nan, 1.5]]]))
    >>> histogram.quantile(0.25).tolist(), histogram.covering(0.4).tolist()
    ([1.25], [1.5])
    >>> bounds = QuantileBounds(0.25, 0.75, of="values", step=1).fit(np.arange(5)[None, None])
    >>> bounds.transform(np.array([[[0, 2, 9]]])).tolist()
    [[[1.0, 2.0, 3.0]]]
"""

from typing import Literal, Self

import numpy as np

from ..errors import InputError
from .transform import Chunks, Saturation, Transform, as_windows, one_of

_MOST_BINS = 2**22  # 32 MiB a channel; a 16-bit converter needs 65,536


class Histogram:
    """Counts per channel of the different values; the order in which they come does not matter.

    Arguments:
        step: distance between neighbouring values, in the data's units (for a signal: of its converter), to multiples
            of which values are rounded. None: values are counted as they are, for data on no known grid.
    """

    def __init__(self, step: float | None) -> None:
        self.step = checked_step(step)
        self._bins: list[np.ndarray] = []  # per channel, in order: multiples of step, or values
        self._counts: list[np.ndarray] = []

    def add(self, x: np.ndarray) -> None:
        """Count the values (N, C, K) of each channel; NaN is left out."""
        if not self._bins:
            self._bins = [np.zeros(0, float if self.step is None else np.int64) for _ in range(x.shape[1])]
            self._counts = [np.zeros(0, np.int64) for _ in range(x.shape[1])]
        if x.shape[1] != len(self._bins):
            raise InputError(f"a chunk has {x.shape[1]} channels where the ones before it had {len(self._bins)}")
        for channel in range(x.shape[1]):
            values = x[:, channel].ravel()
            values = values[~np.isnan(values)]
            if np.isinf(values).any():
                raise InputError(f"channel {channel} has an infinite value; mark it as missing (NaN)")
            if values.size:
                self._merge(channel, *self._count(channel, values))

    def quantile(self, q: float) -> np.ndarray:
        """Per channel, what numpy.quantile (linear) gives for the rounded values: (C,)."""
        quantiles = []
        for bins, counts in self._filled():
            position = q * (counts.sum() - 1)
            ends = np.searchsorted(counts.cumsum(), [np.floor(position), np.ceil(position)], side="right")
            low, high = bins[ends] - bins[0]
            quantiles.append(bins[0] + (low + (high - low) * (position - np.floor(position))))
        return np.array(quantiles, float) * (self.step or 1)

    def covering(self, share: float) -> np.ndarray:
        """Per channel, the smallest multiple of step that at least `share` of the values do not exceed: (C,)."""
        # the tiny subtraction: 0.07 * 100 is a little more than 7, and shall ask for 7 values
        least = [
            bins[np.searchsorted(counts.cumsum(), np.ceil(share * counts.sum() - 1e-9), side="left")]
            for bins, counts in self._filled()
        ]
        return np.array(least, float) * (self.step or 1)

    def counted(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Per channel: the different values in order, and how often each occurs."""
        return [(bins * float(self.step or 1), counts) for bins, counts in self._filled()]

    def _filled(self) -> list[tuple[np.ndarray, np.ndarray]]:
        for channel, counts in enumerate(self._counts):
            if not counts.size:
                raise InputError(
                    f"channel {channel} of the training data has no value that is not missing; leave it out"
                )
        if not self._counts:
            raise InputError("there is no training data to learn from")
        return list(zip(self._bins, self._counts, strict=True))

    def _count(self, channel: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The different values, as bins, and how often each occurs."""
        if self.step is None:
            different, counts = np.unique(values, return_counts=True)
            return different + 0.0, counts  # + 0.0: not -0.0
        # as Python integers: they do not overflow, whatever the values are
        low, high = (round(float(end) / self.step) for end in (values.min(), values.max()))
        known = self._bins[channel][[0, -1]].tolist() if self._bins[channel].size else [low, high]
        if (span := max(high, known[1]) + 1 - min(low, known[0])) > _MOST_BINS:
            raise InputError(
                f"channel {channel} spans {span:,} steps of {self.step:g}, more than {_MOST_BINS:,}: "
                f"give a step of at least {span / _MOST_BINS * self.step:.2g}"
            )
        counts = np.bincount(np.rint(values / np.float64(self.step)).astype(np.int64) - low)
        taken = np.flatnonzero(counts)
        return taken + low, counts[taken]

    def _merge(self, channel: int, bins: np.ndarray, counts: np.ndarray) -> None:
        together, position = np.unique(np.concatenate([self._bins[channel], bins]), return_inverse=True)
        if together.size > _MOST_BINS:
            raise InputError(f"channel {channel} has more than {_MOST_BINS:,} different values: give a step")
        self._bins[channel] = together
        weights = np.concatenate([self._counts[channel], counts])
        self._counts[channel] = np.bincount(position, weights).astype(np.int64)


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

    settings = ("low", "high", "of", "step")
    learns = "bounds"
    level = 1

    def __init__(
        self, low: float = 0.01, high: float = 0.99, of: Literal["windows", "values"] = "windows", *, step: float
    ) -> None:
        if not 0 <= low < high <= 1:
            raise InputError(f"quantiles must satisfy 0 <= low < high <= 1; got low={low}, high={high}")
        one_of("of", of, ("windows", "values"))
        self.low, self.high, self.of, self.step = low, high, of, checked_step(step)

    def fit_chunks(self, chunks: Chunks) -> Self:
        lows = Histogram(self.step)
        highs = Histogram(self.step) if self.of == "windows" else lows
        for x in chunks():
            if self.of == "windows":
                low, high = extremes(as_windows(x))
                lows.add(low)
                highs.add(high)
            else:
                lows.add(as_windows(x))
        self._learnt = np.stack([lows.quantile(self.low), highs.quantile(self.high)])
        return self

    @property
    def bounds(self) -> np.ndarray:
        """(2, C): lower and upper bound of each channel, in input units."""
        return self.learnt

    def transform(self, x: np.ndarray) -> np.ndarray:
        low, high = self.bounds.astype(np.float32)[..., None]  # (C, 1) each
        return np.clip(as_windows(x, low.size), low, high)

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        return y

    def saturated(self, x: np.ndarray) -> dict[str, Saturation]:
        """Values beyond the bounds by more than their own float32 rounding."""
        low, high = self.bounds.astype(np.float32)[..., None]
        x = as_windows(x, low.size)
        outside = (x < low - 2 * np.spacing(np.abs(low))) | (x > high + 2 * np.spacing(np.abs(high)))
        return {"QuantileBounds": Saturation.count(outside, x)}


def extremes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest value of each window and channel, (N, C, 1) each; NaN where all values are missing."""
    return np.fmin.reduce(x, axis=-1, keepdims=True), np.fmax.reduce(x, axis=-1, keepdims=True)


def checked_step(step: float | None) -> float | None:
    """The step, if it is a positive number or None."""
    if step is not None and not (np.isfinite(step) and step > 0):
        raise InputError(f"the step of the values must be a positive number, not {step}")
    return step
