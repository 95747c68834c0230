"""Plots of one score over the cells: means with every seed's value, and paired differences from the first cell."""

import textwrap
from collections.abc import Iterable, Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..report.svg import MEDIUM, OTHER, REAL, SYNTHETIC, as_svg, new_plot
from .summary import Line, Summary

ROW, MARGIN = 0.42, 0.75  # inches
LABEL = 18  # characters of a cell's name in a line


def draw_means(summary: Summary, lines: Sequence[Line], title: str, unit: str) -> Markup:
    """Each cell's mean with its 95 % interval, every seed as a dot, and the baseline as a dashed mark."""
    figure, axis = _rows(summary, lines)
    for place, line in enumerate(lines):
        _dots(axis, line.values.values(), place)
        _interval(axis, place, line.mean.value, line.mean.low, line.mean.high, REAL)
        if np.isfinite(line.baseline):
            axis.plot([line.baseline] * 2, [place - 0.38, place + 0.38], "--", color=OTHER, linewidth=1.2)
    axis.set_xlabel(f"value{f' in {unit}' * bool(unit)}", fontsize=8)
    said = ", ".join(f"{summary.short(line.cell)} {line.mean.value:.3g}" for line in lines)
    return as_svg(figure, f"{title}, mean of each cell: {said}")


def draw_differences(summary: Summary, lines: Sequence[Line], title: str, unit: str) -> Markup | None:
    """Each cell's paired difference from the first: 95 % interval thick, the one for all comparisons thin."""
    compared = [line for line in lines if line.difference is not None]
    if not compared:
        return None
    figure, axis = _rows(summary, compared)
    axis.axvline(0, color=OTHER, linewidth=0.9)
    reach = 0.0
    for place, line in enumerate(compared):
        told = line.difference
        assert told is not None
        _dots(axis, line.differences.values(), place)
        axis.plot([told.wide_low, told.wide_high], [place, place], color=REAL, linewidth=0.8)
        _interval(axis, place, told.value, told.low, told.high, SYNTHETIC if told.found else REAL)
        reach = max(
            reach, *(abs(each) for each in (told.low, told.high, *line.differences.values()) if np.isfinite(each))
        )
    if reach:  # a wide interval of few seeds may be many times as long, and would hide all else
        axis.set_xlim(-1.6 * reach, 1.6 * reach)
    axis.set_xlabel(f"difference from {_short(summary, 0, 40)}{f', {unit}' * bool(unit)}", fontsize=8)
    said = ", ".join(f"{summary.short(line.cell)} {line.difference.value:+.3g}" for line in compared if line.difference)
    return as_svg(figure, f"{title}, paired differences: {said}")


def _rows(summary: Summary, lines: Sequence[Line]) -> tuple[Figure, Axes]:
    """A plot with a row for each cell, the first on top."""
    figure, axis = new_plot((MEDIUM[0], MARGIN + ROW * len(lines)), margins=None)
    names = ["\n".join(textwrap.wrap(_short(summary, line.cell, 2 * LABEL), LABEL)) for line in lines]
    axis.set_yticks(range(len(lines)), names)
    axis.set_ylim(len(lines) - 0.5, -0.5)
    axis.locator_params(axis="x", nbins=6)
    return figure, axis


def _short(summary: Summary, cell: int, most: int) -> str:
    return textwrap.shorten(summary.short(cell), most, placeholder=" …")


def _dots(axis: Axes, values: Iterable[float], place: int) -> None:
    known = list(values)
    axis.plot(known, [place + 0.22] * len(known), "o", color=OTHER, markersize=3, alpha=0.8)


def _interval(axis: Axes, place: int, value: float, low: float, high: float, colour: str) -> None:
    if np.isfinite(low):
        axis.plot([low, high], [place, place], color=colour, linewidth=2.4, solid_capstyle="butt")
    axis.plot([value], [place], "D", color=colour, markersize=4.5)
