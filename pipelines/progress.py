"""Progress of long work: a bar on a terminal, plain lines elsewhere; of several processes only the first one speaks."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..launch import rank

LINE_EVERY_S = 10.0

_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TextColumn("{task.fields[note]}"),
    TimeRemainingColumn(compact=True),
)

console = Console(stderr=True)


class Advance(Protocol):
    """Says how far a task is."""

    def __call__(self, done: int, note: str = "", total: int | None = None) -> None:
        """`done` units, a few words on how it goes, and the units in all if that is known only now."""


@contextmanager
def progress(task: str, total: int | None = None) -> Iterator[Advance]:
    """Show how far a task is.

    Arguments:
        task: what is done, in one or two words.
        total: units of work in all; None: said later.
    """
    if rank():
        yield lambda done, note="", total=None: None
    elif not console.is_terminal:
        yield _lines(task, total)
    else:
        with Progress(*_COLUMNS, console=console) as bars:
            bar = bars.add_task(task, total=total, note="")
            # a total of None leaves it as it is
            yield lambda done, note="", total=None: bars.update(bar, completed=done, note=note, total=total)


def say(text: str) -> None:
    """One line on how the work goes, on the error stream so that standard output stays data."""
    if rank() == 0:
        console.print(text, highlight=False, markup=False, soft_wrap=True)


def _lines(task: str, whole: int | None) -> Advance:
    began = said = time.monotonic()

    def advance(done: int, note: str = "", total: int | None = None) -> None:
        nonlocal said, whole
        whole = total or whole
        now = time.monotonic()
        if now - said >= LINE_EVERY_S and whole and done < whole:
            left = (now - began) / max(done, 1) * (whole - done)
            print(f"{task}: {done}/{whole} {note}, {left:.0f} s left", file=sys.stderr, flush=True)  # noqa: T201
            said = now

    return advance
