"""What a window's levels leave out, and where it comes from when a generated window has no original to take it from.

Example: training offsets −1 and 3 have mean 1 and standard deviation √8; half of it more is drawn.

    >>> model = OffsetModel.fit([np.array([[-1], [3]])], channels=1)
    >>> model.draw(np.array([[0.5]])).round(3).tolist()
    [[2.414]]
    >>> mode_offsets("baseline", np.array([[[4.0, 5.0, 9.0]]]), None, None).tolist()
    [[-5.0]]
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..errors import InputError
from .transform import State, numbers

MODES = {
    "relative": "the minimum of each channel at 0",
    "baseline": "the median of each channel at 0",
    "sampled": "the minimum of each channel drawn from the training offsets' distribution, jointly over channels",
}


@dataclass(frozen=True, eq=False)
class OffsetModel:
    """A normal distribution of the training offsets, joint over channels: two moments, never a patient's own value."""

    mean: np.ndarray  # (C,), in input units
    covariance: np.ndarray  # (C, C)

    @classmethod
    def fit(cls, offsets: Iterable[np.ndarray], channels: int) -> Self:
        """From offsets (N, C) in chunks; samples with a missing offset are left out."""
        n, total, products = 0, np.zeros(channels), np.zeros((channels, channels))
        about: np.ndarray | None = None  # sums are taken about the first offset: no digits lost where all are large
        for chunk in offsets:
            rows = chunk[np.isfinite(chunk).all(axis=1)].astype(float)
            if about is None and len(rows):
                about = rows[0].copy()
            if about is not None:
                rows -= about
                n, total, products = n + len(rows), total + rows.sum(axis=0), products + rows.T @ rows
        if about is None:
            raise InputError("there is no training window without a missing channel to learn offsets from")
        mean = total / n
        covariance = (products - n * np.outer(mean, mean)) / max(n - 1, 1)
        return cls(about + mean, (covariance + covariance.T) / 2)

    def state(self) -> State:
        return {"mean": self.mean.tolist(), "covariance": self.covariance.tolist()}

    @classmethod
    def from_state(cls, state: State, channels: int) -> Self:
        return cls(numbers(state["mean"], (channels,)), numbers(state["covariance"], (channels, channels)))

    def draw(self, noise: np.ndarray) -> np.ndarray:
        """Standard normal numbers (N, C) to offsets (N, C); each row depends on its own noise only, to the last bit."""
        variances, axes = np.linalg.eigh(self.covariance)
        root = (axes * np.sqrt(np.clip(variances, 0, None))) @ axes.T  # the symmetric root: no sign to choose
        # not noise @ root: a matrix product may round differently with the number of rows
        return self.mean + (noise[:, None, :] * root).sum(axis=-1)


def mode_offsets(mode: str, values: np.ndarray, model: OffsetModel | None, noise: np.ndarray | None) -> np.ndarray:
    """Offsets (N, C) that put windows (N, C, L), decoded without one, where a mode wants them.

    `sampled` needs the fitted distribution and standard normal numbers (N, C); see `Codec.decode`.
    """
    if mode == "baseline":
        return -_ignoring_missing(np.median, np.nanmedian, values)
    to_zero = -_ignoring_missing(np.min, np.nanmin, values)
    if mode == "relative":
        return to_zero
    if model is None:
        raise InputError(
            "offsets cannot be sampled: the codec has learnt none; fit it, or take 'relative' or 'baseline'"
        )
    if noise is None or noise.shape != values.shape[:2]:
        got = "none" if noise is None else f"shape {noise.shape}"
        raise InputError(f"sampled offsets need standard normal numbers of shape {values.shape[:2]}, got {got}")
    return to_zero + model.draw(noise)


def keep_relations(values: np.ndarray, relations: np.ndarray) -> np.ndarray:
    """The smallest offsets (N, C) with which the windows' means obey relations (K, C); 0 where a channel is missing."""
    means = _ignoring_missing(np.mean, np.nanmean, values.astype(float))
    means[np.isnan(means).any(axis=1)] = 0
    correct = np.linalg.pinv(relations) @ relations  # (C, C), projects on what the relations forbid
    return -(means[:, None, :] * correct).sum(axis=-1)


def _ignoring_missing(plain: Callable, careful: Callable, values: np.ndarray) -> np.ndarray:
    """A statistic along time (N, C); NaN only where all values of a window are missing."""
    result = plain(values, axis=-1)
    some = np.isnan(result) & ~np.isnan(values).all(axis=-1)
    result[some] = careful(values[some], axis=-1)
    return result
