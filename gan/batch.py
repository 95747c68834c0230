"""What the trainer learns from in one step: real images and, of conditional networks, their classes."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError


class Batch(NamedTuple):
    """The real images of one step.

    Arguments:
        images: grey levels, uint8 (B, c, H, W); a tensor where they are on the training device already.
        labels: their classes 0, 1, …, int64 (B,); None for unconditional networks.
    """

    images: np.ndarray | Tensor
    labels: np.ndarray | None = None


def checked_batch(batch: Batch, step: int, image_shape: tuple[int, ...], classes: int) -> Batch:
    """Return the batch of a step, or raise InputError when it does not fit the networks.

    Arguments:
        batch: to look at.
        step: for the message.
        image_shape: (c, H, W) of the networks.
        classes: of the networks; 0 = unconditional.
    """
    if not isinstance(batch, Batch):
        raise InputError(f"batch {step} is of type {type(batch).__name__}; must be a Batch of images and labels")
    levels, labels = batch
    if levels.dtype not in (np.uint8, torch.uint8) or levels.shape[1:] != image_shape or not len(levels):
        raise InputError(
            f"batch {step} is {levels.dtype} {tuple(levels.shape)}; must be uint8 (B, {str(image_shape)[1:]}"
        )
    checked_labels(labels, len(levels), classes, f"batch {step}")
    return batch


def checked_labels(labels: np.ndarray | None, count: int, classes: int, what: str) -> None:
    """Raise InputError unless there is one label 0…classes − 1 for each image, or none where there are no classes.

    Arguments:
        labels: integers (count,) or None.
        count: how many images there are.
        classes: of the networks; 0 = unconditional.
        what: whose labels, the beginning of the message.
    """
    if not classes:
        if labels is not None:
            raise InputError(f"{what} has labels, but these networks are unconditional; leave the labels out")
        return
    if labels is None:
        raise InputError(f"{what} has no labels, but these networks tell {classes} classes; give each image its label")
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"{what} has labels {labels.dtype} {labels.shape}; must be integers ({count},)")
    if count and not 0 <= labels.min() <= labels.max() < classes:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise InputError(f"{what} has label {wrong}; must be one of 0 … {classes - 1}")
