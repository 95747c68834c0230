"""Learners of classes: a network for windows of signals, boosting for rows, regression on edges for pictures."""

from collections.abc import Callable, Iterator
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from .encoder import ResNet1d
from .utility import Judge, Learner

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

STEPS = 300  # updates of a network, whose batches draw no more than twice MOST windows
MOST = 5000  # samples of a set that take part, of kinds that take long to learn
LONGEST = 1024  # samples that the network sees of a lead
MEASURED = 1000  # windows whose spread is taken
BATCH = 32
RATE = 2e-3  # highest learning rate
CELLS = 4  # in a row of a picture, of which edges are counted by direction
POOLED = 8  # means of each colour in a row of a picture
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


def scikit(make: "Callable[[int], ClassifierMixin]") -> Learner:
    """A learner of rows (N, F) that is one of scikit-learn's classifiers; what it never saw has probability 0.

    Arguments:
        make: a classifier for a seed.
    """

    def learn(values: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Judge:
        known = ~np.isnan(values).all(axis=0)  # a feature that is missing everywhere says nothing, and is not taken
        classifier = make(seed).fit(np.where(known, values, 0), labels)

        def judge(rows: np.ndarray) -> np.ndarray:
            probabilities = np.zeros((len(rows), classes))
            probabilities[:, classifier.classes_] = classifier.predict_proba(np.where(known, rows, 0))
            return probabilities

        return judge

    return learn


def boosting() -> Learner:
    """A learner of rows of tables: gradient boosting, which takes missing values as they are."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    # its own settings, except that all classes weigh the same
    return scikit(lambda seed: HistGradientBoostingClassifier(class_weight="balanced", random_state=seed))


def regression() -> Learner:
    """A learner of features of pictures: logistic regression."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return scikit(
        lambda seed: make_pipeline(
            StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000, random_state=seed)
        )
    )


def edges_and_colours(values: np.ndarray) -> np.ndarray:
    """Histograms of edge directions by cell, and means of each colour by field (N, F).

    Arguments:
        values: square pictures (N, c, side²).

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
