"""A network and images small enough to train within milliseconds."""

from pathlib import Path

import numpy as np
from anonimage.gan import BinaryCrossEntropy, Discriminator, Generator, Trainer, TrainerSettings

SHAPE = (1, 8, 8)
WIDTHS = (8, 16)
LATENT_DIM = 6


def batches(step: int) -> np.ndarray:
    """Blobs whose place changes with the step."""
    images = np.random.default_rng((7, step)).integers(0, 60, (8, *SHAPE), np.uint8)
    images[:, :, step % 5 :, 2:6] += 150
    return images


def trainer(callbacks=(), source=batches, seed=0, **settings) -> Trainer:
    return Trainer(
        Generator(SHAPE, LATENT_DIM, WIDTHS, seed=seed),
        Discriminator(SHAPE, WIDTHS, seed=seed),
        BinaryCrossEntropy(),
        source,
        TrainerSettings(device="cpu", seed=seed, **settings),
        callbacks,
    )


def weights(trained: Trainer) -> dict[str, bytes]:
    """Every number that training leaves behind, as bytes."""
    state = trained.snapshot()
    tensors = state.weights | {f"optimizer.{name}": value for name, value in state.optimizer.items()}
    return {name: tensor.contiguous().numpy().tobytes() for name, tensor in tensors.items()}


def rows(path: Path) -> list[tuple[str, str, str]]:
    """Step and losses, as they stand in metrics.csv."""
    return [tuple(line.split(",")[:3]) for line in path.read_text().splitlines()[1:]]
