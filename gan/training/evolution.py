"""How the same images come into being as training goes on."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ..batch import checked_labels
from ..randomness import Stream
from ..sampling import sample_images
from .callbacks import Callback

if TYPE_CHECKING:
    from .finite import Losses
    from .trainer import Trainer


class Evolution(Callback):
    """Hands images of the same latent vectors to a function, after some steps; of the averaged generator.

    Arguments:
        steps: after which; 0 is before training.
        report: called with the step and the images, uint8 (n, c, H, W).
        n: how many images.
        labels: of a conditional generator, the class of each, integers (n,).
    """

    def __init__(
        self,
        steps: Collection[int],
        report: Callable[[int, np.ndarray], None],
        n: int = 16,
        labels: np.ndarray | None = None,
    ) -> None:
        if n < 1:
            raise InputError(f"an evolution of {n} images; must be at least 1")
        self.steps, self.report, self.n, self.labels = frozenset(steps), report, n, labels

    def start(self, trainer: "Trainer") -> None:
        checked_labels(self.labels, self.n, trainer.architecture.classes, f"the evolution of {self.n} images")
        if trainer.step == 0:
            self._show(trainer)

    def step(self, trainer: "Trainer", losses: "Losses") -> None:
        self._show(trainer)

    def _show(self, trainer: "Trainer") -> None:
        if trainer.step in self.steps:
            images = sample_images(
                trainer.ema.network, self.n, trainer.seed, labels=self.labels, stream=Stream.EVOLUTION
            )
            self.report(trainer.step, images)
