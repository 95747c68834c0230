"""Finished runs side by side: recipes that differ are the cells, and those that differ only in the seed repeat one."""

import sys
from collections.abc import Sequence
from pathlib import Path

from ...errors import InputError
from ...files import refuse_used
from ..recipe import SETTINGS
from ..run_folder import RunFolder
from .page import markdown, write_tables
from .results import Replicate, read_replicate
from .summary import summarize

TITLE = "comparison"


def compare(runs: Sequence[Path], out: Path | None) -> None:
    """Print the table of finished runs as Markdown, and write it with its page to a folder.

    Arguments:
        runs: folders of two runs or more, evaluated; the others are compared with the first.
        out: new folder for comparison.html, .md and .csv; None: only printed.

    Raises:
        InputError: fewer than two runs, a run that is not evaluated, or two with the same settings and seed.
    """
    if len({run.resolve() for run in runs}) < 2:
        raise InputError(f"{' '.join(map(str, runs)) or 'no run'}: name two different runs at least")
    if out is not None:
        refuse_used(out)
    folders = [RunFolder.prepared(run) for run in runs]
    choices = [_choices(folder) for folder in folders]
    differing = [key for key in choices[0] if len({choice[key] for choice in choices}) > 1]
    done = [
        read_replicate(folder.path, tuple((key, choice[key]) for key in differing))
        for folder, choice in zip(folders, choices, strict=True)
    ]
    _refuse_twice(done)
    summary = summarize(done, list(dict.fromkeys(run.settings for run in done)))
    common = folders[0].recipe
    sys.stdout.write(markdown(TITLE, summary, {}, common))
    if out is not None:
        write_tables(out, TITLE, summary, done, {}, common)


def _choices(folder: RunFolder) -> dict[str, str]:
    """What decides a run's result, but for the seed."""
    settings = {key: _text(value) for key, value in folder.recipe.settings().items() if not SETTINGS[key].silent}
    return {"source": str(folder.about()["source"]), **settings}


def _text(value: object) -> str:
    """A setting as a user would write it."""
    if isinstance(value, tuple):
        return "+".join(map(str, value)) or "all"
    return "none" if value is None else str(value)


def _refuse_twice(runs: Sequence[Replicate]) -> None:
    known: dict[tuple[object, int], Replicate] = {}
    for run in runs:
        same = known.setdefault((run.settings, run.seed), run)
        if same is not run:
            raise InputError(f"{run.path}: has the settings and the seed of {same.path}; name only one of them")
