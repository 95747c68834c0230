"""Scores with their titles and meanings, and numbers as readers like them."""

import math
from typing import Any

from ..evaluation.images import PAPER_WIDTH
from ..evaluation.parameters import measured_lead
from ..evaluation.scores import Score, score_table
from ..kinds import kind_of_recipe
from .content import Run


def score_tables(run: Run) -> list[dict[str, Any]]:
    """A table for each part of the page that has scores; what a family's figures mean is said once.

    Returns:
        For each its title and rows of texts: title, meaning, value, interval, baseline, n, against.
    """
    filling, table = words(run), score_table()
    rows: dict[str, list[dict[str, Any]]] = {part: [] for part in table.parts}
    for definition, names in table.grouped(run.scores):
        for position, name in enumerate(names):
            texts = _row(run.scores[name], run.against.get(name), exact=definition.exact)
            meaning = "" if position else definition.meaning.format_map(filling)
            rows[definition.part].append({"title": table.title(name, filling), "meaning": meaning, **texts})
    return [{"title": table.parts[part], "rows": each} for part, each in rows.items() if each]


def words(run: Run) -> dict[str, str]:
    """What fills the gaps in titles and meanings; empty where it would say something untrue of this source."""
    recipe, codec = run.recipe, run.codec
    share = run.scores.get("saturated_windows")
    return {
        "what": kind_of_recipe(recipe).nouns,
        "cutoff": "" if codec.fs is None else f" ({codec.fs / 12:.3g} Hz)",
        "width": _range(run),
        "lead": f"Lead {lead_of(run)}. " if is_ecg(run) else "",
        "leads": "leads" if is_ecg(run) else "channels",
        "source": "heart" if is_ecg(run) else "source",
        "paper_share": " Baseline: the paper's 4 %." if share and share.baseline and is_ecg(run) else "",
    }


def _range(run: Run) -> str:
    """The range of eq. 3 that windows are compared with: the run's, or the paper's where the run has none."""
    recipe = run.recipe
    adapted = recipe.images.standardizer in ("adapted", "quantile")
    if not adapted and is_ecg(run):
        return f"the paper's adapted range ({PAPER_WIDTH:g} mV), which this run has not"
    if not adapted or recipe.images.width == "fitted":
        return "the adapted range"
    return f"the adapted range ({f'{recipe.images.width:g} {run.codec.units[0]}'.rstrip()})"


def is_ecg(run: Run) -> bool:
    """Whether the signals are an ECG, as far as anybody says."""
    return run.recipe.data.kind == "signals" and run.codec.fs is not None and set(run.codec.units) == {"mV"}


def lead_of(run: Run) -> str:
    """The lead that R peaks and ECG parameters are measured on."""
    return run.codec.channels[measured_lead(run.codec.channels)]


def number(value: float | None, unit: str = "") -> str:
    """Three digits, or all that stand before the point."""
    if value is None:
        return "none"
    if math.isnan(value):
        return "not measured"
    large = 1000 <= round(abs(value), 0) < 1e7  # 999.6 is 1,000, not 1e+03
    return (f"{value:,.0f}" if large else f"{value:.3g}") + f" {unit}" * bool(unit)


def span(score: Score) -> str:
    """Its 95 % interval."""
    if math.isnan(score.low) or math.isnan(score.high):
        return "none"
    return f"{number(score.low)} to {number(score.high)}"


def chance(p: float) -> str:
    """A p-value."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def _row(score: Score, other: Score | None, *, exact: bool) -> dict[str, Any]:
    return {
        "value": number(score.value, score.unit),
        "interval": "exact" if exact else span(score),
        "baseline": number(score.baseline, score.unit),
        "n": f"{score.n:,}",
        "against": None if other is None else f"{number(other.value, other.unit)} ({span(other)})",
    }
