"""How pandas holds the cells of a column, and cells as numbers, names and positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_integer_dtype

Value = str | bool | int | float


@dataclass(frozen=True)
class Cells:
    """How pandas holds the cells of a column.

    Arguments:
        dtype: name of the pandas dtype.
        categories: all that a column of dtype "category" may hold, in order; None for other dtypes.
        ordered: of a column of dtype "category".
        none: missing cells of an object column are None, not NaN.
    """

    dtype: str
    categories: tuple[Value, ...] | None = None
    ordered: bool = False
    none: bool = False

    @staticmethod
    def of(series: pd.Series) -> Cells:
        """What this column's cells are."""
        if isinstance(series.dtype, pd.CategoricalDtype):
            return Cells("category", tuple(series.dtype.categories.tolist()), bool(series.dtype.ordered))
        missing = series[series.isna()]
        is_none = series.dtype == object and len(missing) > 0 and missing.iloc[0] is None
        return Cells(str(series.dtype), none=is_none)

    def series(self, values: np.ndarray, missing: np.ndarray, name: str) -> pd.Series:
        """A column of these values (N,), without those that are missing."""
        if self.dtype.startswith("datetime64"):
            return self._times(values, missing, name)
        cells = np.array(values, dtype=object)
        cells[missing] = None if self.none else pd.NA if _is_masked(self.dtype) else np.nan
        if self.categories is not None:
            return pd.Series(pd.Categorical(cells, categories=self.categories, ordered=self.ordered), name=name)
        return pd.Series(cells, name=name, dtype=object).astype(self.dtype)  # type: ignore[call-overload]

    def _times(self, ticks: np.ndarray, missing: np.ndarray, name: str) -> pd.Series:
        unit, *zone = time_of(self.dtype)
        times = pd.Series(np.asarray(ticks, np.int64).astype(f"M8[{unit}]"), name=name)
        times[missing] = pd.NaT
        return times.dt.tz_localize("UTC").dt.tz_convert(zone[0]) if zone else times


def numbers_of(series: pd.Series) -> np.ndarray:
    """Cells that are there, as float64; as int64 where the dtype is one of whole numbers or of times."""
    if is_datetime64_any_dtype(series.dtype) or is_integer_dtype(series.dtype):
        return series.astype("int64").to_numpy()
    return series.astype("float64").to_numpy()


def time_of(dtype: str) -> list[str]:
    """The unit of a dtype of times, and its time zone if it has one: "datetime64[us, UTC]" is us, UTC."""
    return dtype.removeprefix("datetime64[").removesuffix("]").split(", ")


def plain(value: Any) -> Value:
    """A cell as a Python value that JSON knows."""
    return value.item() if isinstance(value, np.generic) else value


def text_of(value: Value) -> str:
    """A value as a name: 3.0 is "3"."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def rounded(values: np.ndarray, decimals: int) -> np.ndarray:
    """Each value as the float64 nearest to a decimal number; np.round is not that exact."""
    return np.rint(values * 10.0**decimals) / 10.0**decimals


def positions_in(series: pd.Series, values: Sequence[Value]) -> np.ndarray:
    """Where each cell stands among the values (N,); −1 for any other."""
    known = {(isinstance(value, bool), value): k for k, value in enumerate(values)}  # True is not 1
    return np.array([known.get((isinstance(cell, (bool, np.bool_)), cell), -1) for cell in series.tolist()], np.int64)


def objects(values: Sequence[Value]) -> np.ndarray:
    return np.array([*values, None], dtype=object)[:-1]


def _is_masked(dtype: str) -> bool:
    return isinstance(pd.api.types.pandas_dtype(dtype), pd.api.extensions.ExtensionDtype)


def row_of(series: pd.Series, mask: np.ndarray) -> str:
    """The first row where the mask holds, counted from 1 as the file has them."""
    first = series.index[int(np.argmax(mask))]
    return f"row {first + 1}" if isinstance(first, (int, np.integer)) else f"row '{first}'"
