"""Cells put side by side: for each score every cell's mean, and its paired difference from the first cell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..evaluation.scores import score_table
from .results import Replicate
from .statistics import Difference, Mean, compare_paired, mean_of

Settings = tuple[tuple[str, str], ...]
SAME_RULER = 0.01  # of the first cell's baseline: baselines this near each other are the same


@dataclass(frozen=True)
class Line:
    """One score of one cell.

    Arguments:
        cell: its place among the cells.
        values: by seed.
        mean: over the seeds.
        baseline: mean over the seeds; NaN where there is none.
        difference: from the first cell; None of the first cell itself, or where nothing is paired.
        differences: by seed, of the pairs.
        other_ruler: the baseline differs from the first cell's, so that the measure itself is another one.
    """

    cell: int
    values: Mapping[int, float]
    mean: Mean
    baseline: float
    difference: Difference | None
    differences: Mapping[int, float]
    other_ruler: bool


@dataclass(frozen=True)
class Summary:
    """All that is told of some cells.

    Arguments:
        cells: their settings; the first is what the others are compared with.
        seeds: that any cell has.
        headlines: lines by score, of the scores that are tested together.
        others: lines by score, of all other scores; their p-values are not corrected.
        units: by score.
        family: how many comparisons the headline scores make.
        unpaired: cells and seeds that have other patients in training or control than the first cell, or another
            source, and so no pair.
    """

    cells: Sequence[Settings]
    seeds: Sequence[int]
    headlines: Mapping[str, Sequence[Line]]
    others: Mapping[str, Sequence[Line]]
    units: Mapping[str, str]
    family: int
    unpaired: Sequence[tuple[int, int]]

    def name(self, cell: int) -> str:
        """Of a cell, for readers."""
        return ", ".join(f"{key}={value}" for key, value in self.cells[cell]) or "all runs"

    def short(self, cell: int) -> str:
        """Of a cell, where room is short."""
        return " · ".join(value for _, value in self.cells[cell]) or "all runs"

    def found(self) -> list[tuple[str, Line]]:
        """The headline differences that stand after correction."""
        every = [(name, line) for name, lines in self.headlines.items() for line in lines]
        return [(name, line) for name, line in every if line.difference is not None and line.difference.found]

    def table(self) -> pd.DataFrame:
        """A row for each cell and score: mean, interval, baseline, difference with intervals and p-values."""
        rows = []
        for name, lines in (*self.headlines.items(), *self.others.items()):
            for line in lines:
                row = dict(self.cells[line.cell]) | {"score": name} | _told(line.mean) | {"baseline": line.baseline}
                if line.difference is not None:
                    told = {f"difference_{key}": value for key, value in vars(line.difference).items()}
                    told = {"difference": told.pop("difference_value"), "pairs": told.pop("difference_n")} | told
                    row |= told if name in self.headlines else told | dict.fromkeys(_CORRECTED, np.nan)
                rows.append(row | {"other_ruler": line.other_ruler, "unit": self.units[name]})
        return pd.DataFrame(rows)


_CORRECTED = ("difference_p_holm", "difference_wide_low", "difference_wide_high", "difference_detectable")


def summarize(replicates: Sequence[Replicate], cells: Sequence[Settings]) -> Summary:
    """Put finished runs side by side.

    Arguments:
        replicates: at least one; one for each cell and seed at most.
        cells: in the order of the table; one without a finished run has no lines.
    """
    runs = [{run.seed: run for run in replicates if run.settings == settings} for settings in cells]
    names = list(dict.fromkeys(name for run in replicates for name in run.scores))
    pairs = [[seed for seed in own if seed in runs[0] and own[seed].people == runs[0][seed].people] for own in runs]
    unpaired = [
        (cell, seed) for cell, own in enumerate(runs) for seed in own if seed in runs[0] and seed not in pairs[cell]
    ]
    tested = [name for name in score_table().headlines() if name in names]
    compared = {(name, cell): each for name in names for cell, each in _differences(name, runs, pairs).items() if each}
    family = [key for key in compared if key[0] in tested]
    judged = {key: compare_paired([_array(each)])[0] for key, each in compared.items()}
    judged |= dict(zip(family, compare_paired([_array(compared[key]) for key in family]), strict=True))

    def lines(name: str) -> list[Line]:
        values = [_values(name, own) for own in runs]
        return [
            Line(
                cell=cell,
                values=values[cell],
                mean=mean_of(_array(values[cell])),
                baseline=_baseline(name, own.values()),
                difference=judged.get((name, cell)),
                differences=compared.get((name, cell), {}),
                other_ruler=_other_ruler(name, own, runs[0], pairs[cell]),
            )
            for cell, own in enumerate(runs)
            if values[cell]
        ]

    return Summary(
        cells=cells,
        seeds=sorted({run.seed for run in replicates}),
        headlines={name: lines(name) for name in tested},
        others={name: lines(name) for name in names if name not in tested},
        units={name: next(run.scores[name].unit for run in replicates if name in run.scores) for name in names},
        family=sum(len(compared[key]) > 1 for key in family),
        unpaired=unpaired,
    )


def _told(mean: Mean) -> dict[str, float]:
    return {"mean": mean.value, "low": mean.low, "high": mean.high, "seeds": mean.n}


def _differences(name: str, runs: list[dict[int, Replicate]], pairs: list[list[int]]) -> dict[int, dict[int, float]]:
    """By cell and seed: this cell's value less the first cell's, of the seeds that make a pair and have both."""
    found = {}
    for cell in range(1, len(runs)):
        both = [seed for seed in sorted(pairs[cell]) if all(name in runs[k][seed].scores for k in (0, cell))]
        values = {seed: runs[cell][seed].scores[name].value - runs[0][seed].scores[name].value for seed in both}
        found[cell] = {seed: value for seed, value in values.items() if np.isfinite(value)}
    return found


def _baselines(name: str, runs: Iterable[Replicate]) -> np.ndarray:
    scores = [run.scores[name] for run in runs if name in run.scores]
    return np.array([np.nan if score.baseline is None else score.baseline for score in scores], dtype=np.float64)


def _baseline(name: str, runs: Iterable[Replicate]) -> float:
    known = _baselines(name, runs)
    return float(known.mean()) if len(known) else np.nan


def _other_ruler(name: str, own: dict[int, Replicate], first: dict[int, Replicate], pairs: list[int]) -> bool:
    both = [seed for seed in pairs if name in own[seed].scores and name in first[seed].scores]
    here, there = (_baselines(name, (runs[seed] for seed in both)) for runs in (own, first))
    return bool(len(both) and np.abs(here - there).mean() > SAME_RULER * np.abs(there).mean())


def _values(name: str, own: dict[int, Replicate]) -> dict[int, float]:
    """By seed; what could not be measured, NaN, is left out."""
    values = {seed: own[seed].scores[name].value for seed in sorted(own) if name in own[seed].scores}
    return {seed: value for seed, value in values.items() if np.isfinite(value)}


def _array(by_seed: Mapping[int, float]) -> np.ndarray:
    return np.array([*by_seed.values()])
