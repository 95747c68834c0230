"""The first screen of the report: a card with the verdict for each area, and what to do next."""

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..evaluation.privacy.findings import Audit
from ..evaluation.scores import Score, score_table
from ..release.gate import NO_LIMIT, Area
from .content import Run, figures, number

AREAS = {"fidelity": "Is it faithful?", "utility": "Is it useful?", "privacy": "Is it private?"}
NOT_JUDGED = "not judged yet"  # by any policy
# A mark and words, so that nothing hangs on a colour
VERDICTS = {
    "pass": ("✓", "passes"),
    "fail": ("✗", "fails"),
    "undecided": ("?", "undecided"),
    "inconclusive": ("!", "inconclusive"),
    "not measured": ("–", "not measured"),
    "not judged": ("○", "measured, not judged"),
    NOT_JUDGED: ("–", "not judged yet"),
}
LINES, REASONS = {"fidelity": 6, "utility": 3, "privacy": 3}, 3  # of a card


def cards(run: Run) -> list[dict[str, Any]]:
    """For each area: question, verdict, mark, words, lines of figures, and reasons."""
    judged = {area.name: area for area in run.areas}
    return [_card(run, name, judged.get(name)) for name in AREAS]  # type: ignore[call-overload]


def next_step(areas: Sequence[Area], audit: Audit | None = None) -> str:
    """One piece of advice, from the verdicts of a policy, if there are any, and the audit that they rest on."""
    advice = advices()
    general = advice["general"]
    if not areas:
        return general["judge"]
    verdicts = {(area.name, area.verdict) for area in areas}
    if ("privacy", "inconclusive") in verdicts and audit is not None and not audit.conclusive:
        failed = any(not control.passed for control in audit.controls)
        return general["controls_failed" if failed else "controls_missing"]
    untested = [area for area in areas if (area.name, area.verdict) == ("utility", "not measured")]
    limited = any(NO_LIMIT not in reason for area in untested for reason in area.reasons)
    first = [each["advice"] for each in advice["verdicts"] if (each["area"], each["verdict"]) in verdicts]
    return next(iter(first), general["utility_untested" if limited else "release"])


@cache
def advices() -> dict[str, Any]:
    """What the first screen advises, see advice.toml."""
    return tomllib.loads(Path(__file__).with_name("advice.toml").read_text("utf-8"))


def _card(run: Run, name: str, area: Area | None) -> dict[str, Any]:
    verdict = NOT_JUDGED if area is None else area.verdict
    mark, text = VERDICTS[verdict]
    unknown = ["no audit was made"] if name == "privacy" and run.audit is None else []
    reasons = list(area.reasons) if area else unknown
    return {
        "name": name,
        "question": AREAS[name],
        "verdict": verdict.replace(" ", "-"),
        "mark": mark,
        "words": text,
        "lines": _lines(run, name, area),
        "reasons": reasons[:REASONS],
        "more": reasons[REASONS:],
    }


def _lines(run: Run, name: str, area: Area | None) -> list[dict[str, str]]:
    """The figures that an area's verdict rests on, those that do not pass first."""
    words, table = run.words, score_table()
    held = sorted(area.checks, key=lambda check: check.verdict == "pass") if area else []
    lines = [_line(table.title(one.name, words), one.score, one.limit, VERDICTS[one.verdict][0]) for one in held]
    shown = {check.name for check in held}
    others = {key: run.scores[key] for key in table.first_screen(name) if key in run.scores and key not in shown}
    if name == "privacy" and run.audit is not None and not held:
        others = {attack.name: attack.score for attack in sorted(run.audit.attacks, key=lambda attack: attack.p_value)}
    lines += [_line(table.title(key, words), score) for key, score in others.items()]
    most = LINES[name]
    return lines[: max(most, sum(check.verdict != "pass" for check in held[: 2 * most]))]


def _line(title: str, score: Score, limit: float | None = None, mark: str = "") -> dict[str, str]:
    return figures(score) | {"mark": mark, "title": title, "limit": "" if limit is None else number(limit, score.unit)}
