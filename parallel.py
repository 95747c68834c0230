"""Work on many items: results in order, a bounded number ahead, and what stands for an item that failed."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Any, TypeVar

from .errors import InputError, one_line

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# A map that gives results in the order of the items, a Failure in place of those that could not be worked on
ParallelMap = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[Any]]


@dataclass(frozen=True)
class Failure:
    """An item that could not be worked on, in place of its result."""

    index: int  # of the item, from 0
    reason: str  # one line
    died: bool = False  # the worker was killed, ran out of memory or crashed in native code
    is_input: bool = False  # the user's input is at fault, and `reason` is what an InputError said


@contextmanager
def map_over(
    parallel: ParallelMap | None, function: Callable[[_Item], _Result], items: Sequence[_Item]
) -> Iterator[Iterator[_Result | Failure]]:
    """What a ParallelMap gives, `threaded_map` if there is none; nobody works any longer when this is left.

    If there is nothing to do, it is not asked.
    """

    def results() -> Generator[_Result | Failure, None, None]:
        if items:
            yield from (parallel or threaded_map)(function, items)

    with closing(results()) as given:
        yield given


def threaded_map(
    function: Callable[[_Item], _Result], items: Sequence[_Item]
) -> Generator[_Result | Failure, None, None]:
    """The plain ParallelMap: this process's threads, with a bounded look-ahead.

    Yields:
        Per item, in order, its result, or a Failure if the function raised.
    """
    return ordered_map(lambda numbered: attempt(function, *numbered), enumerate(items))


def attempt(function: Callable[[_Item], _Result], index: int, item: _Item) -> _Result | Failure:
    """The function's result, or the Failure that stands for it."""
    try:
        return function(item)
    except InputError as fault:
        return Failure(index, one_line(fault), is_input=True)
    except (Exception, SystemExit) as fault:  # whatever it is, it is this item's; the others are worked on all the same
        return Failure(index, f"{type(fault).__name__}: {one_line(fault)}")


def ordered_map(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    workers: int | None = None,
    most: int | None = None,
) -> Generator[_Result, None, None]:
    """`map` over threads: results in order, a bounded number waiting to be taken.

    Arguments:
        function: of an item; what it raises is raised when its result is taken.
        items: taken as they are needed, in this thread.
        workers: threads; None is one per core.
        most: results that may wait; None is one more than there are threads.
    """
    n_threads = workers or os.cpu_count() or 1
    most = most or n_threads + 1
    pending: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(n_threads, thread_name_prefix="read") as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > most:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def prefetched(items: Iterable[_Item], most: int) -> Generator[_Item, None, None]:
    """The same items in the same order, up to `most` of them made before they are asked for, in a thread."""
    given = iter(items)
    # lists, for a StopIteration would not pass a future
    with closing(ordered_map(lambda _: list(islice(given, 1)), repeat(None), workers=1, most=most)) as results:
        for result in results:
            if not result:
                return
            yield result[0]
