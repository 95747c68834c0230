"""Steps 3 and 4: networks, objective, trainer and callbacks from a recipe, and the training of a run."""

import os
import sys
import time
from contextlib import closing
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data.patients import TRAIN
from ..data.store.store import Store, open_store
from ..errors import InputError
from ..files import new_file
from ..gan.batch import Batch, resident
from ..gan.networks import FAMILIES, Architecture
from ..gan.networks.modules import Generator
from ..gan.objectives import OBJECTIVES
from ..gan.objectives.objective import Objective
from ..gan.sampling import classify, sample_images
from ..gan.training.callbacks import Checkpoints, Evolution, Metrics, Progress, Stopping
from ..gan.training.checkpoint import Snapshot, latest, load
from ..gan.training.monitor import Monitor
from ..gan.training.processes import PeerFailedError
from ..gan.training.runtime import own_environment
from ..gan.training.trainer import Callback, Trainer, TrainerSettings
from ..launch import rank
from ..transforms import Codec
from .batches import Batches, epoch_samples, store_batches, training_labels
from .classes import Classes
from .kinds import load_codec
from .progress import Advance, progress, say
from .recipe import Recipe
from .run_folder import RunFolder

BAD_INPUT = 2  # exit code
HELPED = "ANONIMAGE_TRAINS"  # the environment variable that names the run
PROGRESS_EVERY = 5  # steps
EVOLUTION = (0, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1)  # shares of the training after which fixed latents are shown
KEPT = 3  # checkpoints
LOOK_BACK = 600  # steps; from a first sign of failure to its event, the monitor takes 20 checks of 25 steps at most
EVOLVING = 8  # fixed latents, of each class where there are classes
PROBE = (1, 45, 45)  # image on which precisions are compared
MUCH_FASTER = 0.9  # of the time in single precision
REFERENCE = 2000  # training images that the stopping score compares with


def train(out: Path, recipe: Recipe | None = None) -> None:
    """Steps 3 and 4: train from the newest checkpoint, or from the start, to the recipe's number of steps.

    With devices or nodes above 1, every process calls this. Those that this one starts run its command again, and find
    in `helped_run` which run they were started for. Only rank 0 writes and prints.

    Arguments:
        out: folder of a prepared run.
        recipe: the run's own, with other steps, device, checkpoint_every, …; None: just the run's own.
    """
    folder = RunFolder.prepared(out)
    recipe = recipe or folder.recipe
    if recipe.train.precision == "auto":  # what was measured once stays
        recipe = recipe.changed({"precision": folder.recipe.train.precision})
    recipe = with_hardware(recipe)
    folder.refuse_other(recipe)
    store, codec = open_store(folder.store), load_codec(folder.codec_file)
    steps = total_steps(recipe, len(epoch_samples(training_labels(store), recipe)))
    share = rank(), recipe.train.devices * recipe.train.nodes
    batches = store_batches(store, codec, recipe, share)

    with (
        own_environment(**{HELPED: str(out.resolve())}),
        closing(new_trainer(recipe, codec, batches)) as trainer,
        progress("train", steps) as advance,
    ):
        device = trainer.fabric.device

        def begin() -> Snapshot | None:
            trainer.callbacks = callbacks_of(recipe, folder, trainer, steps, store, codec, advance)
            newest = latest(folder.checkpoints)
            snapshot = None if newest is None else load(newest)
            if snapshot is not None and snapshot.step > steps:
                raise InputError(f"{out}: trained to step {snapshot.step} already; ask for more than that with --steps")
            return snapshot

        try:
            trainer.resume(begin)
            if device.type == "cuda":
                trainer.batches = store_batches(store, codec, recipe, share, partial(resident, device=device))
            if trainer.ranks.is_main:
                recipe.save(folder.recipe_file)  # only now: a device that does not exist must not be saved
            advance(trainer.step, "")
            trainer.train(steps)
        except PeerFailedError:
            if trainer.ranks.is_main:
                raise
            sys.exit(BAD_INPUT)  # the process that failed says why
    together = f" in {trainer.ranks.count} processes" if trainer.ranks.count > 1 else ""
    ended = f"; ended early: {trainer.finished}" if trainer.finished else ""
    say(f"trained: {trainer.step} steps, precision {recipe.train.precision}, on {device}{together}{ended}")


def helped_run() -> Path | None:
    """Return the run in whose training this process was started as a further rank; None: it is alone, or rank 0.

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


def new_trainer(recipe: Recipe, codec: Codec, batches: Batches) -> Trainer:
    """Return an untrained trainer of the recipe's networks; the codec knows shape, classes and NULL of the images."""
    classes = len(Classes.from_form(codec.form).names) if recipe.conditional else 0
    architecture = architecture_of(recipe, codec.image_shape, classes)
    train = recipe.train.model_dump(include={field.name for field in fields(TrainerSettings)})
    trainer = Trainer(architecture, objective_of(recipe), batches, TrainerSettings(seed=recipe.seed, **train))
    if recipe.gan.sharp_null:
        for critic in trainer.networks.critics.values():
            critic.mark_null(codec.arrangement.null)
    return trainer


def architecture_of(recipe: Recipe, image_shape: tuple[int, int, int], classes: int) -> Architecture:
    """Return the description of the recipe's networks; InputError for an option that the family does not have."""
    kind, chosen, defaults = FAMILIES[recipe.gan.family].Settings, dict(recipe.gan), dict(type(recipe.gan)())
    options = {option.name for option in fields(kind)}
    every = {option.name for family in FAMILIES.values() for option in fields(family.Settings)}
    for name in sorted(every - options):
        if chosen.get(name, defaults.get(name)) != defaults.get(name):
            family = recipe.gan.family
            raise InputError(f"family '{family}' has no option {name}: leave it out, or choose another family")
    settings = kind(**{name: chosen[name] for name in options & chosen.keys()})
    return Architecture(recipe.gan.family, image_shape, recipe.gan.latent_dim, classes, recipe.class_head, settings)


def objective_of(recipe: Recipe) -> Objective:
    """Return the recipe's objective.

    Raises:
        InputError: options that cannot be, or a head that does not go with it.
    """
    automatic = "acgan" if recipe.class_head == "auxiliary" else "cross_entropy"
    kind = OBJECTIVES[automatic if recipe.gan.objective == "auto" else recipe.gan.objective]
    objective = kind(**{option.name: getattr(recipe.gan, option.name) for option in fields(kind)})
    objective.require_head(recipe.class_head)
    return objective


def total_steps(recipe: Recipe, n_training: int) -> int:
    """Return the training steps for so many training samples; each takes a batch for every update of the critics."""
    train = recipe.train
    batches = train.epochs * max(1, n_training // train.batch)
    return train.steps or max(1, batches // objective_of(recipe).critic_steps)


def with_hardware(recipe: Recipe) -> Recipe:
    """Return the recipe with precision 'auto' resolved to what is faster here; a run keeps it, and resumes with it.

    On a GPU bf16 where it is supported. On a processor with units for bf16 it is measured, on networks of the recipe's
    widths; several processes, which have to agree without a measurement, take bf16 with matrix units (AMX) only.
    """
    if recipe.train.precision != "auto":
        return recipe
    if recipe.train.device != "cpu" and torch.cuda.is_available():
        return recipe.changed({"precision": "bf16" if torch.cuda.is_bf16_supported() else "32"})
    # absent from older torch: then 32
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    precision = "32"
    if recipe.train.devices * recipe.train.nodes > 1:
        precision = "bf16" if capabilities.get("amx_bf16") else "32"
    elif capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"):
        precision = _faster_precision(recipe.changed({"head": "none", "objective": "auto", "stop_score": "none"}))
    return recipe.changed({"precision": precision})


def _faster_precision(recipe: Recipe) -> str:
    """Measure in a second whether the recipe's networks, without classes, train faster in bf16: processors differ."""
    images = np.random.default_rng(0).integers(0, 256, (min(recipe.train.batch, 32), *PROBE), np.uint8)
    networks = architecture_of(recipe, PROBE, 0), objective_of(recipe), lambda _: Batch(images)
    trainers = [Trainer(*networks, TrainerSettings(device="cpu", precision=precision)) for precision in ("32", "bf16")]
    seconds = np.empty((3, 2))
    for turn, k in np.ndindex(seconds.shape):  # in turn, so that other load meets both
        began = time.perf_counter()
        trainers[k].train_step([Batch(images)])
        seconds[turn, k] = time.perf_counter() - began
    single, half = seconds[1:].min(0)  # the first step makes the kernels
    return "bf16" if half < MUCH_FASTER * single else "32"


def callbacks_of(
    recipe: Recipe, folder: RunFolder, trainer: Trainer, steps: int, store: Store, codec: Codec, advance: Advance
) -> list[Callback]:
    """Return the callbacks of a run on a store."""
    classes = Classes.from_form(codec.form)

    def warn(step: int, kind: str, evidence: str) -> None:
        say(f"warning: step {step}: {evidence}")

    callbacks: list[Callback] = [
        Metrics(folder.metrics, recipe.train.metrics_every),
        Monitor(folder.monitor, recipe.train.on_trouble, warn, checkpoints=folder.checkpoints),
        _evolution(recipe, folder, steps, classes),
    ]
    if recipe.train.stop_score != "none":
        callbacks.append(_stopping(recipe, folder, trainer, store, codec))
    # after the others: a killed run then never has a checkpoint whose metrics are missing
    keep = KEPT
    if recipe.train.on_trouble == "rollback":  # the last healthy one must still exist
        keep = max(KEPT, 1 + LOOK_BACK // recipe.train.checkpoint_every)
    return [*callbacks, Checkpoints(folder.checkpoints, recipe.train.checkpoint_every, keep), showing(advance)]


def showing(advance: Advance) -> Callback:
    """Return a callback that shows speed and losses as the progress of a task."""

    def show(row: dict[str, Any]) -> None:
        losses = " ".join(f"{name[:-5]} {loss:.2f}" for name, loss in row.items() if name.endswith("_loss"))
        advance(row["step"], f"{row['images_per_second']:.0f} images/s, loss {losses}")

    return Progress(show, PROGRESS_EVERY)


def _evolution(recipe: Recipe, folder: RunFolder, steps: int, classes: Classes) -> Callback:
    """Save images of the same latents after several steps of the training, one file each."""

    def save(step: int, images: np.ndarray) -> None:
        folder.evolution.mkdir(exist_ok=True)
        with new_file(folder.evolution / f"{step:07d}.npy", "wb") as file:
            np.save(file, images)

    names = len(classes.names) if recipe.conditional else 1
    labels = np.repeat(np.arange(names), EVOLVING) if recipe.conditional else None
    after = sorted({round(share * steps) for share in EVOLUTION})
    return Evolution(after, save, names * EVOLVING, labels)


def _stopping(recipe: Recipe, folder: RunFolder, trainer: Trainer, store: Store, codec: Codec) -> Callback:
    """End training when the score has not improved for a while, and keep the best checkpoint (section 4.7)."""
    from .evaluation.neighbours import departure, nearest_neighbour_accuracy

    training = np.flatnonzero(store.frame["part"] == TRAIN)
    real = codec.encode(store.values(np.random.default_rng(recipe.seed).permutation(training)[:REFERENCE]))
    labels = Classes.from_form(codec.form).draw(len(real), "source", recipe.seed) if recipe.conditional else None

    def score(generator: Generator) -> float:
        """How far 1NNC to training images is from 0.5, or the share that the critic puts in another class (4.6)."""
        images = sample_images(generator, len(real), recipe.seed, labels=labels)
        if recipe.train.stop_score == "1nnc":  # control patients are not used
            return departure(nearest_neighbour_accuracy(images, real))
        return float(np.mean(classify(trainer.networks.critics["critic"], images).argmax(1) != labels))

    def report(step: int, score: float) -> None:
        say(f"step {step}: stop_score {recipe.train.stop_score} is {score:.3f} from its best value")

    return Stopping(score, recipe.train.score_every, recipe.train.patience, folder.best, report)
