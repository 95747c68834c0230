"""The watch over what training makes: notices failures that the losses do not show, and stops or goes back."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...errors import InputError, nearest
from ..judging import classify
from ..randomness import Stream, latents
from ..sampling import images_of
from . import checkpoint
from .callbacks import Callback
from .rows import Rows
from .signs import Check, between_classes, events, last_healthy, varieties, with_spread

if TYPE_CHECKING:
    from .finite import Losses, TrainingError
    from .snapshot import Snapshot
    from .trainer import Trainer

ACTIONS = ("go_on", "stop", "rollback")
ROLLBACKS = 3  # at most; another failure then stops training
IMAGES = 32  # generated and real ones that a check compares


@dataclass(frozen=True)
class Event:
    """A failure of training that began.

    Arguments:
        step: steps completed.
        kind: collapse, stuck, one_class, discriminator_won or not_finite.
        evidence: a sentence with the numbers.
    """

    step: int
    kind: str
    evidence: str


class Monitor(Callback):
    """Looks at the generated images every few steps, writes down what it saw, and acts when training fails.

    It changes nothing about training: the images are of latent vectors of its own. An event is reported when it
    begins, and again only after it had ended.

    Arguments:
        path: of the table of checks, a CSV file; what its columns are says signs.Check.
        action: on an event. "go_on" only reports it; "stop" ends training in order; "rollback" goes back to the newest
            checkpoint from before the first sign, and on from there with other batches and latents; after three times
            it stops. Losses that are not finite end training with TrainingError unless it can go back.
        report: called with each event.
        every: steps between two checks.
        checkpoints: the folder of Checkpoints, to go back to; "rollback" needs it.

    Raises:
        InputError: another action, "rollback" without checkpoints, or an interval below 1.
    """

    def __init__(
        self,
        path: Path,
        action: str,
        report: Callable[[Event], None],
        every: int = 25,
        checkpoints: Path | None = None,
    ) -> None:
        if action not in ACTIONS:
            raise InputError(f"action {action!r} of the monitor is not known{nearest(action, ACTIONS)}")
        if action == "rollback" and checkpoints is None:
            raise InputError("the monitor's action 'rollback' needs checkpoints to go back to; use 'stop' without")
        if every < 1:
            raise InputError(f"every {every} must be at least 1 step")
        self.path, self.action, self.report, self.every, self.checkpoints = path, action, report, every, checkpoints
        self._rows = Rows(path, Check)
        self._line: list[Check] = []

    def start(self, trainer: "Trainer") -> None:
        self._line = _present(self._rows.rewind(trainer.step, trainer.detour), trainer.step)
        if self.action == "rollback" and self.checkpoints and checkpoint.latest(self.checkpoints) is None:
            checkpoint.save(trainer.snapshot(), self.checkpoints)  # so that there always is a way back
        if self._line and self._line[-1].step == trainer.step:  # killed or stopped when it had just begun to fail
            self._act(trainer, [Event(trainer.step, *found) for found in events(self._line).items()])

    def step(self, trainer: "Trainer", losses: "Losses") -> None:
        if trainer.step % self.every:
            return
        check = self._rows.as_written(with_spread(self._line, look(trainer, losses)))
        if not math.isfinite(check.critic_loss + check.generator_loss + check.gradient):
            trainer.snapshot()  # raises the TrainingError that is due within the next steps anyway
        before = events(self._line)
        self._line.append(check)
        begun = {kind: evidence for kind, evidence in events(self._line).items() if kind not in before}
        self._line[-1] = replace(check, event="+".join(begun))
        self._rows.append(self._line[-1])
        found = [Event(trainer.step, kind, evidence) for kind, evidence in begun.items()]
        for event in found:
            self.report(event)
        self._act(trainer, found)

    def failed(self, trainer: "Trainer", error: "TrainingError") -> None:
        nan = math.nan
        row = Check(trainer.step, nan, nan, nan, nan, nan, nan, nan, nan, event="not_finite", detour=trainer.detour)
        self._rows.append(row)
        self.report(Event(trainer.step, "not_finite", str(error)))
        if self._can_go_back(trainer):
            trainer.go_back(self._way_back)

    def _act(self, trainer: "Trainer", found: Sequence[Event]) -> None:
        if not found or self.action == "go_on":
            return
        if self._can_go_back(trainer):
            trainer.go_back(self._way_back)
        else:
            trainer.finish("; ".join(f"{event.kind} at step {event.step}: {event.evidence}" for event in found))

    def _can_go_back(self, trainer: "Trainer") -> bool:
        return self.action == "rollback" and trainer.detour < ROLLBACKS

    def _way_back(self) -> "Snapshot":
        """Read the newest healthy checkpoint, and delete those after it: a resumed run must not start from them."""
        assert self.checkpoints is not None
        healthy = last_healthy(self._line)
        folders = [folder for folder in checkpoint.complete(self.checkpoints) if int(folder.name) <= healthy]
        if not folders:
            raise InputError(
                f"{self.checkpoints}: training failed, and no checkpoint is left from step {healthy} or before, when "
                "it was healthy; keep more checkpoints, or use the monitor's action 'stop'"
            )
        snapshot = checkpoint.load(folders[-1])
        checkpoint.discard(self.checkpoints, lambda step: step > snapshot.step)
        return snapshot


def look(trainer: "Trainer", losses: "Losses") -> Check:
    """Take a look at the trainer after a step; the spread is left open."""
    assert trainer.batch is not None
    classes = trainer.architecture.classes
    images = _generated(trainer)  # (K, n, c, H, W)
    real, labels = np.asarray(torch.as_tensor(trainer.batch.images[:IMAGES]).cpu()), trainer.batch.labels
    variety = float(np.mean([varieties(of_class) for of_class in images]))
    real_variety = varieties(real, None if labels is None else labels[:IMAGES])
    critic_loss = losses.critic.item()
    return Check(
        trainer.step,
        variety,
        real_variety,
        variety / real_variety if real_variety else 1.0,
        critic_loss,
        critic_loss - trainer.objective.least_critic_loss,
        losses.generator.item(),
        spread=0.0,
        gradient=_gradient(trainer.generator),
        detour=trainer.detour,
        **(_class_signs(trainer, images, losses, variety) if classes else {}),
    )


def _class_signs(trainer: "Trainer", images: np.ndarray, losses: "Losses", variety: float) -> dict[str, Any]:
    between = between_classes(images)
    signs = {"between_classes": between / variety if variety else float(between > 0)}
    if losses.real_accuracy is not None and trainer.batch is not None and trainer.batch.labels is not None:
        told = classify(trainer.discriminator, images.reshape(-1, *images.shape[2:])).argmax(1)
        signs["largest_class"] = float(np.bincount(told).max() / len(told))
        commonest = np.bincount(trainer.batch.labels).max() / len(trainer.batch.labels)
        signs["skill"] = float((losses.real_accuracy.item() - commonest) / (1 - commonest)) if commonest < 1 else 0.0
    return signs


def _generated(trainer: "Trainer") -> np.ndarray:
    """Images of the same few latent vectors in every class, uint8 (K, n, c, H, W)."""
    classes = max(trainer.architecture.classes, 1)
    each = max(IMAGES // classes, 2)
    latent = latents(trainer.seed, Stream.MONITOR, 0, each, trainer.architecture.latent_dim)
    labels = torch.arange(classes).repeat_interleave(each) if trainer.architecture.classes else None
    images = images_of(trainer.generator, latent.repeat(classes, 1), labels)
    return images.reshape(classes, each, *images.shape[1:])


def _gradient(network: torch.nn.Module) -> float:
    norms = [weight.grad.norm() for weight in network.parameters() if weight.grad is not None]
    return torch.stack(norms).norm().item() if norms else 0.0


def _present(rows: Sequence[Check], step: int) -> list[Check]:
    """Of all rows in the order of writing, those that led to where training stands at a step: no left course."""
    line: list[Check] = []
    for row in reversed(rows):
        if row.step < (line[-1].step if line else step + 1):
            line.append(row)
    return line[::-1]
