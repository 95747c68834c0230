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
    """How pandas holds the cells of a column."""

    dtype: str  # name of the pandas dtype
    # all that a column of dtype "category" may hold, in order; None for other dtypes
    categories: tuple[Value, ...] | None = None
    ordered: bool = False  # of a column of dtype "category"
    none: bool = False  # missing cells of an object column are None, not NaN

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
            unit, *zone = time_of(self.dtype)
            times = pd.Series(np.asarray(values, np.int64).astype(f"M8[{unit}]"), name=name)
            times[missing] = pd.NaT
            return times.dt.tz_localize("UTC").dt.tz_convert(zone[0]) if zone else times
        cells = np.array(values, dtype=object)
        is_masked = isinstance(pd.api.types.pandas_dtype(self.dtype), pd.api.extensions.ExtensionDtype)
        cells[missing] = None if self.none else pd.NA if is_masked else np.nan
        if self.categories is not None:
            return pd.Series(pd.Categorical(cells, categories=self.categories, ordered=self.ordered), name=name)
        return pd.Series(cells, name=name, dtype=object).astype(self.dtype)  # type: ignore[call-overload]


def numbers_of(series: pd.Series) -> np.ndarray:
    """Cells without missing ones, as float64; as int64 where the dtype is one of whole numbers or of times."""
    if is_datetime64_any_dtype(series.dtype) or is_integer_dtype(series.dtype):
        return series.astype("int64").to_numpy()
    return series.astype("float64").to_numpy()


def time_of(dtype: str) -> list[str]:
    """The unit of a dtype of times, and its time zone if it has one: "datetime64[us, UTC]" is us, UTC."""
    return dtype.removeprefix("datetime64[").removesuffix("]").split(", ")


def plain(value: Value | np.generic) -> Value:
    """A cell as a Python value that JSON knows."""
    return value.item() if isinstance(value, np.generic) else value


def text_of(value: Value) -> str:
    """A value as a name: 3.0 is "3"."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def rounded(values: np.ndarray, decimals: int) -> np.ndarray:
    """Each value as the float64 nearest to a decimal number; np.round is not that exact."""
    return np.rint(values * 10.0**decimals) / 10.0**decimals


def positions_in(series: pd.Series, values: Sequence[Value]) -> np.ndarray:
    """Position of each cell among the values (N,); −1 for any other."""
    known = {(isinstance(value, bool), value): k for k, value in enumerate(values)}  # True is not 1
    return np.array([known.get((isinstance(cell, (bool, np.bool_)), cell), -1) for cell in series.tolist()], np.int64)


def objects(values: Sequence[Value]) -> np.ndarray:
    """Values (N,) of any type as an array of objects."""
    return np.array([*values, None], dtype=object)[:-1]


def row_of(series: pd.Series, mask: np.ndarray) -> str:
    """The first row where the mask holds, counted from 1 as the file has them."""
    first = series.index[int(np.argmax(mask))]
    return f"row {first + 1}" if isinstance(first, (int, np.integer)) else f"row '{first}'"


CONTINUOUS, INTEGER, BINARY, CATEGORY, CONSTANT = "continuous", "integer", "binary", "category", "constant"
NUMBERS = (CONTINUOUS, INTEGER)  # kinds of features that take more than two values


@dataclass(frozen=True)
class Column:
    """What all columns have; a column of values that may be missing has a second feature for that."""

    name: str  # as the table calls it
    cells: Cells  # how pandas holds it
    missing: bool  # some training row has no value here
    kind: str  # "continuous", "integer", "binary", "category" or "constant"

    @property
    def features(self) -> tuple[tuple[str, str], ...]:
        """Name and kind of each feature."""
        present = ((f"{self.name} is present", BINARY),) if self.missing else ()
        return ((self.name, self.kind), *present)


@dataclass(frozen=True)
class Number(Column):
    """Numbers and times: one feature, and one more that says whether a cell has a value where values may be missing.

    A feature is float32. `offset` is not 0 only where float32 could not tell the column's values apart without it.
    """

    # low, high: range in the training rows, in the column's unit; times are whole numbers of their dtype's unit
    low: float | int
    high: float | int
    decimals: int | None  # digits after the point; None where there are more than decimal numbers of 15 digits have
    offset: float | int = 0  # what is subtracted
    tick: int = 1  # what a whole step of a time is, in its dtype's unit; 1 for numbers

    def encode(self, series: pd.Series) -> np.ndarray:
        """Cells (N,) → features (N, F) float32, NaN where missing."""
        missing = series.isna().to_numpy()
        value = np.full(len(series), np.nan, np.float32)
        value[~missing] = (numbers_of(series[~missing]) - self.offset) / self.tick
        return _with_present(value, missing, self.missing)

    def decode(self, features: np.ndarray) -> pd.Series:
        """Features (N, F) → cells (N,): inside the training range, with as many decimals as the training rows."""
        missing = _absent(features, self.missing)
        # NULL is the lowest grey level
        value: np.ndarray = np.nan_to_num(features[:, 0].astype(np.float64), nan=-np.inf)
        value = np.clip(value, (self.low - self.offset) / self.tick, (self.high - self.offset) / self.tick)
        if isinstance(self.low, int):  # whole numbers stay whole beyond 2^53
            value = np.rint(value).astype(np.int64) * self.tick
        value = value + self.offset
        if isinstance(self.low, float) and self.decimals is not None:
            value = rounded(value, self.decimals)
        return self.cells.series(np.clip(value, self.low, self.high), missing, self.name)


@dataclass(frozen=True)
class Binary(Column):
    """Two values: one feature, 0 or 1, and one that says whether a cell has a value where values may be missing."""

    values: tuple[Value, ...]  # what 0 and 1 stand for

    def encode(self, series: pd.Series) -> np.ndarray:
        """Cells (N,) → features (N, F) float32, NaN where missing."""
        position = positions_in(series, self.values)
        missing = series.isna().to_numpy()
        return _with_present(np.where(missing, np.nan, position).astype(np.float32), missing, self.missing)

    def decode(self, features: np.ndarray) -> pd.Series:
        """Features (N, F) → cells (N,): the nearer of the two values."""
        position = (np.nan_to_num(features[:, 0], nan=0) >= 0.5).astype(int)
        return self.cells.series(objects(self.values)[position], _absent(features, self.missing), self.name)


@dataclass(frozen=True)
class Category(Column):
    """A few values: a feature for each, and one more for "missing" where values may be missing."""

    values: tuple[Value, ...]  # in order

    @property
    def features(self) -> tuple[tuple[str, str], ...]:
        """Name and kind of each feature."""
        missing = (f"{self.name} is missing",) if self.missing else ()
        return tuple((name, BINARY) for name in (*(f"{self.name} = {text_of(v)}" for v in self.values), *missing))

    def encode(self, series: pd.Series) -> np.ndarray:
        """Cells (N,) → features (N, F) float32: a single 1 in each row."""
        position = positions_in(series, self.values)
        position[series.isna().to_numpy()] = len(self.values)
        return np.eye(len(self.values) + 1, dtype=np.float32)[position][:, : len(self.features)]

    def decode(self, features: np.ndarray) -> pd.Series:
        """Features (N, F) → cells (N,): the value with the largest feature."""
        return self.at(np.nan_to_num(features, nan=-np.inf).argmax(axis=1))

    def at(self, position: np.ndarray) -> pd.Series:
        """Cells of the values at these positions (N,); the one behind the last is a missing value."""
        missing = position == len(self.values)
        return self.cells.series(objects(self.values)[np.where(missing, 0, position)], missing, self.name)


@dataclass(frozen=True)
class Constant(Column):
    """The same in every row: no feature."""

    value: Value | None  # None is a missing value; a time is a whole number of its dtype's unit

    @property
    def features(self) -> tuple[tuple[str, str], ...]:
        """None."""
        return ()

    def encode(self, series: pd.Series) -> np.ndarray:
        """(N, 0)."""
        return np.empty((len(series), 0), np.float32)

    def decode(self, features: np.ndarray) -> pd.Series:
        """N times the value."""
        n = len(features)
        value = 0 if self.value is None else self.value
        return self.cells.series(objects([value] * n), np.full(n, self.value is None), self.name)


AnyColumn = Number | Binary | Category | Constant
_TYPES: dict[str, type[AnyColumn]] = {BINARY: Binary, CATEGORY: Category, CONSTANT: Constant}


def column_from_state(state: dict[str, Any]) -> AnyColumn:
    """The column of a state that `asdict` gave."""
    given: dict[str, Any] = {key: tuple(value) if key == "values" else value for key, value in state.items()}
    categories = state["cells"]["categories"]
    given["cells"] = Cells(**{**state["cells"], "categories": None if categories is None else tuple(categories)})
    return _TYPES.get(state["kind"], Number)(**given)


def _with_present(value: np.ndarray, missing: np.ndarray, both: bool) -> np.ndarray:
    return np.stack([value, (~missing).astype(np.float32)], axis=1) if both else value[:, None]


def _absent(features: np.ndarray, may_be: bool) -> np.ndarray:
    """Rows without a value: the second feature says so, or the first is NULL."""
    if not may_be:
        return np.zeros(len(features), bool)
    return np.isnan(features[:, 0]) | ~(features[:, 1] >= 0.5)
