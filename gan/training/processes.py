"""Process group for data-parallel training: reductions, broadcast from rank 0, joint shutdown."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from ...errors import InputError, one_line

Made = TypeVar("Made")
PATIENCE = timedelta(days=1)  # how long rank 0 may score or save; a process that died is noticed at once


class Signal(IntEnum):
    """What a process wants after a step; the largest of all ranks holds for all."""

    GO = 0
    END = 1
    ROLLBACK = 2
    FAILED = 3


@dataclass
class Vote:
    """The signal of this rank within `agreeing`, and of all ranks after it."""

    signal: Signal = Signal.GO


class PeerFailedError(InputError):
    """Another rank ended the training, and printed why."""


class Ranks:
    """This process and those that it trains with, in the process group of a launched Fabric."""

    def __init__(self, fabric: Any) -> None:
        self.rank: int = fabric.global_rank
        self.is_main = self.rank == 0  # this one writes, calls the callbacks, and decides
        self.count: int = fabric.world_size
        self._fabric = fabric
        # a group on the CPU: agreeing on the next step must not make a GPU wait
        self._group: Any = dist.new_group(backend="gloo", timeout=PATIENCE) if self.count > 1 else None

    def mean(self, values: Tensor) -> Tensor:
        """Average values over all ranks, in place."""
        if self.count > 1:
            dist.all_reduce(values)
            values /= self.count
        return values

    @contextmanager
    def agreeing(self) -> Iterator[Vote]:
        """Let every rank do its work in the body; after it, the vote holds the largest signal of all ranks.

        An error on this rank is raised as it is, one on another rank as PeerFailedError.
        """
        vote = Vote()
        if self.count == 1:
            yield vote
            return
        fault = None
        try:
            yield vote
        except BaseException as error:  # also Ctrl-C: the other ranks wait for this one's signal
            fault, vote.signal = error, Signal.FAILED
        largest = torch.tensor([int(vote.signal)])
        with self.translating_peer_loss():
            dist.all_reduce(largest, dist.ReduceOp.MAX, self._group)
        vote.signal = Signal(int(largest.item()))
        if vote.signal == Signal.FAILED:
            self._stop_observing()
            raise fault or PeerFailedError("another process of this training failed; see what it says")

    def broadcast(self, make: Callable[[], Made]) -> Made:
        """Return on every rank what `make` returns on rank 0; failures as in `agreeing`."""
        made: list[Any] = [None]
        with self.agreeing():
            if self.is_main:
                made[0] = make()
        if self.count > 1:
            with self.translating_peer_loss():
                dist.broadcast_object_list(made, 0, self._group)
        return made[0]

    @contextmanager
    def translating_peer_loss(self) -> Iterator[None]:
        """Turn the loss of another process into one line."""
        try:
            yield
        except RuntimeError as error:
            words = one_line(error)  # all that older torch has to tell that another process is gone
            lost = isinstance(error, dist.DistError) or any(n in words for n in ("gloo", "NCCL", "Connection", "peer"))
            if self.count == 1 or not lost:
                raise
            self._stop_observing()
            raise InputError(
                f"process {self.rank} of {self.count} cannot reach the others: one of them ended; run the same command "
                "again, training goes on from the newest checkpoint"
            ) from error

    def close(self) -> None:
        """Leave the process group."""
        if self.count > 1 and dist.is_initialized():
            self._stop_observing()
            dist.destroy_process_group()

    def _stop_observing(self) -> None:
        """Keep Fabric's observer from killing this process before it printed why training ends."""
        getattr(self._fabric.strategy.launcher, "procs", []).clear()
