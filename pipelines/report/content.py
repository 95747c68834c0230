"""What a report says: a finished run, with its words, numbers and tables as texts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ...transforms import Codec
from ..evaluation.images import PAPER_WIDTH
from ..evaluation.parameters import measured_lead
from ..evaluation.privacy.findings import Attack, Audit
from ..evaluation.scores import Evidence, Score, score_table
from ..evaluation.sets import DrawnSamples
from ..kinds import kind_of_recipe
from ..kinds.kind import Kind
from ..recipe import Recipe
from ..release.gate import Area


@dataclass(frozen=True)
class Run:
    """All that is known of a run."""

    recipe: Recipe  # of the run
    codec: Codec  # of the run
    samples: DrawnSamples  # of each set, drawn at random
    scores: Mapping[str, Score]  # by name
    against: Mapping[str, Score]  # the same of the run that it is compared with; empty if there is none
    metrics: pd.DataFrame  # step, losses and class accuracies
    monitor: pd.DataFrame  # step, varieties and events
    evolution: Mapping[int, np.ndarray]  # images of the same latents by step
    counts: Mapping[str, int]  # numbers of samples, patients, records, steps
    dropped: Mapping[str, int]  # what was left out of the reading, by reason
    versions: Mapping[str, str]  # of programs, by name
    evidence: Evidence = field(default_factory=Evidence)  # what pictures are drawn from, besides the samples
    audit: Audit | None = None  # of these synthetic samples; None: not made
    areas: Sequence[Area] = ()  # what a policy says of fidelity, utility and privacy; empty: nothing was judged
    policy: str = ""  # its name
    not_measured: Mapping[str, str] = field(default_factory=dict)  # scores that could not be had, and why

    @property
    def kind(self) -> Kind:
        """The kind of data."""
        return kind_of_recipe(self.recipe)

    @property
    def is_ecg(self) -> bool:
        """Whether the samples are an ECG, as far as their units say."""
        return self.kind.is_ecg(self.codec)

    @property
    def lead(self) -> str:
        """The lead that R peaks and ECG parameters are measured on."""
        return self.codec.channels[measured_lead(self.codec.channels)]

    @property
    def people(self) -> str:
        """How many people the drawn control samples are of."""
        n = self.samples.control.frame["patient"].nunique()
        return f"{n:,} control {'person' if n == 1 else 'people'}"

    @property
    def words(self) -> dict[str, str]:
        """What fills the gaps in titles and meanings of scores; empty where it does not apply to this source."""
        codec, share, is_ecg = self.codec, self.scores.get("saturated_windows"), self.is_ecg
        return {
            "what": self.kind.nouns,
            "cutoff": "" if codec.fs is None else f" ({codec.fs / 12:.3g} Hz)",
            "width": self._width(),
            "lead": f"Lead {self.lead}. " if is_ecg else "",
            "leads": "leads" if is_ecg else "channels",
            "source": "heart" if is_ecg else "source",
            "paper_share": " Baseline: the paper's 4 %." if share and share.baseline and is_ecg else "",
        }

    def _width(self) -> str:
        """The range of eq. 3 that windows are compared with: the run's, or the paper's where the run has none."""
        images = self.recipe.images
        adapted = images.standardizer in ("adapted", "quantile")
        if not adapted and self.is_ecg:
            return f"the paper's adapted range ({PAPER_WIDTH:g} mV), which this run does not use"
        if not adapted or images.width == "fitted":
            return "the adapted range"
        return f"the adapted range ({f'{images.width:g} {self.codec.units[0]}'.rstrip()})"


def score_tables(run: Run) -> list[dict[str, Any]]:
    """A table for each part of the page that has scores: its title, and rows of texts.

    What a family's figures mean is said once.
    """
    words, table = run.words, score_table()
    rows: dict[str, list[dict[str, Any]]] = {part: [] for part in table.parts}
    for definition, names in table.grouped(run.scores):
        for position, name in enumerate(names):
            score = run.scores[name]
            row = figures(score) | {
                "title": table.title(name, words),
                "meaning": "" if position else definition.meaning.format_map(words),
                "n": f"{score.n:,}",
                "against": with_span(run.against.get(name)),
            }
            if definition.exact:
                row["interval"] = "exact"
            rows[definition.part].append(row)
    return [{"title": table.parts[part], "rows": each} for part, each in rows.items() if each]


def attack_rows(audit: Audit, areas: Sequence[Area] = ()) -> list[dict[str, str]]:
    """The table of attacks, as texts; areas: the verdicts of a policy, empty: there are none."""
    significant = {attack.name for attack in audit.successful}
    held = {check.name for area in areas for check in area.checks} if areas else None
    return [
        figures(attack.score)
        | {
            "name": attack.name,
            "question": attack.question,
            "rates": _rates(attack),
            "needs": _needs(attack, held is None or attack.name in held),
            "p": p_text(attack.p_value),
            "people": f"{attack.members:,} / {attack.non_members:,}",
            "result": "✗ works" if attack.name in significant else "not significant",
            **{kind: with_span(attack.controls.get(kind)) for kind in ("positive", "negative")},
        }
        for attack in audit.attacks
    ]


def figures(score: Score) -> dict[str, Any]:
    """Value, interval and baseline of a score, as texts."""
    value, baseline = (number(each, score.unit) for each in (score.value, score.baseline))
    return {"value": value, "interval": span(score), "baseline": baseline}


def number(value: float | None, unit: str = "") -> str:
    """Three digits, or all that stand before the point."""
    if value is None:
        return "none"
    if math.isnan(value):
        return "not measured"
    large = 1000 <= round(abs(value), 0) < 1e7  # 999.6 is 1,000, not 1e+03
    return (f"{value:,.0f}" if large else f"{value:.3g}") + f" {unit}" * bool(unit)


def span(score: Score) -> str:
    """The 95 % interval of a score."""
    if math.isnan(score.low) or math.isnan(score.high):
        return "none"
    return f"{number(score.low)} to {number(score.high)}"


def with_span(score: Score | None) -> str:
    """A score with its interval, if there is one."""
    return "none" if score is None else f"{number(score.value, score.unit)} ({span(score)})"


def p_text(p: float) -> str:
    """A p-value."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def _needs(attack: Attack, held: bool) -> str:
    """Of an attack by the networks themselves: who can make it, and whether the policy holds it to a limit."""
    if not attack.limit.startswith("model_"):
        return ""
    judged = "" if held else " Held to no limit, since no network goes out."
    return f"Only someone who has the trained networks can do this.{judged}"


def _rates(attack: Attack) -> str:
    """What a difference of rates is made of; empty for other strengths."""
    if not attack.rates:
        return ""
    parts = [f"{who} {with_span(score)}" for who, score in attack.rates.items()]
    return "; ".join([*parts, f"control rows {number(attack.rates['training'].baseline)}"])
