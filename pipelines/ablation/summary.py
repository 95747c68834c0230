"""Runs put side by side: for each score every cell's mean, and its paired difference from the first cell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ...data.store.store import open_store
from ...errors import InputError
from ..evaluation.scores import Score, load_scores, score_table
from ..run_folder import RunFolder, fingerprint
from .statistics import NAN, Difference, Mean, compare_paired, mean_of

Settings = tuple[tuple[str, str], ...]
DEPARTURE = "1nnc_departure"
HALVES = ("1nnc_synthetic", "1nnc_real")
SAME_BASELINE = 0.01  # of the first cell's baseline: baselines this near each other are the same
_CORRECTED = ("difference_p_holm", "difference_wide_low", "difference_wide_high", "difference_detectable")


@dataclass(frozen=True)
class Replicate:
    """A finished run of a cell with one seed."""

    settings: Settings  # the cell's, key and value
    seed: int  # of the run
    scores: dict[str, Score]  # by name
    people: str  # the source, and who is in training and who in control
    path: Path  # of the run

    def value(self, name: str) -> float:
        """Of a score; NaN if it is missing or could not be measured."""
        return self.scores[name].value if name in self.scores else NAN


def read_replicate(path: Path, settings: Settings) -> Replicate:
    """The scores of the finished run in a folder; refused if it is not evaluated, or was with other samples."""
    folder = RunFolder.prepared(path)
    scores = load_scores(folder.scores)
    if scores.fingerprint != fingerprint(folder.synthetic):
        raise InputError(f"{folder.scores}: is of other samples than {folder.synthetic} holds; evaluate again")
    who = open_store(folder.store).frame[["patient", "part"]].astype(str).drop_duplicates()
    people = "\n".join([folder.about()["source"], *sorted(who["patient"] + "\t" + who["part"])])
    return Replicate(settings, folder.recipe.seed, with_departure(scores.scores), people, path)


def with_departure(scores: Mapping[str, Score]) -> dict[str, Score]:
    """Scores with one more: how far the halves of 1NNC are from one half, 0 at best and 0.5 at worst.

    1NNC itself is 0.5 for noise about the real windows as well, and worse in both directions.
    """
    if not all(half in scores for half in HALVES):
        return dict(scores)
    halves = [scores[half] for half in HALVES]
    values, baselines = np.array([half.value for half in halves]), _baselines(halves)
    value, baseline = (float(np.abs(each - 0.5).mean()) for each in (values, baselines))
    return {**scores, DEPARTURE: Score(value, NAN, NAN, None if np.isnan(baseline) else baseline, halves[0].n)}


def long_table(replicates: Sequence[Replicate]) -> pd.DataFrame:
    """A row for each run and score: the cell's settings, seed, score, value, low, high, baseline, n, unit."""
    rows = [
        dict(run.settings) | {"seed": run.seed, "score": name} | vars(score)
        for run in replicates
        for name, score in run.scores.items()
    ]
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Line:
    """One score of one cell."""

    cell: int  # its position among the cells
    values: Mapping[int, float]  # by seed
    mean: Mean  # over the seeds
    baseline: float  # mean over the seeds; NaN where there is none
    difference: Difference | None  # from the first cell; None of the first cell itself, or where nothing is paired
    differences: Mapping[int, float]  # by seed, of the pairs
    another_baseline: bool  # the baseline differs from the first cell's, so that the measure itself is another one


@dataclass(frozen=True)
class Summary:
    """The scores of several cells."""

    cells: Sequence[Settings]  # their settings; the first is what the others are compared with
    seeds: Sequence[int]  # that any cell has
    headlines: Mapping[str, Sequence[Line]]  # lines by score, of the scores that are tested together
    others: Mapping[str, Sequence[Line]]  # lines by score, of all other scores; their p-values are not corrected
    units: Mapping[str, str]  # by score
    family: int  # how many comparisons the headline scores make
    unpaired: Sequence[tuple[int, int]]  # cells and seeds with another source or other patients than the first cell's

    def name(self, cell: int) -> str:
        """Of a cell, for readers."""
        return ", ".join(f"{key}={value}" for key, value in self.cells[cell]) or "all runs"

    def short(self, cell: int) -> str:
        """Of a cell, where room is short."""
        return " · ".join(value for _, value in self.cells[cell]) or "all runs"

    def significant(self) -> list[tuple[str, Line]]:
        """The headline differences that stand after correction."""
        every = [(name, line) for name, lines in self.headlines.items() for line in lines]
        return [(name, line) for name, line in every if line.difference is not None and line.difference.significant]

    def table(self) -> pd.DataFrame:
        """A row for each cell and score: mean, interval, baseline, difference with intervals and p-values."""
        rows = []
        for name, lines in (*self.headlines.items(), *self.others.items()):
            for line in lines:
                mean = {"mean": line.mean.value, "low": line.mean.low, "high": line.mean.high, "seeds": line.mean.n}
                row = dict(self.cells[line.cell]) | {"score": name} | mean | {"baseline": line.baseline}
                if line.difference is not None:
                    judged = {f"difference_{key}": value for key, value in vars(line.difference).items()}
                    row |= {"difference": judged.pop("difference_value"), "pairs": judged.pop("difference_n")} | judged
                    row |= {} if name in self.headlines else dict.fromkeys(_CORRECTED, NAN)
                rows.append(row | {"another_baseline": line.another_baseline, "unit": self.units[name]})
        return pd.DataFrame(rows)


def summarize(replicates: Sequence[Replicate], cells: Sequence[Settings]) -> Summary:
    """Put finished runs side by side, one for each cell and seed at most; a cell without any has no lines."""
    runs = [{run.seed: run for run in replicates if run.settings == settings} for settings in cells]
    names = list(dict.fromkeys(name for run in replicates for name in run.scores))
    tested = [name for name in score_table().headlines() if name in names]
    shared = [(cell, seed) for cell, own in enumerate(runs) for seed in sorted(own) if seed in runs[0]]
    pairs = [(cell, seed) for cell, seed in shared if runs[cell][seed].people == runs[0][seed].people]
    differences: dict[tuple[str, int], dict[int, float]] = {}
    for name in names:
        for cell, seed in pairs:
            difference = runs[cell][seed].value(name) - runs[0][seed].value(name)
            if cell and np.isfinite(difference):
                differences.setdefault((name, cell), {})[seed] = difference
    family = [key for key in differences if key[0] in tested]
    judged = {key: compare_paired([[*each.values()]])[0] for key, each in differences.items()}
    judged |= dict(zip(family, compare_paired([[*differences[key].values()] for key in family]), strict=True))

    def line(name: str, cell: int) -> Line:
        values = {seed: run.value(name) for seed, run in sorted(runs[cell].items()) if np.isfinite(run.value(name))}
        baselines = _baselines(run.scores[name] for run in runs[cell].values() if name in run.scores)
        both = [seed for k, seed in pairs if k == cell and all(name in runs[k][seed].scores for k in (0, cell))]
        first, own = (_baselines(runs[k][seed].scores[name] for seed in both) for k in (0, cell))
        return Line(
            cell=cell,
            values=values,
            mean=mean_of([*values.values()]),
            baseline=float(baselines.mean()) if len(baselines) else NAN,
            difference=judged.get((name, cell)),
            differences=differences.get((name, cell), {}),
            another_baseline=bool(both and np.abs(own - first).mean() > SAME_BASELINE * np.abs(first).mean()),
        )

    every = {name: [line(name, cell) for cell in range(len(cells))] for name in names}
    filled = {name: [line for line in lines if line.values] for name, lines in every.items()}
    return Summary(
        cells=cells,
        seeds=sorted({run.seed for run in replicates}),
        headlines={name: filled[name] for name in tested},
        others={name: lines for name, lines in filled.items() if name not in tested},
        units={name: next(run.scores[name].unit for run in replicates if name in run.scores) for name in names},
        family=sum(len(differences[key]) > 1 for key in family),
        unpaired=[pair for pair in shared if pair not in pairs],
    )


def _baselines(scores: Iterable[Score]) -> np.ndarray:
    return np.array([score.baseline for score in scores], float)  # None becomes NaN
