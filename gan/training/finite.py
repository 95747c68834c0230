"""The watch over training: losses and weights that are no longer finite numbers end it, with the step's number."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ...errors import InputError

LOOK_EVERY = 16  # steps; looking at a loss makes a GPU wait


class TrainingError(InputError):
    """Training has diverged, for want of better settings: losses or weights are no longer finite numbers."""


class Losses(NamedTuple):
    """The losses of one step, scalars on the training device; `.item()` makes a GPU wait.

    Arguments:
        critic: the critic's loss.
        generator: the generator's loss.
        real_accuracy: share of the real images whose class the critic told; None where it tells none.
        fake_accuracy: share of the generated images that it took for the class that was asked for.
    """

    critic: Tensor
    generator: Tensor
    real_accuracy: Tensor | None = None
    fake_accuracy: Tensor | None = None


class LossWatch:
    """Collects losses and looks at them every few steps."""

    def __init__(self) -> None:
        self._unseen: list[tuple[int, Losses]] = []

    def add(self, step: int, losses: Losses) -> None:
        """Take the losses of a step; TrainingError as `look`."""
        self._unseen.append((step, losses))
        if len(self._unseen) >= LOOK_EVERY:
            self.look()

    def look(self) -> None:
        """Raise TrainingError if a loss since the last look was not finite."""
        unseen, self._unseen = self._unseen, []
        if not unseen:
            return
        pairs = [torch.stack((losses.critic, losses.generator)) for _, losses in unseen]
        values = torch.stack(pairs).tolist()  # one transfer for all
        for (step, _), (critic, generator) in zip(unseen, values, strict=True):
            if not (math.isfinite(critic) and math.isfinite(generator)):
                raise _diverged(f"in step {step} the critic's loss is {critic:g} and the generator's {generator:g}")


def require_finite(step: int, weights: Mapping[str, Tensor]) -> None:
    """Raise TrainingError if a weight is not finite: the losses of a step are computed before its update."""
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise _diverged(f"after step {step} the weights {name} are not finite")


def _diverged(what: str) -> TrainingError:
    return TrainingError(f"training has diverged: {what}; use a lower learning rate or precision 32")
