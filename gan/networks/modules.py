"""Generator, critic and family: what all network families share around their own layers.

>>> Settings(widths=(8, 16)).output
'tanh'
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ...errors import InputError, nearest
from ..batch import to_unit
from ..randomness import Stream, torch_generator
from .batchnorm import moments

HEADS = ("none", "auxiliary", "projection")
GAIN = 10.0  # of NULL pixels
Shape = tuple[int, int, int]  # of an image: channels, height, width


class Judgement(NamedTuple):
    """What a critic returns."""

    source: Tensor  # logits (N,), positive = real
    classes: Tensor | None  # logits of each class (N, K); None without a class head


@dataclass(frozen=True)
class Settings:
    """Options that every family has; a family adds its own.

    Arguments:
        widths: feature maps (nodes of a connected network) of the critic's layers, from the image inwards; the
            generator mirrors them.
        output: how the generator keeps to [-1, 1]. "tanh" only approaches the ends and learns slowly near them;
            "clip" cuts, so that NULL pixels and binary columns become exactly 0 and 255.
        sharp_null: the critic receives pixels that are 0 in every real image ten times as large: else a NULL pixel
            that is not quite 0 would hardly matter to it.
        moments: the critic receives, as further channels, mean and spread of each pixel over the batch, so that values
            which the generator makes too seldom, or never, give it away.

    Raises:
        InputError: widths that cannot be, or an unknown name for one of a few.
    """

    widths: tuple[int, ...] = (64, 128, 256)
    output: Literal["tanh", "clip"] = "tanh"
    sharp_null: bool = False
    moments: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(int(width) for width in self.widths))
        if not self.widths or min(self.widths) < 1:
            raise InputError(f"widths {self.widths} must name at least one layer, each of at least 1 feature map")
        for name, hint in get_type_hints(type(self)).items():
            if get_origin(hint) is Literal:
                require_known(name, getattr(self, name), get_args(hint))


def require_known(name: str, value: Any, known: Collection[str]) -> None:
    """Raise InputError unless an option has one of its known values."""
    if value not in known:
        raise InputError(f"{name} {value!r} is not known{nearest(str(value), tuple(known))}")


class Generator(nn.Module):
    """Latent vectors, and classes of a conditional generator, to images in [-1, 1].

    Arguments:
        layers: of the family, (N, latent_dim + classes) → (N, c, H, W), unbounded.
        image_shape, latent_dim, classes: as in Architecture.
        output: as in Settings.
    """

    def __init__(self, layers: nn.Module, image_shape: Shape, latent_dim: int, classes: int, output: str) -> None:
        super().__init__()
        self.image_shape, self.latent_dim, self.classes, self.output = image_shape, latent_dim, classes, output
        self.layers = layers

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Map latents (N, latent_dim) and labels (N,) to images (N, c, H, W)."""
        if labels is not None:
            latent = torch.cat([latent, one_hot(labels, self.classes).to(latent.dtype)], 1)
        images = self.layers(latent)
        if self.output == "clip":
            return _Clip.apply(images)
        return torch.tanh(images)


class _Clip(torch.autograd.Function):
    """Cut to [-1, 1]; beyond an end only gradients that lead back pass, so that no value runs away or is stuck."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return values.clamp(-1.0, 1.0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (values,), (gradient,) = ctx.saved_tensors, gradients
        # a step goes against the gradient
        outwards = ((values > 1.0) & (gradient < 0)) | ((values < -1.0) & (gradient > 0))
        return gradient.masked_fill(outwards, 0.0)


class Critic(nn.Module):
    """Images in [-1, 1] to a Judgement: a logit each (positive = real) and, with the head "auxiliary", class logits.

    Arguments:
        layers: of the family, (N, c', H, W) → features (N, F); c' = 3·c with moments, else c.
        features: F.
        image_shape, classes, head: as in Architecture.
        settings: sharp_null and moments.
    """

    centre: Tensor  # (c, H, W), as gain; with sharp_null
    gain: Tensor

    def __init__(
        self, layers: nn.Module, features: int, image_shape: Shape, classes: int, head: str, settings: Settings
    ) -> None:
        super().__init__()
        self.image_shape, self.classes, self.head, self.settings = image_shape, classes, head, settings
        self.layers = layers
        if settings.sharp_null:
            self.register_buffer("centre", torch.zeros(image_shape))
            self.register_buffer("gain", torch.ones(image_shape))
        self.source = nn.Linear(features, 1)
        if head == "auxiliary":
            self.classifier = nn.Linear(features, classes)
        if head == "projection":
            self.embedding = nn.Embedding(classes, features)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Judgement:
        """Judge images (N, c, H, W); the head "projection" judges them as ones of the classes labels (N,)."""
        features = self.layers(self._inputs(images))  # (N, F)
        logits = self.source(features).squeeze(1)  # (N,)
        if self.head == "auxiliary":
            return Judgement(logits, self.classifier(features))
        if self.head == "projection":
            assert labels is not None, "a projection needs labels"
            logits = logits + (self.embedding(labels) * features).sum(1)
        return Judgement(logits, None)

    def scores(self, images: Tensor) -> Tensor:
        """Map images (N, c, H, W) to a score for every class (N, K): class logits, or the logit judged as each."""
        features = self.layers(self._inputs(images))
        if self.head == "auxiliary":
            return self.classifier(features)
        return self.source(features) + features @ self.embedding.weight.T

    def mark_null(self, null: np.ndarray) -> None:
        """Set which pixels, bool (c, H, W), are 0 in every real image; for `sharp_null`, before training."""
        pixels = torch.from_numpy(null)
        self.centre.copy_(torch.where(pixels, to_unit(torch.zeros(1)), 0.0))
        self.gain.copy_(torch.where(pixels, GAIN, 1.0))

    def _inputs(self, images: Tensor) -> Tensor:
        if self.settings.sharp_null:
            images = (images - self.centre) * self.gain
        if self.settings.moments:
            if self.training:  # over the batch of all processes
                mean, variance = moments(images, (0,))
            else:
                mean, variance = images.mean(0), images.var(0, unbiased=False)
            spread = (variance + 1e-4).sqrt()
            images = torch.cat([images, mean.expand_as(images), spread.expand_as(images)], 1)
        return images


@dataclass(frozen=True)
class Networks:
    """The networks of one training."""

    generator: Generator  # latents (N, latent_dim), labels (N,) or None → images (N, c, H, W) in [-1, 1]
    critics: dict[str, Critic]  # by name; images (N, c, H, W), labels (N,) or None → Judgement


class Family(ABC):
    """A kind of networks: one generator and one critic, unless `build` is overridden.

    Arguments:
        Settings: dataclass of the family's options.
        heads: how its critics can use classes. "auxiliary" classifies (Odena et al. 2016), "projection" judges images
            as ones of a given class (Miyato & Koyama 2018), "none" without classes.
    """

    Settings: type[Any]
    heads: frozenset[str] = frozenset(HEADS)

    def build(self, image_shape: Shape, latent_dim: int, classes: int, head: str, settings: Any, seed: int) -> Networks:
        """Make untrained networks; the same seed gives the same weights."""
        layers = self.generator_layers(latent_dim + classes, image_shape, settings)
        generator = Generator(layers, image_shape, latent_dim, classes, settings.output)
        channels = image_shape[0] * (3 if settings.moments else 1)
        layers, features = self.critic_layers((channels, *image_shape[1:]), settings)
        critic = Critic(layers, features, image_shape, classes, head, settings)
        self.initialize(generator, torch_generator(seed, Stream.GENERATOR_WEIGHTS))
        self.initialize(critic, torch_generator(seed, Stream.CRITIC_WEIGHTS))
        return Networks(generator, {"critic": critic})

    def per_sample(self, settings: Any) -> Any:
        """Return the settings with critics that use no statistics over the batch; moments are refused."""
        if settings.moments:
            raise InputError("moments are statistics over the batch; leave them out (--set moments=false)")
        return settings

    @abstractmethod
    def generator_layers(self, inputs: int, image_shape: Sequence[int], settings: Any) -> nn.Module:
        """Return layers (N, inputs) → (N, c, H, W), unbounded."""

    @abstractmethod
    def critic_layers(self, image_shape: Sequence[int], settings: Any) -> tuple[nn.Module, int]:
        """Return layers (N, c, H, W) → features (N, F); and F."""

    @abstractmethod
    def initialize(self, network: nn.Module, random: torch.Generator) -> None:
        """Draw the initial weights."""
