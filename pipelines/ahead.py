"""Work ahead: what is asked for next is made in another thread while the last is being used."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Made = TypeVar("Made")


def ahead(items: Iterable[Made], most: int) -> Generator[Made, None, None]:
    """The same items in the same order, up to `most` of them made before they are asked for; errors are raised here.

    Arguments:
        items: made one after the other, in one thread of their own.
        most: how many may wait, 1 or more.
    """
    given = iter(items)
    waiting: deque[Future[list[Made]]] = deque()

    def make() -> list[Made]:
        return list(islice(given, 1))  # empty at the end: a StopIteration would not pass a future

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        try:
            waiting.extend(thread.submit(make) for _ in range(most))
            while item := waiting.popleft().result():
                waiting.append(thread.submit(make))
                yield item[0]
        finally:
            for future in waiting:
                future.cancel()
