"""The convolutional family (DCGAN) for images of any side, built from one schedule of sides.

Source of the sizes: Piacentino et al. (noise 100; hidden layers of 256, 128, 64 maps), after Radford et al. 2016.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from .batchnorm import BatchNorm
from .products import Convolution, TransposedConvolution

LARGEST_LAST_SIDE = 8  # halving goes on until both sides are at most this


def generator_layers(inputs: int, image_shape: Sequence[int], widths: Sequence[int]) -> nn.Module:
    """A projection, then transposed convolutions that double the sides: (N, inputs) → (N, c, H, W), unbounded.

    For one channel of 45×45 and 100 inputs: 100 → 256×5×5 → 128×11×11 → 64×22×22 → 1×45×45.
    """
    stages = schedule(image_shape[1:], widths)
    layers: list[nn.Module] = [_Project(inputs, stages[-1].maps, stages[-1].inner)]
    layers += [BatchNorm(stages[-1].maps), nn.ReLU(inplace=True)]
    for stage, below in pairwise(reversed(stages)):
        layers += [stage.upsample(below.maps, bias=False), BatchNorm(below.maps), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, stages[0].upsample(image_shape[0], bias=True))


def discriminator_layers(image_shape: Sequence[int], widths: Sequence[int]) -> tuple[nn.Module, int]:
    """Convolutions that halve the sides: (N, c, H, W) → features (N, F); and F."""
    stages = schedule(image_shape[1:], widths)
    layers: list[nn.Module] = [stages[0].downsample(image_shape[0], bias=True), nn.LeakyReLU(0.2, inplace=True)]
    for above, stage in pairwise(stages):
        layers += [stage.downsample(above.maps, bias=False), BatchNorm(stage.maps)]
        layers += [nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers, _Flatten()), stages[-1].maps * prod(stages[-1].inner)


def initialize(network: nn.Module, random: torch.Generator) -> None:
    """Draw weights from N(0, 0.02), those of batch normalization around 1; biases start at 0 (Radford et al. 2016)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d | nn.Embedding):
            mean = 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0
            nn.init.normal_(module.weight, mean, 0.02, generator=random)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Stage:
    """One layer of the schedule, seen from the discriminator: `outer` sides become `inner` sides with `maps` maps."""

    maps: int
    outer: tuple[int, ...]
    inner: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]

    def downsample(self, maps_in: int, bias: bool) -> nn.Conv2d:
        return Convolution(maps_in, self.maps, self.kernel, self.stride, self.padding, bias=bias)  # type: ignore[arg-type]

    def upsample(self, maps_out: int, bias: bool) -> nn.ConvTranspose2d:
        return TransposedConvolution(self.maps, maps_out, self.kernel, self.stride, self.padding, bias=bias)  # type: ignore[arg-type]


def schedule(sides: Sequence[int], widths: Sequence[int]) -> list[Stage]:
    """Plan the discriminator's layers; the generator runs them backwards.

    Every layer halves each side, n → n // 2, as long as at least 2 remain, and keeps it otherwise. There is a layer for
    each width, and more of the last width until no side is above LARGEST_LAST_SIDE. For 45: 45 → 22 → 11 → 5.

    Arguments:
        sides: pixels along each axis of the image.
        widths: feature maps of each layer.
    """
    stages: list[Stage] = []
    outer = tuple(sides)
    while len(stages) < len(widths) or max(outer) > LARGEST_LAST_SIDE:
        inner, kernel, stride, padding = zip(*map(_step, outer), strict=True)
        stages.append(Stage(widths[min(len(stages), len(widths) - 1)], outer, inner, kernel, stride, padding))
        outer = inner
    return stages


def _step(side: int) -> tuple[int, int, int, int]:
    """Return inner side, kernel, stride, padding; the transposed convolution with the same three leads back exactly."""
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
