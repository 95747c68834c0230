"""Rows of a table as columns that can be compared: the distance of Gower, right guesses of a cell, and a replay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from ....data.samples import Samples
from ....data.table.columns import NUMBERS, AnyColumn, Category, Constant
from ....data.table.form import TableForm
from ....errors import InputError
from .space import View

SPREAD = (5, 95)  # percentiles between which a number spreads; single extreme values would squeeze all the others
TOLERANCE = 0.05  # of the spread: a guessed number that is so near is right
NOISE = 0.02  # of the spread, that a replay adds to numbers
CELLS = 8_000_000  # differences of cells held at a time


@dataclass(frozen=True)
class RowColumn:
    """A column of the table, the label among them."""

    name: str  # as the table calls it
    number: bool  # numbers have an order and a distance; all else is the same or is not
    spread: float  # of the numbers, in their unit; 0 where all are equal, and for what are no numbers
    n_values: int  # of what are no numbers


@dataclass(frozen=True)
class RowSpace:
    """What distances and guesses are measured by."""

    form: TableForm  # of the table
    columns: tuple[RowColumn, ...]  # in the table's order; the label is the last

    @staticmethod
    def fit(form: TableForm, training: Samples, control: Samples) -> RowSpace:
        """Spreads of all real rows, of training or not: none may be favoured by the measure itself."""
        real = np.concatenate([RowSpace(form, ()).cells(part) for part in (training, control)])
        columns = []
        described = [(each.name, each.kind in NUMBERS, len(getattr(each, "values", ()))) for each in _inputs(form)]
        described += [(form.label, False, len(form.classes))] if form.label is not None else []
        for (name, number, n_values), values in zip(described, real.T, strict=True):
            low, high = np.nanpercentile(values, SPREAD) if number and not np.isnan(values).all() else (0.0, 0.0)
            if number and low == high and not np.isnan(values).all():  # all but a few are equal
                low, high = np.nanmin(values), np.nanmax(values)
            columns.append(RowColumn(name, number, float(high - low), n_values))
        return RowSpace(form, tuple(columns))

    def cells(self, samples: Samples) -> np.ndarray:
        """Samples as (N, K) float64: a number as it is, or which of the values; NaN is a missing one."""
        form, cells, first = self.form, [], 0
        for column in _inputs(form):
            features = samples.values[:, first : first + len(column.features), 0].astype(np.float64)
            first += len(column.features)
            if isinstance(column, Category):
                position = features.argmax(axis=1).astype(np.float64)
                cells.append(np.where(position == len(column.values), np.nan, position))  # its last feature: missing
            else:
                cells.append(features[:, 0])
        if form.label is not None:
            if "label" not in samples.frame:
                raise InputError(f"{form.name}: rows without labels; column '{form.label}' is attacked like all others")
            cells.append(samples.frame["label"].to_numpy(np.float64))
        return np.stack(cells, axis=1) if cells else np.empty((len(samples), 0))

    def distances(self, rows: np.ndarray, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Distance of rows (N, K) and others (M, K) in each column, in blocks, so that memory does not grow with N².

        Yields:
            which rows (n of them), and (K, n, M) float32: numbers differ by |a − b| / spread, at most 1; all else, and
            a missing value and one that is known, by 0 or 1. The mean over columns is the distance of Gower.

        Source: Gower 1971, "A general coefficient of similarity and some of its properties", with a spread that does
        not hang on single values.
        """
        block = max(1, CELLS // max(1, len(others) * len(self.columns)))
        scale = np.array([column.spread if column.number and column.spread else 1.0 for column in self.columns])
        # missing values lie far from all others, and in one spot
        rows, others = (np.nan_to_num(cells / scale, nan=-1e9) for cells in (rows, others))
        for first in range(0, len(rows), block):
            part = rows[first : first + block]
            apart = np.empty((len(self.columns), len(part), len(others)), np.float32)
            for k, column in enumerate(self.columns):
                a, b = part[:, k, None], others[None, :, k]
                if column.number:
                    np.abs(a - b, out=apart[k])
                    np.minimum(apart[k], 1, out=apart[k])
                else:
                    apart[k] = a != b
            yield slice(first, first + len(part)), apart

    def right(self, guesses: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """Which guesses (N, K) are right: the same value, or a number at most TOLERANCE of the spread away."""
        same = (guesses == cells) | (np.isnan(guesses) & np.isnan(cells))
        return same | (np.abs(guesses - cells) <= self.reach)

    @property
    def reach(self) -> np.ndarray:
        """(K,) how far off a right guess may be, in each column's unit; a little more than said, for rounding."""
        return np.array([TOLERANCE * column.spread * (1 + 1e-6) for column in self.columns])


def replay_rows(training: Samples, form: TableForm, n: int, seed: int, noise: float = NOISE) -> Samples:
    """Rows of training as a generator would release them that learnt them by heart; none names a patient.

    Each training row comes equally often, but for one, with noise of so large a share of the spread; the form gives
    numbers their decimals and range, as it does with generated rows.
    """
    rng = np.random.default_rng(seed)
    rounds = [rng.permutation(len(training)) for _ in range(-(-n // len(training)))]
    rows = training.select(np.concatenate(rounds)[:n])
    values = rows.values.copy()  # (n, F, 1)
    for k, kind in enumerate(form.kinds):
        cells = training.values[:, k, 0]
        if kind in NUMBERS and not np.isnan(cells).all():
            low, high = np.nanpercentile(cells, (5, 95))
            values[:, k, 0] += noise * (high - low) * rng.standard_normal(n)
    # through the table and back: decimals, ranges and missing values as in every released row
    return form.to_samples(form.to_frame(Samples(values, rows.frame, rows.channels, rows.units)))


@dataclass(frozen=True)
class TableView(View):
    """Rows of a table of known form, compared as points and replayed as `replay_rows`."""

    noun: ClassVar[str] = "row"
    space: RowSpace  # what rows are measured by
    centre: np.ndarray | float = 0.0  # (D, 1) of real rows, after fitting

    def values(self, samples: Samples) -> np.ndarray:
        """Rows as points whose distance along the axes is K times that of Gower; for attacks that know points only.

        Returns:
            (N, D, 1) float32 without NaN: an axis for each number, one for each value of other columns with ½ where it
            is (two different values are 1 apart), and ½ on one more axis where a value is missing. Numbers lie in units
            of their spread and are not cut at 1, as single differences of Gower are.
        """
        cells = self.space.cells(samples)
        axes = []
        for k, column in enumerate(self.space.columns):
            missing = np.isnan(cells[:, k])
            if column.number:
                axes.append(np.where(missing, 0, cells[:, k] / (column.spread or 1.0))[:, None])
            else:
                axes.append(0.5 * (cells[:, k, None] == np.arange(column.n_values)))
            axes.append(0.5 * missing[:, None])
        return np.concatenate(axes, axis=1)[:, :, None].astype(np.float32)

    def fitted(self, values: np.ndarray) -> Self:
        return replace(self, centre=values.astype(np.float64).mean(axis=0))

    def shapes(self, values: np.ndarray) -> np.ndarray:
        return (values - self.centre).astype(np.float32)

    def describe(self, shapes: np.ndarray) -> np.ndarray:
        return shapes.reshape(len(shapes), -1)

    def resolution(self, values: np.ndarray, shapes: np.ndarray) -> float:
        return 1e-5

    def replay(self, training: Samples, n: int, seed: int) -> Samples:
        return replay_rows(training, self.space.form, n, seed)


def _inputs(form: TableForm) -> list[AnyColumn]:
    return [column for column in form.columns if column.name != form.label and not isinstance(column, Constant)]
