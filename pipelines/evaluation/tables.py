"""Tables: each column by itself, and columns in pairs: distributions, total variation, correlations, contingency."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...data.table.columns import NUMBERS
from ...data.table.form import TableForm
from .resampling import correlations, kolmogorov_smirnov, multiplicities, score_around, shares, some
from .scores import Score
from .sets import Comparison

BINS, PAIR_BINS = 10, 5  # of numbers: quantiles of the training rows
LEVELS = 20  # of a category; rarer ones count as one more
ROWS = 2000  # of a set at most, for what is resampled

_Times = tuple[np.ndarray, np.ndarray]  # (R, N) each: how often a row is in a bootstrap sample; synthetic, training


@dataclass(frozen=True)
class Variable:
    """One column of a table, as its features show it."""

    name: str  # of the column
    number: bool  # it holds numbers; else categories
    features: tuple[int, ...]  # positions of its features: one number; one of 0 and 1; or one 0 or 1 for each value


def variables(form: TableForm, with_label: bool = False) -> list[Variable]:
    """Which features belong together; with the label, those of the classes follow, one 0 or 1 for each."""
    columns, first = [], 0
    for column in form.columns:
        if column.name == form.label or not column.features:
            continue
        number, n = column.kind in NUMBERS, len(column.features)
        alone = number or column.kind == "binary"  # what follows says whether a value is missing, as NaN does
        columns.append(Variable(column.name, number, (first,) if alone else tuple(range(first, first + n))))
        first += n
    if with_label:
        columns.append(Variable(str(form.label), False, tuple(range(first, first + len(form.classes)))))
    return columns


def score_columns(sets: Comparison, names: Sequence[str], kinds: Sequence[str]) -> dict[str, Score]:
    """Each feature of rows (N, F) by itself: KS distance of numbers, difference of shares of yes and no; the worst.

    Of synthetic from training rows, of which there are most; as many control rows are taken as synthetic ones.
    """
    rng = np.random.default_rng(sets.seed)
    scores: dict[str, Score] = {}
    for k, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        column = sets.with_values(*(rows[:, k] for rows in sets.values))
        column = column.select(*(~np.isnan(values) for values in column.values))
        if not all(map(len, column.values)):
            continue
        column, times = _drawn(column, rng)
        synthetic, control, training = column.values
        if kind in NUMBERS:
            prefix, limits = "ks", (0, 1)
            value, baseline = (float(kolmogorov_smirnov(x, training)[0]) for x in (synthetic, control))
            draws = kolmogorov_smirnov(synthetic, training, *times)
        else:
            prefix, limits = "share", (-1, 1)
            value, baseline = (float(x.mean() - training.mean()) for x in (synthetic, control))
            weights = [shares(x.astype(np.float64)) for x in times]
            draws = weights[0] @ synthetic - weights[1] @ training
        scores[f"{prefix}: {name}"] = score_around(value, draws, baseline, len(synthetic), limits)
    for worst, prefix in (("ks_worst", "ks: "), ("share_worst", "share: ")):
        each = [score for name, score in scores.items() if name.startswith(prefix)]
        if each:
            scores[worst] = max(each, key=lambda score: abs(score.value))
    return scores


def score_ranges(sets: Comparison) -> dict[str, Score]:
    """Share of rows (N, F) whose every value lies between the smallest and largest of training rows; exact."""
    low, high = np.nanmin(sets.training, axis=0), np.nanmax(sets.training, axis=0)
    synthetic, control = (
        float(np.mean(~((rows < low) | (rows > high)).any(axis=1))) for rows in (sets.synthetic, sets.control)
    )
    return {"inside_ranges": Score(synthetic, synthetic, synthetic, control, len(sets.synthetic))}


def score_variation(sets: Comparison, columns: Sequence[Variable]) -> dict[str, Score]:
    """Total variation of each column from training: half the sum of differences of the shares of values, or of tenths.

    Of rows (N, F) of features that belong to columns; NaN is missing, and counts as a value.
    """
    sets, times = _drawn(sets, np.random.default_rng(sets.seed))
    (synthetic, control, training), starts = _indicators(sets, columns, BINS)
    each, baseline = (_variations(_share(x), _share(training), starts)[0] for x in (synthetic, control))
    draws = _variations(_share(synthetic, times[0]), _share(training, times[1]), starts)  # (R, V)
    n = len(sets.synthetic)
    scores = {
        f"tv: {column.name}": score_around(each[k], draws[:, k], baseline[k], n, (0, 1))
        for k, column in enumerate(columns)
    }
    return scores | _worst_and_mean("tv", each, baseline, draws, n, 1)


def score_pairs(sets: Comparison, columns: Sequence[Variable]) -> dict[str, Score]:
    """Columns two by two: how their correlations and contingency tables differ from those of training rows (N, F).

    Correlations are of pairs of numbers where both are known; a synthetic column that does not vary correlates with
    nothing. Contingency is the total variation of the table of two columns, numbers by fifths of training rows. The
    worst pair is also scored under its name. Nothing without two such columns.
    """
    sets, times = _drawn(sets, np.random.default_rng(sets.seed))
    numbers = [column for column in columns if column.number]
    scores = _correlation(sets, numbers, times) if len(numbers) > 1 else {}
    return scores | (_contingency(sets, columns, times) if len(columns) > 1 else {})


def _correlation(sets: Comparison, numbers: Sequence[Variable], times: _Times) -> dict[str, Score]:
    at = [column.features[0] for column in numbers]
    middle, spread = (over(sets.training[:, at], axis=0, dtype=np.float64) for over in (np.nanmean, np.nanstd))
    rows = sets.mapped(lambda x: (x[:, at] - middle) / np.where(spread > 0, spread, 1))
    measured = [
        np.abs(np.nan_to_num(correlations(x)) - correlations(rows.training)) for x in (rows.synthetic, rows.control)
    ]
    draws = [
        np.nan_to_num(correlations(rows.synthetic, a)) - np.nan_to_num(correlations(rows.training, b))
        for a, b in zip(*times, strict=True)
    ]
    return _score_each_pair("correlation", numbers, measured, np.abs(np.stack(draws)), len(sets.synthetic), 2)


def _contingency(sets: Comparison, columns: Sequence[Variable], times: _Times) -> dict[str, Score]:
    (synthetic, control, training), starts = _indicators(sets, columns, PAIR_BINS)
    measured = [_table_variations(_tables(x), _tables(training), starts) for x in (synthetic, control)]
    draws = [
        _table_variations(_tables(synthetic, a), _tables(training, b), starts) for a, b in zip(*times, strict=True)
    ]
    return _score_each_pair("contingency", columns, measured, np.stack(draws), len(sets.synthetic), 1)


def _drawn(sets: Comparison, rng: np.random.Generator) -> tuple[Comparison, _Times]:
    """As many synthetic as control rows, for small sets lie further from anything; of training rows more."""
    n = min(len(sets.synthetic), len(sets.control), ROWS)
    sizes = ((sets.synthetic, n), (sets.training, ROWS), (sets.control, n))
    synthetic, training, control = (some(rows, size, rng) for rows, size in sizes)
    sets = sets.select(synthetic, control, training)
    return sets, (multiplicities(sets.own, rng), multiplicities(sets.training_patients, rng))


def _indicators(sets: Comparison, columns: Sequence[Variable], bins: int) -> tuple[list[np.ndarray], np.ndarray]:
    """For each set (N, ΣK) of 0 and 1: which value, bin, or that it is missing; and where each column's K begin."""
    indicators: list[list[np.ndarray]] = [[], [], []]
    for column in columns:
        learnt, first = sets.training[:, column.features], column.features[0]
        if column.number:
            known, at = learnt[~np.isnan(learnt)], np.arange(1, bins) / bins
            edges = np.unique(np.quantile(known, at, method="inverted_cdf") if len(known) else [])
            codes = [
                np.where(np.isnan(rows[:, first]), -1, np.searchsorted(edges, rows[:, first])) for rows in sets.values
            ]
            n = len(edges) + 1
        elif len(column.features) == 1:
            codes = [np.nan_to_num(rows[:, first], nan=-1).astype(int) for rows in sets.values]
            n = 2
        else:
            often = np.argsort(-np.nan_to_num(learnt).sum(axis=0), kind="stable")[:LEVELS]
            hot = [np.nan_to_num(rows[:, column.features])[:, often] for rows in sets.values]
            codes = [np.where(x.any(axis=1), x.argmax(axis=1), -1) for x in hot]
            n = len(often)
        for rows, code in zip(indicators, codes, strict=True):
            rows.append(np.eye(n + 1, dtype=np.float32)[code])  # −1 is the last
    starts = np.cumsum([0, *(x.shape[1] for x in indicators[0])])[:-1]
    return [np.hstack(each) for each in indicators], starts


def _share(rows: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
    """(R, ΣK) shares of bootstrap samples, or of the set itself."""
    times = np.ones((1, len(rows)), np.float32) if times is None else times
    return (times @ rows).astype(np.float64) / times.sum(axis=1, keepdims=True)  # patients differ in rows


def _variations(first: np.ndarray, second: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.add.reduceat(np.abs(first - second), starts, axis=1) / 2


def _tables(rows: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
    """(ΣK, ΣK) all tables of two columns at once."""
    times = np.ones(len(rows), np.float32) if times is None else times
    return (rows.T @ (rows * times[:, None])).astype(np.float64) / times.sum()


def _table_variations(first: np.ndarray, second: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(P,) total variation for each pair of columns."""
    each = np.add.reduceat(np.add.reduceat(np.abs(first - second), starts, axis=0), starts, axis=1) / 2
    return each[np.triu_indices(len(starts), 1)]


def _score_each_pair(
    name: str, columns: Sequence[Variable], measured: Sequence[np.ndarray], draws: np.ndarray, n: int, most: float
) -> dict[str, Score]:
    """Worst, mean, and the worst pair by name, of figures and baselines (P,) and their draws (R, P)."""
    known = ~np.isnan(measured[0] + measured[1])
    if not known.any():
        return {}
    each, baseline = (x[known] for x in measured)
    scores = _worst_and_mean(name, each, baseline, draws[:, known], n, most)
    worst = int(each.argmax())
    a, b = (int(at[known][worst]) for at in np.triu_indices(len(columns), 1))
    score = score_around(each[worst], draws[:, known][:, worst], baseline[worst], n, (0, most))
    return scores | {f"{name}: {columns[a].name} × {columns[b].name}": score}


def _worst_and_mean(
    name: str, each: np.ndarray, baseline: np.ndarray, draws: np.ndarray, n: int, most: float
) -> dict[str, Score]:
    return {
        f"{name}_{which}": score_around(over(each), over(draws, axis=1), over(baseline), n, (0, most))
        for which, over in (("worst", np.max), ("mean", np.mean))
    }
