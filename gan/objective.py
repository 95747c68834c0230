"""What the two networks strive for: losses of the critic and of the generator."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ..errors import InputError

Critic = Callable[[Tensor], Tensor]  # images (N, c, H, W) → logits or scores (N,)


class Objective(Protocol):
    """The losses of one step; each calls the critic itself, once for every batch that it wants judged."""

    def critic_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Return the critic's loss (a scalar) on real and generated images; `fake` is detached from the generator."""

    def generator_loss(self, critic: Critic, fake: Tensor) -> Tensor:
        """Return the generator's loss (a scalar); the critic's own weights take no gradient from it."""


class BinaryCrossEntropy:
    """The classic losses, with one-sided label smoothing and the generator's non-saturating form.

    Real and generated images pass the critic separately, so that each batch is normalized by its own statistics.

    Arguments:
        real_label: what the critic shall answer to real images: 1 is a hard label, 0.9 the usual smoothing. The answer
            to generated images stays 0. Source: Salimans et al. 2016, section 3.4.
    """

    def __init__(self, real_label: float = 0.9) -> None:
        if not 0.5 < real_label <= 1.0:
            raise InputError(
                f"real_label {real_label} must lie above 0.5 and be at most 1; 0.9 is usual, 1 is hard labels"
            )
        self.real_label = real_label

    def critic_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        return _cross_entropy(critic(real), self.real_label) + _cross_entropy(critic(fake), 0.0)

    def generator_loss(self, critic: Critic, fake: Tensor) -> Tensor:
        return _cross_entropy(critic(fake), 1.0)


def _cross_entropy(logits: Tensor, label: float) -> Tensor:
    logits = logits.float()  # a loss in bf16 would lose small differences
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))
