"""The table of a study as files: two that programs read, one for text, and a page that shows it all."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import jinja2
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...files import new_file
from ..evaluation.scores import score_table
from ..kinds import kind_of_recipe
from ..recipe import Recipe
from ..report.content import number, p_text
from ..report.page import FOLDER as REPORT
from ..report.paper_claims import HOPELESS
from ..report.svg import MEDIUM, OTHER, REAL, SYNTHETIC, as_svg, new_plot
from ..run_folder import versions
from .statistics import Mean
from .summary import DEPARTURE, Line, Replicate, Summary, long_table

NAMES = (".csv", "-summary.csv", ".md", ".html")
ROW, MARGIN = 0.42, 0.75  # of a plot, in inches
LABEL = 18  # characters of a cell's name in a line of a plot


@dataclass(frozen=True)
class Table:
    """What a study has to show."""

    title: str  # "ablation" or "comparison"; also the name of the files
    summary: Summary  # of the replicates
    replicates: Sequence[Replicate]  # the runs
    failures: Mapping[str, str]  # runs that are missing, and why
    recipe: Recipe  # what the runs have in common

    def write(self, folder: Path) -> None:
        """Write TITLE.csv (a row for each run and score), TITLE-summary.csv, TITLE.md and TITLE.html."""
        tables = long_table(self.replicates).to_csv(index=False), self.summary.table().to_csv(index=False)
        for suffix, text in zip(NAMES, (*tables, self.markdown(), self._rendered("page.html")), strict=True):
            with new_file(folder / f"{self.title}{suffix}") as file:
                file.write(text)

    def markdown(self) -> str:
        """The headline scores as Markdown."""
        return self._rendered("table.md")

    def _rendered(self, template: str) -> str:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent),
            autoescape=template.endswith(".html"),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {"number": number, "p_text": p_text}
        environment.tests["nan"] = isnan
        summary = self.summary
        departures = [line.mean.value for line in summary.headlines.get(DEPARTURE, ())]
        return environment.get_template(template).render(
            table=self,
            summary=summary,
            best=score_table().headlines(),
            others=[name for _, names in score_table().grouped(summary.others) for name in names],
            # all cells so far from real samples that being alike means nothing
            hopeless=HOPELESS if departures and min(departures) >= HOPELESS else None,
            undetected=self._undetected(),
            means=draw_means,
            differences=draw_differences,
            settings=self.recipe.to_toml(),
            style=Markup((REPORT / "style.css").read_text("utf-8")),
            versions=versions(),
        )

    def name_of(self, score: str) -> str:
        """What a score is called."""
        filling = dict.fromkeys(("cutoff", "lead", "paper_share"), "") | {"what": kind_of_recipe(self.recipe).nouns}
        filling |= {"leads": "channels", "source": "source", "width": "the adapted range"}
        return score_table().title(score, filling)

    def _undetected(self) -> tuple[str, str] | None:
        """Of the first score of which that is known, which difference would not have been significant."""
        for name, lines in sorted(self.summary.headlines.items(), key=lambda item: item[0] != DEPARTURE):
            sizes = [line.difference.detectable for line in lines if line.difference]
            if sizes := [size for size in sizes if not isnan(size)]:
                return self.name_of(name), number(max(sizes), self.summary.units[name])
        return None


def draw_means(summary: Summary, score: str, title: str) -> Markup:
    """Each cell's mean with its 95 % interval, every seed as a dot, and the baseline as a dashed mark."""
    lines, unit = summary.headlines[score], summary.units[score]
    figure, axis = _plot(summary, lines)
    for row, line in enumerate(lines):
        _draw(axis, row, line.values.values(), line.mean, REAL)
        if np.isfinite(line.baseline):
            axis.plot([line.baseline] * 2, [row - 0.38, row + 0.38], "--", color=OTHER, linewidth=1.2)
    axis.set_xlabel(f"value{f' in {unit}' * bool(unit)}", fontsize=8)
    text = ", ".join(f"{summary.short(line.cell)} {line.mean.value:.3g}" for line in lines)
    return as_svg(figure, f"{title}, mean of each cell: {text}")


def draw_differences(summary: Summary, score: str, title: str) -> Markup | None:
    """Each cell's paired difference from the first: 95 % interval thick, the one for all comparisons thin."""
    compared = [(line, line.difference) for line in summary.headlines[score] if line.difference is not None]
    if not compared:
        return None
    unit = summary.units[score]
    figure, axis = _plot(summary, [line for line, _ in compared])
    axis.axvline(0, color=OTHER, linewidth=0.9)
    drawn = [0.0]
    for row, (line, difference) in enumerate(compared):
        axis.plot([difference.wide_low, difference.wide_high], [row, row], color=REAL, linewidth=0.8)
        _draw(axis, row, line.differences.values(), difference, SYNTHETIC if difference.significant else REAL)
        drawn += [abs(end) for end in (difference.low, difference.high, *line.differences.values()) if np.isfinite(end)]
    if max(drawn):  # a wide interval of few seeds may be many times as long, and would hide all else
        axis.set_xlim(-1.6 * max(drawn), 1.6 * max(drawn))
    axis.set_xlabel(f"difference from {_short(summary, 0, 40)}{f', {unit}' * bool(unit)}", fontsize=8)
    text = ", ".join(f"{summary.short(line.cell)} {difference.value:+.3g}" for line, difference in compared)
    return as_svg(figure, f"{title}, paired differences: {text}")


def _plot(summary: Summary, lines: Sequence[Line]) -> tuple[Figure, Axes]:
    """A plot with a row for each cell, the first on top."""
    figure, axis = new_plot((MEDIUM[0], MARGIN + ROW * len(lines)), margins=None)
    names = ["\n".join(textwrap.wrap(_short(summary, line.cell, 2 * LABEL), LABEL)) for line in lines]
    axis.set_yticks(range(len(lines)), names)
    axis.set_ylim(len(lines) - 0.5, -0.5)
    axis.locator_params(axis="x", nbins=6)
    return figure, axis


def _draw(axis: Axes, row: int, values: Iterable[float], mean: Mean, colour: str) -> None:
    dots = list(values)
    axis.plot(dots, [row + 0.22] * len(dots), "o", color=OTHER, markersize=3, alpha=0.8)
    if np.isfinite(mean.low):
        axis.plot([mean.low, mean.high], [row, row], color=colour, linewidth=2.4, solid_capstyle="butt")
    axis.plot([mean.value], [row], "D", color=colour, markersize=4.5)


def _short(summary: Summary, cell: int, most: int) -> str:
    return textwrap.shorten(summary.short(cell), most, placeholder=" …")
