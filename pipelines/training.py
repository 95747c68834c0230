"""Steps 3 and 4 as a recipe says them: networks, objective and trainer put together, and the training of a run."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data import TRAIN, open_store
from ..errors import InputError
from ..gan import (
    Architecture,
    AuxiliaryClassifier,
    BinaryCrossEntropy,
    Trainer,
    TrainerSettings,
    latest,
    load,
    new_discriminator,
    new_generator,
)
from .batches import REFERENCE, Batches, n_training, store_batches, training_labels
from .classes import Classes
from .codecs import load_codec
from .progress import progress, say
from .recipe import Recipe
from .run_folder import RunFolder
from .watching import callbacks_of


def train(out: Path, recipe: Recipe | None = None) -> None:
    """Steps 3 and 4: train from the newest checkpoint, or from the start, to the recipe's number of steps.

    Arguments:
        out: folder of a prepared run.
        recipe: the run's own, with other steps, device, checkpoint_every, …; None: just the run's own.
    """
    folder = RunFolder.prepared(out)
    recipe = with_hardware(recipe or folder.recipe)
    folder.refuse_other(recipe)
    store, codec = open_store(folder.store), load_codec(folder.codec_file)
    classes = Classes.from_form(codec.form)
    training = np.flatnonzero(store.frame["part"] == TRAIN)
    steps = recipe.total_steps(n_training(training_labels(store), recipe))
    batches = store_batches(store, codec, recipe)

    def reference() -> np.ndarray:
        few = np.random.default_rng(recipe.seed).permutation(training)[:REFERENCE]
        return codec.encode(store.values(few))

    with progress("train", steps) as advance:
        trainer = new_trainer(recipe, codec.image_shape, classes, batches, codec.arrangement.null)
        trainer.callbacks = callbacks_of(recipe, folder, trainer, steps, classes, reference, advance)
        resume(trainer, folder.checkpoints)
        if trainer.step > steps:
            raise InputError(f"{out}: trained to step {trainer.step} already; ask for more than that with --steps")
        recipe.save(folder.recipe_file)  # only now: a device that is not there, say, must not be remembered
        advance(trainer.step, "")
        trainer.train(steps)
    ended = f"; ended early: {trainer.finished}" if trainer.finished else ""
    say(f"trained: {trainer.step} steps, precision {recipe.precision}, on {trainer.fabric.device}{ended}")


def new_trainer(
    recipe: Recipe,
    image_shape: tuple[int, int, int],
    classes: Classes,
    batches: Batches,
    null: np.ndarray,
) -> Trainer:
    """A trainer of the recipe's networks, untrained.

    Arguments:
        recipe: networks and settings.
        image_shape: (c, H, W).
        classes: of the run; none are used where the networks know none.
        batches: training images by step.
        null: (c, H, W) True where the arrangement has NULL.
    """
    architecture = Architecture(
        family=recipe.family,
        image_shape=image_shape,
        latent_dim=recipe.latent_dim,
        widths=recipe.widths,
        classes=len(classes.names) if recipe.conditional else 0,
        head=recipe.class_head,
        activation=recipe.activation,
        output=recipe.output,
        sharp_null=recipe.sharp_null,
        moments=recipe.moments,
    )
    settings = TrainerSettings(
        learning_rate=recipe.learning_rate,
        ema_decay=recipe.ema_decay,
        seed=recipe.seed,
        device=recipe.device,
        precision=recipe.precision,
    )
    objective = AuxiliaryClassifier if recipe.class_head == "auxiliary" else BinaryCrossEntropy
    discriminator = new_discriminator(architecture, recipe.seed)
    if recipe.sharp_null:
        discriminator.mark_null(null)
    return Trainer(
        new_generator(architecture, recipe.seed),
        discriminator,
        objective(recipe.real_label),
        batches,
        settings,
    )


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


def chosen_checkpoint(folder: RunFolder) -> Path:
    """The checkpoint to sample from: the best one where a stopping score chose one, else the newest.

    Raises:
        InputError: not trained yet.
    """
    best = latest(folder.best) if folder.recipe.stop_score != "none" else None
    chosen = best or latest(folder.checkpoints)
    if chosen is None:
        path = folder.path
        raise InputError(
            f"{path}: not trained yet (no checkpoint in {folder.checkpoints}); run `anonimage train {path}`"
        )
    return chosen
