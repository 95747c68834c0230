"""Exact counts of values, per channel: quantiles of any amount of data in bounded memory."""

from collections.abc import Callable

import numpy as np

from ..errors import InputError

_MOST_BINS = 2**22  # 32 MiB a channel; a 16-bit converter needs 65,536


class Histogram:
    """Counts per channel of values rounded to multiples of `step`; the order in which they come does not matter.

    Arguments:
        step: distance between neighbouring values, in the data's units (for a signal: of its converter).
    """

    def __init__(self, step: float) -> None:
        if not (np.isfinite(step) and step > 0):
            raise InputError(f"the histogram's step must be a positive number, not {step}")
        self.step = step
        self._first: list[int] = []  # the multiple of step that bin 0 of each channel stands for
        self._counts: list[np.ndarray] = []

    def add(self, x: np.ndarray) -> None:
        """Count the values (N, C, K) of each channel; NaN is left out."""
        if not self._counts:
            self._first = [0] * x.shape[1]
            self._counts = [np.zeros(0, np.int64) for _ in self._first]
        if x.shape[1] != len(self._counts):
            raise InputError(f"a chunk has {x.shape[1]} channels where the ones before it had {len(self._counts)}")
        for channel in range(x.shape[1]):
            values = x[:, channel].ravel()
            values = values[~np.isnan(values)]
            if values.size:
                self._add(channel, values)

    def quantile(self, q: float) -> np.ndarray:
        """Per channel, what numpy.quantile (linear) gives for the rounded values: (C,)."""

        def between(counts: np.ndarray) -> float:
            position = q * (counts.sum() - 1)
            low, high = np.searchsorted(counts.cumsum(), [np.floor(position), np.ceil(position)], side="right")
            return low + (high - low) * (position - np.floor(position))

        return self._per_channel(between)

    def covering(self, share: float) -> np.ndarray:
        """Per channel, the smallest multiple of step that at least `share` of the values do not exceed: (C,)."""
        # the tiny subtraction: 0.07 * 100 is a little more than 7, and shall ask for 7 values
        return self._per_channel(lambda n: np.searchsorted(n.cumsum(), np.ceil(share * n.sum() - 1e-9), side="left"))

    def counted(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Per channel: the different values in order, and how often each occurs."""
        _refuse_empty(self._counts)
        taken = [np.flatnonzero(counts) for counts in self._counts]
        return [
            ((first + bins) * float(self.step), counts[bins])
            for first, bins, counts in zip(self._first, taken, self._counts, strict=True)
        ]

    def _per_channel(self, bin_of: Callable[[np.ndarray], float]) -> np.ndarray:
        _refuse_empty(self._counts)
        bins = [first + bin_of(counts) for first, counts in zip(self._first, self._counts, strict=True)]
        return np.array(bins, float) * self.step

    def _add(self, channel: int, values: np.ndarray) -> None:
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise InputError(f"channel {channel} has an infinite value; mark it as missing (NaN)")
        counts, first = self._counts[channel], self._first[channel]
        # as Python integers: they do not overflow, whatever the values are
        begin, end = round(low / self.step), round(high / self.step) + 1
        if counts.size:
            begin, end = min(begin, first), max(end, first + counts.size)
        if end - begin > _MOST_BINS:
            raise InputError(
                f"channel {channel} spans {end - begin:,} steps of {self.step:g}, more than {_MOST_BINS:,}: "
                f"give a step of at least {(end - begin) / _MOST_BINS * self.step:.2g}"
            )
        if end - begin > counts.size:
            grown = np.zeros(end - begin, np.int64)
            grown[first - begin : first - begin + counts.size] = counts if counts.size else 0
            self._counts[channel], self._first[channel] = grown, begin
        bins = np.rint(values / np.float64(self.step)).astype(np.int64) - self._first[channel]
        self._counts[channel] += np.bincount(bins, minlength=self._counts[channel].size)


class Distinct:
    """Counts per channel of the values as they are, for data on no known grid, as columns of a table are."""

    def __init__(self) -> None:
        self._values: list[np.ndarray] = []
        self._counts: list[np.ndarray] = []

    def add(self, x: np.ndarray) -> None:
        """Count the values (N, C, K) of each channel; NaN is left out."""
        if not self._counts:
            self._values = [np.zeros(0) for _ in range(x.shape[1])]
            self._counts = [np.zeros(0, np.int64) for _ in range(x.shape[1])]
        if x.shape[1] != len(self._counts):
            raise InputError(f"a chunk has {x.shape[1]} channels where the ones before it had {len(self._counts)}")
        for channel in range(x.shape[1]):
            found, n = np.unique(x[:, channel], return_counts=True)
            there = ~np.isnan(found)
            found, n = found[there] + 0.0, n[there]  # + 0.0: not -0.0
            if np.isinf(found).any():
                raise InputError(f"channel {channel} has an infinite value; mark it as missing (NaN)")
            both = np.concatenate([self._values[channel], found])
            self._values[channel], place = np.unique(both, return_inverse=True)
            self._counts[channel] = np.bincount(place, np.concatenate([self._counts[channel], n])).astype(np.int64)
            if self._values[channel].size > _MOST_BINS:
                raise InputError(f"channel {channel} has more than {_MOST_BINS:,} different values: give a step")

    def counted(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Per channel: the different values in order, and how often each occurs."""
        _refuse_empty(self._counts)
        return list(zip(self._values, self._counts, strict=True))


def _refuse_empty(per_channel: list[np.ndarray]) -> None:
    for channel, counts in enumerate(per_channel):
        if not counts.size:
            raise InputError(f"channel {channel} of the training data has no value that is not missing; leave it out")
    if not per_channel:
        raise InputError("there is no training data to learn from")
