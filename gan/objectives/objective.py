"""What an objective is: the losses of one step, and what the trainer has to know about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from ...errors import InputError
from ..networks.modules import Judgement, Networks


@dataclass
class Step:
    """One batch, real and generated, for the losses to be computed on.

    Arguments:
        networks: the generator and the critics.
        real: real images (N, c, H, W) in [-1, 1].
        fake: generated images (N, c, H, W); in the critics' losses detached from the generator.
        labels: (N,) of the real images, and the classes asked of the generated ones; None without classes.
        random: for penalties; keyed by seed and batch, the same in every process.
        rank, ranks: number of this process and of all that share the batch.
        wrapped: the same networks in wrappers that average gradients over the processes; None where weights get none.
        figures: scalars to report beside the losses, by name, such as the accuracy of a class head; losses write here.
    """

    networks: Networks
    real: Tensor
    fake: Tensor
    labels: Tensor | None
    random: torch.Generator
    rank: int = 0
    ranks: int = 1
    wrapped: Networks | None = None
    figures: dict[str, Tensor] = field(default_factory=dict)

    def judge(self, critic: str, images: Tensor) -> Judgement:
        """Let a critic judge images (N, c, H, W) as ones of the step's classes."""
        return (self.wrapped or self.networks).critics[critic](images, self.labels)

    def uniform(self) -> Tensor:
        """Draw a number from [0, 1) for each image (N,): every process its share of one draw for the whole batch."""
        drawn = torch.rand(len(self.real) * self.ranks, generator=self.random)
        return drawn[self.rank :: self.ranks].to(self.real.device)


class Objective(Protocol):
    """The losses of the critics and of the generator.

    An objective is a frozen dataclass of its options; real and generated images pass the critics separately, so that
    each batch is normalized by its own statistics.

    Arguments:
        name: in recipes and in the table of objectives.
        heads: the critic heads that it works with.
        per_sample: whether it needs critics that judge each image by itself, without statistics over the batch.
        critic_steps: updates of the critics, each on a batch of its own, for every update of the generator.
        floor: lower bound of the critic's loss; None = unbounded.
        betas: of Adam, for all networks.
        figures: names of what the losses report beside themselves.
    """

    name: ClassVar[str]
    heads: ClassVar[frozenset[str]]
    per_sample: ClassVar[bool]
    betas: ClassVar[tuple[float, float]]
    figures: ClassVar[tuple[str, ...]]

    @property
    def critic_steps(self) -> int:
        """Updates of the critics for every update of the generator."""

    @property
    def floor(self) -> float | None:
        """Lower bound of the critic's loss; None = unbounded."""

    def critic_losses(self, step: Step) -> dict[str, Tensor]:
        """Return a loss (scalar) for each critic, by the critic's name; each critic is updated by its own."""

    def generator_loss(self, step: Step) -> Tensor:
        """Return the generator's loss (a scalar); the critics' weights take no gradient from it."""

    def state(self) -> Mapping[str, Any]:
        """Return its options as JSON values: kept in checkpoints, and required when training is resumed."""


def require_head(objective: Objective, head: str) -> None:
    """Raise InputError when an objective does not go with a critic's head."""
    if head not in objective.heads:
        heads = " or ".join(sorted(objective.heads))
        raise InputError(
            f"objective '{objective.name}' does not go with head '{head}'; use head {heads}, or objective auto"
        )
