"""The fully connected family, for images too small for convolutions, such as a table's row.

Source: Piacentino et al., section 3.3.3 (thyroid): one hidden layer of 64 nodes, linear, noise 5.

>>> networks = Connected().build((1, 7, 7), 5, 0, "none", ConnectedSettings((64,), activation="linear"), seed=0)
>>> [tuple(weight.shape) for weight in networks.generator.parameters()]
[(64, 5), (64,), (49, 64), (49,)]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Literal

import torch
from torch import nn

from .modules import Family, Settings


@dataclass(frozen=True)
class ConnectedSettings(Settings):
    """Options of the fully connected family."""

    activation: Literal["relu", "linear"] = "relu"  # of the hidden layers, relu (leaky in the critic) or linear


class Connected(Family):
    """Fully connected generator and critic."""

    Settings = ConnectedSettings

    def generator_layers(self, inputs: int, image_shape: Sequence[int], settings: ConnectedSettings) -> nn.Module:
        """Return layers from the innermost width to the image: (N, inputs) → (N, c, H, W), unbounded."""
        layers: list[nn.Module] = []
        for before, after in pairwise((inputs, *reversed(settings.widths))):
            layers += [nn.Linear(before, after), *_activation(settings, nn.ReLU(inplace=True))]
        last = nn.Linear(settings.widths[0], prod(image_shape))
        return nn.Sequential(*layers, last, nn.Unflatten(1, tuple(image_shape)))

    def critic_layers(self, image_shape: Sequence[int], settings: ConnectedSettings) -> tuple[nn.Module, int]:
        """Return layers from the image inwards: (N, c, H, W) → features (N, F); and F."""
        layers: list[nn.Module] = [nn.Flatten()]
        for before, after in pairwise((prod(image_shape), *settings.widths)):
            layers += [nn.Linear(before, after), *_activation(settings, nn.LeakyReLU(0.2, inplace=True))]
        return nn.Sequential(*layers), settings.widths[-1]

    def initialize(self, network: nn.Module, random: torch.Generator) -> None:
        """Draw weights that keep the spread of activations, as no layer normalizes it; biases start at 0.

        Source: Glorot & Bengio 2010.
        """
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.xavier_normal_(module.weight, generator=random)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)


def _activation(settings: ConnectedSettings, bent: nn.Module) -> list[nn.Module]:
    return [] if settings.activation == "linear" else [bent]
