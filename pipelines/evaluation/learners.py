"""What learns from real samples: an encoder in whose space windows are compared, and classifiers."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import InputError
from .resampling import rows_of_groups
from .utility import Judge

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

WIDTHS = (32, 64, 96, 128)
PEOPLE, VIEWS = 16, 4  # a batch: so many people, so many windows of each
TEMPERATURE = 0.1
CHUNK = 512  # windows that are embedded at once
FINEST = 512  # samples; longer windows are averaged down to between one and two times as many
FLAT = 1e-6  # spread below this share of a lead's size is rounding, not signal
STEPS = 300  # updates of a network, whose batches draw no more than twice MOST windows
MOST = 5000  # samples of a set that take part, of kinds that take long to learn
LONGEST = 1024  # samples that the network sees of a lead
MEASURED = 1000  # windows whose spread is taken
BATCH = 32
RATE = 2e-3  # highest learning rate
CELLS = 4  # in a row of a picture, of which edges are counted by direction
POOLED = 8  # means of each colour in a row of a picture
_AT_ONCE = 128  # windows that are judged together


def fit_encoder(
    values: np.ndarray, people: np.ndarray, seed: int, steps: int = STEPS, widths: Sequence[int] = WIDTHS
) -> Callable[[np.ndarray], np.ndarray]:
    """Train an encoder so that windows (N, C, L) of one person (N,) lie nearer to each other than to those of others.

    NaN is a missing sample. One window of a person is enough: it is varied. Steps are batches of up to 16 × 4 windows.

    Returns:
        What makes points (N, F) float32 of length 1 of windows (N, C, L) in any unit; each by itself, whatever is
        beside it. It raises an InputError for windows of other channels or length.

    Raises:
        InputError: fewer than two people, or not one name a window.

    Source: supervised contrastive loss, Khosla et al. 2020, equation 2.
    """
    values, people = np.asarray(values), np.asarray(people)
    if values.ndim != 3 or len(people) != len(values):
        raise InputError(f"encoder: {len(people)} people for windows {values.shape}; give (N, C, L) and N people")
    names, codes = np.unique(people, return_inverse=True)
    if len(names) < 2:
        raise InputError(f"encoder: windows of {len(names)} people; telling people apart needs at least 2")
    members = rows_of_groups(people)
    windows = np.concatenate([standardized(values[at : at + CHUNK]) for at in range(0, len(values), CHUNK)])
    rng = np.random.default_rng(seed)

    def share_of_rate(step: int) -> float:  # up in the first fifth, then down along a cosine
        return min(1.0, (step + 1) / (1 + steps / 5)) * (1 + math.cos(math.pi * step / max(1, steps))) / 2

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = ResNet1d(values.shape[1], widths[-1], widths)
        optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share_of_rate)
        for _ in range(steps):
            drawn = rng.permutation(len(names))[:PEOPLE]
            rows = np.concatenate([rng.choice(members[who], VIEWS, replace=len(members[who]) < VIEWS) for who in drawn])
            points = net(torch.from_numpy(varied(windows[rows], rng)))
            loss = contrastive(nn.functional.normalize(points), torch.from_numpy(codes[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()

    @torch.inference_mode()
    def embed(given: np.ndarray) -> np.ndarray:
        if given.ndim != 3 or given.shape[1:] != values.shape[1:]:
            raise InputError(
                f"encoder: takes windows (N, {values.shape[1]}, {values.shape[2]}), not {given.shape}; "
                "give windows like those it was trained on"
            )
        parts = [np.empty((0, widths[-1]), np.float32)]
        for start in range(0, len(given), CHUNK):
            points = net(torch.from_numpy(standardized(given[start : start + CHUNK])))
            parts.append(nn.functional.normalize(points).numpy())
        return np.concatenate(parts)

    return embed


def contrastive(points: Tensor, people: Tensor) -> Tensor:
    """How badly points of length 1 (B, F) lie by their person (B,): mean cross-entropy of recognising one's own.

    Source: Khosla et al. 2020, equation 2 (the sum outside of the logarithm).
    """
    itself = torch.eye(len(points), dtype=torch.bool)
    near = (points @ points.T / TEMPERATURE).masked_fill(itself, float("-inf"))  # B, B
    chances = near.log_softmax(dim=1).masked_fill(itself, 0)
    own = (people[:, None] == people[None, :]) & ~itself
    return -((chances * own).sum(1) / own.sum(1).clamp(min=1)).mean()


def standardized(values: np.ndarray) -> np.ndarray:
    """Every lead of every window (N, C, L) at mean 0 and spread 1; what is missing is 0, and so is a flat lead.

    Returns:
        (N, C, L // k) float32, k consecutive samples averaged, with L // k between 512 and 1023 for longer windows.
    """
    values = np.asarray(values, dtype=np.float32)
    if (step := values.shape[2] // FINEST) > 1:  # NaN where any of them is
        whole = values[:, :, : values.shape[2] // step * step]
        values = whole.reshape(*values.shape[:2], -1, step).mean(axis=3)
    present = np.isfinite(values)
    count = np.maximum(present.sum(axis=2, keepdims=True), 1)
    centred = np.where(present, values, 0)
    size = np.abs(centred).max(axis=2, keepdims=True, initial=0)
    centred = np.where(present, centred - centred.sum(axis=2, keepdims=True) / count, 0)
    spread = np.sqrt((centred**2).sum(axis=2, keepdims=True) / count)
    flat = spread <= FLAT * size
    return np.where(flat, 0, centred / np.where(flat, 1, spread)).astype(np.float32)


def varied(windows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Standardized windows (B, C, L) of other amplitude, moved in time, with noise and a wandering baseline."""
    n, channels, length = windows.shape
    moved = np.arange(length) + rng.integers(-(length // 10), length // 10 + 1, (n, 1))
    moved = np.abs(moved)  # mirrored at the borders
    moved = np.where(moved >= length, 2 * (length - 1) - moved, moved)
    result = np.take_along_axis(windows, np.broadcast_to(moved[:, None], windows.shape), axis=2)
    result = result * np.exp(rng.normal(0, 0.15, (n, channels, 1)))
    result += rng.uniform(0, 0.15, (n, 1, 1)) * rng.standard_normal(windows.shape)
    turns = rng.uniform(0.1, 2, (n, 1, 1)) * np.linspace(0, 1, length) + rng.uniform(0, 1, (n, channels, 1))
    result += rng.uniform(0, 0.4, (n, channels, 1)) * np.sin(2 * np.pi * turns)
    return result.astype(np.float32)


class ResNet1d(nn.Module):
    """Windows (B, C, L) to outputs (B, F); stages have `widths` channels, each half as long as the one before.

    Source: He et al. 2016; one-dimensional, as ME-GAN uses it for ECGs (sections 5.4 and 5.5).
    """

    def __init__(self, channels: int, outputs: int, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(channels, widths[0], 15, stride=2, padding=7, bias=False), nn.BatchNorm1d(widths[0]), nn.ReLU()
        )
        self.stages = nn.Sequential(*(_Block(n, m) for n, m in pairwise((widths[0], *widths))))
        self.head = nn.Linear(widths[-1], outputs)

    def forward(self, windows: Tensor) -> Tensor:
        """Outputs (B, F) from the mean of the last stage over time."""
        return self.head(self.stages(self.stem(windows)).mean(dim=2))


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv1d(inputs, outputs, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
            nn.Conv1d(outputs, outputs, 7, padding=3, bias=False),
            nn.BatchNorm1d(outputs),
        )
        self.shortcut = nn.Sequential(nn.Conv1d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm1d(outputs))

    def forward(self, windows: Tensor) -> Tensor:
        return torch.relu(self.main(windows) + self.shortcut(windows))


def network(values: np.ndarray, labels: np.ndarray, classes: int, seed: int, steps: int = STEPS) -> Judge:
    """A learner of windows (N, C, L): a small ResNet and a linear head; classes are as frequent in its batches.

    Windows lose their offset, which generators draw apart from the signal, and have leads in units of their own spread
    among those it learns from; longer ones than LONGEST are shortened by means of neighbouring samples, which leaves
    2 s at 1000 Hz with 500 Hz. NaN counts as the window's mean.
    """
    rng = np.random.default_rng(seed)
    prepare = _preparation(values[rng.permutation(len(values))[:MEASURED]])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = ResNet1d(values.shape[1], classes)
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


def balanced(labels: np.ndarray, steps: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Rows of so many batches, (BATCH,) each, in which every class has the same chance."""
    counts = np.bincount(labels)
    probability = 1 / (np.count_nonzero(counts) * counts[labels])
    for _ in range(steps):
        yield rng.choice(len(labels), BATCH, p=probability)


def _preparation(learnt: np.ndarray) -> Callable[[np.ndarray], Tensor]:
    """What brings any windows into the form that a network sees, by the spread of each lead in those it learns from."""
    shorter = -(-learnt.shape[2] // LONGEST)

    def centred(windows: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(windows)
        return (tensor - tensor.nanmean(dim=2, keepdim=True)).nan_to_num(0.0)

    spread = centred(learnt).square().mean(dim=(0, 2)).sqrt()[:, None]  # (C, 1)
    spread[spread == 0] = 1.0
    return lambda windows: nn.functional.avg_pool1d(centred(windows) / spread, shorter, ceil_mode=True)


def boosting(values: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Judge:
    """A learner of rows of tables: gradient boosting, which takes missing values as they are."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    # its own settings, except that all classes weigh the same
    return _fitted(HistGradientBoostingClassifier(class_weight="balanced", random_state=seed), values, labels, classes)


def regression(values: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Judge:
    """A learner of features of pictures: logistic regression."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = LogisticRegression(class_weight="balanced", max_iter=1000, random_state=seed)
    return _fitted(make_pipeline(StandardScaler(), model), values, labels, classes)


def _fitted(classifier: "ClassifierMixin", values: np.ndarray, labels: np.ndarray, classes: int) -> Judge:
    """A judge of rows (N, F) by a classifier of scikit-learn; what it never saw has probability 0."""
    known = ~np.isnan(values).all(axis=0)  # a feature that is missing everywhere says nothing, and is not taken
    classifier.fit(np.where(known, values, 0), labels)

    def judge(rows: np.ndarray) -> np.ndarray:
        probabilities = np.zeros((len(rows), classes))
        probabilities[:, classifier.classes_] = classifier.predict_proba(np.where(known, rows, 0))
        return probabilities

    return judge


def edges_and_colours(values: np.ndarray) -> np.ndarray:
    """Histograms of edge directions by cell and means of each colour by field (N, F) of square pictures (N, c, side²).

    Both mean something in any picture, unlike the features of a network that learnt from photographs.
    Source: Dalal and Triggs 2005, by scikit-image.
    """
    from skimage.feature import hog

    side = isqrt(values.shape[2])
    pictures = values.reshape(*values.shape[:2], side, side)
    cell = max(side // CELLS, 1)
    edges = [hog(picture.mean(axis=0), pixels_per_cell=(cell, cell), cells_per_block=(2, 2)) for picture in pictures]
    colours = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(pictures), POOLED).flatten(1).numpy()
    return np.hstack([np.stack(edges), colours])
