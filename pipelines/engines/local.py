"""Processes of this machine."""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as ready
from typing import Any, TypeVar

from ...data.parallel import Failure, threaded_map
from ...errors import InputError
from .attempt import DIED, attempt_packed, in_order

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_spawn = multiprocessing.get_context("spawn")  # the fork of a process that has used torch or threads may hang
_READY = b""  # what a worker says when it can begin


class LocalEngine:
    """Work on this machine: threads of this process, or processes of their own.

    The pools of the standard library and of loky do not say which item it was that killed a worker, and fail those
    beside it too; here each worker has a pipe of its own, so that its end is the end of one item. Each gets its part
    of the cores for the threads of numpy and torch, unless OMP_NUM_THREADS says otherwise.

    Arguments:
        jobs: processes, each of which may die without ending this one. None: threads of this process, as many as there
            are cores, which begin at once and do for work that is reading and numpy.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs

    def map(self, function: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result | Failure]:
        """Apply a function to every item; see Engine.

        Raises:
            InputError: no worker can begin.
        """
        if self.jobs is None:
            yield from threaded_map(function, items)
            return
        workers = _Processes(max(1, min(self.jobs, len(items))))
        try:
            yield from in_order(workers, function, items)
        finally:
            workers.stop()


class _Processes:
    """A process per worker, begun when it is needed."""

    def __init__(self, n: int) -> None:
        self.n = n
        self._idle: list[_Process] = []
        self._busy: dict[Any, _Process] = {}

    def has_free(self) -> bool:
        return len(self._busy) < self.n

    def begin(self, index: int, work: bytes) -> None:
        while self._idle and not self._idle[-1].is_alive():  # killed while it did nothing: no item is to blame
            self._idle.pop().stop()
        process = self._idle.pop() if self._idle else _Process(max(1, _cores() // self.n))
        self._busy[process.connection] = process  # before it is sent anything, so that it is stopped whatever happens
        process.begin(index, work)

    def finished(self, wait: bool) -> dict[int, Any]:
        results = {}
        for connection in ready(list(self._busy), None if wait else 0):
            process = self._busy[connection]
            try:
                answer = process.answer()
            except EOFError:
                process.stop()
                del self._busy[connection]
                results[process.index] = Failure(process.index, DIED, died=True)
                continue
            if answer != _READY:
                self._idle.append(self._busy.pop(connection))
                results[process.index] = pickle.loads(answer)
        return results

    def stop(self) -> None:
        for process in (*self._idle, *self._busy.values()):
            process.stop()


class _Process:
    """A worker and the pipe to it."""

    def __init__(self, threads: int) -> None:
        self.index = -1  # of the item that it works on
        self.connection, theirs = _spawn.Pipe()
        # daemons are ended with the program even if nobody closed the iterator that they work for
        self._process = _spawn.Process(target=_serve, args=(theirs,), name="anonimage-worker", daemon=True)
        with _threads(threads):
            self._process.start()
        theirs.close()  # so that its end is seen here as the end of the pipe
        self._began = False

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def begin(self, index: int, work: bytes) -> None:
        self.index = index
        with suppress(OSError):  # it has ended: seen when its answer is taken
            self.connection.send_bytes(work)

    def answer(self) -> bytes:
        """What it says.

        Raises:
            EOFError: it has ended instead.
            InputError: it has ended before it could begin.
        """
        try:
            answer: bytes = self.connection.recv_bytes()
        except (EOFError, OSError) as error:
            if self._began:
                raise EOFError from error
            raise InputError(
                "a worker process ended before it could begin (too little memory, or a script that lacks "
                "`if __name__ == '__main__':`); use jobs None, or leave --jobs out"
            ) from error
        self._began = True
        return answer

    def stop(self) -> None:
        assert self._process.pid
        with suppress(ProcessLookupError):  # and what it started itself, such as a training in several processes
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self.connection.close()


def _serve(connection: Connection) -> None:
    """In the worker: item after item, until the other end of the pipe is gone."""
    os.setpgrp()  # Ctrl-C in a terminal reaches the program alone, which then stops its workers
    multiprocessing.current_process().daemon = False  # it may start processes, which daemons may not
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        connection.send_bytes(_READY)
        while True:
            connection.send_bytes(attempt_packed(connection.recv_bytes()))


def _end_with_parent() -> None:
    """A program that is killed cannot stop its workers."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.killpg(0, signal.SIGKILL)


@contextmanager
def _threads(n: int) -> Iterator[None]:
    """Processes started in here use n threads; the libraries read that when they are loaded."""
    if "OMP_NUM_THREADS" in os.environ:
        yield
        return
    os.environ["OMP_NUM_THREADS"] = str(n)
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
