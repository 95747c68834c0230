"""Convolutional generator and discriminator (DCGAN) for images of any side, built from one schedule of sides.

Source of the sizes: Piacentino et al. (noise 100; hidden layers of 256, 128, 64 maps), after Radford et al. 2016.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from .randomness import Stream, torch_generator

WIDTHS = (64, 128, 256)
LATENT_DIM = 100
LARGEST_LAST_SIDE = 8  # halving goes on until both sides are at most this


class Generator(nn.Module):
    """Latent vectors to images in [-1, 1]: a projection, then transposed convolutions that double the sides.

    For one channel of 45×45: 100 → 256×5×5 → 128×11×11 → 64×22×22 → 1×45×45.

    Arguments:
        image_shape: (c, H, W).
        latent_dim: length of the latent vector.
        widths: feature maps of the discriminator's layers, from the image inwards; the generator mirrors them.
        seed: of the initial weights.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        latent_dim: int = LATENT_DIM,
        widths: Sequence[int] = WIDTHS,
        seed: int = 0,
    ) -> None:
        super().__init__()
        channels, stages = _plan(image_shape, widths)
        if latent_dim < 1:
            raise InputError(f"latent_dim {latent_dim} must be at least 1")
        self.image_shape = (channels, *stages[0].outer)
        self.latent_dim = latent_dim
        self.widths = tuple(widths)
        self.project = _Project(latent_dim, stages[-1].maps, stages[-1].inner)
        layers: list[nn.Module] = []
        for stage, below in pairwise(reversed(stages)):
            layers += [stage.upsample(below.maps, bias=False), nn.BatchNorm2d(below.maps), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(
            nn.BatchNorm2d(stages[-1].maps), nn.ReLU(inplace=True), *layers, stages[0].upsample(channels, bias=True)
        )
        _initialize(self, torch_generator(seed, Stream.GENERATOR_WEIGHTS))

    def forward(self, latent: Tensor) -> Tensor:
        """Map latents (N, latent_dim) to images (N, c, H, W)."""
        return torch.tanh(self.layers(self.project(latent)))


class Discriminator(nn.Module):
    """Images in [-1, 1] to one logit each (positive = real): convolutions that halve the sides, then one inner product.

    Arguments:
        image_shape: (c, H, W).
        widths: feature maps of its layers, from the image inwards; the last one repeats on large images.
        seed: of the initial weights.
    """

    def __init__(self, image_shape: Sequence[int], widths: Sequence[int] = WIDTHS, seed: int = 0) -> None:
        super().__init__()
        channels, stages = _plan(image_shape, widths)
        self.image_shape = (channels, *stages[0].outer)
        self.widths = tuple(widths)
        layers: list[nn.Module] = [stages[0].downsample(channels, bias=True), nn.LeakyReLU(0.2, inplace=True)]
        for above, stage in pairwise(stages):
            layers += [stage.downsample(above.maps, bias=False), nn.BatchNorm2d(stage.maps)]
            layers += [nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.judge = _Judge(stages[-1].maps, stages[-1].inner)
        _initialize(self, torch_generator(seed, Stream.DISCRIMINATOR_WEIGHTS))

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, c, H, W) to logits (N,)."""
        return self.judge(self.layers(images))


def describe(generator: Generator) -> dict[str, Any]:
    """Return, as JSON values, all that `build` needs to make networks of the same shapes."""
    return {
        "family": "convolutional",
        "image_shape": list(generator.image_shape),
        "latent_dim": generator.latent_dim,
        "widths": list(generator.widths),
    }


def build(description: dict[str, Any]) -> Generator:
    """Make a generator from what `describe` returned; InputError when it is of a family that this version lacks."""
    if description.get("family") != "convolutional":
        raise InputError(f"networks of the family {description.get('family')!r} are not known here (has convolutional)")
    return Generator(description["image_shape"], description["latent_dim"], description["widths"])


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
        return nn.Conv2d(maps_in, self.maps, self.kernel, self.stride, self.padding, bias=bias)  # type: ignore[arg-type]

    def upsample(self, maps_out: int, bias: bool) -> nn.ConvTranspose2d:
        return nn.ConvTranspose2d(self.maps, maps_out, self.kernel, self.stride, self.padding, bias=bias)  # type: ignore[arg-type]


def schedule(sides: Sequence[int], widths: Sequence[int] = WIDTHS) -> list[Stage]:
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


def _plan(image_shape: Sequence[int], widths: Sequence[int]) -> tuple[int, list[Stage]]:
    if len(image_shape) != 3 or min(image_shape) < 1 or max(image_shape[1:]) < 2:
        raise InputError(f"image shape {tuple(image_shape)} is not (channels, height, width) of at least two pixels")
    if not widths or min(widths) < 1:
        raise InputError(f"widths {tuple(widths)} must name at least one layer, each of at least 1 feature map")
    return image_shape[0], schedule(image_shape[1:], widths)


# A convolution to or from a single pixel is a matrix product; written as one it runs several times faster on a CPU.
# The axes are kept in the order (H, W, maps), which is the memory order of channels_last: no copy either way.


class _Project(nn.Module):
    def __init__(self, latent_dim: int, maps: int, sides: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = (*sides, maps)
        self.linear = nn.Linear(latent_dim, _product(self.shape), bias=False)

    def forward(self, latent: Tensor) -> Tensor:
        return self.linear(latent).unflatten(1, self.shape).movedim(-1, 1)  # (N, maps, h, w)


class _Judge(nn.Module):
    def __init__(self, maps: int, sides: tuple[int, ...]) -> None:
        super().__init__()
        self.linear = nn.Linear(_product((*sides, maps)), 1)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features.movedim(1, -1).flatten(1)).squeeze(1)  # (N,)


def _product(numbers: Sequence[int]) -> int:
    result = 1
    for number in numbers:
        result *= number
    return result


def _initialize(network: nn.Module, random: torch.Generator) -> None:
    """Draw weights from N(0, 0.02), those of batch normalization around 1; biases start at 0 (Radford et al. 2016)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
            mean = 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0
            nn.init.normal_(module.weight, mean, 0.02, generator=random)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
