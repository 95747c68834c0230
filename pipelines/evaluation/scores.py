"""Scores: their records and files (scores.json, evidence.json), and the table of what each one means (scores.toml)."""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from ...errors import InputError, nearest
from ...files import new_file

DIGITS = 6  # significant ones of evidence; more is not visible in a picture
Range = tuple[float, float] | None
_Record = TypeVar("_Record")


@dataclass(frozen=True)
class Score:
    """One measured number."""

    value: float  # the estimate
    low: float  # lower end of its 95 % interval
    high: float  # upper end
    baseline: float | None  # the same figure where nothing is generated (real against real); None: it has none
    n: int  # number of samples, or people, that it rests on
    unit: str = ""  # unit of value, interval and baseline; empty for shares and counts


@dataclass(frozen=True)
class Scores:
    """What scores.json holds."""

    scores: Mapping[str, Score]  # by name
    fingerprint: str  # of the synthetic files that were scored
    not_measured: Mapping[str, str]  # scores that could not be had, and why


def save_scores(scores: Scores, path: Path) -> None:
    """Write scores.json."""
    with new_file(path) as file:
        json.dump(asdict(scores), file, indent=1)


def load_scores(path: Path) -> Scores:
    """Read what `save_scores` wrote; an InputError says that it is missing or edited."""
    return read_json(Scores, path, "evaluate")


def read_json(kind: type[_Record], path: Path, command: str) -> _Record:
    """The record of one of these dataclasses in a file that a command wrote, or an InputError: missing or edited."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: missing or edited; run `anonimage {command} {path.parent}`") from error


@dataclass
class Evidence:
    """What the pictures of the report are drawn from, besides the samples; empty where it has no meaning."""

    # by "synthetic" and "control", a row for each window, a column for each ECG parameter
    parameters: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    # "frequency" (F,) in Hz, "synthetic" and "control" (3, F): 10, 50 and 90 percentile over windows of the logarithm
    # (base 10) of power
    spectra: Mapping[str, np.ndarray] = field(default_factory=dict)
    # columns x, y and kind ("training", "control", "synthetic"): a map of the encoder's feature space
    features: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["x", "y", "kind"]))


def save_evidence(evidence: Evidence, path: Path, fingerprint: str) -> None:
    """Write evidence.json, with the fingerprint of the synthetic samples."""
    with new_file(path) as file:
        json.dump({"fingerprint": fingerprint} | _rounded(vars(evidence)), file)


def load_evidence(path: Path, fingerprint: str) -> Evidence:
    """Read what `save_evidence` wrote; an InputError says that it is missing, edited, or of other samples."""
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


def _rounded(values: Mapping | pd.DataFrame | pd.Series | np.ndarray) -> Any:
    """As JSON has it: short numbers, null for those that are missing; of a table its columns."""
    if isinstance(values, Mapping | pd.DataFrame):
        return {str(name): _rounded(part) for name, part in values.items()}
    values = np.asarray(values)
    if values.dtype.kind not in "fiu":
        return list(values)
    if values.ndim > 1:
        return [_rounded(row) for row in values]
    return [None if np.isnan(value) else float(f"{value:.{DIGITS}g}") for value in values.astype(float)]


@dataclass(frozen=True)
class Definition:
    """A score, or a family of scores; scores.toml says what each field is."""

    key: str  # the score's name; one that ends in a colon begins the names of a family
    part: str  # of the report
    title: str  # what readers call it
    meaning: str  # what its values say
    # smallest and largest possible value by name or pattern of names, None where there are none
    ranges: Mapping[str, Range]
    best: str = ""  # the value to aim at; empty: none is given
    first_screen: tuple[str, ...] = ()  # names that are shown first
    headline: tuple[str, ...] = ()  # names that ablation studies test
    exact: bool = False  # nothing is estimated, so there is no interval
    group: str = ""  # scores that are missing together
    extra: bool = False  # says nothing of its area by itself

    def covers(self, name: str) -> bool:
        """Whether a name is this score's or begins as those of this family do."""
        return name == self.key or (self.key.endswith(":") and name.startswith(f"{self.key} "))

    def range_of(self, name: str) -> Range:
        """The smallest and largest possible value of one of its scores; None: there are none."""
        return next((ends for pattern, ends in self.ranges.items() if fnmatchcase(name, pattern)), None)


@dataclass(frozen=True)
class ScoreTable:
    """All scores, in the order of the report.

    >>> table = score_table()
    >>> table.title("heart_rate: mean", {})
    'heart rate, mean'
    >>> table.find("recall").range_of("recall")
    (0, 1)
    >>> table.unknown("coverrage")[:31]
    "; did you mean 'coverage'? Ther"
    """

    parts: Mapping[str, str]  # titles of the report's parts
    definitions: tuple[Definition, ...]  # of the scores
    attacks: tuple[str, ...]  # names of the attacks of an audit

    def __iter__(self) -> Iterator[Definition]:
        return iter(self.definitions)

    def find(self, name: str) -> Definition | None:
        """The definition of a score; None: unknown."""
        return next((each for each in self.definitions if each.covers(name)), None)

    def title(self, name: str, words: Mapping[str, str]) -> str:
        """What readers call a score, with a run's words in the gaps of the title; its own name if it is unknown."""
        known = self.find(name)
        return name if known is None else f"{known.title.format_map(words)} {name[len(known.key) + 1 :]}".rstrip()

    def grouped(self, names: Iterable[str]) -> list[tuple[Definition, list[str]]]:
        """Names of scores by their definition, in the order of the report; unknown ones last, each by itself."""
        left = dict.fromkeys(names)
        groups = []
        for definition in self.definitions:
            if mine := [name for name in left if definition.covers(name)]:
                groups.append((definition, mine))
                left = {name: None for name in left if name not in mine}
        return groups + [(Definition(name, "other", name, "", {name: None}, extra=True), [name]) for name in left]

    def first_screen(self, part: str) -> list[str]:
        """Names of the scores that the first screen shows of a part of the report."""
        return [name for each in self.definitions if each.part == part for name in each.first_screen]

    def headlines(self) -> dict[str, str]:
        """Scores that ablation studies test, and which value is best."""
        return {name: each.best for each in self.definitions for name in each.headline}

    def group(self, name: str) -> tuple[str, ...]:
        """Names of the scores that are missing together."""
        return tuple(each.key for each in self.definitions if each.group == name)

    def unknown(self, name: str) -> str:
        """The middle of a sentence about a name, or pattern of names, of no score or attack; empty: there is such."""
        scores = [pattern for each in self.definitions for pattern in each.ranges]
        names = [*scores, *self.attacks]
        known = any(fnmatchcase(name, each) for each in scores) or any(fnmatchcase(each, name) for each in names)
        return "" if known else nearest(name, names)


@cache
def score_table() -> ScoreTable:
    """The table, read once."""
    content = tomllib.loads(resources.files(__package__).joinpath("scores.toml").read_text("utf-8"))
    definitions = (_definition(key, fields, content) for key, fields in content["scores"].items())
    units = content["attacks"]["units"]
    attacks = (name.replace("UNIT", unit) for name in content["attacks"]["names"] for unit in units)
    return ScoreTable(content["parts"], tuple(definitions), tuple(dict.fromkeys(attacks)))


def _definition(key: str, fields: Mapping[str, Any], content: Mapping[str, Any]) -> Definition:
    given = dict(fields)
    members = content["members"][given.pop("members")] if "members" in given else {}
    ranges = {f"{key} {name}": ends for name, ends in members.items()} or {key: given.pop("range", ())}
    for phrase, text in content["phrases"].items():
        given["meaning"] = given["meaning"].replace(f"{{{phrase}}}", text)
    for name in ("first_screen", "headline"):
        shown = given.get(name, ())
        given[name] = (key,) if shown is True else tuple(f"{key} {member}" for member in shown)
    return Definition(key, ranges={name: tuple(ends) or None for name, ends in ranges.items()}, **given)
