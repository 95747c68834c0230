"""Sampling: sample k of seed s is the same, bit for bit, however many are asked for and wherever the asking starts."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from .batch import checked_labels
from .networks.architecture import Generator
from .pixels import to_levels
from .randomness import Stream, latents

# Samples are always computed in the same groups: the order of sums inside a matrix product depends on the batch size.
CHUNK = 64


def sample_images(
    generator: Generator,
    n: int,
    seed: int,
    first: int = 0,
    labels: np.ndarray | None = None,
    stream: Stream = Stream.SAMPLES,
) -> np.ndarray:
    """Generate images.

    Arguments:
        generator: usually the averaged one, of a Trainer or a Snapshot; used in eval mode and fp32.
        n: how many.
        seed: which series of samples, 0 or more.
        first: number of the first one in the series.
        labels: of a conditional generator, the class of each sample, integers (n,).
        stream: what they are for; samples of different streams have nothing in common.

    Returns:
        uint8 (n, c, H, W).

    Raises:
        InputError: negative numbers, or labels that the generator lacks, or that are missing.
    """
    parts = list(iter_images(generator, n, seed, first, labels, stream))
    return np.concatenate(parts) if parts else np.empty((0, *generator.architecture.image_shape), np.uint8)


def iter_images(
    generator: Generator,
    n: int,
    seed: int,
    first: int = 0,
    labels: np.ndarray | None = None,
    stream: Stream = Stream.SAMPLES,
) -> Iterator[np.ndarray]:
    """Generate the images of `sample_images` a few at a time, in constant memory.

    Yields:
        uint8 (at most CHUNK, c, H, W).
    """
    if n < 0 or first < 0:
        raise InputError(f"{n} samples from number {first} on: neither can be negative")
    checked_labels(labels, n, generator.architecture.classes, f"the call for {n} samples")
    end = first + n
    for begin in range(first - first % CHUNK, end, CHUNK):
        inside = slice(max(first - begin, 0), min(end - begin, CHUNK))
        asked = None
        if labels is not None:
            asked = np.zeros(CHUNK, np.int64)  # of samples that are not asked for, any
            asked[inside] = labels[begin + inside.start - first : begin + inside.stop - first]
        yield _chunk(generator, (seed, stream, begin // CHUNK), asked)[inside]


def _chunk(generator: Generator, key: tuple[int, Stream, int], labels: np.ndarray | None) -> np.ndarray:
    latent = latents(*key, CHUNK, generator.architecture.latent_dim)
    return images_of(generator, latent, None if labels is None else torch.from_numpy(labels))  # (CHUNK, c, H, W)


@torch.inference_mode()
def images_of(generator: Generator, latent: Tensor, labels: Tensor | None = None) -> np.ndarray:
    """Generate the images of some latent vectors, in eval mode and fp32; the generator stays in its own mode.

    Arguments:
        generator: of these latents.
        latent: (N, latent_dim).
        labels: (N,), of a conditional generator.

    Returns:
        uint8 (N, c, H, W).
    """
    device = next(generator.parameters()).device
    # the memory format chooses the kernels, and so the last bit: the same one for a trained and for a loaded generator
    generator.to(memory_format=torch.channels_last)
    training = generator.training
    try:
        with torch.autocast(device.type, enabled=False):
            images = generator.eval()(latent.to(device), None if labels is None else labels.to(device))
            return to_levels(images).cpu().contiguous().numpy()  # (N, c, H, W)
    finally:
        generator.train(training)
