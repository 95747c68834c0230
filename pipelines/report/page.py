"""report.html: the first screen, then pictures, then every number with interval and baseline."""

import re
from collections.abc import Mapping
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from .content import Run, attack_rows, score_tables
from .first_screen import cards, next_step
from .paper_claims import observe
from .sections import make_sections

FOLDER = Path(__file__).parent
DROPPED = {
    "short": "records left out: shorter than a window",
    "missing": "windows left out: a sample is missing",
    "flat": "windows left out: a flat line in one of the {leads}",
}


def render(run: Run) -> str:
    """The page of a run as HTML, which needs no other file."""
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
        next_step=Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(escape(next_step(run.areas, audit))))),
        observation=observe(run),
        sections=make_sections(run),
        tables=score_tables(run),
        attacks=attack_rows(audit, run.areas) if audit else [],
        not_measured=_by_reason(dict(run.not_measured) | unmeasured),
        dropped={DROPPED.get(why, why).format_map(words): n for why, n in run.dropped.items() if n},
    )


def _by_reason(why: Mapping[str, str]) -> dict[str, str]:
    """Names that were not measured for the same reason, together."""
    names: dict[str, list[str]] = {}
    for name, reason in why.items():
        names.setdefault(reason, []).append(name)
    return {", ".join(each): reason for reason, each in names.items()}
