"""Sampling: sample k of seed s is the same, bit for bit, however many are asked for and wherever the asking starts."""

from collections.abc import Iterator

import numpy as np
import torch

from ..errors import InputError
from .networks import Generator
from .pixels import to_levels
from .randomness import Stream, latents

# Samples are always computed in the same groups: the order of sums inside a matrix product depends on the batch size.
CHUNK = 64


def sample_images(generator: Generator, n: int, seed: int, first: int = 0) -> np.ndarray:
    """Generate images.

    Arguments:
        generator: usually the averaged one, of a Trainer or a Snapshot; used in eval mode and fp32.
        n: how many.
        seed: which series of samples, 0 or more.
        first: number of the first one in the series.

    Returns:
        uint8 (n, c, H, W).
    """
    parts = list(iter_images(generator, n, seed, first))
    return np.concatenate(parts) if parts else np.empty((0, *generator.image_shape), np.uint8)


def iter_images(generator: Generator, n: int, seed: int, first: int = 0) -> Iterator[np.ndarray]:
    """Generate the images of `sample_images` a few at a time, in constant memory.

    Yields:
        uint8 (at most CHUNK, c, H, W).
    """
    if n < 0 or first < 0:
        raise InputError(f"{n} samples from number {first} on: neither can be negative")
    end = first + n
    for begin in range(first - first % CHUNK, end, CHUNK):
        yield _chunk(generator, seed, begin // CHUNK)[max(first - begin, 0) : end - begin]


@torch.inference_mode()
def _chunk(generator: Generator, seed: int, index: int) -> np.ndarray:
    device = next(generator.parameters()).device
    # the memory format chooses the kernels, and so the last bit: the same one for a trained and for a loaded generator
    generator.to(memory_format=torch.channels_last)
    latent = latents(seed, Stream.SAMPLES, index, CHUNK, generator.latent_dim).to(device)
    training = generator.training
    try:
        with torch.autocast(device.type, enabled=False):
            return to_levels(generator.eval()(latent)).cpu().contiguous().numpy()  # (CHUNK, c, H, W)
    finally:
        generator.train(training)
