"""Write settings.md: every setting of a recipe, from the model that reads it. Run `python docs/make_settings.py`."""

import json
from pathlib import Path

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
    cells = [f"`{one.name}`", one.values, default, *marks, option, one.description]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    (Path(__file__).parent / "settings.md").write_text(page(), encoding="utf-8")
