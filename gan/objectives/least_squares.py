"""Least squares (LSGAN): the critic regresses 1 on real and 0 on generated images; the generator wants 1.

Source: Mao et al. 2017, eq. 9 (a = 0, b = c = 1).

>>> LeastSquares().floor
0.0
"""

from dataclasses import dataclass

from torch import Tensor

from .objective import Objective, Step


@dataclass(frozen=True)
class LeastSquares(Objective):
    """Squared error of one critic."""

    name = "least_squares"

    def critic_losses(self, step: Step) -> dict[str, Tensor]:
        """Return ½(D(x) − 1)² + ½D(G(z))², means over the batch."""
        real, fake = step.logits(step.real), step.logits(step.fake)
        return {"critic": ((real - 1.0).square().mean() + fake.square().mean()) / 2}

    def generator_loss(self, step: Step) -> Tensor:
        """Return ½(D(G(z)) − 1)², mean over the batch."""
        return (step.logits(step.fake) - 1.0).square().mean() / 2
