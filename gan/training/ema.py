"""The running average of a network's weights: what is sampled from, because the weights themselves keep circling."""

from copy import deepcopy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from ...errors import InputError

Network = TypeVar("Network", bound=nn.Module)


class Ema(Generic[Network]):
    """Exponential moving average of the weights and of the normalization statistics of a network.

    Arguments:
        source: the network in training; its current state is where the average starts.
        decay: what is kept of the average at each update, late in training; earlier (1 + t) / (10 + t) if that is less,
            so that the first random weights are soon forgotten.
    """

    def __init__(self, source: Network, decay: float = 0.999) -> None:
        if not 0.0 <= decay < 1.0:
            raise InputError(f"ema_decay {decay} must be at least 0 and below 1; 0.999 is usual")
        self.decay = decay
        self.network = deepcopy(source).eval().requires_grad_(False)
        self._pairs = list(zip(_tensors(self.network), _tensors(source), strict=True))
        self._averages = [average for average, _ in self._pairs if average.is_floating_point()]
        self._sources = [source.detach() for _, source in self._pairs if source.is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the source's present weights into the average; `step` counts the updates before this one."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averages, self._sources, 1.0 - decay)
        for average, source in self._pairs:
            if not average.is_floating_point():  # the count of batches seen
                average.copy_(source)


def _tensors(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]
