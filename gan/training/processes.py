"""The processes that train together: what they add up, what the first one tells the others, when all of them end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import IntEnum
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from ...errors import InputError, one_line

Made = TypeVar("Made")
PATIENCE = timedelta(days=1)  # the others wait as long as the first one scores or saves; a dead one is noticed at once


class Word(IntEnum):
    """What a process says between two steps; the gravest word of all holds for all."""

    GO = 0
    END = 1
    BACK = 2
    FAILED = 3


class DismissedError(InputError):
    """Another process ended the training, and says why."""


class Company:
    """This process and those that it trains with.

    Arguments:
        fabric: launched.
    """

    def __init__(self, fabric: Any) -> None:
        self.rank: int = fabric.global_rank
        self.count: int = fabric.world_size
        self._fabric = fabric
        # of its own, on the CPU: asking what comes next must not make a GPU wait
        self._words: Any = dist.new_group(backend="gloo", timeout=PATIENCE) if self.count > 1 else None

    @property
    def first(self) -> bool:
        """Whether this is the process that writes, watches, and decides."""
        return self.rank == 0

    def mean(self, values: Tensor) -> Tensor:
        """Average values over all processes, in place."""
        if self.count > 1:
            dist.all_reduce(values)
            values /= self.count
        return values

    def agree(self, work: Callable[[], Word]) -> Word:
        """Let every process do its work, and return the gravest word that one of them came to.

        Raises:
            DismissedError: the work failed in another process; an error in this one is raised as it is.
        """
        if self.count == 1:
            return work()
        word, fault = Word.FAILED, None
        try:
            word = work()
        except BaseException as error:  # also Ctrl-C: the others wait to hear of it
            fault = error
        gravest = torch.tensor([int(word)])
        with self.reaching():
            dist.all_reduce(gravest, dist.ReduceOp.MAX, self._words)
        if gravest.item() == Word.FAILED:
            self._let_go()
        if fault is not None:
            raise fault
        if gravest.item() == Word.FAILED:
            raise DismissedError("another process of this training failed; see what it says")
        return Word(int(gravest.item()))

    def from_first(self, make: Callable[[], Made]) -> Made:
        """Return on every process what `make` gives on the first one.

        Raises:
            DismissedError: it failed there; on the first process its own error is raised.
        """
        made: list[Any] = [None]

        def work() -> Word:
            if self.first:
                made[0] = make()
            return Word.GO

        self.agree(work)
        if self.count > 1:
            with self.reaching():
                dist.broadcast_object_list(made, 0, self._words)
        return made[0]

    @contextmanager
    def reaching(self) -> Iterator[None]:
        """Turn the loss of another process into one line."""
        try:
            yield
        except RuntimeError as error:
            if self.count == 1 or not _is_loss(error):
                raise
            self._let_go()
            raise InputError(
                f"process {self.rank} of {self.count} cannot reach the others: one of them ended; run the same command "
                "again, training goes on from the newest checkpoint"
            ) from error

    def close(self) -> None:
        """Part with the others; this process goes on alone."""
        if self.count > 1 and dist.is_initialized():
            self._let_go()
            dist.destroy_process_group()

    def _let_go(self) -> None:
        """Keep Fabric's observer from killing this process, before it said why it ends, for what becomes of others."""
        getattr(self._fabric.strategy.launcher, "procs", []).clear()


def _is_loss(error: RuntimeError) -> bool:
    """Whether a collective operation failed because another process is not there; older torch says it in words only."""
    words = one_line(error)
    return isinstance(error, dist.DistError) or any(name in words for name in ("gloo", "NCCL", "Connection", "peer"))
