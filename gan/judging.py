"""The trained discriminator as a judge: of classes, and of what is real."""

from collections.abc import Callable

import numpy as np
import torch

from ..errors import InputError
from .networks.architecture import Discriminator, Judgement
from .pixels import to_unit


@torch.inference_mode()
def classify(discriminator: Discriminator, images: np.ndarray, batch: int = 256) -> np.ndarray:
    """Score images for every class; the class of an image is the one with the largest score.

    Arguments:
        discriminator: with the head "auxiliary" or "projection", usually `Snapshot.trained_discriminator`; used in
            eval mode, so that an image's scores do not depend on the others.
        images: uint8 (N, c, H, W).
        batch: images at a time.

    Returns:
        float32 (N, K): class logits of the head "auxiliary"; of "projection", the logit of being real for each class.

    Raises:
        InputError: an unconditional discriminator, or images of another shape.
    """
    architecture = discriminator.architecture
    if not architecture.classes:
        raise InputError("this discriminator tells no classes; train one with the head 'auxiliary' or 'projection'")
    return _judged(discriminator, images, lambda seen, _: discriminator.scores(seen), architecture.classes, batch)


@torch.inference_mode()
def realness(
    discriminator: Discriminator, images: np.ndarray, labels: np.ndarray | None = None, batch: int = 256
) -> np.ndarray:
    """How real the discriminator takes images to be, as a logit: what an attacker who has the network can ask it.

    Arguments:
        discriminator: usually `Snapshot.trained_discriminator`; used in eval mode. One that sees a batch's moments
            judges an image by its neighbours as well: mix what is to be compared.
        images: uint8 (N, c, H, W).
        labels: (N,) classes, for the head "projection"; others do without.
        batch: images at a time.

    Returns:
        float32 (N,).
    """
    projection = discriminator.architecture.head == "projection"
    if projection and labels is None:
        raise InputError("this discriminator judges an image by its class; give labels")

    def judge(seen: torch.Tensor, rows: slice) -> torch.Tensor:
        given = torch.from_numpy(labels[rows]).to(seen.device) if projection and labels is not None else None
        judgement = discriminator(seen, given)
        return (judgement.source if isinstance(judgement, Judgement) else judgement)[:, None]

    return _judged(discriminator, images, judge, 1, batch)[:, 0]


def _judged(
    discriminator: Discriminator,
    images: np.ndarray,
    judge: Callable[[torch.Tensor, slice], torch.Tensor],
    width: int,
    batch: int,
) -> np.ndarray:
    """What a discriminator in eval mode says of images, (N, width)."""
    shape = discriminator.architecture.image_shape
    if not len(images):
        return np.empty((0, width), np.float32)
    if images.dtype != np.uint8 or images.shape[1:] != shape:
        raise InputError(f"images are {images.dtype} {images.shape}; must be uint8 (N, {str(shape)[1:]}")
    device = next(discriminator.parameters()).device
    training = discriminator.training
    slices = [slice(first, first + batch) for first in range(0, len(images), batch)]
    try:
        discriminator.eval()
        parts = [
            judge(to_unit(torch.from_numpy(np.ascontiguousarray(images[rows])).to(device)), rows) for rows in slices
        ]
    finally:
        discriminator.train(training)
    return torch.cat(parts).float().cpu().numpy()  # (N, width)
