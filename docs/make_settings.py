"""Write settings.md: every setting of a recipe, from the model that reads it. Run `python docs/make_settings.py`."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from anonimage.pipelines.recipe import SETTINGS, Recipe
from anonimage.pipelines.settings import Setting

HEAD = """# Settings

<!-- written by docs/make_settings.py from pipelines/settings.py -->

Every choice of a run stands in its recipe, a TOML file with a section for each part. Names are unique, so that
`--set batch=60` needs no section; a list is written `--set leads=i,ii`, no value `--set steps=none`. Settings with
options of their own have them on the commands named. `anonimage recipes NAME` prints a recipe with every setting, to
start your own from.

- **on resume**: may change between two calls on one run (`--resume`, `train`); a change of any other setting is another
  run.
- **shared**: a recipe of your own and the one that it names with `against` have it in common.
"""
TABLE = "| setting | values | default | on resume | shared | option | meaning |\n|---|---|---|---|---|---|---|\n"


def page() -> str:
    """The page's Markdown."""
    parts = [HEAD]
    section = None
    for one in SETTINGS.values():
        if one.section != section:
            section = one.section
            doc = (Recipe.model_fields[section].annotation.__doc__ or "") if section else "Before all sections."
            parts.append(f"\n## {f'[{section}]' if section else 'Top'}\n\n{doc}\n\n{TABLE}")
        parts.append(_row(one))
    return "".join(parts)


def _row(one: Setting) -> str:
    required = one.field.is_required()
    default = "" if required or one.default is None else f"`{json.dumps(one.default, ensure_ascii=False)}`"
    marks = ["yes" if mark else "" for mark in (one.may_change, one.shared)]
    option = f"`{one.option}` of {', '.join(one.commands)}" if one.commands else ""
    cells = [
        f"`{one.name}`",
        _values(one.field.annotation, one.field.metadata),
        default,
        *marks,
        option,
        one.description,
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


_NAMES: dict[Any, str] = {int: "integer", float: "number", str: "text", bool: "true or false", type(None): "none"}
_BOUNDS = {"ge": "at least {:g}", "gt": "above {:g}", "le": "at most {:g}", "lt": "below {:g}"}


def _values(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """The values of a type in words, with the bounds that stand beside it."""
    bounds = [
        words.format(getattr(one, bound)) for one in metadata for bound, words in _BOUNDS.items() if hasattr(one, bound)
    ]
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = [bound for one in parts[1:] for bound in getattr(one, "metadata", [one])]
        return _values(parts[0], [*inner, *metadata])
    if origin is Literal:
        return " or ".join(parts)
    if origin is tuple:
        return f"list of {_values(parts[0])}"
    if origin in (Union, UnionType):
        named = [one for one in parts if one is not type(None)]
        return " or ".join(_values(one, metadata if one is named[0] else ()) for one in named)
    return ", ".join([_NAMES[annotation], *bounds])


if __name__ == "__main__":
    (Path(__file__).parent / "settings.md").write_text(page(), encoding="utf-8")
