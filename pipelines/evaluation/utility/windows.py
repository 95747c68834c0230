"""A learner of windows of signals: a one-dimensional residual network."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from ..resnet import ResNet1d
from .study import Judge, Learner

STEPS = 300  # updates of a network
LONGEST = 1024  # samples that the network sees of a lead
MEASURED = 1000  # windows whose spread is taken
BATCH = 32
RATE = 2e-3  # highest learning rate
_AT_ONCE = 128  # windows that are judged together


def network(steps: int = STEPS) -> Learner:
    """A learner of windows (N, C, L): a small ResNet and a linear head; classes are as frequent in its batches.

    Windows lose their offset, which generators draw apart from the signal, and have leads in units of their own spread
    among those it learns from; longer ones than LONGEST are shortened by means of neighbouring samples, which leaves
    2 s at 1000 Hz with 500 Hz. NaN counts as the window's mean.

    Arguments:
        steps: updates.
    """

    def learn(values: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Judge:
        rng = np.random.default_rng(seed)
        prepare = _preparation(values[rng.permutation(len(values))[:MEASURED]])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            body = ResNet1d(values.shape[1])
            net = nn.Sequential(body, nn.Linear(body.features, classes))
        optimizer = torch.optim.AdamW(net.parameters(), RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for rows in balanced(labels, steps, rng):
            loss = nn.functional.cross_entropy(net(prepare(values[rows])), torch.from_numpy(labels[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        net.eval()

        @torch.no_grad()
        def judge(windows: np.ndarray) -> np.ndarray:
            parts = (windows[first : first + _AT_ONCE] for first in range(0, len(windows), _AT_ONCE))
            return np.concatenate([net(prepare(part)).softmax(1).numpy() for part in parts])

        return judge

    return learn


def balanced(labels: np.ndarray, steps: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Rows of so many batches, (BATCH,) each, in which every class that there is has the same chance."""
    counts = np.bincount(labels)
    chance = 1 / (np.count_nonzero(counts) * counts[labels])
    for _ in range(steps):
        yield rng.choice(len(labels), BATCH, p=chance)


def _preparation(learnt: np.ndarray) -> Callable[[np.ndarray], Tensor]:
    """What brings any windows into the form that a network sees, by the spread of each lead in those it learns from."""
    shorter = -(-learnt.shape[2] // LONGEST)

    def centred(windows: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(windows)
        return (tensor - tensor.nanmean(dim=2, keepdim=True)).nan_to_num(0.0)

    spread = centred(learnt).square().mean(dim=(0, 2)).sqrt()[:, None]  # (C, 1)
    spread[spread == 0] = 1.0
    return lambda windows: nn.functional.avg_pool1d(centred(windows) / spread, shorter, ceil_mode=True)
