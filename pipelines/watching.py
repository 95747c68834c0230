"""What happens beside the training of a run: metrics, monitor, evolution, stopping, checkpoints, progress."""

from collections.abc import Callable

import numpy as np

from ..files import new_file
from ..gan import (
    Callback,
    Checkpoints,
    Event,
    Evolution,
    Generator,
    Metrics,
    Monitor,
    Progress,
    Reading,
    Scored,
    Stopping,
    Trainer,
    classify,
    sample_images,
)
from .classes import Classes
from .progress import Advance, say
from .recipe import Recipe
from .run_folder import RunFolder

PROGRESS_EVERY = 5  # steps
EVOLUTION = (0, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1)  # of the training, when the fixed latents are looked at
KEPT = 3  # checkpoints
LOOK_BACK = 600  # steps; from a first sign of trouble to its event, the monitor takes 20 looks of 25 steps at most
EVOLVING = 8  # fixed latents, of each class where there are classes


def callbacks_of(
    recipe: Recipe,
    folder: RunFolder,
    trainer: Trainer,
    steps: int,
    classes: Classes,
    reference: Callable[[], np.ndarray],
    advance: Advance,
) -> list[Callback]:
    """What happens beside the training of a run: metrics, monitor, evolution, stopping, checkpoints, progress.

    Arguments:
        recipe, folder, trainer: of the run.
        steps: of the whole training.
        classes: of the run; none are used where the networks know none.
        reference: gives real training images (N, c, H, W) for the stopping score.
        advance: shows progress.
    """
    callbacks: list[Callback] = [
        Metrics(folder.metrics, recipe.train.metrics_every),
        Monitor(folder.monitor, recipe.train.on_trouble, _warn, checkpoints=folder.checkpoints),
        _evolution(recipe, folder, steps, classes),
    ]
    if recipe.train.stop_score != "none":
        callbacks.append(_stopping(recipe, folder, trainer, classes, reference()))
    # after the others: a killed run then never has a checkpoint whose metrics are missing
    keep = KEPT
    if recipe.train.on_trouble == "rollback":  # the last healthy one must still be there
        keep = max(KEPT, 1 + LOOK_BACK // recipe.train.checkpoint_every)
    return [*callbacks, Checkpoints(folder.checkpoints, recipe.train.checkpoint_every, keep), showing(advance)]


def showing(advance: Advance) -> Callback:
    """A callback that shows speed and losses as the progress of a task."""

    def show(reading: Reading) -> None:
        losses = f"loss D {reading.critic_loss:.2f} G {reading.generator_loss:.2f}"
        advance(reading.step, f"{reading.images_per_second:.0f} images/s, {losses}")

    return Progress(show, PROGRESS_EVERY)


def _warn(event: Event) -> None:
    say(f"warning: step {event.step}: {event.evidence}")


def _evolution(recipe: Recipe, folder: RunFolder, steps: int, classes: Classes) -> Callback:
    """Images of the same latents at several moments of the training, one file each."""

    def save(step: int, images: np.ndarray) -> None:
        folder.evolution.mkdir(exist_ok=True)
        with new_file(folder.evolution / f"{step:07d}.npy", "wb") as file:
            np.save(file, images)

    names = len(classes.names) if recipe.conditional else 1
    labels = np.repeat(np.arange(names), EVOLVING) if recipe.conditional else None
    moments = sorted({round(share * steps) for share in EVOLUTION})
    return Evolution(moments, save, names * EVOLVING, labels)


def _stopping(recipe: Recipe, folder: RunFolder, trainer: Trainer, classes: Classes, real: np.ndarray) -> Callback:
    """Section 4.7: training ends when the score has not improved for a while; the best checkpoint is kept."""
    from .evaluation.fidelity import departure, nearest_neighbour_accuracy

    labels = classes.draw(len(real), "source", recipe.seed) if recipe.conditional else None

    def to_training(generator: Generator) -> float:
        """How far both halves of 1NNC against training images are from 0.5; control patients have no say in it."""
        images = sample_images(generator, len(real), recipe.seed, labels=labels)
        return departure(nearest_neighbour_accuracy(images, real))

    def misjudged(generator: Generator) -> float:
        """Share of generated images that the discriminator takes for another class (section 4.6)."""
        images = sample_images(generator, len(real), recipe.seed, labels=labels)
        return float(np.mean(classify(trainer.discriminator, images).argmax(1) != labels))

    def report(scored: Scored) -> None:
        say(f"step {scored.step}: stop_score {recipe.train.stop_score} is {scored.score:.3f} from its best value")

    score = {"1nnc": to_training, "accuracy": misjudged}[recipe.train.stop_score]
    return Stopping(score, recipe.train.score_every, recipe.train.patience, folder.best, report)
