"""The trained discriminator as a classifier."""

import numpy as np
import torch

from ..errors import InputError
from .networks import Discriminator
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
    if not len(images):
        return np.empty((0, architecture.classes), np.float32)
    if images.dtype != np.uint8 or images.shape[1:] != architecture.image_shape:
        shape = str(architecture.image_shape)[1:]
        raise InputError(f"images are {images.dtype} {images.shape}; must be uint8 (N, {shape}")
    device = next(discriminator.parameters()).device
    training = discriminator.training
    try:
        discriminator.eval()
        parts = [
            discriminator.scores(to_unit(torch.from_numpy(np.ascontiguousarray(images[i : i + batch])).to(device)))
            for i in range(0, len(images), batch)
        ]
    finally:
        discriminator.train(training)
    return torch.cat(parts).float().cpu().numpy()  # (N, K)
