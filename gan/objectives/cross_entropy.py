"""Binary cross-entropy: the classic losses, with one-sided label smoothing and the non-saturating generator loss.

Source: Goodfellow et al. 2014; smoothing: Salimans et al. 2016, section 3.4.

>>> CrossEntropy(real_label=1.0).floor
0.0
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ...errors import InputError
from .objective import Objective, Step


@dataclass(frozen=True)
class CrossEntropy(Objective):
    """Cross-entropy of one critic."""

    name = "cross_entropy"

    # target for real images: 1 is a hard label, 0.9 the usual smoothing; that for generated images stays 0
    real_label: float = 0.9

    def __post_init__(self) -> None:
        if not 0.5 < self.real_label <= 1.0:  # one half and below would reverse the game
            raise InputError(
                f"real_label {self.real_label} must lie above 0.5 and be at most 1; 0.9 is usual, 1 is hard labels"
            )

    @property
    def floor(self) -> float:
        """Lower bound of the critic's loss: the entropy of the smoothed target."""
        return sum(-p * math.log(p) for p in (self.real_label, 1.0 - self.real_label) if p)

    def critic_losses(self, step: Step) -> dict[str, Tensor]:
        """Return −[t·log D(x) + (1 − t)·log(1 − D(x))] − log(1 − D(G(z))), means over the batch; t = real_label."""
        real, fake = step.logits(step.real), step.logits(step.fake)
        return {"critic": cross_entropy_with(real, self.real_label) + cross_entropy_with(fake, 0.0)}

    def generator_loss(self, step: Step) -> Tensor:
        """Return −log D(G(z)), mean over the batch."""
        return cross_entropy_with(step.logits(step.fake), 1.0)


def cross_entropy_with(logits: Tensor, target: float) -> Tensor:
    """Return the mean cross-entropy of float32 logits (N,) with one target for all."""
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))
