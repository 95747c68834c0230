"""Monitor of the generated images: notices failures that the losses do not show, and stops or rolls back."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, get_type_hints

import numpy as np
import torch

from ...errors import InputError
from ..randomness import Stream, latents
from ..sampling import classify, images_of
from . import checkpoint
from .callbacks import Table
from .checkpoint import Snapshot
from .signs import Check, between_classes, events, last_healthy, varieties, with_spread
from .trainer import Callback, Losses, Trainer, TrainingError

ROLLBACKS = 3  # at most; another failure then stops training
IMAGES = 32  # generated and real ones that a check compares


class Monitor(Callback):
    """Checks the generated images every few steps, records the checks, and acts when training fails.

    It does not influence training: the images are of latent vectors of its own. An event is reported when it
    begins, and again only after it had ended.

    Arguments:
        path: of the table of checks, a CSV file with the columns of signs.Check.
        action: on an event. "go_on" only reports it; "stop" ends training in order; "rollback" restarts from the
            newest checkpoint before the first sign, with other batches and latents; after three restarts it stops.
            Losses that are not finite end training with TrainingError unless it can roll back.
        report: called with each event: its step, its kind (collapse, stuck, one_class, discriminator_won or
            not_finite), and a sentence of evidence.
        every: steps between two checks.
        checkpoints: the folder of Checkpoints, which "rollback" needs.
    """

    def __init__(
        self,
        path: Path,
        action: Literal["go_on", "stop", "rollback"],
        report: Callable[[int, str, str], None],
        every: int = 25,
        checkpoints: Path | None = None,
    ) -> None:
        if action == "rollback" and checkpoints is None:
            raise InputError("the monitor's action 'rollback' needs checkpoints to restart from; use 'stop' without")
        self.action, self.report, self.every, self.checkpoints = action, report, every, checkpoints
        self._table = Table(path, get_type_hints(Check))
        self._checks: list[Check] = []

    def start(self, trainer: Trainer) -> None:
        """Read the checks so far, and act on an event that had just begun when the run was killed or stopped."""
        rows = [Check(**row) for row in self._table.rewind(trainer.step, trainer.restarts)]
        self._checks = _present(rows, trainer.step)
        if self.action == "rollback" and self.checkpoints and checkpoint.latest(self.checkpoints) is None:
            checkpoint.save(trainer.snapshot(), self.checkpoints)  # so that a rollback is always possible
        if self._checks and self._checks[-1].step == trainer.step:
            self._act(trainer, events(self._checks))

    def step(self, trainer: Trainer, losses: Losses) -> None:
        """Check, every few steps."""
        if trainer.step % self.every:
            return
        check = with_spread(self._checks, check_of(trainer, losses))
        if not math.isfinite(check.critic_loss + check.generator_loss + check.gradient):
            trainer.snapshot()  # raises the TrainingError that is due within the next steps anyway
        before = events(self._checks)
        self._checks.append(check)
        begun = {kind: evidence for kind, evidence in events(self._checks).items() if kind not in before}
        self._checks[-1] = replace(check, event="+".join(begun))
        self._table.append(asdict(self._checks[-1]))
        for kind, evidence in begun.items():
            self.report(trainer.step, kind, evidence)
        self._act(trainer, begun)

    def failed(self, trainer: Trainer, error: TrainingError) -> None:
        """Record and report losses or weights that are not finite."""
        empty = dict.fromkeys(get_type_hints(Check), math.nan) | {"step": trainer.step, "restarts": trainer.restarts}
        optional = dict.fromkeys(("between_classes", "largest_class", "skill"))
        self._table.append(empty | optional | {"event": "not_finite"})
        self.report(trainer.step, "not_finite", str(error))
        self._try_to_roll_back(trainer)

    def _act(self, trainer: Trainer, begun: dict[str, str]) -> None:
        if begun and self.action != "go_on" and not self._try_to_roll_back(trainer):
            trainer.finish("; ".join(f"{kind} at step {trainer.step}: {evidence}" for kind, evidence in begun.items()))

    def _try_to_roll_back(self, trainer: Trainer) -> bool:
        """Roll back if that is allowed; return whether it was."""
        may = self.action == "rollback" and trainer.restarts < ROLLBACKS
        if may:
            trainer.roll_back(self._load_healthy)
        return may

    def _load_healthy(self) -> Snapshot:
        """Read the newest healthy checkpoint, and delete those after it: a resumed run must not start from them."""
        assert self.checkpoints is not None
        healthy = last_healthy(self._checks)
        folders = [folder for folder in checkpoint.complete(self.checkpoints) if int(folder.name) <= healthy]
        if not folders:
            raise InputError(
                f"{self.checkpoints}: training failed, and no checkpoint is left from step {healthy} or before, when "
                "it was healthy; keep more checkpoints, or use the monitor's action 'stop'"
            )
        snapshot = checkpoint.load(folders[-1])
        checkpoint.discard(self.checkpoints, lambda step: step > snapshot.step)
        return snapshot


def check_of(trainer: Trainer, losses: Losses) -> Check:
    """Return the check after a step, without the spread, which depends on earlier checks."""
    assert trainer.batch is not None
    classes = trainer.architecture.classes
    images = _generated(trainer)  # (K, n, c, H, W)
    real, labels = np.asarray(torch.as_tensor(trainer.batch.images[:IMAGES]).cpu()), trainer.batch.labels
    variety = float(np.mean([varieties(of_class) for of_class in images]))
    real_variety = varieties(real, None if labels is None else labels[:IMAGES])
    gradients = [weight.grad for weight in trainer.networks.generator.parameters() if weight.grad is not None]
    critic_loss, floor = sum(losses[name].item() for name in trainer.networks.critics), trainer.objective.floor
    return Check(
        trainer.step,
        variety,
        real_variety,
        variety / real_variety if real_variety else 1.0,
        critic_loss,
        None if floor is None else critic_loss - floor,
        losses["generator"].item(),
        spread=0.0,
        gradient=torch.nn.utils.get_total_norm(gradients).item(),
        restarts=trainer.restarts,
        **(_class_signs(trainer, images, losses, variety) if classes else {}),
    )


def _class_signs(trainer: Trainer, images: np.ndarray, losses: Losses, variety: float) -> dict[str, Any]:
    between = between_classes(images)
    signs = {"between_classes": between / variety if variety else float(between > 0)}
    if trainer.architecture.head == "auxiliary" and trainer.batch is not None and trainer.batch.labels is not None:
        critic = next(iter(trainer.networks.critics.values()))
        predicted = classify(critic, images.reshape(-1, *images.shape[2:])).argmax(1)
        signs["largest_class"] = float(np.bincount(predicted).max() / len(predicted))
        commonest = np.bincount(trainer.batch.labels).max() / len(trainer.batch.labels)
        accuracy = losses["real_accuracy"].item()
        signs["skill"] = float((accuracy - commonest) / (1 - commonest)) if commonest < 1 else 0.0
    return signs


def _generated(trainer: Trainer) -> np.ndarray:
    """Images of the same few latent vectors in every class, uint8 (K, n, c, H, W)."""
    classes = max(trainer.architecture.classes, 1)
    each = max(IMAGES // classes, 2)
    latent = latents(trainer.seed, Stream.MONITOR, 0, each, trainer.architecture.latent_dim)
    labels = torch.arange(classes).repeat_interleave(each) if trainer.architecture.classes else None
    images = images_of(trainer.networks.generator, latent.repeat(classes, 1), labels)
    return images.reshape(classes, each, *images.shape[1:])


def _present(rows: Sequence[Check], step: int) -> list[Check]:
    """Of all rows, in the order of writing, return those that led to a step, without rolled back ones."""
    checks: list[Check] = []
    for row in reversed(rows):
        if row.step < (checks[-1].step if checks else step + 1):
            checks.append(row)
    return checks[::-1]
