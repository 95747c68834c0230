"""What finished runs came to: their scores, and which of them can be compared in pairs."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ...data.store.store import open_store
from ...errors import InputError
from ..evaluation.scores import Score, load_scores
from ..fingerprint import fingerprint
from ..run_folder import RunFolder

DEPARTURE = "1nnc_departure"
HALVES = ("1nnc_synthetic", "1nnc_real")


@dataclass(frozen=True)
class Replicate:
    """A finished run of a cell with one seed.

    Arguments:
        settings: the cell's, key and value.
        seed: of the run.
        scores: by name.
        people: digest of the source and of who is in training and who in control.
        path: of the run.
    """

    settings: tuple[tuple[str, str], ...]
    seed: int
    scores: dict[str, Score]
    people: str
    path: Path


def read_replicate(path: Path, settings: tuple[tuple[str, str], ...]) -> Replicate:
    """A finished run's scores.

    Arguments:
        path: folder of the run.
        settings: of its cell.

    Raises:
        InputError: no run, not evaluated yet, or evaluated with other samples.
    """
    folder = RunFolder.prepared(path)
    found = load_scores(folder.scores)
    if found.fingerprint != fingerprint(folder.synthetic):
        raise InputError(f"{folder.scores}: is of other samples than {folder.synthetic} holds; evaluate again")
    return Replicate(settings, folder.recipe.seed, with_departure(found.scores), _people(folder), path)


def with_departure(scores: Mapping[str, Score]) -> dict[str, Score]:
    """Scores with one more: how far the halves of 1NNC are from one half, 0 at best and 0.5 at worst.

    1NNC itself is 0.5 for noise about the real windows as well, and worse in both directions.
    """
    known = dict(scores)
    if all(half in known for half in HALVES):
        values, floors = zip(*((known[half].value, known[half].baseline) for half in HALVES), strict=True)
        floor = None if None in floors else _departure(floors)
        known[DEPARTURE] = Score(_departure(values), np.nan, np.nan, floor, known[HALVES[0]].n)
    return known


def long_table(replicates: Sequence[Replicate]) -> pd.DataFrame:
    """A row for each run and score: the cell's settings, seed, score, value, low, high, baseline, n, unit."""
    return pd.DataFrame(
        [
            dict(run.settings) | {"seed": run.seed, "score": name} | vars(score)
            for run in replicates
            for name, score in run.scores.items()
        ]
    )


def _departure(values: Sequence[float]) -> float:
    return float(np.mean([abs(value - 0.5) for value in values]))


def _people(folder: RunFolder) -> str:
    who = open_store(folder.store).frame[["patient", "part"]].astype(str).drop_duplicates()
    text = "\n".join([folder.about()["source"], *sorted(who["patient"] + "\t" + who["part"])])
    return hashlib.sha256(text.encode()).hexdigest()
