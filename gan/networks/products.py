"""Convolutions written as matrix products, which a CPU runs faster where maps are many and small.

Measured with oneDNN on a processor with bf16 matrix units, 128 to 256 maps from 11×11 to 5×5, forward and backward
together: 5.5 ms for 9.6 ms in bf16, 20 for 22 in single precision. On larger sides, and with padding, it is slower.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

SMALL = 6  # pixels, the longer of the inner sides
Pair = tuple[int, int]


class Convolution(nn.Conv2d):
    """A convolution; on CPUs, where it pays, as a matrix product of the patches under the kernel."""

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H', W')."""
        if not _pays(self, maps, self.stride):
            return super().forward(maps)
        patches = _Patches.apply(_cast(maps), *_shape(self))  # (N, H', W', k, k, C)
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)  # (C', k·k·C)
        return nn.functional.linear(patches.flatten(3), weight, self.bias).movedim(-1, 1)


class TransposedConvolution(nn.ConvTranspose2d):
    """A transposed convolution; on CPUs, where it pays, as a matrix product whose patches are added up."""

    def forward(self, maps: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (N, C, H, W) to (N, C', H', W')."""
        if output_size is not None or not _pays(self, maps, (1, 1)):
            return super().forward(maps, output_size)
        weight = self.weight.permute(2, 3, 1, 0).flatten(0, 2)  # (k·k·C', C)
        patches = nn.functional.linear(_cast(maps).movedim(1, -1), weight)  # (N, H, W, k·k·C')
        images = _Folded.apply(patches.unflatten(-1, (*self.kernel_size, self.out_channels)), *_shape(self))
        return images if self.bias is None else images + self.bias.to(images.dtype)[:, None, None]


def _pays(layer: nn.Conv2d | nn.ConvTranspose2d, maps: Tensor, shrinking: Sequence[int]) -> bool:
    """Whether the matrix product is faster; the inner sides are those of the maps, shrunk."""
    inner = max(side // step for side, step in zip(maps.shape[2:], shrinking, strict=True))
    return maps.device.type == "cpu" and inner <= SMALL and not any(layer.padding)


def _shape(layer: nn.Conv2d | nn.ConvTranspose2d) -> tuple[Pair, Pair]:
    return layer.kernel_size, layer.stride  # type: ignore[return-value]


def _cast(maps: Tensor) -> Tensor:
    """What autocast would do, before there are k² times as many numbers."""
    return maps.to(torch.get_autocast_dtype("cpu")) if torch.is_autocast_enabled("cpu") else maps


class _Patches(torch.autograd.Function):
    """The values under the kernel at each place: (N, C, H, W) → (N, H', W', k, k, C)."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, kernel: Pair, stride: Pair) -> Tensor:
        ctx.shape = kernel, stride
        return _patches(maps, kernel, stride)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _folded(gradients[0], *ctx.shape), None, None


class _Folded(torch.autograd.Function):
    """Patches added up where they lie: (N, H', W', k, k, C) → (N, C, H, W)."""

    @staticmethod
    def forward(ctx: Any, patches: Tensor, kernel: Pair, stride: Pair) -> Tensor:
        ctx.shape = kernel, stride
        return _folded(patches, kernel, stride)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _patches(gradients[0], *ctx.shape), None, None


def _patches(maps: Tensor, kernel: Pair, stride: Pair) -> Tensor:
    (high, wide), (down, right) = kernel, stride
    return maps.movedim(1, -1).unfold(1, high, down).unfold(2, wide, right).permute(0, 1, 2, 4, 5, 3).contiguous()


def _folded(patches: Tensor, kernel: Pair, stride: Pair) -> Tensor:
    n, rows, columns, _, _, channels = patches.shape
    sides = [(count - 1) * step + size for count, step, size in zip((rows, columns), stride, kernel, strict=True)]
    pixels = patches.new_zeros(n, *sides, channels)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            pixels[:, i : i + rows * stride[0] : stride[0], j : j + columns * stride[1] : stride[1]] += patches[
                :, :, :, i, j
            ]
    return pixels.movedim(-1, 1)
