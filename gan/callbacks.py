"""What happens beside training, by event: metrics, checkpoints, progress.

Callbacks run in the order in which the trainer got them. Metrics belong before Checkpoints: then a killed run never has
a checkpoint whose metrics are missing.
"""

import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..files import new_file, sweep
from . import checkpoint

if TYPE_CHECKING:
    from .finite import Losses
    from .trainer import Trainer


class Callback:
    """Does nothing at every event; a subclass overrides the events that it is about."""

    def start(self, trainer: "Trainer") -> None:
        """Training begins or goes on; `trainer.step` steps are complete."""

    def step(self, trainer: "Trainer", losses: "Losses") -> None:
        """A step is complete and counted in `trainer.step`."""

    def stop(self, trainer: "Trainer") -> None:
        """Training ends, complete or interrupted, between two steps. Not called after an error."""


@dataclass(frozen=True)
class Reading:
    """The state of training after a step.

    Arguments:
        step: steps completed.
        critic_loss: the critic's loss in this step.
        generator_loss: the generator's loss in this step.
        images_per_second: real images learned from per second, since the reading before.
        seconds: time spent training since the first step, interruptions left out.
    """

    step: int
    critic_loss: float
    generator_loss: float
    images_per_second: float
    seconds: float


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
        now = time.perf_counter()
        speed = (trainer.images - self._last_images) / max(now - self._last_time, 1e-9)
        self._last_time, self._last_images = now, trainer.images
        self.report(Reading(trainer.step, critic_loss, generator_loss, speed, now - self._began))


class Metrics(Progress):
    """Appends a Reading to a CSV file, every few steps.

    A resumed run first drops the rows beyond its checkpoint, and a last row that was cut, so that every step stands in
    the file once.

    Arguments:
        path: the file, with a header row.
        every: steps between two rows.
    """

    HEADER = tuple(field.name for field in fields(Reading))

    def __init__(self, path: Path, every: int = 10) -> None:
        super().__init__(self._append, every)
        self.path = path

    def start(self, trainer: "Trainer") -> None:
        rows = [row for row in self._rows() if row.step <= trainer.step]
        self._seconds_before = rows[-1].seconds if rows else 0.0
        with checkpoint.writing(self.path), new_file(self.path) as file:
            file.writelines([",".join(self.HEADER) + "\n", *map(_line, rows)])
        super().start(trainer)

    def _rows(self) -> list[Reading]:
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):  # cut by a kill in the middle of writing
            lines.pop()
        if not lines:
            return []
        if tuple(lines[0].rstrip("\n").split(",")) != self.HEADER:
            raise InputError(f"{self.path}: line 1 is not {','.join(self.HEADER)!r}; rename or delete this file")
        try:
            return [_reading(line) for line in lines[1:]]
        except ValueError as error:
            raise InputError(f"{self.path}: {error}; rename or delete this file") from None

    def _append(self, reading: Reading) -> None:
        row = replace(reading, seconds=self._seconds_before + reading.seconds)
        with checkpoint.writing(self.path), self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(_line(row))


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


def _line(reading: Reading) -> str:
    step, critic_loss, generator_loss, speed, seconds = astuple(reading)
    return f"{step},{critic_loss:.9g},{generator_loss:.9g},{speed:.1f},{seconds:.3f}\n"  # 9 digits: all of a float32


def _reading(line: str) -> Reading:
    try:
        step, critic_loss, generator_loss, speed, seconds = line.split(",")
        return Reading(int(step), float(critic_loss), float(generator_loss), float(speed), float(seconds))
    except ValueError:
        raise ValueError(f"{line.rstrip()!r} is not a row of this file") from None
