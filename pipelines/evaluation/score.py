"""A score: a value, its interval, and the baseline that gives it meaning."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...files import new_file

RESAMPLES = 1000
INTERVAL = (2.5, 97.5)  # percent


@dataclass(frozen=True)
class Score:
    """One measured number.

    Arguments:
        value: the estimate.
        low: lower end of its 95 % interval.
        high: upper end.
        baseline: the same figure where nothing is generated (real against real), or None where there is none.
        n: how many windows it rests on.
        unit: unit of value, interval and baseline; empty for shares and counts.
    """

    value: float
    low: float
    high: float
    baseline: float | None
    n: int
    unit: str = ""


def interval(
    values: np.ndarray,
    groups: np.ndarray,
    statistic: Callable[[np.ndarray], float] = np.mean,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % bootstrap interval that resamples whole groups, so that windows of one patient do not count as independent.

    Arguments:
        values: (N,) one figure a window.
        groups: (N,) the patient of each; a generated window is a group of its own.
        statistic: what is estimated from the values.
        seed: of the resampling.

    Returns:
        2.5 and 97.5 percentile.
    """
    rng = np.random.default_rng(seed)
    names, codes = np.unique(groups, return_inverse=True)
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    draws = rng.integers(len(names), size=(RESAMPLES, len(names)))
    estimates = [statistic(values[np.concatenate([members[group] for group in draw])]) for draw in draws]
    low, high = np.percentile(estimates, INTERVAL)
    return float(low), float(high)


@dataclass(frozen=True)
class Scores:
    """What scores.json holds.

    Arguments:
        scores: by name.
        fingerprint: of the synthetic files that were scored.
        not_measured: scores that could not be had, and why.
    """

    scores: Mapping[str, Score]
    fingerprint: str
    not_measured: Mapping[str, str]


def save_scores(
    scores: Mapping[str, Score], path: Path, fingerprint: str, not_measured: Mapping[str, str] | None = None
) -> None:
    """Write scores.json; the arguments are those of `Scores`."""
    rows = {name: asdict(score) for name, score in scores.items()}
    with new_file(path) as file:
        json.dump(
            {"fingerprint": fingerprint, "not_measured": dict(not_measured or {}), "scores": rows}, file, indent=1
        )


def load_scores(path: Path) -> Scores:
    """Read what `save_scores` wrote.

    Raises:
        InputError: missing, or not a file of scores.
    """
    try:
        state = json.loads(path.read_text("utf-8"))
        scores = {name: Score(**fields) for name, fields in state["scores"].items()}
        return Scores(scores, str(state["fingerprint"]), dict(state["not_measured"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: missing or edited; run `anonimage evaluate {path.parent}`") from error
