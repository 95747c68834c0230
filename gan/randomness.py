"""Random numbers by name: every draw has a key (seed, purpose, index), so nothing about randomness has to be saved."""

from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError


class Stream(IntEnum):
    """Purpose of the numbers; different purposes under one seed are independent."""

    GENERATOR_WEIGHTS = 0
    CRITIC_WEIGHTS = 1
    TRAINING_LATENTS = 2
    SAMPLES = 3
    EVOLUTION = 4
    MONITOR = 5
    OBJECTIVE = 6


def latents(seed: int, stream: Stream, index: int, count: int, latent_dim: int) -> Tensor:
    """Draw latent vectors, standard normal float32 (count, latent_dim); a key gives the same numbers on every device.

    Arguments:
        seed, stream: of the run; the purpose.
        index: number of the draw: the batch in training, or the chunk of samples.
        count, latent_dim: number of vectors, and their length.
    """
    draws = np.random.default_rng(np.random.SeedSequence((checked(seed), stream, index)))
    return torch.from_numpy(draws.standard_normal((count, latent_dim), dtype=np.float32))


def torch_generator(seed: int, stream: Stream, *index: int) -> torch.Generator:
    """Make a generator of torch's own for one purpose, and where there are many draws for the index of one."""
    key = np.random.SeedSequence((checked(seed), stream, *index)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(key))


def checked(seed: int) -> int:
    """Return the seed, or raise InputError when it is negative."""
    if seed < 0:
        raise InputError(f"seed {seed} is negative; give 0 or a larger integer")
    return seed
