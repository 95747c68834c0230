"""Grey levels 0..255 and the networks' interval [-1, 1]: the one place where they meet."""

import torch
from torch import Tensor


def to_unit(levels: Tensor) -> Tensor:
    """Map grey levels to the interval of the generator's tanh.

    Arguments:
        levels: uint8, any shape.

    Returns:
        float32 of the same shape, 0 → -1 and 255 → 1.
    """
    return levels.float().div_(127.5).sub_(1.0)


def to_levels(unit: Tensor) -> Tensor:
    """Map [-1, 1] to the nearest grey level; exact inverse of `to_unit` on all 256 levels.

    Arguments:
        unit: floating point, any shape; values outside [-1, 1] become 0 or 255.

    Returns:
        uint8 of the same shape.
    """
    return unit.float().add(1.0).mul_(127.5).round_().clamp_(0.0, 255.0).to(torch.uint8)
