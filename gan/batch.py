"""Images of one training step, and the map between their grey levels 0..255 and the networks' interval [-1, 1]."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError

RESIDENT_SHARE = 0.25  # of the GPU's free memory that training images may take
CHUNK = 1024  # images encoded at a time

Images = Callable[[np.ndarray], "np.ndarray | Tensor"]  # positions (B,) → grey levels uint8 (B, c, H, W)


class Batch(NamedTuple):
    """The real images of one step."""

    # grey levels, uint8 (B, c, H, W); a tensor where they are on the training device already
    images: np.ndarray | Tensor
    labels: np.ndarray | None = None  # their classes 0, 1, …, int64 (B,); None for unconditional networks


def to_unit(levels: Tensor) -> Tensor:
    """Map grey levels, uint8 of any shape, to float32 in [-1, 1].

    >>> to_unit(torch.tensor([0, 255], dtype=torch.uint8)).tolist()
    [-1.0, 1.0]
    """
    return levels.float().div_(127.5).sub_(1.0)


def to_levels(unit: Tensor) -> Tensor:
    """Map floating point of any shape to the nearest grey level, uint8; exact inverse of `to_unit` on all 256 levels.

    >>> to_levels(torch.tensor([-1.5, 1.5])).tolist()  # values outside [-1, 1] end at 0 and 255
    [0, 255]
    >>> to_levels(torch.tensor([-1.0, 0.0, 1.0])).tolist()
    [0, 128, 255]
    """
    return unit.float().add(1.0).mul_(127.5).round_().clamp_(0.0, 255.0).to(torch.uint8)


def checked_batch(batch: Batch, step: int, image_shape: tuple[int, ...], classes: int) -> Batch:
    """Return the batch of a step, or raise InputError when it does not fit networks of so many classes."""
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
    """Raise InputError, for `what`, unless there is a label 0…classes − 1 for each image, or None without classes."""
    if not classes:
        if labels is not None:
            raise InputError(f"{what} has labels, but these networks are unconditional; leave the labels out")
        return
    if labels is None:
        raise InputError(f"{what} has no labels, but these networks have {classes} classes; give each image its label")
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"{what} has labels {labels.dtype} {labels.shape}; must be integers ({count},)")
    if count and not 0 <= labels.min() <= labels.max() < classes:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise InputError(f"{what} has label {wrong}; must be one of 0 … {classes - 1}")


def resident(images: Images, count: int, device: torch.device) -> Images:
    """Return the same images at positions 0…count − 1, kept on the device if they fit a share of its free memory."""
    if not count:
        return images
    shape = images(np.zeros(1, np.int64)).shape[1:]
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else math.inf
    if count * math.prod(shape) > RESIDENT_SHARE * free:
        return images
    kept = torch.empty((count, *shape), dtype=torch.uint8, device=device)  # filled in place: never in memory twice
    for first in range(0, count, CHUNK):
        chunk = np.arange(first, min(first + CHUNK, count))
        kept[first : first + len(chunk)] = torch.as_tensor(images(chunk))
    return lambda positions: kept[to_device(torch.from_numpy(positions), device)]


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Move a tensor without waiting for the GPU's queued work."""
    if device.type == "cuda" and values.device.type == "cpu":
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)
