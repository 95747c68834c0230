"""Where windows are compared: features that a copy keeps though it was shifted in time, scaled or given an offset."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from sklearn.decomposition import PCA

Kind = Literal["signals", "rows", "pictures"]

LONGEST = 512  # values a channel that a signal is compared in; longer ones are averaged in blocks
WAVES = 80  # frequencies of the spectrum
AXES = 48  # principal axes kept
FITTED = 4000  # samples the axes are fitted on, at most
CHUNK = 1024


@dataclass(frozen=True)
class Space:
    """A space of features, fitted on real samples of both parts alike, so that it knows nothing of who was in training.

    Arguments:
        kind: "signals": amplitude spectrum (the same under shifts) beside the surroundings of the steepest place;
            "rows": features in standard deviations; "pictures": pixels, centred and of length 1.
        centre, spread: (C,) of rows; of no meaning otherwise.
        axes: principal axes.
    """

    kind: Kind
    centre: np.ndarray
    spread: np.ndarray
    axes: PCA

    @classmethod
    def fit(cls, kind: Kind, values: np.ndarray, seed: int, scaled: bool = True) -> Self:
        """Find the axes of real samples (N, C, L); of rows, in standard deviations unless `scaled` is false."""
        rng = np.random.default_rng(seed)
        some = values[np.sort(rng.permutation(len(values))[:FITTED])]
        known = np.isfinite(some[:, :, 0])
        n = np.maximum(known.sum(axis=0), 1)
        first = np.where(known, some[:, :, 0], 0).astype(np.float64)
        centre = first.sum(axis=0) / n
        spread = np.sqrt((np.where(known, first - centre, 0) ** 2).sum(axis=0) / n)
        spread[(spread == 0) | (not scaled)] = 1
        bare = cls(kind, centre, spread, PCA())
        described = bare._describe(bare.shapes(some))
        kept = min(AXES, described.shape[1], len(described))
        with np.errstate(invalid="ignore"):  # of samples that are all alike it divides by their variance
            axes = PCA(kept, svd_solver="randomized", random_state=seed).fit(described)
        return cls(kind, centre, spread, axes)

    def shapes(self, values: np.ndarray) -> np.ndarray:
        """(N, C, L) -> (N, C, l) float32 without offsets, at most LONGEST long; what is missing lies at the mean."""
        if self.kind == "rows":
            scaled = (values - self.centre[:, None]) / self.spread[:, None]
            return np.nan_to_num(scaled, nan=0.0).astype(np.float32)
        width = -(-values.shape[2] // LONGEST) if self.kind == "signals" else 1
        length = values.shape[2] // width
        found = np.empty((len(values), values.shape[1], length), dtype=np.float32)
        for start in range(0, len(values), CHUNK):
            part = values[start : start + CHUNK]
            known = np.isfinite(part)
            mean = np.where(known, part, 0).sum(axis=2, keepdims=True) / np.maximum(known.sum(axis=2, keepdims=True), 1)
            centred = np.where(known, part - mean, 0)[:, :, : length * width]
            found[start : start + CHUNK] = centred.reshape(*centred.shape[:2], length, width).mean(axis=3)
        return found

    def features(self, shapes: np.ndarray) -> np.ndarray:
        """(N, C, l) -> (N, F) float32."""
        parts = (shapes[start : start + CHUNK] for start in range(0, len(shapes), CHUNK))
        return np.concatenate([self.axes.transform(self._describe(part)).astype(np.float32) for part in parts])

    def _describe(self, shapes: np.ndarray) -> np.ndarray:
        flat = shapes.reshape(len(shapes), -1)
        if self.kind == "rows":
            return flat
        if self.kind == "pictures" or shapes.shape[2] < 8:
            return _unit(flat)
        spectrum = np.abs(np.fft.rfft(shapes * np.hanning(shapes.shape[2]), axis=2))[:, :, :WAVES]
        return np.hstack([_unit(np.sqrt(spectrum).reshape(len(shapes), -1)), _unit(_surroundings(shapes))]).astype(
            np.float32
        )


def _surroundings(shapes: np.ndarray) -> np.ndarray:
    """(N, C · l/2) half of each window about its steepest place, jointly over channels, fading at both ends."""
    n, channels, length = shapes.shape
    half = length // 4
    steep = np.square(np.gradient(shapes, axis=2)).sum(axis=1)
    width = max(1, length // 50)  # 40 ms of 2 s: a steep place rather than a steep sample
    sums = np.cumsum(np.pad(steep, ((0, 0), (width, width))), axis=1)
    steep = sums[:, 2 * width - 1 :] - np.pad(sums, ((0, 0), (1, 0)))[:, : sums.shape[1] - 2 * width + 1]
    steep = steep[:, :length]
    centres = half + np.argmax(steep[:, half : length - half], axis=1)
    columns = centres[:, None] + np.arange(-half, half)
    around = np.take_along_axis(shapes, np.broadcast_to(columns[:, None], (n, channels, 2 * half)), axis=2)
    around = around - around.mean(axis=2, keepdims=True)
    return (around * np.sqrt(np.hanning(2 * half))).reshape(n, -1)


def _unit(flat: np.ndarray) -> np.ndarray:
    """Rows of length 1; rows of nothing stay so."""
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.where(length > 0, length, 1)
