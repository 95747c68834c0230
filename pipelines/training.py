"""Steps 3 and 4 as a recipe says them: networks, objective and trainer put together, and the training of a run."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data.split import TRAIN
from ..data.store.sample_store import open_store
from ..errors import InputError
from ..gan import (
    Architecture,
    AuxiliaryClassifier,
    BinaryCrossEntropy,
    DismissedError,
    Snapshot,
    Trainer,
    TrainerSettings,
    latest,
    load,
    new_discriminator,
    new_generator,
    own_environment,
    resident,
)
from ..launch import rank
from .batches import REFERENCE, Batches, n_training, store_batches, training_labels
from .classes import Classes
from .codecs import load_codec
from .progress import progress, say
from .recipe import Recipe
from .run_folder import RunFolder
from .watching import callbacks_of

BAD_INPUT = 2  # exit code
HELPED = "ANONIMAGE_TRAINS"  # the environment's variable that names the run


def train(out: Path, recipe: Recipe | None = None) -> None:
    """Steps 3 and 4: train from the newest checkpoint, or from the start, to the recipe's number of steps.

    With devices or nodes above 1, every process calls this. Those that this one starts run its command again, and find
    in `helped_run` which run they were started for. Only the first process writes and speaks.

    Arguments:
        out: folder of a prepared run.
        recipe: the run's own, with other steps, device, checkpoint_every, …; None: just the run's own.
    """
    folder = RunFolder.prepared(out)
    recipe = with_hardware(recipe or folder.recipe)
    folder.refuse_other(recipe)
    store, codec = open_store(folder.store), load_codec(folder.codec_file)
    classes = Classes.from_form(codec.form)
    steps = recipe.total_steps(n_training(training_labels(store), recipe))
    share = rank(), recipe.train.devices * recipe.train.nodes
    batches = store_batches(store, codec, recipe, share)

    def reference() -> np.ndarray:
        training = np.flatnonzero(store.frame["part"] == TRAIN)
        few = np.random.default_rng(recipe.seed).permutation(training)[:REFERENCE]
        return codec.encode(store.values(few))

    with (
        own_environment(),
        _helped(out),
        closing(new_trainer(recipe, codec.image_shape, classes, batches, codec.arrangement.null)) as trainer,
        progress("train", steps) as advance,
    ):
        device = trainer.fabric.device

        def begin() -> Snapshot | None:
            trainer.callbacks = callbacks_of(recipe, folder, trainer, steps, classes, reference, advance)
            newest = latest(folder.checkpoints)
            found = None if newest is None else load(newest)
            if found is not None and found.step > steps:
                raise InputError(f"{out}: trained to step {found.step} already; ask for more than that with --steps")
            return found

        try:
            trainer.resume(begin)
            if device.type == "cuda":
                trainer.batches = store_batches(store, codec, recipe, share, partial(resident, device=device))
            if trainer.company.first:
                recipe.save(folder.recipe_file)  # only now: a device that is not there must not be remembered
            advance(trainer.step, "")
            trainer.train(steps)
        except DismissedError:
            if trainer.company.first:
                raise
            sys.exit(BAD_INPUT)  # the process that failed says why
    together = f" in {trainer.company.count} processes" if trainer.company.count > 1 else ""
    ended = f"; ended early: {trainer.finished}" if trainer.finished else ""
    say(f"trained: {trainer.step} steps, precision {recipe.train.precision}, on {device}{together}{ended}")


def helped_run() -> Path | None:
    """Return the run in whose training this process was started to help; None: it is on its own, or the first.

    Raises:
        InputError: it is one of several that torchrun or SLURM started; those can only train.
    """
    if HELPED in os.environ and rank():
        return Path(os.environ[HELPED])
    started = max(int(os.environ.get(name, 1)) for name in ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS"))
    if rank() or started > 1:
        raise InputError(
            "started in several processes, which can only train: `anonimage prepare` in one process first, then "
            "`anonimage train OUT` in all of them, then `anonimage generate OUT` in one"
        )
    return None


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
        family=recipe.gan.family,
        image_shape=image_shape,
        latent_dim=recipe.gan.latent_dim,
        widths=recipe.gan.widths,
        classes=len(classes.names) if recipe.conditional else 0,
        head=recipe.class_head,
        activation=recipe.gan.activation,
        output=recipe.gan.output,
        sharp_null=recipe.gan.sharp_null,
        moments=recipe.gan.moments,
    )
    settings = TrainerSettings(
        learning_rate=recipe.train.learning_rate,
        ema_decay=recipe.train.ema_decay,
        seed=recipe.seed,
        device=recipe.train.device,
        precision=recipe.train.precision,
        devices=recipe.train.devices,
        nodes=recipe.train.nodes,
    )
    objective = AuxiliaryClassifier if recipe.class_head == "auxiliary" else BinaryCrossEntropy
    discriminator = new_discriminator(architecture, recipe.seed)
    if recipe.gan.sharp_null:
        discriminator.mark_null(null)
    return Trainer(
        new_generator(architecture, recipe.seed),
        discriminator,
        objective(recipe.gan.real_label),
        batches,
        settings,
    )


@contextmanager
def _helped(out: Path) -> Iterator[None]:
    """Let the processes that are started meanwhile know what for."""
    before = os.environ.get(HELPED)
    os.environ[HELPED] = str(out.resolve())
    try:
        yield
    finally:
        del os.environ[HELPED]
        if before is not None:
            os.environ[HELPED] = before


def with_hardware(recipe: Recipe) -> Recipe:
    """The recipe with precision 'auto' resolved: bf16 on a GPU or a processor with bf16 matrix units, else 32."""
    if recipe.train.precision != "auto":
        return recipe
    if recipe.train.device != "cpu" and torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported()
    else:
        # absent from older torch: then 32
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        fast = bool(capabilities.get("amx_bf16"))
    return recipe.changed({"precision": "bf16" if fast else "32"})
