"""The tables as files: one that programs read, one for text, and a page that shows it all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ...files import new_file
from ..recipe import Recipe
from ..report.page import FOLDER as REPORT
from ..run_folder import versions
from . import wording
from .plots import draw_differences, draw_means
from .results import Replicate, long_table
from .summary import Summary

FOLDER = Path(__file__).parent
NAMES = (".csv", "-summary.csv", ".md", ".html")
COLUMNS = ("cell", "mean", "95 %", "baseline", "difference", "95 %", "wide", "p", "corrected", "pairs", "detectable")


def write_tables(
    folder: Path,
    title: str,
    summary: Summary,
    replicates: Sequence[Replicate],
    failures: Mapping[str, str],
    recipe: Recipe,
) -> None:
    """Write TITLE.csv (a row for each run and score), TITLE-summary.csv, TITLE.md and TITLE.html.

    Arguments:
        folder: where.
        title: what it is, "ablation".
        summary: of the replicates.
        replicates: the runs.
        failures: runs that are missing, and why.
        recipe: what the runs have in common.
    """
    tables = {".csv": long_table(replicates), "-summary.csv": summary.table()}
    for suffix, table in tables.items():
        with new_file(folder / f"{title}{suffix}") as file:
            table.to_csv(file, index=False)
    for suffix, text in ((".md", markdown(title, summary, failures, recipe)), (".html", None)):
        with new_file(folder / f"{title}{suffix}") as file:
            file.write(text if text is not None else page(title, summary, failures, recipe))


def markdown(title: str, summary: Summary, failures: Mapping[str, str], recipe: Recipe) -> str:
    """The headline scores as Markdown."""
    parts = [f"# {heading(title, summary, recipe)}", wording.result(summary, recipe)]
    parts += _list(wording.findings(summary, recipe))
    parts += [f"**{warning}**"] if (warning := wording.hopeless(summary)) else []
    if failures:
        parts += [
            f"Missing: {wording.missing(failures)}",
            *_list(f"{name}: {reason}" for name, reason in failures.items()),
        ]
    at_a_glance = [tuple(vars(row).values()) for row in wording.overview(summary, recipe)]
    parts += [_table(("score", "first cell", "range of means", "found to differ", "detectable"), at_a_glance)]
    for name in summary.headlines:
        rows = [tuple(vars(row).values())[:-1] for row in wording.rows(summary, name, corrected=True)]
        parts += [f"## {wording.title(name, recipe)}{_unit(summary, name)}", f"Best: {wording.best(name)}."]
        parts += [_table(COLUMNS, rows)]
    parts += ["## How to read this", *_list(wording.notes(summary))]
    return "\n\n".join(parts) + "\n"


def page(title: str, summary: Summary, failures: Mapping[str, str], recipe: Recipe) -> str:
    """All of it as one self-contained page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    others = {name: wording.rows(summary, name, corrected=False) for name in wording.in_order(summary.others)}
    return environment.get_template("page.html").render(
        style=Markup((REPORT / "style.css").read_text("utf-8")),
        heading=heading(title, summary, recipe),
        first=summary.name(0),
        cells=[summary.name(cell) for cell in range(len(summary.cells))],
        seeds=summary.seeds,
        result=wording.result(summary, recipe),
        warning=wording.hopeless(summary),
        findings=wording.findings(summary, recipe),
        failures=failures,
        missing=wording.missing(failures),
        overview=wording.overview(summary, recipe),
        scores=[_score(summary, name, recipe) for name in summary.headlines],
        others={f"{wording.title(name, recipe)}{_unit(summary, name)}": rows for name, rows in others.items()},
        notes=wording.notes(summary),
        settings=recipe.to_toml(),
        versions=versions(),
    )


def heading(title: str, summary: Summary, recipe: Recipe) -> str:
    """What was compared."""
    seeds = len(summary.seeds)
    return f"{recipe.name}: {title} of {len(summary.cells)} cells, {seeds} seed{'s' * (seeds > 1)}"


def _score(summary: Summary, name: str, recipe: Recipe) -> dict[str, Any]:
    title, unit, lines = wording.title(name, recipe), summary.units[name], summary.headlines[name]
    return {
        "title": f"{title}{_unit(summary, name)}",
        "best": wording.best(name),
        "means": draw_means(summary, lines, title, unit),
        "differences": draw_differences(summary, lines, title, unit),
        "rows": wording.rows(summary, name, corrected=True),
    }


def _unit(summary: Summary, name: str) -> str:
    return f", {summary.units[name]}" if summary.units[name] else ""


def _list(items: Any) -> list[str]:
    text = "\n".join(f"- {item}" for item in items)
    return [text] if text else []


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in (columns, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], f"|{'---|' * len(columns)}", *lines[1:]])
