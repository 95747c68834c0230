"""What the engines have in common: an item as a worker does it, and the order of all.

Pickle is for what passes between this process and its own workers, and never lies in a file.
"""

import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from traceback import extract_tb
from typing import Any, Protocol

from ...data.parallel import Failure
from ...errors import InputError, one_line

AHEAD = 2  # items at most that are begun before the one that is taken next, per worker
DIED = "its worker died (killed, out of memory, or a crash in native code)"


def packed(function: Callable[[Any], Any], index: int, item: Any) -> bytes:
    """What a worker is sent; what cannot be unpacked there does not hide whose it was."""
    return pickle.dumps((index, pickle.dumps((function, item), pickle.HIGHEST_PROTOCOL)))


def attempt_packed(work: bytes) -> bytes:
    """Do what was sent, and pack its result, or the Failure that stands for it."""
    index, work = pickle.loads(work)
    try:
        function, item = pickle.loads(work)
        return pickle.dumps(function(item), pickle.HIGHEST_PROTOCOL)
    except InputError as error:
        return pickle.dumps(Failure(index, one_line(error), is_input=True))
    except BaseException as error:  # SystemExit too: it would end the worker, and look like its death
        frames = extract_tb(error.__traceback__)
        where = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}"
        return pickle.dumps(Failure(index, f"{type(error).__name__}: {one_line(error)} ({where})"))


class Workers(Protocol):
    """Those who do the work of one map."""

    n: int  # at most at once

    def has_free(self) -> bool:
        """Whether one could begin an item now."""

    def begin(self, index: int, work: bytes) -> None:
        """Let one of the free ones begin."""

    def finished(self, wait: bool) -> dict[int, Any]:
        """Results of the items finished since the last call, by index; this may wait for something to happen."""


def in_order(workers: Workers, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    """Results in the order of the items; one that is slow holds the others up only when they are far ahead."""
    results: dict[int, Any] = {}
    begun = 0
    for turn in range(len(items)):
        results |= workers.finished(wait=False)
        while True:
            while begun < min(len(items), turn + AHEAD * workers.n) and workers.has_free():
                workers.begin(begun, packed(function, begun, items[begun]))
                begun += 1
            if turn in results:
                break
            results |= workers.finished(wait=True)
        yield results.pop(turn)
