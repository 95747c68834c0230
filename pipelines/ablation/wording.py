"""What a summary says in words: the result first, then what it rests on and what it does not say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from ..evaluation.scores import score_table
from ..kinds import kind_of_recipe
from ..recipe import Recipe
from ..report.content import number, p_text
from ..report.paper_claims import HOPELESS
from .results import DEPARTURE
from .statistics import Difference, Mean
from .summary import Line, Summary


@dataclass(frozen=True)
class Row:
    """A line of a table, as texts."""

    cell: str
    mean: str
    interval: str
    baseline: str
    difference: str
    difference_interval: str
    wide: str
    p: str
    p_holm: str
    pairs: str
    detectable: str
    found: bool


@dataclass(frozen=True)
class Overview:
    """A headline score in a line."""

    title: str
    first: str
    span: str
    found: str
    detectable: str


def title(name: str, recipe: Recipe) -> str:
    """What a score is called."""
    filling = dict.fromkeys(("cutoff", "lead", "paper_share"), "")
    filling |= {
        "what": kind_of_recipe(recipe).nouns,
        "leads": "channels",
        "source": "source",
        "width": "the adapted range",
    }
    return score_table().title(name, filling)


def in_order(names: Mapping[str, object]) -> list[str]:
    """Scores in the order of the report."""
    return [name for _, each in score_table().grouped(names) for name in each]


def result(summary: Summary, recipe: Recipe) -> str:
    """The result in a sentence or two."""
    found, n = summary.found(), len(summary.seeds)
    if len(summary.cells) < 2:
        return "There is one cell, so there is nothing to compare."
    if not summary.family:
        why = "one seed" if n == 1 else "no cell has two seeds that make pairs with the first cell's"
        return f"Nothing was tested ({why}): no difference can be told from chance. Run more seeds."
    tested = f"{summary.family} comparisons with {summary.name(0)} ({len(summary.headlines)} scores, {n} seeds)"
    if not found:
        return f"No difference found in {tested}. That is not the same as no difference{_too_small(summary, recipe)}."
    shows = "shows" if len(found) == 1 else "show"
    return f"{len(found)} of {tested} {shows} a difference that stands after correction for all of them."


def missing(failures: Mapping[str, str]) -> str:
    """What it means that runs failed."""
    n = len(failures)
    return (
        f"{n} run{'s' * (n > 1)} failed and {'are' if n > 1 else 'is'} in no table. Means are over the seeds that are "
        "left, differences over those that both cells have. Where runs fail because of what is varied, what is left "
        "looks better than it is."
    )


def hopeless(summary: Summary) -> str:
    """A warning where all cells are so far from real samples that being alike means nothing; else empty."""
    lines = summary.headlines.get(DEPARTURE, ())
    if not lines or min(line.mean.value for line in lines) < HOPELESS:
        return ""
    return (
        "In every cell synthetic samples are told from real ones at a glance (1NNC's halves depart by "
        f"{HOPELESS:g} or more from one half). Networks that have learnt so little say nothing about what was varied: "
        "train longer before anything is concluded."
    )


def _too_small(summary: Summary, recipe: Recipe) -> str:
    """What would not have been found, of the first score of which that is known."""
    for name in sorted(summary.headlines, key=lambda name: name != DEPARTURE):
        sizes = detectable(summary.headlines[name])
        if sizes:
            unit = f" {summary.units[name]}" if summary.units[name] else ""
            return (
                f": to be found in 80 of 100 such ablations, {title(name, recipe)} would have to differ by up to "
                f"{number(max(sizes))}{unit}; the other scores are told below"
            )
    return ""


def detectable(lines: Sequence[Line]) -> list[float]:
    """Of each comparison that has one."""
    sizes = [line.difference.detectable for line in lines if line.difference is not None]
    return [size for size in sizes if not isnan(size)]


def findings(summary: Summary, recipe: Recipe) -> list[str]:
    """The differences that stand, a sentence each."""
    told = []
    for name, line in summary.found():
        assert line.difference is not None
        unit = summary.units[name]
        size = f"{_signed(line.difference.value)}{f' {unit}' * bool(unit)} ({_interval(line.difference)})"
        told.append(
            f"{summary.name(line.cell)}: {title(name, recipe)} {size}, p {p_text(line.difference.p)}, "
            f"corrected {p_text(line.difference.p_holm)}{'; measured otherwise, see note ‡' * line.other_ruler}"
        )
    return told


def notes(summary: Summary) -> list[str]:
    """What has to be known to read the tables."""
    n = len(summary.seeds)
    told = [
        "A seed decides which patients are control, the first weights and the noise; it is the same in every cell, so "
        "cells are compared in pairs, seed by seed. What is found holds for these patients: other people were not "
        "drawn, only split in other ways.",
        "Interval of a mean and of a difference: 95 %, by Student's t over seeds, which takes values to be about "
        "normal, and may reach beyond what a share can be. Difference: the cell less the first cell.",
        f"Corrected: by Holm for all {summary.family} comparisons of the headline scores together. Wide interval: "
        "Bonferroni's, so that all of them hold at once in 95 of 100 ablations. No p: one pair only, or the same "
        "difference in every pair, which leaves no spread to judge by.",
        "Detectable: the size that a true difference must have to be found, after correction, in 80 of 100 ablations "
        f"with so many seeds. It rests on the spread of differences that was seen, {'badly' if n < 10 else 'roughly'} "
        f"known from {n} seed{'s' * (n > 1)}. Where it is more than the score can change, nothing could have been "
        "found.",
        "1NNC is best at 0.5, and worse in both directions, so a difference in it has no better and worse side. The "
        "departure of its halves from one half has: 0 is best.",
    ]
    if n == 1:
        told.insert(0, "With one seed there is no interval and no test: nothing says what chance does.")
    if any(line.other_ruler for lines in summary.headlines.values() for line in lines):
        told.append(
            "‡ The baseline, which compares real with real, is another one than in the first cell: 1NNC, precision, "
            "recall, density and coverage are measured in each cell's own images. A part of such a difference is of "
            "the measure; compare each cell with its own baseline."
        )
    if summary.unpaired:
        cell, seed = summary.unpaired[0]
        told.append(
            f"Not paired: {len(summary.unpaired)} run{'s' * (len(summary.unpaired) > 1)} with another source or other "
            f"patients than the first cell has with that seed ({summary.name(cell)}, seed {seed}). Means are told, "
            "differences are not."
        )
    return told


def overview(summary: Summary, recipe: Recipe) -> list[Overview]:
    """A line for each headline score."""
    rows = []
    for name, lines in summary.headlines.items():
        first = next((line for line in lines if line.cell == 0), None)
        means, unit = [line.mean.value for line in lines], summary.units[name]
        judged = [line for line in lines if line.difference is not None]
        found = [line for line in judged if line.difference is not None and line.difference.found]
        known = detectable(lines)
        tested = any(line.difference is not None and line.difference.n > 1 for line in judged)
        rows.append(
            Overview(
                title(name, recipe),
                number(first.mean.value, unit) if first else "not measured",
                f"{number(min(means))} to {number(max(means))}",
                ", ".join(map(summary.short, (line.cell for line in found))) or ("none" if tested else "not tested"),
                " to ".join(map(number, sorted({min(known), max(known)}))) if known else "–",
            )
        )
    return rows


def rows(summary: Summary, name: str, *, corrected: bool) -> list[Row]:
    """The table of one score."""
    lines = (summary.headlines if corrected else summary.others)[name]
    return [_row(summary, line, corrected) for line in lines]


def best(name: str) -> str:
    """What value of a headline score is best."""
    return score_table().headlines()[name]


def _row(summary: Summary, line: Line, corrected: bool) -> Row:
    told = line.difference
    texts = dict.fromkeys(("difference", "difference_interval", "wide", "p", "p_holm", "pairs", "detectable"), "–")
    if told is not None:
        texts |= {"difference": _signed(told.value), "difference_interval": _interval(told), "pairs": str(told.n)}
        texts["p"] = "–" if isnan(told.p) else p_text(told.p)
        if told.identical:
            texts |= {"difference": "0 in every seed"}
        if corrected:
            wide = Mean(told.value, told.wide_low, told.wide_high, told.n)
            texts |= {"wide": _interval(wide), "p_holm": "–" if isnan(told.p_holm) else p_text(told.p_holm)}
            texts["detectable"] = "–" if isnan(told.detectable) else number(told.detectable)
    elif line.cell == 0:
        texts["difference"] = "first cell"
    return Row(
        cell=summary.name(line.cell) + " ‡" * line.other_ruler,
        mean=number(line.mean.value),
        interval=_interval(line.mean),
        baseline="none" if isnan(line.baseline) else number(line.baseline),
        found=told is not None and corrected and told.found,
        **texts,
    )


def _interval(told: Mean | Difference) -> str:
    return "none" if isnan(told.low) else f"{number(told.low)} to {number(told.high)}"


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{number(value)}"
