"""Networks and images small enough to train within milliseconds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from anonimage.gan.batch import Batch
from anonimage.gan.networks import FAMILIES, Architecture
from anonimage.gan.objectives import OBJECTIVES
from anonimage.gan.training.trainer import Trainer, TrainerSettings

SHAPE = (1, 8, 8)
LATENT_DIM = 6


def architecture(family="convolutional", shape=SHAPE, latent_dim=LATENT_DIM, classes=0, head="none", **options):
    """Options of the family go into its settings."""
    return Architecture(family, shape, latent_dim, classes, head, FAMILIES[family].Settings(**options))


PLAIN = architecture(widths=(8, 16))
AUXILIARY = replace(PLAIN, classes=3, head="auxiliary")
PROJECTION = replace(PLAIN, classes=3, head="projection")
CONNECTED = architecture("connected", widths=(16,), activation="linear")
MOMENTS = architecture("connected", widths=(16,), activation="linear", moments=True, sharp_null=True)
ALL = {"plain": PLAIN, "auxiliary": AUXILIARY, "projection": PROJECTION, "connected": CONNECTED}


def batches(step: int) -> Batch:
    """Blobs whose position changes with the step."""
    images = np.random.default_rng((7, step)).integers(0, 60, (8, *SHAPE), np.uint8)
    images[:, :, step % 5 :, 2:6] += 150
    return Batch(images)


def labelled(step: int, n: int = 12) -> Batch:
    """Bars of varied grey at three positions, which are the classes."""
    draws = np.random.default_rng((8, step))
    labels = np.arange(n) % 3
    images = draws.integers(0, 60, (n, *SHAPE), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, :, 3 * label : 3 * label + 2] += np.uint8(draws.integers(100, 190))
    return Batch(images, labels)


def trainer(callbacks=(), source=None, seed=0, architecture=PLAIN, objective=None, **settings) -> Trainer:
    """Of the classic objective unless another one is given, by name or made."""
    if objective is None:
        objective = "acgan" if architecture.head == "auxiliary" else "cross_entropy"
    if isinstance(objective, str):
        objective = OBJECTIVES[objective]()
    source = source or (labelled if architecture.classes else batches)
    return Trainer(architecture, objective, source, TrainerSettings(device="cpu", seed=seed, **settings), callbacks)


def weights(trained: Trainer) -> dict[str, bytes]:
    """Every number that training leaves behind, as bytes."""
    state = trained.snapshot()
    tensors = state.weights | {f"optimizer.{name}": value for name, value in state.optimizer.items()}
    return {name: tensor.contiguous().numpy().tobytes() for name, tensor in tensors.items()}


def rows(path: Path) -> list[tuple[str, str, str]]:
    """Step and losses, as they stand in metrics.csv."""
    return [tuple(line.split(",")[:3]) for line in path.read_text().splitlines()[1:]]
