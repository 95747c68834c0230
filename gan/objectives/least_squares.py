"""Least squares (LSGAN): the critic regresses 1 on real and 0 on generated images; the generator wants 1.

Source: Mao et al. 2017, eq. 9 (a = 0, b = c = 1).

>>> LeastSquares().floor
0.0
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from torch import Tensor

from .objective import Step


@dataclass(frozen=True)
class LeastSquares:
    """Squared error of one critic."""

    name: ClassVar[str] = "least_squares"
    heads: ClassVar[frozenset[str]] = frozenset({"none", "projection"})
    per_sample: ClassVar[bool] = False
    betas: ClassVar[tuple[float, float]] = (0.5, 0.999)
    figures: ClassVar[tuple[str, ...]] = ()
    critic_steps: ClassVar[int] = 1
    floor: ClassVar[float] = 0.0

    def critic_losses(self, step: Step) -> dict[str, Tensor]:
        """Return ½(D(x) − 1)² + ½D(G(z))², means over the batch."""
        real, fake = step.judge("critic", step.real).source.float(), step.judge("critic", step.fake).source.float()
        return {"critic": ((real - 1.0).square().mean() + fake.square().mean()) / 2}

    def generator_loss(self, step: Step) -> Tensor:
        """Return ½(D(G(z)) − 1)², mean over the batch."""
        fake = step.judge("critic", step.fake).source.float()
        return (fake - 1.0).square().mean() / 2

    def state(self) -> dict[str, Any]:
        """Return its options as JSON values: none."""
        return asdict(self)
