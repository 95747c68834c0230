"""What the two networks strive for: losses of the critic and of the generator."""

import math
from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ...errors import InputError
from ..networks.architecture import Judgement

Critic = Callable[..., Tensor | Judgement]  # images (N, c, H, W), labels (N,) or None → what the discriminator says


class CriticLoss(NamedTuple):
    """The critic's loss and, where it tells classes, how often it was right.

    Arguments:
        loss: a scalar.
        real_accuracy: share of the real images that it put in their class, a scalar.
        fake_accuracy: share of the generated ones that it put in the class that was asked for.
    """

    loss: Tensor
    real_accuracy: Tensor | None = None
    fake_accuracy: Tensor | None = None


class Objective(Protocol):
    """The losses of one step; each calls the critic itself, once for every batch that it wants judged."""

    @property
    def heads(self) -> Collection[str]:
        """The heads of discriminators that it can work with."""

    @property
    def least_critic_loss(self) -> float:
        """The critic's loss when nothing deceives it any more."""

    def critic_loss(self, critic: Critic, real: Tensor, fake: Tensor, labels: Tensor | None) -> CriticLoss:
        """Return the critic's loss on real and generated images; `fake` is detached from the generator.

        The labels (N,) are those of the real images, and what the generated ones were asked to be.
        """

    def generator_loss(self, critic: Critic, fake: Tensor, labels: Tensor | None) -> Tensor:
        """Return the generator's loss (a scalar); the critic's own weights take no gradient from it."""


class BinaryCrossEntropy:
    """The classic losses, with one-sided label smoothing and the generator's non-saturating form.

    Real and generated images pass the critic separately, so that each batch is normalized by its own statistics.

    Arguments:
        real_label: what the critic shall answer to real images: 1 is a hard label, 0.9 the usual smoothing. The answer
            to generated images stays 0. Source: Salimans et al. 2016, section 3.4.
    """

    heads: Collection[str] = ("none", "projection")

    def __init__(self, real_label: float = 0.9) -> None:
        self.real_label = _checked(real_label)

    @property
    def least_critic_loss(self) -> float:
        return _entropy(self.real_label)

    def critic_loss(self, critic: Critic, real: Tensor, fake: Tensor, labels: Tensor | None) -> CriticLoss:
        return CriticLoss(_source_loss(_logits(critic(real, labels)), _logits(critic(fake, labels)), self.real_label))

    def generator_loss(self, critic: Critic, fake: Tensor, labels: Tensor | None) -> Tensor:
        return _cross_entropy(_logits(critic(fake, labels)), 1.0)


class AuxiliaryClassifier:
    """The losses of an ACGAN: the critic also tells the class, of real and of generated images.

    The critic maximizes L_S + L_C; the generator maximizes L_C − L_S, the source term in its non-saturating form.

    Arguments:
        real_label: as in BinaryCrossEntropy.

    Source: Piacentino et al., eq. 4; Odena et al. 2016.
    """

    heads: Collection[str] = ("auxiliary",)

    def __init__(self, real_label: float = 0.9) -> None:
        self.real_label = _checked(real_label)

    @property
    def least_critic_loss(self) -> float:
        return _entropy(self.real_label)  # the class terms can reach 0

    def critic_loss(self, critic: Critic, real: Tensor, fake: Tensor, labels: Tensor | None) -> CriticLoss:
        on_real, on_fake = _judgement(critic(real, labels)), _judgement(critic(fake, labels))
        loss = _source_loss(on_real.source, on_fake.source, self.real_label)
        loss = loss + _class_loss(on_real, labels) + _class_loss(on_fake, labels)
        return CriticLoss(loss, _accuracy(on_real, labels), _accuracy(on_fake, labels))

    def generator_loss(self, critic: Critic, fake: Tensor, labels: Tensor | None) -> Tensor:
        judged = _judgement(critic(fake, labels))
        return _cross_entropy(judged.source, 1.0) + _class_loss(judged, labels)


def _checked(real_label: float) -> float:
    if not 0.5 < real_label <= 1.0:
        raise InputError(f"real_label {real_label} must lie above 0.5 and be at most 1; 0.9 is usual, 1 is hard labels")
    return real_label


def _logits(answer: Tensor | Judgement) -> Tensor:
    assert isinstance(answer, Tensor), "BinaryCrossEntropy has no use for a class head"
    return answer


def _judgement(answer: Tensor | Judgement) -> Judgement:
    assert isinstance(answer, Judgement), "AuxiliaryClassifier needs a class head"
    return answer


def _source_loss(real: Tensor, fake: Tensor, real_label: float) -> Tensor:
    return _cross_entropy(real, real_label) + _cross_entropy(fake, 0.0)


def _cross_entropy(logits: Tensor, label: float) -> Tensor:
    logits = logits.float()  # a loss in bf16 would lose small differences
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def _class_loss(judged: Judgement, labels: Tensor | None) -> Tensor:
    assert labels is not None
    return cross_entropy(judged.classes.float(), labels)


def _accuracy(judged: Judgement, labels: Tensor | None) -> Tensor:
    assert labels is not None
    return torch.eq(judged.classes.argmax(1), labels).float().mean()


def _entropy(share: float) -> float:
    return -sum(p * math.log(p) for p in (share, 1.0 - share) if p)
