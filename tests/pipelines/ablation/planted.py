"""Finished runs with scores of our choice."""

from pathlib import Path

import numpy as np
from anonimage.pipelines.ablation.summary import Replicate, with_departure
from anonimage.pipelines.evaluation.scores import Score

CELLS = [(("arrangement", name),) for name in ("z", "reversed", "delay")]


def run(cell: int, seed: int, people: str = "same", **values: float) -> Replicate:
    """One run; a value may be (value, baseline). A baseline is 0.45 if none is given."""
    pairs = {name: value if isinstance(value, tuple) else (value, 0.45) for name, value in values.items()}
    scores = {f"{name}".lstrip("_"): Score(v, v - 0.1, v + 0.1, b, 40) for name, (v, b) in pairs.items()}
    return Replicate(CELLS[cell], seed, with_departure(scores), f"{people} {seed}", Path(f"cell-{cell}-{seed}"))


def study(seeds: int = 5, effect: float = 0.2) -> list[Replicate]:
    """Three cells: the second differs from the first by chance only, the third by `effect` in recall as well."""
    rng = np.random.default_rng(7)
    split = rng.normal(0, 0.05, seeds)
    runs = []
    for seed in range(seeds):
        for cell in range(3):
            recall, precision = 0.4 + split[seed] + rng.normal(0, 0.004, 2) + (effect * (cell == 2), 0)
            halves = {"_1nnc_synthetic": 0.9, "_1nnc_real": 0.3 + 0.01 * cell}
            runs.append(run(cell, seed, recall=recall, precision=precision, noise=0.1 + recall, **halves))
    return runs
