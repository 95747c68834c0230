"""Callbacks beside training: metrics, progress, checkpoints, evolution of fixed samples, stopping by a score.

Metrics belong before Checkpoints: then a killed run never has a checkpoint whose metrics are missing.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...files import new_file, sweep
from ..batch import checked_labels
from ..networks.modules import Generator
from ..randomness import Stream
from ..sampling import sample_images
from . import checkpoint
from .trainer import Callback, Losses, Trainer

Row = dict[str, Any]


class Progress(Callback):
    """Passes readings to a function, every few steps; on a GPU each call waits for the step to finish.

    A reading has step, NAME_loss of each critic and of the generator, the objective's figures, images_per_second since
    the reading before, and seconds.
    """

    def __init__(self, report: Callable[[Row], None], every: int = 10) -> None:
        self.report, self.every = report, every

    def start(self, trainer: Trainer) -> None:
        """Start the clock."""
        self._began = self._last_time = time.perf_counter()
        self._last_images = trainer.images

    def step(self, trainer: Trainer, losses: Losses) -> None:
        """Read the losses, every few steps."""
        if trainer.step % self.every:
            return
        figures = trainer.objective.figures
        row: Row = {name if name in figures else f"{name}_loss": loss.item() for name, loss in losses.items()}
        now = time.perf_counter()
        speed = (trainer.images - self._last_images) / max(now - self._last_time, 1e-9)
        self._last_time, self._last_images = now, trainer.images
        self.report(row | {"step": trainer.step, "images_per_second": speed, "seconds": now - self._began})


class Metrics(Progress):
    """Appends readings to a CSV file, every few steps; a resumed run drops the rows that it will write again."""

    def __init__(self, path: Path, every: int = 10) -> None:
        super().__init__(self._append, every)
        self.path = path

    def start(self, trainer: Trainer) -> None:
        """Drop the rows that will be written again."""
        losses = [f"{name}_loss" for name in (*trainer.networks.critics, "generator")]
        columns = {"step": int} | dict.fromkeys([*losses, "images_per_second", "seconds"], float)
        columns |= dict.fromkeys(trainer.objective.figures, float)
        self._table = Table(self.path, columns)
        rows = self._table.rewind(trainer.step)
        self._seconds_before = rows[-1]["seconds"] if rows else 0.0
        super().start(trainer)

    def _append(self, row: Row) -> None:
        timed = {"images_per_second": row["images_per_second"], "seconds": self._seconds_before + row["seconds"]}
        self._table.append(row | {name: round(value, 3) for name, value in timed.items()})


class Checkpoints(Callback):
    """Saves the training every few steps and when it stops; the newest few checkpoints remain."""

    def __init__(self, folder: Path, every: int = 500, keep: int = 3) -> None:
        self.folder, self.every, self.keep = folder, every, keep

    def start(self, trainer: Trainer) -> None:
        """Remove what a kill left half-written, and refuse the folder of a run that is further on."""
        sweep(self.folder)
        newest = checkpoint.latest(self.folder)
        self._saved_step = int(newest.name) if newest else 0
        if self._saved_step > trainer.step:
            raise InputError(f"{newest}: is ahead of this run (step {trainer.step}); resume it, or use another folder")

    def step(self, trainer: Trainer, losses: Losses) -> None:
        """Save, every few steps."""
        if trainer.step % self.every == 0:
            self._save(trainer)

    def stop(self, trainer: Trainer) -> None:
        """Save the last step."""
        if trainer.step != self._saved_step:
            self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        checkpoint.save(trainer.snapshot(), self.folder, self.keep)
        self._saved_step = trainer.step


class Evolution(Callback):
    """Passes images of the same latent vectors to a function, after some steps; of the averaged generator.

    Arguments:
        steps: after which; 0 is before training.
        report: called with the step and the images, uint8 (n, c, H, W).
        n, labels: number of images; of a conditional generator the class of each, integers (n,).
    """

    def __init__(
        self,
        steps: Sequence[int],
        report: Callable[[int, np.ndarray], None],
        n: int = 16,
        labels: np.ndarray | None = None,
    ) -> None:
        self.steps, self.report, self.n, self.labels = steps, report, n, labels

    def start(self, trainer: Trainer) -> None:
        """Generate before the first step."""
        checked_labels(self.labels, self.n, trainer.architecture.classes, f"the evolution of {self.n} images")
        if trainer.step == 0:
            self.step(trainer, {})

    def step(self, trainer: Trainer, losses: Losses) -> None:
        """Generate after the chosen steps."""
        if trainer.step in self.steps:
            network, stream = trainer.ema.network, Stream.EVOLUTION
            self.report(trainer.step, sample_images(network, self.n, trainer.seed, labels=self.labels, stream=stream))


class Stopping(Callback):
    """Scores the averaged generator every few steps, keeps the best checkpoint, and ends training when none is better.

    The scores stand in a CSV file beside the folder of the best checkpoint, with its name and .csv.
    Source: Piacentino et al., section 4.7.

    Arguments:
        score: of a generator in eval mode, lower is better; the same generator must get the same score.
        every, patience: steps between two scores, and how many scores without a better one end training.
        best: the folder in which the best checkpoint lies.
        report: called with the step and the score of each.
    """

    def __init__(
        self,
        score: Callable[[Generator], float],
        every: int,
        patience: int,
        best: Path,
        report: Callable[[int, float], None],
    ) -> None:
        self.score, self.every, self.patience, self.best, self.report = score, every, patience, best, report
        self._table = Table(best.with_name(f"{best.name}.csv"), {"step": int, "score": float, "restarts": int})
        self._best: Row | None = None

    def start(self, trainer: Trainer) -> None:
        """Read the scores so far; a run that had ended ends again."""
        rows = self._table.rewind(trainer.step, trainer.restarts)
        self._best = min(rows, key=lambda row: row["score"], default=None)
        self._end(trainer)

    def step(self, trainer: Trainer, losses: Losses) -> None:
        """Score, every few steps."""
        if trainer.step % self.every:
            return
        score = float(self.score(trainer.ema.network))
        if not math.isfinite(score):
            raise InputError(f"the score at step {trainer.step} is {score}; must be a finite number to stop by")
        row: Row = {"step": trainer.step, "score": score, "restarts": trainer.restarts}
        if self._best is None or score < self._best["score"]:
            self._best = row
            checkpoint.save(trainer.snapshot(), self.best, keep=2)
            checkpoint.discard(self.best, lambda step: step != trainer.step)
        self._table.append(row)  # after the checkpoint: a killed run never has a best score without it
        self.report(trainer.step, score)
        self._end(trainer)

    def _end(self, trainer: Trainer) -> None:
        best = self._best
        if best is not None and trainer.step - best["step"] >= self.patience * self.every:
            trainer.finish(f"no score in {self.patience} since step {best['step']} was below its {best['score']:.4g}")


@dataclass(frozen=True)
class Table:
    """A CSV file that grows with training, and is cut back to where a resumed or rolled back run goes on.

    Rows with a column `restarts` stay when training was rolled back: they document what led to it.

    Raises:
        InputError: the file is not such a table, or cannot be written.
    """

    path: Path  # the file, with a header row
    # type of each column: int, str, float, or float | None; floats are written with all of their digits
    columns: Mapping[str, Any]

    def rewind(self, step: int, restarts: int = 0) -> list[Row]:
        """Drop the rows that training will write again after a step, and a last row that was cut; return the others."""
        # rows without restarts count as of the present one
        rows = [row for row in self._read() if (row.get("restarts", restarts), row["step"]) <= (restarts, step)]
        with checkpoint.writing(self.path), new_file(self.path) as file:
            file.writelines([",".join(self.columns) + "\n", *map(self._line, rows)])
        return rows

    def append(self, row: Row) -> None:
        """Write one more row."""
        with checkpoint.writing(self.path), self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(self._line(row))

    def _read(self) -> list[Row]:
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        header, *lines = text.split("\n")[:-1] or [",".join(self.columns)]  # the last was cut by a kill, or is empty
        if header.split(",") != list(self.columns):
            raise InputError(f"{self.path}: line 1 is not {','.join(self.columns)!r}; rename or delete this file")
        return [self._row(line) for line in lines]

    def _row(self, line: str) -> Row:
        try:
            words = zip(self.columns.items(), line.split(","), strict=True)
            return {name: _value(word, kind) for (name, kind), word in words}
        except ValueError:
            raise InputError(f"{self.path}: {line!r} is not a row of this file; rename or delete this file") from None

    def _line(self, row: Row) -> str:
        return ",".join("" if row[name] is None else str(row[name]) for name in self.columns) + "\n"


def _value(word: str, kind: Any) -> Any:
    if kind in (int, str):
        return kind(word)
    return None if kind is not float and not word else float(word)
