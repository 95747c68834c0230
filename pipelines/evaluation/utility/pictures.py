"""A learner of pictures: logistic regression on their edges and colours."""

from math import isqrt

import numpy as np
import torch
from skimage.feature import hog
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .rows import scikit

CELLS = 4  # in a row, of which edges are counted by direction
POOLED = 8  # means of each colour in a row


def edges_and_colours(values: np.ndarray) -> np.ndarray:
    """Histograms of edge directions by cell, and means of each colour by field (N, F).

    Arguments:
        values: square pictures (N, c, side²).

    Both mean something in any picture, unlike the features of a network that learnt from photographs.

    Source: Dalal and Triggs 2005, by scikit-image.
    """
    side = isqrt(values.shape[2])
    pictures = values.reshape(*values.shape[:2], side, side)
    cell = max(side // CELLS, 1)
    edges = [hog(picture.mean(axis=0), pixels_per_cell=(cell, cell), cells_per_block=(2, 2)) for picture in pictures]
    colours = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(pictures), POOLED).flatten(1).numpy()
    return np.hstack([np.stack(edges), colours])


regression = scikit(
    lambda seed: make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000, random_state=seed)
    )
)
