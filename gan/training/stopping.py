"""The end of training by a score: when it does not get better any more. Source: Piacentino et al., section 4.7."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from . import checkpoint
from .callbacks import Callback
from .rows import Rows

if TYPE_CHECKING:
    from ..networks.architecture import Generator
    from .finite import Losses
    from .trainer import Trainer


@dataclass(frozen=True)
class Scored:
    """A score of the averaged generator.

    Arguments:
        step: steps completed.
        score: lower is better.
        detour: how often training had gone back.
    """

    step: int
    score: float
    detour: int = 0


class Stopping(Callback):
    """Scores the averaged generator every few steps, keeps the best checkpoint, and ends training when none follows.

    The scores stand in a CSV file beside the folder of the best checkpoint, with its name and .csv.

    Arguments:
        score: of a generator in eval mode, lower is better; the same generator must get the same score.
        every: steps between two scores.
        patience: how many scores without a better one end training.
        best: the folder in which the best checkpoint lies.
        report: called with each score.

    Raises:
        InputError: intervals below 1; a score that is not a number.
    """

    def __init__(
        self,
        score: Callable[["Generator"], float],
        every: int,
        patience: int,
        best: Path,
        report: Callable[[Scored], None],
    ) -> None:
        if every < 1 or patience < 1:
            raise InputError(f"scores every {every} steps, patience {patience}: both must be at least 1")
        self.score, self.every, self.patience, self.best, self.report = score, every, patience, best, report
        self._rows = Rows(best.with_name(f"{best.name}.csv"), Scored, {"score": ".17g"})
        self._best: Scored | None = None

    def start(self, trainer: "Trainer") -> None:
        self._best = None
        for row in self._rows.rewind(trainer.step, trainer.detour):
            self._is_better(row)
        self._end(trainer)

    def step(self, trainer: "Trainer", losses: "Losses") -> None:
        if trainer.step % self.every:
            return
        row = Scored(trainer.step, float(self.score(trainer.ema.network)), trainer.detour)
        if not math.isfinite(row.score):
            raise InputError(f"the score at step {row.step} is {row.score}; must be a finite number to stop by")
        if self._is_better(row):
            checkpoint.save(trainer.snapshot(), self.best, keep=2)
            checkpoint.discard(self.best, lambda step: step != row.step)
        self._rows.append(row)  # after the checkpoint: a killed run never has a best score without it
        self.report(row)
        self._end(trainer)

    def _is_better(self, row: Scored) -> bool:
        better = self._best is None or row.score < self._best.score
        if better:
            self._best = row
        return better

    def _end(self, trainer: "Trainer") -> None:
        if self._best is not None and trainer.step - self._best.step >= self.patience * self.every:
            trainer.finish(
                f"no score in {self.patience} since step {self._best.step} was below its {self._best.score:.4g}"
            )
