"""The fully connected family, for images too small for convolutions, such as a table's row.

Source: Piacentino et al., section 3.3.3 (thyroid): one hidden layer of 64 nodes, linear, noise 5.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from torch import nn


def generator_layers(inputs: int, image_shape: Sequence[int], widths: Sequence[int], linear: bool) -> nn.Module:
    """Matrix products from the innermost width to the image: (N, inputs) → (N, c, H, W), unbounded."""
    layers: list[nn.Module] = []
    for here, there in pairwise((inputs, *reversed(widths))):
        layers += [nn.Linear(here, there), *([] if linear else [nn.ReLU(inplace=True)])]
    return nn.Sequential(*layers, nn.Linear(widths[0], prod(image_shape)), nn.Unflatten(1, tuple(image_shape)))


def discriminator_layers(image_shape: Sequence[int], widths: Sequence[int], linear: bool) -> tuple[nn.Module, int]:
    """Matrix products from the image inwards: (N, c, H, W) → features (N, F); and F."""
    layers: list[nn.Module] = [nn.Flatten()]
    for here, there in pairwise((prod(image_shape), *widths)):
        layers += [nn.Linear(here, there), *([] if linear else [nn.LeakyReLU(0.2, inplace=True)])]
    return nn.Sequential(*layers), widths[-1]


def initialize(network: nn.Module, random: torch.Generator) -> None:
    """Draw weights that keep the spread of what passes, as nothing normalizes it here; biases start at 0.

    Source: Glorot & Bengio 2010.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.xavier_normal_(module.weight, generator=random)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
