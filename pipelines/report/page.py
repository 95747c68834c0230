"""report.html: the verdicts first, then pictures, then every number with interval and baseline."""

from collections.abc import Mapping
from pathlib import Path

import jinja2
from markupsafe import Markup

from ...files import new_file
from ..evaluation.privacy.findings import Audit
from ..kinds import kind_of_recipe
from .content import Run
from .explained import score_tables, words
from .paper_claims import Observation
from .sections import make_sections
from .verdicts import attack_rows, cards, next_step

FOLDER = Path(__file__).parent


def write_report(path: Path, run: Run, observation: Observation | None) -> None:
    """Write report.html.

    Arguments:
        path: of the file.
        run: all that is known.
        observation: what it says about its section of the paper.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    audit, called = run.audit, words(run)["leads"]
    page = environment.get_template("page.html").render(
        style=Markup((FOLDER / "style.css").read_text("utf-8")),
        recipe=run.recipe,
        what=kind_of_recipe(run.recipe).nouns,
        cards=cards(run),
        policy=run.policy,
        next_step=_code(next_step(run.areas, audit)),
        observation=observation,
        sections=make_sections(run),
        tables=score_tables(run),
        audit=audit,
        attacks=attack_rows(audit, run.areas) if audit else [],
        not_measured=_together(dict(run.not_measured) | _unmeasured(audit)),
        called=called,
        counts=run.counts,
        dropped=_drops(run.dropped, called),
        channels=", ".join(run.codec.channels),
        length=run.codec.arrangement.length,
        image="×".join(map(str, run.codec.image_shape)),
        fs=run.codec.fs,
        settings=run.recipe.to_toml(),
        versions=run.versions,
    )
    with new_file(path) as file:
        file.write(page)


def _unmeasured(audit: Audit | None) -> dict[str, str]:
    return {} if audit is None else {**audit.not_measured, **audit.not_applicable}


def _code(text: str) -> Markup:
    """What stands between backticks as code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if k % 2 else part for k, part in enumerate(parts))


def _together(why: Mapping[str, str]) -> dict[str, str]:
    """What was not measured for one reason is told at once."""
    names: dict[str, list[str]] = {}
    for name, reason in why.items():
        names.setdefault(reason, []).append(name)
    return {", ".join(each): reason for reason, each in names.items()}


def _drops(dropped: Mapping[str, int], called: str) -> dict[str, int]:
    told = {
        "short": "records left out: shorter than a window",
        "missing": "windows left out: a sample is missing",
        "flat": f"windows left out: one of the {called} stands still",
    }
    return {told.get(reason, reason): n for reason, n in dropped.items() if n}
