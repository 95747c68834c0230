"""Statistics of a batch that several processes share: as of one process with the whole batch.

>>> [float(value) for value in moments(torch.tensor([[1.0], [3.0]]), (0, 1))]  # mean and variance
[2.0, 1.0]
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def moments(values: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return mean and variance (biased) over some axes and over all processes, which hold equally many values.

    Gradients lead to the values of every process. They are those of the sum of all processes' losses, so that gradients
    averaged over the processes, as DDP does, are those of the mean loss.
    """
    variance, mean = torch.var_mean(values.float(), axes, unbiased=False)
    count = processes()
    if count == 1:
        return mean, variance
    sums = _Sum.apply(torch.stack((mean, mean.square(), variance)))
    mean, square, within = sums / count
    return mean, within + (square - mean.square()).clamp_min(0)  # rounding must not make the spread of means negative


def processes() -> int:
    """Return the number of processes that train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


class BatchNorm(nn.BatchNorm2d):
    """Batch normalization by the statistics of the whole batch, whichever process holds it.

    On CUDA, torch's SyncBatchNorm takes its place where there are several processes; it does not run on CPUs.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Normalize maps (N, C, H, W)."""
        if not self.training or processes() == 1:
            return super().forward(maps)
        mean, variance = moments(maps, (0, 2, 3))
        values = maps.numel() // self.num_features * processes()
        assert self.momentum is not None
        with torch.no_grad():
            self.get_buffer("running_mean").lerp_(mean, self.momentum)
            self.get_buffer("running_var").lerp_(variance * (values / (values - 1)), self.momentum)
            self.get_buffer("num_batches_tracked").add_(1)
        gain = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * gain
        return (maps * gain[:, None, None] + shift[:, None, None]).to(maps.dtype)


class _Sum(torch.autograd.Function):
    """The sum over all processes."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        values = values.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(values)
        return values

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _Sum.apply(gradients[0])
