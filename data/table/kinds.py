"""Which kind of column this is, inferred from its training rows; what no image can hold is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from ...errors import InputError
from .columns import (
    BINARY,
    CATEGORY,
    CONSTANT,
    CONTINUOUS,
    INTEGER,
    AnyColumn,
    Binary,
    Category,
    Cells,
    Constant,
    Number,
    numbers_of,
    plain,
    rounded,
    row_of,
    time_of,
)

FEW = 10  # whole numbers of so many different values are categories
MANY = 50  # text of more different values is no category
_NAMING = 0.9  # share of different values from which on a text names its rows
_DIGITS = 15  # decimal numbers of so many digits have each a float64 of their own
_TICKS_NS = {"D": 86_400_000_000_000, "h": 3_600_000_000_000, "m": 60_000_000_000, "s": 10**9, "ms": 10**6, "us": 10**3}


def column_of(series: pd.Series, table: str, given: str | None = None) -> AnyColumn:
    """What a column is.

    Arguments:
        series: its training rows.
        table: name for errors.
        given: "binary" or "category" where the user says so, "keep" for a column to copy, "number" where it is settled
            that numbers are no categories; None finds the kind.
    """
    where = f"{table}: column '{series.name}'"
    cells, present = Cells.of(series), series.dropna()
    missing = len(present) < len(series)
    kind = _kind_of_cells(present, where)
    values = _different(present)
    name = str(series.name)
    if given == "keep":
        if len(values) > 1 or (len(values) == 1 and missing):
            n = len(values) + missing
            raise InputError(f"{where} has {n} different values; only a column of one value is kept, without --keep")
        value = None if not values else int(numbers_of(present)[0]) if kind == "time" else values[0]
        return Constant(name, cells, missing, CONSTANT, value)
    if len(values) < 2:
        what = (
            f"holds {_quoted(values[0])} in every row{' that has a value' * missing}"
            if values
            else "has no value in any row"
        )
        raise InputError(
            f"{where} {what}; leave it out with --drop {name}, or copy it into every row with --keep {name}"
        )
    if given == "binary" and len(values) != 2:
        few = ", ".join(map(_quoted, values[:5])) + (", …" if len(values) > 5 else "")
        raise InputError(f"{where} has {len(values)} different values ({few}); --binary takes two")
    if given == "category" and kind == "time":
        raise InputError(f"{where} holds times; --category takes text or numbers")
    if kind == "time":
        return _time(name, cells, missing, present)
    if given == "binary" or (len(values) == 2 and given is None):
        return Binary(name, cells, missing, BINARY, tuple(values))
    if kind == "text" or given == "category":
        _refuse_names(values, len(present), where, name, asked=given == "category")
        return Category(name, cells, missing, CATEGORY, tuple(values))
    whole = all(float(value).is_integer() for value in values)
    if whole and len(values) <= FEW and given is None:
        return Category(name, cells, missing, CATEGORY, tuple(values))
    return _number(name, cells, missing, present, INTEGER if whole else CONTINUOUS, where)


def category_of(series: pd.Series, table: str) -> Category:
    """The label column: two classes or more, but not more than MANY, in every row."""
    where = f"{table}: label '{series.name}'"
    missing = series.isna().to_numpy()
    if missing.any():
        raise InputError(
            f"{where} is missing in {missing.sum()} rows, first in {row_of(series, missing)}; label all rows"
        )
    kind, values = _kind_of_cells(series, where), _different(series)
    if len(values) < 2:
        raise InputError(f"{where} is {_quoted(values[0])} in every training row; a label needs two classes or more")
    if kind == "time" or len(values) > MANY:
        what = "holds times" if kind == "time" else f"has {len(values)} different values"
        raise InputError(f"{where} {what}; a label has at most {MANY} classes, choose another column")
    return Category(str(series.name), Cells.of(series), False, CATEGORY, tuple(values))


def _kind_of_cells(present: pd.Series, where: str) -> str:
    """Whether a column holds "text", "number", "truth" or "time"."""
    if is_datetime64_any_dtype(present.dtype):
        return "time"
    if is_bool_dtype(present.dtype):
        return "truth"
    if is_numeric_dtype(present.dtype) and present.dtype.kind in "iuf":
        infinite = ~np.isfinite(present.astype("float64").to_numpy())
        if infinite.any():
            raise InputError(
                f"{where} holds {present[infinite].iloc[0]} in {row_of(present, infinite)}; name it with --missing"
            )
        if present.dtype.kind == "u" and len(present) and present.max() > np.iinfo(np.int64).max:
            raise InputError(
                f"{where} holds {present.max()}, more than 64 bits with a sign do; leave it out with --drop"
            )
        return "number"
    inferred = pd.api.types.infer_dtype(present.astype(object))
    kinds = {"string": "text", "boolean": "truth", "empty": "text"}
    if isinstance(present.dtype, pd.CategoricalDtype):
        kinds |= {"integer": "number", "floating": "number"}
    if inferred in kinds:
        return kinds[inferred]
    types = sorted({type(value).__name__ for value in present.head(1000)})
    raise InputError(
        f"{where} holds {' and '.join(types)}; leave it out with --drop {present.name}, or make it text or numbers"
    )


def _different(present: pd.Series) -> list[Any]:
    """The different values, in order."""
    return sorted(plain(value) for value in present.unique()) if len(present) else []


def _refuse_names(values: list[Any], n_rows: int, where: str, name: str, asked: bool) -> None:
    n = len(values)
    if n == n_rows or (n > FEW and n >= _NAMING * n_rows):
        raise InputError(
            f"{where} names its rows ({n} different values in {n_rows} rows); leave it out with --drop {name}"
        )
    if n > MANY and not asked:
        raise InputError(
            f"{where} has {n} different values, more than {MANY}; leave it out with --drop {name}, "
            f"or take a feature for each with --category {name}"
        )


def _number(name: str, cells: Cells, missing: bool, present: pd.Series, kind: str, where: str) -> Number:
    values = numbers_of(present)
    exact = cells.dtype.casefold() if cells.dtype.casefold() == "float32" else "float64"
    decimals = 0 if values.dtype == np.int64 else _decimals(values, exact)
    low, high = values.min().item(), values.max().item()
    column = Number(name, cells, missing, kind, low, high, decimals)
    with np.errstate(over="ignore"):
        if not np.array_equal(column.decode(column.encode(present)).to_numpy(values.dtype), values):
            column = replace(column, offset=low)
        held = column.encode(present)[:, 0]
    if not np.isfinite(held).all() or np.ptp(held) == 0:
        raise InputError(f"{where} runs from {low} to {high}, which float32 does not hold; use another unit")
    return column


def _time(name: str, cells: Cells, missing: bool, present: pd.Series) -> Number:
    """Times since the first, in the largest whole unit: float32 tells 16 million of them apart."""
    ticks = numbers_of(present)
    low, high = int(ticks.min()), int(ticks.max())
    unit_ns = 1 if (unit := time_of(cells.dtype)[0]) == "ns" else _TICKS_NS[unit]
    whole = (size // unit_ns for size in _TICKS_NS.values() if size >= unit_ns)
    tick = next((size for size in whole if not ((ticks - low) % size).any()), 1)
    return Number(name, cells, missing, CONTINUOUS, low, high, 0, offset=low, tick=tick)


def _decimals(values: np.ndarray, exact: str) -> int | None:
    """The fewest digits after the point with which all values come back, up to 15 digits in all; else None."""
    digits = int(np.floor(np.log10(max(np.abs(values).max(), 1.0)))) + 1
    for decimals in range(_DIGITS + 6):
        if decimals and digits + decimals > _DIGITS + 1:
            break
        if np.array_equal(rounded(values, decimals).astype(exact), values.astype(exact)):
            return decimals
    return None


def _quoted(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)
