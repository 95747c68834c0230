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
from typing import Any

import torch
from torch import nn

from ...errors import InputError
from ..randomness import Stream, torch_generator
from .modules import HEADS, Critic, Generator, Networks, Settings, require_known

ACTIVATIONS = ("relu", "linear")


@dataclass(frozen=True)
class ConnectedSettings(Settings):
    """Options of the fully connected family.

    Arguments:
        activation: of the hidden layers, relu (leaky in the critic) or linear.
    """

    activation: str = "relu"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        require_known("activation", self.activation, ACTIVATIONS)


class Connected:
    """Fully connected generator and critic."""

    Settings: type[Any] = ConnectedSettings
    heads = frozenset(HEADS)

    def per_sample(self, settings: ConnectedSettings) -> ConnectedSettings:
        """Return the settings, as nothing here uses the batch but moments."""
        if settings.moments:
            raise InputError("moments are statistics over the batch; leave them out (--set moments=false)")
        return settings

    def build(
        self,
        image_shape: tuple[int, int, int],
        latent_dim: int,
        classes: int,
        head: str,
        settings: ConnectedSettings,
        seed: int,
    ) -> Networks:
        """Make untrained networks; the same seed gives the same weights."""
        linear = settings.activation == "linear"
        layers = generator_layers(latent_dim + classes, image_shape, settings.widths, linear)
        generator = Generator(layers, image_shape, latent_dim, classes, settings.output)
        channels = image_shape[0] * (3 if settings.moments else 1)
        layers, features = critic_layers((channels, *image_shape[1:]), settings.widths, linear)
        critic = Critic(layers, features, image_shape, classes, head, settings)
        initialize(generator, torch_generator(seed, Stream.GENERATOR_WEIGHTS))
        initialize(critic, torch_generator(seed, Stream.CRITIC_WEIGHTS))
        return Networks(generator, {"critic": critic})


def generator_layers(inputs: int, image_shape: Sequence[int], widths: Sequence[int], linear: bool) -> nn.Module:
    """Fully connected layers from the innermost width to the image: (N, inputs) → (N, c, H, W), unbounded."""
    layers: list[nn.Module] = []
    for before, after in pairwise((inputs, *reversed(widths))):
        layers += [nn.Linear(before, after), *([] if linear else [nn.ReLU(inplace=True)])]
    return nn.Sequential(*layers, nn.Linear(widths[0], prod(image_shape)), nn.Unflatten(1, tuple(image_shape)))


def critic_layers(image_shape: Sequence[int], widths: Sequence[int], linear: bool) -> tuple[nn.Module, int]:
    """Fully connected layers from the image inwards: (N, c, H, W) → features (N, F); and F."""
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise((prod(image_shape), *widths)):
        layers += [nn.Linear(before, after), *([] if linear else [nn.LeakyReLU(0.2, inplace=True)])]
    return nn.Sequential(*layers), widths[-1]


def initialize(network: nn.Module, random: torch.Generator) -> None:
    """Draw weights that keep the spread of activations, as no layer normalizes it; biases start at 0.

    Source: Glorot & Bengio 2010.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.xavier_normal_(module.weight, generator=random)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
