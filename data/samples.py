"""The one shape every pillar exchanges: samples × channels × length, with a table that says where each came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import InputError


@dataclass(frozen=True)
class Samples:
    """Samples in physical units: windows of a signal, rows of a table (L = 1), pictures (L = H·W).

    Arguments:
        values: (N, C, L) float32 in `units`; NaN is a missing value.
        frame: one row a sample, index 0…N−1. Windows of records have patient, record, start (samples at `fs`),
            label (int), diagnosis and part ("train" or "control").
        channels: the C names as the source writes them.
        units: one physical unit per channel.
        fs: sampling frequency in Hz; None for tables.

    Raises:
        InputError: shapes, names and rows that do not belong together.

    >>> rows = pd.DataFrame({"patient": ["p1", "p2"], "label": [0, 1]})
    >>> samples = Samples(np.zeros((2, 3, 500)), rows, ("i", "ii", "v1"), ("mV",) * 3, fs=500.0)
    >>> len(samples), samples.length, samples.values.dtype
    (2, 500, dtype('float32'))
    >>> samples.select(np.array([False, True])).patients()
    frozenset({'p2'})
    """

    values: np.ndarray
    frame: pd.DataFrame
    channels: tuple[str, ...]
    units: tuple[str, ...]
    fs: float | None = None

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float32)
        if values.ndim != 3:
            raise InputError(f"samples: values have shape {values.shape}; they need three axes (N, C, L)")
        if len(self.frame) != len(values):
            raise InputError(f"samples: {len(values)} samples but {len(self.frame)} rows; give one row a sample")
        for name, given in (("channel names", self.channels), ("units", self.units)):
            if len(given) != values.shape[1]:
                raise InputError(f"samples: {len(given)} {name} for {values.shape[1]} channels; give one each")
        if len(set(self.channels)) != len(self.channels):
            raise InputError(f"samples: channel names {', '.join(self.channels)} repeat; give each its own name")
        if self.fs is not None and not (np.isfinite(self.fs) and self.fs > 0):
            raise InputError(f"samples: fs {self.fs} is not a frequency; give Hz above 0, or None for tables")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "frame", self.frame.reset_index(drop=True))
        object.__setattr__(self, "channels", tuple(self.channels))
        object.__setattr__(self, "units", tuple(self.units))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def length(self) -> int:
        """L: values per channel in one sample."""
        return self.values.shape[2]

    def select(self, rows: np.ndarray) -> Samples:
        """The samples at a boolean mask (N,) or at integer positions, in that order."""
        rows = np.asarray(rows)
        positions = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        if rows.dtype == bool and len(rows) != len(self):
            raise InputError(f"samples: a mask of {len(rows)} for {len(self)} samples; give one value a sample")
        frame = self.frame.iloc[positions]
        return Samples(self.values[positions], frame, self.channels, self.units, self.fs)

    def patients(self) -> frozenset[str]:
        """Everybody these samples come from; empty when the table names no patients."""
        return frozenset(self.frame["patient"].astype(str)) if "patient" in self.frame else frozenset()

    @staticmethod
    def concatenate(parts: Sequence[Samples]) -> Samples:
        """Samples of the same channels, units, fs and length, one after the other; there must be at least one part."""
        if len(parts) == 1:
            return parts[0]
        frame = pd.concat([part.frame for part in parts], ignore_index=True)
        first = parts[0]
        return Samples(np.concatenate([part.values for part in parts]), frame, first.channels, first.units, first.fs)
