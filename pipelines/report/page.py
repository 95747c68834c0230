"""report.html: verdicts and advice on the first screen, then pictures, then every number with interval and baseline."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ..evaluation.privacy.findings import Audit
from ..evaluation.scores import Score, score_table
from ..release.gate import NO_LIMIT, Area
from .content import Run, attack_rows, figures, number, score_tables
from .paper_claims import observe
from .sections import make_sections

FOLDER = Path(__file__).parent
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

DROPPED = {
    "short": "records left out: shorter than a window",
    "missing": "windows left out: a sample is missing",
    "flat": "windows left out: a flat line in one of the {leads}",
}


def render(run: Run) -> str:
    """The page as HTML, which needs no other file.

    Arguments:
        run: all that is known of it.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    audit, words = run.audit, run.words
    unmeasured = {} if audit is None else {**audit.not_measured, **audit.not_applicable}
    return environment.get_template("page.html").render(
        style=Markup((FOLDER / "style.css").read_text("utf-8")),
        run=run,
        recipe=run.recipe,
        counts=run.counts,
        audit=audit,
        what=words["what"],
        leads=words["leads"],
        channels=", ".join(run.codec.channels),
        cards=cards(run),
        next_step=_code(next_step(run.areas, audit)),
        observation=observe(run),
        sections=make_sections(run),
        tables=score_tables(run),
        attacks=attack_rows(audit, run.areas) if audit else [],
        not_measured=_by_reason(dict(run.not_measured) | unmeasured),
        dropped={DROPPED.get(why, why).format_map(words): n for why, n in run.dropped.items() if n},
    )


def cards(run: Run) -> list[dict[str, Any]]:
    """For each area: question, verdict, mark, words, lines of figures, and reasons."""
    judged = {area.name: area for area in run.areas}
    return [_card(run, name, judged.get(name)) for name in AREAS]  # type: ignore[call-overload]


def next_step(areas: Sequence[Area], audit: Audit | None = None) -> str:
    """One piece of advice.

    Arguments:
        areas: the verdicts of a policy; empty: there are none.
        audit: which they rest on.
    """
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
    return tomllib.loads((FOLDER / "advice.toml").read_text("utf-8"))


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


def _code(text: str) -> Markup:
    """Text between backticks as code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if k % 2 else part for k, part in enumerate(parts))


def _by_reason(why: Mapping[str, str]) -> dict[str, str]:
    """Names that were not measured for the same reason, together."""
    names: dict[str, list[str]] = {}
    for name, reason in why.items():
        names.setdefault(reason, []).append(name)
    return {", ".join(each): reason for reason, each in names.items()}
