"""Use of trained networks: images from a generator, judgements of a critic.

Sample k of seed s is the same, bit for bit, however many are asked for and wherever the series starts.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from .batch import checked_labels, to_levels, to_unit
from .networks.modules import Critic, Generator
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
        n, seed, first: how many; which series of samples; number of the first one in it.
        labels: of a conditional generator, the class of each sample, integers (n,).
        stream: their purpose; samples of different streams have nothing in common.

    Returns:
        uint8 (n, c, H, W).

    Raises:
        InputError: negative numbers, or labels of classes that the generator does not have, or missing labels.
    """
    parts = list(iter_images(generator, n, seed, first, labels, stream))
    return np.concatenate(parts) if parts else np.empty((0, *generator.image_shape), np.uint8)


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
    checked_labels(labels, n, generator.classes, f"the call for {n} samples")
    end = first + n
    for begin in range(first - first % CHUNK, end, CHUNK):
        inside = slice(max(first - begin, 0), min(end - begin, CHUNK))
        asked = None
        if labels is not None:
            asked = np.zeros(CHUNK, np.int64)  # of samples that are not asked for, any
            asked[inside] = labels[begin + inside.start - first : begin + inside.stop - first]
        latent = latents(seed, stream, begin // CHUNK, CHUNK, generator.latent_dim)
        images = images_of(generator, latent, None if asked is None else torch.from_numpy(asked))
        yield images[inside]  # of (CHUNK, c, H, W)


@torch.inference_mode()
def images_of(generator: Generator, latent: Tensor, labels: Tensor | None = None) -> np.ndarray:
    """Generate uint8 (N, c, H, W) of latents (N, latent_dim) and labels (N,), in eval mode and fp32."""
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


@torch.inference_mode()
def classify(critic: Critic, images: np.ndarray, batch: int = 256) -> np.ndarray:
    """Score images for every class; the class of an image is the one with the largest score.

    Arguments:
        critic: with the head "auxiliary" or "projection"; used in eval mode, so that images do not depend on others.
        images: uint8 (N, c, H, W), judged in batches.

    Returns:
        float32 (N, K): class logits of the head "auxiliary"; of "projection", the logit of being real for each class.

    Raises:
        InputError: an unconditional critic, or images of another shape.
    """
    if not critic.classes:
        raise InputError("this critic knows no classes; train one with the head 'auxiliary' or 'projection'")
    return _judged(critic, images, lambda part, _: critic.scores(part), critic.classes, batch)


@torch.inference_mode()
def realness(critic: Critic, images: np.ndarray, labels: np.ndarray | None = None, batch: int = 256) -> np.ndarray:
    """Return how real the critic takes images to be, as a logit: what an attacker who has the network can ask it.

    Arguments:
        critic: used in eval mode. With `moments` the judgement of an image depends on its batch: mix what is compared.
        images: uint8 (N, c, H, W), judged in batches.
        labels: (N,) classes, for the head "projection"; others do without.

    Returns:
        float32 (N,).
    """
    projection = critic.head == "projection"
    if projection and labels is None:
        raise InputError("this critic judges an image by its class; give labels")

    def judge(part: Tensor, rows: slice) -> Tensor:
        given = torch.from_numpy(labels[rows]).to(part.device) if projection and labels is not None else None
        return critic(part, given).source[:, None]

    return _judged(critic, images, judge, 1, batch)[:, 0]


def _judged(
    critic: Critic, images: np.ndarray, judge: Callable[[Tensor, slice], Tensor], width: int, batch: int
) -> np.ndarray:
    """Return the judgements of a critic in eval mode, (N, width)."""
    shape = critic.image_shape
    if not len(images):
        return np.empty((0, width), np.float32)
    if images.dtype != np.uint8 or images.shape[1:] != shape:
        raise InputError(f"images are {images.dtype} {images.shape}; must be uint8 (N, {str(shape)[1:]}")
    device = next(critic.parameters()).device
    training = critic.training
    slices = [slice(first, first + batch) for first in range(0, len(images), batch)]
    try:
        critic.eval()
        parts = [
            judge(to_unit(torch.from_numpy(np.ascontiguousarray(images[rows])).to(device)), rows) for rows in slices
        ]
    finally:
        critic.train(training)
    return torch.cat(parts).float().cpu().numpy()  # (N, width)
