"""Columns of a table, alone and in pairs: total variation, correlations, and contingency tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....data.table.columns import NUMBERS
from ....data.table.form import TableForm
from ..score import Score
from .resampling import around, drawn, multiplicities

BINS, PAIR_BINS = 10, 5  # of numbers: quantiles of the training rows
LEVELS = 20  # of a category; rarer ones count as one more
ROWS = 2000  # of a set at most, for what is resampled

_Sets = tuple[np.ndarray, np.ndarray, np.ndarray]  # generated, training, control


@dataclass(frozen=True)
class Variable:
    """One column of a table, as its features show it.

    Arguments:
        name: of the column.
        number: it holds numbers; else categories.
        features: positions of its features: one number; one of 0 and 1; or one 0 or 1 for each value.
    """

    name: str
    number: bool
    features: tuple[int, ...]


def variables(form: TableForm, with_label: bool = False) -> list[Variable]:
    """Which features belong together.

    Arguments:
        form: of the table.
        with_label: behind the features follow those of the classes, one 0 or 1 for each.
    """
    found, first = [], 0
    for column in form.columns:
        if column.name == form.label or not column.features:
            continue
        number, n = column.kind in NUMBERS, len(column.features)
        alone = number or column.kind == "binary"  # what follows tells whether there is a value, as NaN does
        found.append(Variable(column.name, number, (first,) if alone else tuple(range(first, first + n))))
        first += n
    if with_label:
        found.append(Variable(str(form.label), False, tuple(range(first, first + len(form.classes)))))
    return found


def score_variation(
    generated: np.ndarray,
    training: np.ndarray,
    training_patients: np.ndarray,
    control: np.ndarray,
    columns: Sequence[Variable],
    seed: int,
) -> dict[str, Score]:
    """Each column by itself: total variation, half the sum of differences of the shares of values or tenths of numbers.

    Arguments:
        generated, training, control: (N, F) features; NaN is missing, and counts as a value.
        training_patients: (N,) the patient of each training row.
        columns: what the features belong to.
        seed: of the draws and the bootstrap.

    Returns:
        "tv: NAME", and "tv_worst" and "tv_mean" over columns: of generated against training rows. Baseline: control
        rows in the generated ones' place, of which as many are taken.
    """
    rng = np.random.default_rng(seed)
    sets, times = _drawn(generated, training, training_patients, control, rng)
    g, t, c = _indicators(sets, sets[1], columns, BINS)
    starts = _starts(g)
    each, real = (_variations(_share(x), _share(t), starts)[0] for x in (g, c))
    draws = _variations(_share(g, times[0]), _share(t, times[1]), starts)  # (R, V)
    n = len(sets[0])
    scores = {
        f"tv: {column.name}": Score(float(each[k]), *around(float(each[k]), draws[:, k], 0, 1), float(real[k]), n)
        for k, column in enumerate(columns)
    }
    return scores | _worst_and_mean("tv", each, real, draws, n, 1)


def score_pairs(
    generated: np.ndarray,
    training: np.ndarray,
    training_patients: np.ndarray,
    control: np.ndarray,
    columns: Sequence[Variable],
    seed: int,
) -> dict[str, Score]:
    """Columns two by two: how their correlations and their contingency tables differ from those of training rows.

    Arguments:
        generated, training, control: (N, F) features; NaN is missing.
        training_patients: (N,) the patient of each training row.
        columns: what the features belong to.
        seed: of the draws and the bootstrap.

    Returns:
        "correlation_worst", "correlation_mean": absolute difference of Pearson's correlation, over pairs of numbers
        where both are there; a generated column that does not vary correlates with nothing. "contingency_worst",
        "contingency_mean": total variation of the table of two columns, over all pairs, numbers by fifths of training
        rows. The worst pair also under its name: "correlation: A × B", "contingency: A × B". Baseline: control rows in
        the generated ones' place, of which as many are taken. Nothing where there are no two such columns.
    """
    rng = np.random.default_rng(seed)
    sets, times = _drawn(generated, training, training_patients, control, rng)
    scores: dict[str, Score] = {}
    numbers = [column for column in columns if column.number]
    if len(numbers) > 1:
        scores |= _correlation(sets, numbers, times)
    if len(columns) > 1:
        scores |= _contingency(sets, columns, times)
    return scores


def _correlation(sets: _Sets, numbers: Sequence[Variable], times: Sequence[np.ndarray]) -> dict[str, Score]:
    at = [column.features[0] for column in numbers]
    g, t, c = (_standard(rows[:, at], sets[1][:, at]) for rows in sets)
    measured = [np.abs(np.nan_to_num(_correlations(x)) - _correlations(t)) for x in (g, c)]
    again = (
        np.nan_to_num(_correlations(g, a)) - np.nan_to_num(_correlations(t, b)) for a, b in zip(*times, strict=True)
    )
    return _pairs("correlation", numbers, measured, np.abs(np.stack([*again])), len(g), 2)


def _contingency(sets: _Sets, columns: Sequence[Variable], times: Sequence[np.ndarray]) -> dict[str, Score]:
    g, t, c = _indicators(sets, sets[1], columns, PAIR_BINS)
    starts = _starts(g)
    measured = [_table_variations(_tables(x), _tables(t), starts) for x in (g, c)]
    again = [_table_variations(_tables(g, a), _tables(t, b), starts) for a, b in zip(*times, strict=True)]
    return _pairs("contingency", columns, measured, np.stack(again), len(sets[0]), 1)


def _drawn(
    generated: np.ndarray, training: np.ndarray, patients: np.ndarray, control: np.ndarray, rng: np.random.Generator
) -> tuple[_Sets, list[np.ndarray]]:
    """Rows of each set, and how often those of generated and training are in each bootstrap sample: (R, N) each."""
    g, t, c = drawn(generated, training, control, ROWS, rng)
    times = [multiplicities(x, rng) for x in (np.arange(len(g)), patients[t])]
    return (generated[g], training[t], control[c]), times


def _indicators(
    sets: Sequence[np.ndarray], training: np.ndarray, columns: Sequence[Variable], bins: int
) -> list[list[np.ndarray]]:
    """For each set and column (N, K) of 0 and 1: which value, bin, or that there is none."""
    found: list[list[np.ndarray]] = [[] for _ in sets]
    for column in columns:
        learnt = training[:, column.features]
        if column.number:
            there, at = learnt[~np.isnan(learnt)], np.arange(1, bins) / bins
            edges = np.unique(np.quantile(there, at, method="inverted_cdf") if len(there) else [])
            codes = [np.searchsorted(edges, rows[:, column.features[0]], side="left") for rows in sets]
            codes = [
                np.where(np.isnan(x[:, column.features[0]]), -1, code) for x, code in zip(sets, codes, strict=True)
            ]
            n = len(edges) + 1
        elif len(column.features) == 1:
            codes = [np.nan_to_num(rows[:, column.features[0]], nan=-1).astype(int) for rows in sets]
            n = 2
        else:
            often = np.argsort(-np.nan_to_num(learnt).sum(axis=0), kind="stable")[:LEVELS]
            hot = [np.nan_to_num(rows[:, column.features])[:, often] for rows in sets]
            codes = [np.where(x.any(axis=1), x.argmax(axis=1), -1) for x in hot]
            n = len(often)
        for rows, code in zip(found, codes, strict=True):
            rows.append(np.eye(n + 1, dtype=np.float32)[code])  # −1 is the last
    return found


def _starts(indicators: Sequence[np.ndarray]) -> np.ndarray:
    return np.cumsum([0, *(x.shape[1] for x in indicators)])[:-1]


def _share(indicators: Sequence[np.ndarray], times: np.ndarray | None = None) -> np.ndarray:
    """(R, ΣK) shares of bootstrap samples, or of the set itself."""
    rows = np.hstack(indicators)
    times = np.ones((1, len(rows)), np.float32) if times is None else times
    return (times @ rows).astype(np.float64) / times.sum(axis=1, keepdims=True)  # patients differ in rows


def _variations(first: np.ndarray, second: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.add.reduceat(np.abs(first - second), starts, axis=1) / 2


def _tables(indicators: Sequence[np.ndarray], times: np.ndarray | None = None) -> np.ndarray:
    """(ΣK, ΣK) all tables of two columns at once."""
    rows = np.hstack(indicators)
    times = np.ones(len(rows), np.float32) if times is None else times
    return (rows.T @ (rows * times[:, None])).astype(np.float64) / times.sum()


def _table_variations(first: np.ndarray, second: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(P,) total variation for each pair of columns."""
    each = np.add.reduceat(np.add.reduceat(np.abs(first - second), starts, axis=0), starts, axis=1) / 2
    return each[np.triu_indices(len(starts), 1)]


def _standard(rows: np.ndarray, training: np.ndarray) -> np.ndarray:
    """In units of the training rows' spread, so that sums of squares keep their digits."""
    spread = np.nanstd(training, axis=0, dtype=np.float64)
    return (rows - np.nanmean(training, axis=0, dtype=np.float64)) / np.where(spread > 0, spread, 1)


def _correlations(rows: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
    """(P,) Pearson's correlation for each pair of columns, of rows where both are there; NaN: one does not vary."""
    there = (~np.isnan(rows)).astype(np.float64)
    values = np.nan_to_num(rows)
    w = there if times is None else there * times[:, None]
    n = np.maximum(w.T @ there, 1)
    mean = (values * w).T @ there / n  # (V, V): of the one column, where the other is there
    square = (values**2 * w).T @ there / n - mean**2
    product = (values * w).T @ values / n - mean * mean.T
    spread = np.sqrt(np.maximum(square, 0) * np.maximum(square.T, 0))
    found = np.where(spread > 1e-9, product / np.where(spread > 1e-9, spread, 1), np.nan)
    return found[np.triu_indices(rows.shape[1], 1)]


def _pairs(
    name: str, columns: Sequence[Variable], measured: Sequence[np.ndarray], draws: np.ndarray, n: int, most: float
) -> dict[str, Score]:
    known = ~np.isnan(measured[0] + measured[1])
    if not known.any():
        return {}
    each, real = (x[known] for x in measured)
    scores = _worst_and_mean(name, each, real, draws[:, known], n, most)
    worst = int(each.argmax())
    a, b = (int(at[known][worst]) for at in np.triu_indices(len(columns), 1))
    ends = around(float(each[worst]), draws[:, known][:, worst], 0, most)
    pair = f"{name}: {columns[a].name} × {columns[b].name}"
    return scores | {pair: Score(float(each[worst]), *ends, float(real[worst]), n)}


def _worst_and_mean(
    name: str, each: np.ndarray, real: np.ndarray, draws: np.ndarray, n: int, most: float
) -> dict[str, Score]:
    return {
        f"{name}_{which}": Score(
            float(over(each)), *around(float(over(each)), over(draws, axis=1), 0, most), float(over(real)), n
        )
        for which, over in (("worst", np.max), ("mean", np.mean))
    }
