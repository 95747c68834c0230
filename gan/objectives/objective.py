"""What an objective is: the losses of one step, and what the trainer has to know about them.

>>> image = torch.zeros(2, 1, 4, 4)
>>> shares = [Step(None, image, image, None, torch.Generator().manual_seed(0), rank, 2).uniform() for rank in (0, 1)]
>>> bool((shares[0] != shares[1]).all())  # two processes, one draw
True
"""

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...errors import InputError
from ..networks.modules import Judgement, Networks


@dataclass
class Step:
    """One batch, real and generated, for the losses to be computed on."""

    networks: Networks  # the generator and the critics
    real: Tensor  # real images (N, c, H, W) in [-1, 1]
    fake: Tensor  # generated images (N, c, H, W); in the critics' losses detached from the generator
    labels: Tensor | None  # (N,) of the real images, and the classes asked of the generated ones; None without classes
    random: torch.Generator  # for penalties; keyed by seed and batch, the same in every process
    rank: int = 0  # number of this process
    ranks: int = 1  # processes that share the batch
    # the same networks in wrappers that average gradients over the processes; None where weights get none
    wrapped: Networks | None = None
    # scalars to report beside the losses, by name, such as the accuracy of a class head; losses write here
    figures: dict[str, Tensor] = field(default_factory=dict)

    def judge(self, critic: str, images: Tensor) -> Judgement:
        """Let a critic judge images (N, c, H, W) as ones of the step's classes."""
        return (self.wrapped or self.networks).critics[critic](images, self.labels)

    def logits(self, images: Tensor) -> Tensor:
        """Return the one critic's source logits (N,) of images; float32, as a loss in bf16 loses small differences."""
        return self.judge("critic", images).source.float()

    def uniform(self) -> Tensor:
        """Draw a number from [0, 1) for each image (N,): every process its share of one draw for the whole batch."""
        drawn = torch.rand(len(self.real) * self.ranks, generator=self.random)
        return drawn[self.rank :: self.ranks].to(self.real.device)


@dataclass(frozen=True)
class Objective:
    """The losses of the critics and of the generator; a subclass has its options as fields.

    Real and generated images pass the critics separately, so that each batch is normalized by its own statistics.
    """

    name: ClassVar[str]  # in recipes and in the table of objectives
    heads: ClassVar[frozenset[str]] = frozenset({"none", "projection"})  # the critic heads that it works with
    # whether it needs critics that judge each image by itself, without statistics over the batch
    per_sample: ClassVar[bool] = False
    betas: ClassVar[tuple[float, float]] = (0.5, 0.999)  # of Adam, for all networks
    figures: ClassVar[tuple[str, ...]] = ()  # names of what the losses report beside themselves

    @property
    def critic_steps(self) -> int:
        """Updates of the critics, each on a batch of its own, for every update of the generator."""
        return 1

    @property
    def floor(self) -> float | None:
        """Lower bound of the critics' losses, summed; None = unbounded."""
        return 0.0

    def critic_losses(self, step: Step) -> dict[str, Tensor]:
        """Return a loss (scalar) for each critic, by the critic's name; each critic is updated by its own."""
        raise NotImplementedError

    def generator_loss(self, step: Step) -> Tensor:
        """Return the generator's loss (a scalar); the critics' weights take no gradient from it."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Return name and options as JSON values: kept in checkpoints, and required when training is resumed."""
        return {"name": self.name, **asdict(self)}

    def require_head(self, head: str) -> None:
        """Raise InputError when it does not go with a critic's head."""
        if head not in self.heads:
            heads = " or ".join(sorted(self.heads))
            raise InputError(
                f"objective '{self.name}' does not go with head '{head}'; use head {heads}, or objective auto"
            )
