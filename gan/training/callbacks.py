"""What happens beside training, by event: metrics, checkpoints, progress.

Callbacks run in the order in which the trainer got them. Metrics belong before Checkpoints: then a killed run never has
a checkpoint whose metrics are missing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...files import sweep
from . import checkpoint
from .rows import Rows, header

if TYPE_CHECKING:
    from .finite import Losses, TrainingError
    from .trainer import Trainer


class Callback:
    """Does nothing at every event; a subclass overrides the events that it is about."""

    def start(self, trainer: "Trainer") -> None:
        """Training begins, goes on, or went back; `trainer.step` steps are complete."""

    def step(self, trainer: "Trainer", losses: "Losses") -> None:
        """A step is complete and counted in `trainer.step`."""

    def stop(self, trainer: "Trainer") -> None:
        """Training ends, complete, finished or interrupted, between two steps. Not called after an error."""

    def failed(self, trainer: "Trainer", error: "TrainingError") -> None:
        """Losses or weights are not finite; the error is raised unless a callback lets `trainer.go_back`."""


@dataclass(frozen=True)
class Reading:
    """The state of training after a step.

    Arguments:
        step: steps completed.
        critic_loss: the critic's loss in this step.
        generator_loss: the generator's loss in this step.
        images_per_second: real images learned from per second, since the reading before.
        seconds: time spent training since the first step, interruptions left out.
        real_accuracy: share of this step's real images whose class the critic told; None where it tells none.
        fake_accuracy: share of this step's generated images that it took for the class that was asked for.
    """

    step: int
    critic_loss: float
    generator_loss: float
    images_per_second: float
    seconds: float
    real_accuracy: float | None = None
    fake_accuracy: float | None = None


class Progress(Callback):
    """Hands a Reading to a function, every few steps: for progress bars.

    Arguments:
        report: what to call.
        every: steps between two calls; on a GPU each call waits for the step to finish.
    """

    def __init__(self, report: Callable[[Reading], None], every: int = 10) -> None:
        if every < 1:
            raise InputError(f"every {every} must be at least 1 step")
        self.report = report
        self.every = every

    def start(self, trainer: "Trainer") -> None:
        self._began = self._last_time = time.perf_counter()
        self._last_images = trainer.images

    def step(self, trainer: "Trainer", losses: "Losses") -> None:
        if trainer.step % self.every:
            return
        critic_loss, generator_loss = losses.critic.item(), losses.generator.item()  # waits for the device
        accuracies = (None if share is None else share.item() for share in (losses.real_accuracy, losses.fake_accuracy))
        now = time.perf_counter()
        speed = (trainer.images - self._last_images) / max(now - self._last_time, 1e-9)
        self._last_time, self._last_images = now, trainer.images
        self.report(Reading(trainer.step, critic_loss, generator_loss, speed, now - self._began, *accuracies))


class Metrics(Progress):
    """Appends a Reading to a CSV file, every few steps.

    A resumed run first drops the rows beyond its checkpoint, and a last row that was cut, so that every step stands in
    the file once.

    Arguments:
        path: the file, with a header row.
        every: steps between two rows.
    """

    HEADER = header(Reading)

    def __init__(self, path: Path, every: int = 10) -> None:
        super().__init__(self._append, every)
        self._rows = Rows(path, Reading, {"images_per_second": ".1f", "seconds": ".3f"})

    def start(self, trainer: "Trainer") -> None:
        rows = self._rows.rewind(trainer.step)
        self._seconds_before = rows[-1].seconds if rows else 0.0
        super().start(trainer)

    def _append(self, reading: Reading) -> None:
        self._rows.append(replace(reading, seconds=self._seconds_before + reading.seconds))


class Checkpoints(Callback):
    """Saves the training every few steps and when it stops.

    Arguments:
        folder: of the checkpoints; one folder is made in it for each.
        every: steps between two checkpoints.
        keep: how many of the newest remain.
    """

    def __init__(self, folder: Path, every: int = 500, keep: int = 3) -> None:
        if every < 1 or keep < 1:
            raise InputError(f"checkpoints every {every} steps, keep {keep}: both must be at least 1")
        self.folder = folder
        self.every = every
        self.keep = keep

    def start(self, trainer: "Trainer") -> None:
        sweep(self.folder)
        newest = checkpoint.latest(self.folder)
        self._saved_step = int(newest.name) if newest else 0
        if self._saved_step > trainer.step:
            raise InputError(f"{newest}: is ahead of this run (step {trainer.step}); resume it, or use another folder")

    def step(self, trainer: "Trainer", losses: "Losses") -> None:
        if trainer.step % self.every == 0:
            self._save(trainer)

    def stop(self, trainer: "Trainer") -> None:
        if trainer.step != self._saved_step:
            self._save(trainer)

    def _save(self, trainer: "Trainer") -> None:
        checkpoint.save(trainer.snapshot(), self.folder, self.keep)
        self._saved_step = trainer.step
