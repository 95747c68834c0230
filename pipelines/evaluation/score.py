"""What evaluation writes: scores (scores.json), and what the report's pictures are drawn from (evidence.json)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ...errors import InputError
from ...files import new_file

DIGITS = 6  # significant ones of evidence; more is not visible in a picture


@dataclass(frozen=True)
class Score:
    """One measured number.

    Arguments:
        value: the estimate.
        low: lower end of its 95 % interval.
        high: upper end.
        baseline: the same figure where nothing is generated (real against real); None: it has none.
        n: number of samples, or people, that it rests on.
        unit: unit of value, interval and baseline; empty for shares and counts.
    """

    value: float
    low: float
    high: float
    baseline: float | None
    n: int
    unit: str = ""


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


@dataclass(frozen=True)
class Evidence:
    """What the pictures of the report are drawn from, besides the samples; empty where it has no meaning.

    Arguments:
        parameters: by "synthetic" and "control", a row for each window, a column for each ECG parameter.
        spectra: "frequency" (F,) in Hz, "synthetic" and "control" (3, F): 10, 50 and 90 percentile over windows of the
            logarithm (base 10) of power.
        features: columns x, y and kind ("training", "control", "synthetic"): a map of the encoder's feature space.
    """

    parameters: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    spectra: Mapping[str, np.ndarray] = field(default_factory=dict)
    features: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["x", "y", "kind"]))


def save_evidence(evidence: Evidence, path: Path, fingerprint: str) -> None:
    """Write evidence.json.

    Arguments:
        evidence: of one set of synthetic samples.
        path: of the file.
        fingerprint: of those samples.
    """
    state = {
        "fingerprint": fingerprint,
        "parameters": {kind: _columns(table) for kind, table in evidence.parameters.items()},
        "spectra": {name: _rounded(values) for name, values in evidence.spectra.items()},
        "features": _columns(evidence.features),
    }
    with new_file(path) as file:
        json.dump(state, file)


def load_evidence(path: Path, fingerprint: str) -> Evidence:
    """Read what `save_evidence` wrote.

    Raises:
        InputError: missing, edited, or of other samples.
    """
    try:
        state = json.loads(path.read_text("utf-8"))
        evidence = Evidence(
            parameters={kind: pd.DataFrame(table, dtype=float) for kind, table in state["parameters"].items()},
            spectra={name: np.array(values, float) for name, values in state["spectra"].items()},
            features=pd.DataFrame(state["features"], columns=["x", "y", "kind"]),
        )
        mark = state["fingerprint"]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: missing or edited; run `anonimage evaluate {path.parent}`") from error
    if mark != fingerprint:
        raise InputError(f"{path}: is of other synthetic samples; run `anonimage evaluate {path.parent}`")
    return evidence


def _columns(table: pd.DataFrame) -> dict[str, list]:
    return {str(name): _rounded(table[name].to_numpy()) for name in table}


def _rounded(values: np.ndarray) -> list:
    """As JSON has it: short numbers, null for those that are missing."""
    if values.dtype.kind not in "fiu":
        return list(values)
    if values.ndim > 1:
        return [_rounded(row) for row in values]
    return [None if np.isnan(value) else float(f"{value:.{DIGITS}g}") for value in values.astype(float)]
