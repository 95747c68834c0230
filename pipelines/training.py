"""Steps 3 and 4 as a recipe says them: networks, objective and trainer, put together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..gan import (
    BinaryCrossEntropy,
    Callback,
    Checkpoints,
    Discriminator,
    Generator,
    Metrics,
    Progress,
    Reading,
    Trainer,
    TrainerSettings,
    latest,
    load,
)
from .batches import Batches
from .progress import Advance
from .recipe import Recipe

PROGRESS_EVERY = 5  # steps


def new_trainer(
    recipe: Recipe, image_shape: tuple[int, int, int], batches: Batches, callbacks: Sequence[Callback] = ()
) -> Trainer:
    """A trainer of the recipe's networks, untrained."""
    settings = TrainerSettings(
        learning_rate=recipe.learning_rate,
        ema_decay=recipe.ema_decay,
        seed=recipe.seed,
        device=recipe.device,
        precision=recipe.precision,
    )
    return Trainer(
        Generator(image_shape, recipe.latent_dim, recipe.widths, recipe.seed),
        Discriminator(image_shape, recipe.widths, recipe.seed),
        BinaryCrossEntropy(recipe.real_label),
        batches,
        settings,
        callbacks,
    )


def callbacks_of(recipe: Recipe, checkpoints: Path, metrics: Path, advance: Advance) -> list[Callback]:
    """What happens beside the training of a run: metrics.csv, checkpoints, progress."""
    return [
        Metrics(metrics, recipe.metrics_every),
        Checkpoints(checkpoints, recipe.checkpoint_every),
        showing(advance),
    ]


def showing(advance: Advance) -> Callback:
    """A callback that shows speed and losses as the progress of a task."""

    def show(reading: Reading) -> None:
        losses = f"loss D {reading.critic_loss:.2f} G {reading.generator_loss:.2f}"
        advance(reading.step, f"{reading.images_per_second:.0f} images/s, {losses}")

    return Progress(show, PROGRESS_EVERY)


def resume(trainer: Trainer, checkpoints: Path) -> None:
    """Take the trainer to the newest checkpoint, if there is one."""
    newest = latest(checkpoints)
    if newest is not None:
        trainer.restore(load(newest))


def with_hardware(recipe: Recipe) -> Recipe:
    """The recipe with precision 'auto' resolved: bf16 on a GPU or a processor with bf16 matrix units, else 32."""
    if recipe.precision != "auto":
        return recipe
    if recipe.device != "cpu" and torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported()
    else:
        # absent from older torch: then 32
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        fast = bool(capabilities.get("amx_bf16"))
    return recipe.changed({"precision": "bf16" if fast else "32"})


def newest_checkpoint(folder: Path, checkpoints: Path) -> Path:
    """The checkpoint to sample from.

    Raises:
        InputError: not trained yet.
    """
    newest = latest(checkpoints)
    if newest is None:
        raise InputError(f"{folder}: not trained yet (no checkpoint in {checkpoints}); run `anonimage train {folder}`")
    return newest
