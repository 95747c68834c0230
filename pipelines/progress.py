"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Advance = Callable[[int, str], None]
LINE_EVERY_S = 10.0

console = Console(stderr=True)


@contextmanager
def progress(task: str, total: int) -> Iterator[Advance]:
    """Show how far a task is.

    Arguments:
        task: what is done, in one or two words.
        total: units of work in all.

    Returns:
        A function of (units done so far, a few words on how it goes).
    """
    with (_bar if console.is_terminal else _lines)(task, total) as advance:
        yield advance


def say(text: str) -> None:
    """One line on how the work goes, on the error stream so that standard output stays data."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _bar(task: str, total: int) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task(task, total=total, note="")
        yield lambda done, note: bars.update(bar, completed=done, note=note)


@contextmanager
def _lines(task: str, total: int) -> Iterator[Advance]:
    began = said = time.monotonic()

    def advance(done: int, note: str) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= LINE_EVERY_S and done < total:
            left = (now - began) / max(done, 1) * (total - done)
            print(f"{task}: {done}/{total} {note}, {left:.0f} s left", file=sys.stderr, flush=True)  # noqa: T201
            said = now

    yield advance
