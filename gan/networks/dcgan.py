"""The convolutional family (DCGAN) for images of any side, built from one schedule of sides.

Source of the sizes: Piacentino et al. (noise 100; hidden layers of 256, 128, 64 maps), after Radford et al. 2016.

>>> [(stage.outer, stage.inner) for stage in schedule((45, 45), (64, 128, 256))]
[((45, 45), (22, 22)), ((22, 22), (11, 11)), ((11, 11), (5, 5))]
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Any, Literal

import torch
from torch import Tensor, nn

from .batchnorm import BatchNorm
from .modules import Family, Settings

LARGEST_LAST_SIDE = 8  # halving goes on until both sides are at most this
SMALL = 6  # pixels, the longer of the inner sides, up to which a CPU multiplies matrices instead of convolving
Pair = tuple[int, int]


@dataclass(frozen=True)
class DcganSettings(Settings):
    """Options of the convolutional family."""

    # "batch", as in DCGAN; "layer" for objectives that need each image judged by itself, such as WGAN-GP's penalty,
    # which limits the gradient of each image's score (Gulrajani et al. 2017, section 4)
    critic_norm: Literal["batch", "layer"] = "batch"


class Dcgan(Family):
    """Transposed convolutions from latent vectors to images, and convolutions back."""

    Settings = DcganSettings

    def per_sample(self, settings: DcganSettings) -> DcganSettings:
        """Return the settings with layer normalization in the critic."""
        return replace(super().per_sample(settings), critic_norm="layer")

    def generator_layers(self, inputs: int, image_shape: Sequence[int], settings: DcganSettings) -> nn.Module:
        """Return a projection, then transposed convolutions that double the sides: (N, inputs) → (N, c, H, W).

        For one channel of 45×45 and 100 inputs: 100 → 256×5×5 → 128×11×11 → 64×22×22 → 1×45×45.
        """
        stages = schedule(image_shape[1:], settings.widths)
        layers: list[nn.Module] = [_Project(inputs, stages[-1].maps, stages[-1].inner)]
        layers += [BatchNorm(stages[-1].maps), nn.ReLU(inplace=True)]
        for stage, below in pairwise(reversed(stages)):
            layers += [stage.upsample(below.maps, bias=False), BatchNorm(below.maps), nn.ReLU(inplace=True)]
        return nn.Sequential(*layers, stages[0].upsample(image_shape[0], bias=True))

    def critic_layers(self, image_shape: Sequence[int], settings: DcganSettings) -> tuple[nn.Module, int]:
        """Return convolutions that halve the sides: (N, c, H, W) → features (N, F); and F."""
        stages = schedule(image_shape[1:], settings.widths)
        layers: list[nn.Module] = [stages[0].downsample(image_shape[0], bias=True), nn.LeakyReLU(0.2, inplace=True)]
        for above, stage in pairwise(stages):
            # layer normalization, over maps and pixels of each image, is a group normalization with one group
            norm = BatchNorm(stage.maps) if settings.critic_norm == "batch" else nn.GroupNorm(1, stage.maps)
            layers += [stage.downsample(above.maps, bias=False), norm, nn.LeakyReLU(0.2, inplace=True)]
        return nn.Sequential(*layers, _Flatten()), stages[-1].maps * prod(stages[-1].inner)

    def initialize(self, network: nn.Module, random: torch.Generator) -> None:
        """Draw weights from N(0, 0.02), of batch normalization around 1; biases start at 0 (Radford et al. 2016)."""
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d | nn.Embedding):
                mean = 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0
                nn.init.normal_(module.weight, mean, 0.02, generator=random)
                if getattr(module, "bias", None) is not None:
                    nn.init.zeros_(module.bias)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Stage:
    """One layer of the schedule, from the critic's side: `outer` sides become `inner` sides with `maps` maps."""

    maps: int
    outer: tuple[int, ...]
    inner: tuple[int, ...]
    geometry: tuple[Pair, Pair, Pair]  # kernel, stride, padding

    def downsample(self, maps_in: int, bias: bool) -> nn.Conv2d:
        """Return the critic's convolution."""
        return Convolution(maps_in, self.maps, *self.geometry, bias=bias)

    def upsample(self, maps_out: int, bias: bool) -> nn.ConvTranspose2d:
        """Return the generator's transposed convolution."""
        return TransposedConvolution(self.maps, maps_out, *self.geometry, bias=bias)


def schedule(sides: Sequence[int], widths: Sequence[int]) -> list[Stage]:
    """Plan the critic's layers from sides in pixels and widths in maps; the generator runs them backwards.

    Every layer halves each side, n → n // 2, as long as at least 2 remain, and keeps it otherwise. There is a layer for
    each width, and more of the last width until no side is above LARGEST_LAST_SIDE. For 45: 45 → 22 → 11 → 5.
    """
    stages: list[Stage] = []
    outer = tuple(sides)
    while len(stages) < len(widths) or max(outer) > LARGEST_LAST_SIDE:
        inner, kernel, stride, padding = zip(*map(_halved, outer), strict=True)
        stages.append(Stage(widths[min(len(stages), len(widths) - 1)], outer, inner, (kernel, stride, padding)))
        outer = inner
    return stages


def _halved(side: int) -> tuple[int, int, int, int]:
    """Return inner side, kernel, stride, padding; the transposed convolution with the same three inverts it exactly."""
    if side == 1:
        return 1, 1, 1, 0
    if side < 4:
        return side, 3, 1, 1
    return (side // 2, 3, 2, 0) if side % 2 else (side // 2, 4, 2, 1)


# A convolution to or from a single pixel is a matrix product; written as one it runs several times faster on a CPU.
# The axes are kept in the order (H, W, maps), which is the memory order of channels_last: no copy either way.


class _Project(nn.Module):
    def __init__(self, inputs: int, maps: int, sides: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = (*sides, maps)
        self.linear = nn.Linear(inputs, prod(self.shape), bias=False)

    def forward(self, latent: Tensor) -> Tensor:
        return self.linear(latent).unflatten(1, self.shape).movedim(-1, 1)  # (N, maps, h, w)


class _Flatten(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return maps.movedim(1, -1).flatten(1)  # (N, h·w·maps)


# Where maps are many and small, a CPU is faster with the matrix product of patches that a convolution stands for.
# Measured with oneDNN on a processor with bf16 matrix units, 128 to 256 maps from 11×11 to 5×5, forward and backward
# together: 5.5 ms for 9.6 ms in bf16, 20 for 22 in single precision. On larger sides, and with padding, it is slower.


class Convolution(nn.Conv2d):
    """A convolution; on CPUs, where it is faster, as a matrix product of the patches under the kernel."""

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H', W')."""
        if not _is_faster_as_product(self, maps, self.stride):
            return super().forward(maps)
        patches = _Patches.apply(_cast(maps), self.kernel_size, self.stride)  # (N, H', W', k, k, C)
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)  # (C', k·k·C)
        return nn.functional.linear(patches.flatten(3), weight, self.bias).movedim(-1, 1)


class TransposedConvolution(nn.ConvTranspose2d):
    """A transposed convolution; on CPUs, where it is faster, as a matrix product whose patches are added up."""

    def forward(self, maps: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (N, C, H, W) to (N, C', H', W')."""
        if output_size is not None or not _is_faster_as_product(self, maps, (1, 1)):
            return super().forward(maps, output_size)
        weight = self.weight.permute(2, 3, 1, 0).flatten(0, 2)  # (k·k·C', C)
        patches = nn.functional.linear(_cast(maps).movedim(1, -1), weight)  # (N, H, W, k·k·C')
        patches = patches.unflatten(-1, (*self.kernel_size, self.out_channels))
        images = _Folded.apply(patches, self.kernel_size, self.stride)
        return images if self.bias is None else images + self.bias.to(images.dtype)[:, None, None]


def _is_faster_as_product(layer: nn.Conv2d | nn.ConvTranspose2d, maps: Tensor, shrinking: Sequence[int]) -> bool:
    """Whether the matrix product is faster; the inner sides are those of the maps, shrunk."""
    inner = max(side // step for side, step in zip(maps.shape[2:], shrinking, strict=True))
    return maps.device.type == "cpu" and inner <= SMALL and not any(layer.padding)


def _cast(maps: Tensor) -> Tensor:
    """Cast as autocast would, before there are k² times as many numbers."""
    return maps.to(torch.get_autocast_dtype("cpu")) if torch.is_autocast_enabled("cpu") else maps


class _Patches(torch.autograd.Function):
    """The values under the kernel at each position: (N, C, H, W) → (N, H', W', k, k, C)."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, kernel: Pair, stride: Pair) -> Tensor:
        ctx.shape = kernel, stride
        (high, wide), (down, right) = kernel, stride
        return maps.movedim(1, -1).unfold(1, high, down).unfold(2, wide, right).permute(0, 1, 2, 4, 5, 3).contiguous()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _Folded.apply(gradients[0], *ctx.shape), None, None


class _Folded(torch.autograd.Function):
    """Patches added up at their positions, the adjoint of _Patches: (N, H', W', k, k, C) → (N, C, H, W)."""

    @staticmethod
    def forward(ctx: Any, patches: Tensor, kernel: Pair, stride: Pair) -> Tensor:
        ctx.shape = kernel, stride
        n, rows, columns, _, _, channels = patches.shape
        (high, wide), (down, right) = kernel, stride
        pixels = patches.new_zeros(n, (rows - 1) * down + high, (columns - 1) * right + wide, channels)
        for i in range(high):
            for j in range(wide):
                pixels[:, i : i + rows * down : down, j : j + columns * right : right] += patches[:, :, :, i, j]
        return pixels.movedim(-1, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _Patches.apply(gradients[0], *ctx.shape), None, None
