"""Hinge loss: the critic only learns from images that it does not yet judge with a margin of 1.

Source: Lim & Ye 2017 (Geometric GAN), eq. 17 and 18; Miyato et al. 2018.

>>> Hinge().floor
0.0
"""

from dataclasses import dataclass

from torch import Tensor

from .objective import Objective, Step


@dataclass(frozen=True)
class Hinge(Objective):
    """Hinge loss of one critic."""

    name = "hinge"

    def critic_losses(self, step: Step) -> dict[str, Tensor]:
        """Return max(0, 1 − D(x)) + max(0, 1 + D(G(z))), means over the batch."""
        real, fake = step.logits(step.real), step.logits(step.fake)
        return {"critic": (1.0 - real).relu().mean() + (1.0 + fake).relu().mean()}

    def generator_loss(self, step: Step) -> Tensor:
        """Return −D(G(z)), mean over the batch."""
        return -step.logits(step.fake).mean()
