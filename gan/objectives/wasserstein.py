"""Wasserstein distance with gradient penalty (WGAN-GP).

The penalty holds the norm of the gradient of each image's score at 1, so the critic must judge each image by itself:
batch normalization would let every score depend on all images. As the source says, the critic has layer normalization
instead; families offer it through `per_sample`.

Source: Gulrajani et al. 2017, algorithm 1 (λ = 10, 5 critic steps, Adam with β = (0, 0.9)) and section 4.

>>> Wasserstein().floor is None  # the distance has no bound
True
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import InputError
from .objective import Objective, Step


@dataclass(frozen=True)
class Wasserstein(Objective):
    """Difference of the mean scores, and the penalty."""

    name = "wasserstein"
    per_sample = True
    betas = (0.0, 0.9)

    gradient_penalty: float = 10.0  # weight λ of the penalty, above 0
    critic_steps: int = 5  # updates of the critic for every update of the generator, at least 1

    def __post_init__(self) -> None:
        if not self.gradient_penalty > 0 or self.critic_steps < 1:
            raise InputError(
                f"gradient_penalty {self.gradient_penalty} must be above 0, critic_steps {self.critic_steps} at least 1"
            )

    @property
    def floor(self) -> None:
        """None: the distance has no bound."""

    def critic_losses(self, step: Step) -> dict[str, Tensor]:
        """Return D(G(z)) − D(x) + λ·(‖∇D(x̂)‖ − 1)², means over the batch; x̂ = ε·x + (1 − ε)·G(z), ε uniform."""
        real, fake = step.logits(step.real), step.logits(step.fake)
        share = step.uniform()[:, None, None, None]
        with torch.autocast(step.real.device.type, enabled=False):  # norms in bf16 would have two digits
            between = (share * step.real + (1 - share) * step.fake.float()).requires_grad_()
            # not the wrapped critic, which lets pass no backward but the last
            scores = step.networks.critics["critic"](between, step.labels).source
            (gradient,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
            penalty = (gradient.flatten(1).norm(dim=1) - 1.0).square().mean()
        return {"critic": fake.mean() - real.mean() + self.gradient_penalty * penalty}

    def generator_loss(self, step: Step) -> Tensor:
        """Return −D(G(z)), mean over the batch."""
        return -step.logits(step.fake).mean()
