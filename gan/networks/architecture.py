"""Generator and discriminator as an Architecture says them; the layers of each family have a file of their own."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ...errors import InputError, nearest
from ..pixels import to_unit
from ..randomness import Stream, torch_generator
from . import connected
from . import dcgan as convolutional
from .batchnorm import moments

FAMILIES = ("convolutional", "connected")
HEADS = ("none", "auxiliary", "projection")
ACTIVATIONS = ("relu", "linear")
OUTPUTS = ("tanh", "clip")
GAIN = 10.0  # of NULL pixels


@dataclass(frozen=True)
class Architecture:
    """All that it takes to make the two networks, but for their weights.

    Arguments:
        family: convolutional or connected.
        image_shape: (c, H, W).
        latent_dim: length of the latent vector.
        widths: feature maps (nodes in the connected family) of the discriminator's layers, from the image inwards;
            the generator mirrors them.
        classes: how many the generator makes on demand; 0 = unconditional.
        head: how the discriminator uses the classes. "auxiliary" tells them (Odena et al. 2016), "projection" judges
            images as ones of a given class (Miyato & Koyama 2018), "none" without classes.
        activation: of the connected family's hidden layers, relu (leaky in the discriminator) or linear.
        output: how the generator keeps to [-1, 1]. "tanh" only comes near the ends, and hardly learns there; "clip"
            cuts, so that NULL pixels and binary columns become exactly 0 and 255.
        sharp_null: the discriminator sees pixels that are 0 in every real image ten times as large: else a NULL pixel
            that is not quite 0 would hardly matter to it.
        moments: the discriminator sees, as further channels, mean and spread of each pixel over the batch: so that
            values that the generator makes too seldom, or never, give it away.

    Raises:
        InputError: networks that cannot be.
    """

    family: str
    image_shape: tuple[int, int, int]
    latent_dim: int = 100
    widths: tuple[int, ...] = (64, 128, 256)
    classes: int = 0
    head: str = "none"
    activation: str = "relu"
    output: str = "tanh"
    sharp_null: bool = False
    moments: bool = False

    def __post_init__(self) -> None:
        for name in ("image_shape", "widths"):  # lists, as JSON has them
            object.__setattr__(self, name, tuple(int(number) for number in getattr(self, name)))
        for what, word, known in (
            ("family", self.family, FAMILIES),
            ("head", self.head, HEADS),
            ("activation", self.activation, ACTIVATIONS),
            ("output", self.output, OUTPUTS),
        ):
            if word not in known:
                raise InputError(f"{what} {word!r} is not known{nearest(str(word), known)}")
        _check_sizes(self.image_shape, self.widths, self.latent_dim)
        if self.classes < 0 or self.classes == 1:
            raise InputError(f"classes {self.classes} must be 0 (unconditional) or at least 2")
        if (self.head == "none") != (self.classes == 0):
            raise InputError(
                f"head {self.head!r} does not go with {self.classes} classes; "
                "use 'none' with 0 classes, 'auxiliary' or 'projection' with 2 or more"
            )
        if self.moments and self.head == "auxiliary":
            raise InputError("moments do not go with the head 'auxiliary': a class must not depend on the other images")
        if self.activation == "linear" and self.family != "connected":
            raise InputError("activation 'linear' is of the family 'connected' only; use 'relu'")

    def to_state(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"image_shape": list(self.image_shape), "widths": list(self.widths)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Architecture":
        """Make it from what `to_state` returned.

        Raises:
            InputError: there is something else in it, of another version for example.
        """
        names = [field.name for field in fields(cls)]
        if sorted(state) != sorted(names):
            raise InputError(f"an architecture of {', '.join(state) or 'nothing'}; must have {', '.join(names)}")
        return cls(**state)


class Judgement(NamedTuple):
    """What a discriminator with the head "auxiliary" says.

    Arguments:
        source: logits (N,), positive = real.
        classes: logits of each class (N, K).
    """

    source: Tensor
    classes: Tensor


class Generator(nn.Module):
    """Latent vectors, and classes where it has them, to images in [-1, 1].

    Arguments:
        architecture: what it is of.
        layers: of the family, (N, latent_dim + classes) → (N, c, H, W).
    """

    def __init__(self, architecture: Architecture, layers: nn.Module) -> None:
        super().__init__()
        self.architecture = architecture
        self.layers = layers

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Map latents (N, latent_dim) and labels (N,) to images (N, c, H, W)."""
        if labels is not None:
            latent = torch.cat([latent, one_hot(labels, self.architecture.classes).to(latent.dtype)], 1)
        images = self.layers(latent)
        if self.architecture.output == "clip":
            return _Clip.apply(images)
        return torch.tanh(images)


class _Clip(torch.autograd.Function):
    """Cut to [-1, 1]; beyond an end only gradients that lead back pass, so that nothing runs away or is stuck."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return values.clamp(-1.0, 1.0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (values,), (gradient,) = ctx.saved_tensors, gradients
        away = ((values > 1.0) & (gradient < 0)) | (
            (values < -1.0) & (gradient > 0)
        )  # a step goes against the gradient
        return gradient.masked_fill(away, 0.0)


class Discriminator(nn.Module):
    """Images in [-1, 1] to one logit each (positive = real), or to a Judgement with the head "auxiliary".

    Arguments:
        architecture: what it is of.
        layers: of the family, (N, c, H, W) → features (N, F).
        features: F.
    """

    centre: Tensor  # (c, H, W), as gain; with sharp_null
    gain: Tensor

    def __init__(self, architecture: Architecture, layers: nn.Module, features: int) -> None:
        super().__init__()
        self.architecture = architecture
        self.layers = layers
        if architecture.sharp_null:
            self.register_buffer("centre", torch.zeros(architecture.image_shape))
            self.register_buffer("gain", torch.ones(architecture.image_shape))
        self.judge = nn.Linear(features, 1)
        if architecture.head == "auxiliary":
            self.tell = nn.Linear(features, architecture.classes)
        if architecture.head == "projection":
            self.embed = nn.Embedding(architecture.classes, features)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor | Judgement:
        """Map images (N, c, H, W) to logits (N,); labels (N,) are what the head "projection" judges them by."""
        features = self.layers(self._seen(images))  # (N, F)
        logits = self.judge(features).squeeze(1)  # (N,)
        if self.architecture.head == "auxiliary":
            return Judgement(logits, self.tell(features))
        if self.architecture.head == "projection":
            assert labels is not None, "a projection needs labels"
            return logits + (self.embed(labels) * features).sum(1)
        return logits

    def scores(self, images: Tensor) -> Tensor:
        """Map images (N, c, H, W) to a score for every class (N, K): class logits, or the logit judged as each."""
        features = self.layers(self._seen(images))
        if self.architecture.head == "auxiliary":
            return self.tell(features)
        return self.judge(features) + features @ self.embed.weight.T

    def mark_null(self, null: np.ndarray) -> None:
        """Learn which pixels are 0 in every real image; of a discriminator with `sharp_null`, before training.

        Arguments:
            null: bool (c, H, W).
        """
        pixels = torch.from_numpy(null)
        self.centre.copy_(torch.where(pixels, to_unit(torch.zeros(1)), 0.0))
        self.gain.copy_(torch.where(pixels, GAIN, 1.0))

    def _seen(self, images: Tensor) -> Tensor:
        if self.architecture.sharp_null:
            images = (images - self.centre) * self.gain
        if self.architecture.moments:
            mean, variance = self._moments(images)
            spread = (variance + 1e-4).sqrt()
            images = torch.cat([images, mean.expand_as(images), spread.expand_as(images)], 1)
        return images

    def _moments(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of each pixel: in training over the batch of all processes."""
        if self.training:
            return moments(images, (0,))
        return images.mean(0), images.var(0, unbiased=False)


def new_generator(architecture: Architecture, seed: int = 0) -> Generator:
    """Make an untrained generator.

    Arguments:
        architecture: what it shall be.
        seed: of the initial weights, 0 or more.
    """
    shape, widths = architecture.image_shape, architecture.widths
    inputs = architecture.latent_dim + architecture.classes
    if architecture.family == "convolutional":
        layers = convolutional.generator_layers(inputs, shape, widths)
    else:
        layers = connected.generator_layers(inputs, shape, widths, architecture.activation == "linear")
    network = Generator(architecture, layers)
    _initialize(network, torch_generator(seed, Stream.GENERATOR_WEIGHTS))
    return network


def new_discriminator(architecture: Architecture, seed: int = 0) -> Discriminator:
    """Make an untrained discriminator.

    Arguments:
        architecture: what it shall be.
        seed: of the initial weights, 0 or more.
    """
    shape, widths = architecture.image_shape, architecture.widths
    if architecture.moments:
        shape = (3 * shape[0], *shape[1:])
    if architecture.family == "convolutional":
        layers, features = convolutional.discriminator_layers(shape, widths)
    else:
        layers, features = connected.discriminator_layers(shape, widths, architecture.activation == "linear")
    network = Discriminator(architecture, layers, features)
    _initialize(network, torch_generator(seed, Stream.DISCRIMINATOR_WEIGHTS))
    return network


def _initialize(network: Generator | Discriminator, random: torch.Generator) -> None:
    family = convolutional if network.architecture.family == "convolutional" else connected
    family.initialize(network, random)


def _check_sizes(image_shape: Sequence[int], widths: Sequence[int], latent_dim: int) -> None:
    if len(image_shape) != 3 or min(image_shape) < 1 or max(image_shape[1:]) < 2:
        raise InputError(f"image shape {tuple(image_shape)} is not (channels, height, width) of at least two pixels")
    if not widths or min(widths) < 1:
        raise InputError(f"widths {tuple(widths)} must name at least one layer, each of at least 1 feature map")
    if latent_dim < 1:
        raise InputError(f"latent_dim {latent_dim} must be at least 1")
