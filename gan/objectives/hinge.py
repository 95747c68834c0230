"""Hinge loss: the critic only learns from images that it does not yet judge with a margin of 1.

Source: Lim & Ye 2017 (Geometric GAN), eq. 17 and 18; Miyato et al. 2018.

>>> Hinge().floor
0.0
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from torch import Tensor

from .objective import Step


@dataclass(frozen=True)
class Hinge:
    """Hinge loss of one critic."""

    name: ClassVar[str] = "hinge"
    heads: ClassVar[frozenset[str]] = frozenset({"none", "projection"})
    per_sample: ClassVar[bool] = False
    betas: ClassVar[tuple[float, float]] = (0.5, 0.999)
    figures: ClassVar[tuple[str, ...]] = ()
    critic_steps: ClassVar[int] = 1
    floor: ClassVar[float] = 0.0

    def critic_losses(self, step: Step) -> dict[str, Tensor]:
        """Return max(0, 1 − D(x)) + max(0, 1 + D(G(z))), means over the batch."""
        real, fake = step.judge("critic", step.real).source.float(), step.judge("critic", step.fake).source.float()
        return {"critic": (1.0 - real).relu().mean() + (1.0 + fake).relu().mean()}

    def generator_loss(self, step: Step) -> Tensor:
        """Return −D(G(z)), mean over the batch."""
        return -step.judge("critic", step.fake).source.float().mean()

    def state(self) -> dict[str, Any]:
        """Return its options as JSON values: none."""
        return asdict(self)
