"""All training images on the GPU, if they fit there: the batch of a step is gathered where it is learned from."""

from collections.abc import Callable
from math import prod

import numpy as np
import torch
from torch import Tensor

SHARE = 0.25  # of the GPU's free memory
CHUNK = 1024  # images encoded at a time

Images = Callable[[np.ndarray], "np.ndarray | Tensor"]  # positions (B,) → grey levels uint8 (B, c, H, W)


def resident(images: Images, count: int, device: torch.device) -> Images:
    """Return the same images, kept on the device if they fit in a share of its free memory.

    Not run on a GPU by the tests, which see to it on the CPU that the images are the same.

    Arguments:
        images: gives the images at some positions, always the same ones.
        count: positions there are.
        device: where training is.
    """
    shape = images(np.zeros(1, np.int64)).shape[1:] if count else ()
    if not count or not _fits(count * prod(shape), device):
        return images
    kept = torch.empty((count, *shape), dtype=torch.uint8, device=device)  # filled in place: never there twice
    for first in range(0, count, CHUNK):
        chunk = np.arange(first, min(first + CHUNK, count))
        kept[first : first + len(chunk)] = torch.as_tensor(images(chunk))
    return lambda positions: kept[to_device(torch.from_numpy(positions), device)]


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Move a tensor without waiting for what the GPU has to do before."""
    if device.type == "cuda" and values.device.type == "cpu":
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)


def _fits(size: int, device: torch.device) -> bool:
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return size <= SHARE * free
