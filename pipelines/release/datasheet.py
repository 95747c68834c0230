"""The datasheet of a bundle: what it is made from, how it was tested, and what was not."""

import math
from collections.abc import Sequence
from importlib import resources

import jinja2
import tomli_w

from ... import __version__
from ...transforms import Codec
from ..classes import Classes
from ..evaluation.privacy.findings import Audit
from ..evaluation.score import Scores
from ..kinds import kind_of_codec
from ..recipe import Recipe
from .gate import Area, judge
from .policy import Policy, load_policy
from .private import Private

# Settings that name files or people of the source, or a user's own file
_OWN = {"name", "patient", "label", "drop", "keep", "missing", "description", "against", "verifier", "store"}
_COUNTS = ("synthetic", "training", "control", "training_patients", "control_patients")


def write_datasheet(
    recipe: Recipe,
    codec: Codec,
    scores: Scores,
    audit: Audit,
    areas: Sequence[Area],
    policy: Policy,
    versions: dict[str, str],
    private: Private,
    *,
    with_generator: bool,
) -> str:
    """The datasheet's Markdown.

    Arguments:
        recipe, codec: of the run.
        scores, audit: what was measured.
        areas: what the policy says to that.
        policy: the one that the bundle was released under.
        versions: of the programs that made the run.
        private: what the bundle is searched for, and what could not be.
        with_generator: weights go out, too.
    """
    classes = Classes.from_form(codec.form)
    said = {name: value for name, value in recipe.settings().items() if value is not None and name not in _OWN}
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    environment.filters["short"] = _short
    text = resources.files(__package__).joinpath("datasheet.md").read_text("utf-8")
    return environment.from_string(text).render(
        version=__version__,
        what=kind_of_codec(codec).nouns,
        counts={name: audit.counts.get(name, "?") for name in _COUNTS},
        columns=[column["name"] for column in codec.form["table"]["columns"]] if "table" in codec.form else [],
        channels=codec.channels,
        length=codec.arrangement.length,
        fs=codec.fs,
        classes=list(zip(classes.names, classes.counts, strict=True)),
        areas=areas,
        audit=audit,
        by_default=judge(
            audit, scores.scores, load_policy("default"), scores.not_measured, with_generator=with_generator
        ),
        untested=[*audit.not_measured.items(), *audit.not_applicable.items(), *scores.not_measured.items()],
        policy=policy,
        scores=scores.scores,
        recipe=tomli_w.dumps(said),
        versions=versions,
        private=private,
        with_generator=with_generator,
    )


def _short(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.4g}"
