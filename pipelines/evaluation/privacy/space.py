"""Spaces in which samples are compared, and what differs from one kind of sample to the next when it is attacked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from ....data.samples import Samples

if TYPE_CHECKING:  # scikit-learn takes a second to import
    from sklearn.decomposition import PCA

LONGEST = 512  # values a channel that a signal is compared in; longer ones are averaged in blocks
WAVES = 80  # frequencies of the spectrum
AXES = 48  # principal axes kept
FITTED = 4000  # samples the axes are fitted on, at most
CHUNK, REPLAYED = 1024, 2048  # samples at a time
OVERLAP = 0.5  # of the window, that two shifted windows share at least
NOISE = (0.01, 0.02)  # of each channel's range in the window, that a replay adds
SCALE = (0.9, 1.1)
SHIFT = 0.1  # of the window, either direction


class View:
    """How samples, called by a noun, are compared, and replayed as the positive control: here as pictures are.

    The features of a picture are its pixels, centred and of length 1; a replay scales pictures and adds noise.
    """

    noun: ClassVar[str] = "picture"

    def values(self, samples: Samples) -> np.ndarray:
        """(N, C, L) of samples as they are compared."""
        return samples.values

    def fitted(self, values: np.ndarray) -> Self:
        """The view after it has seen real values (N, C, L) of both parts alike."""
        return self

    def shapes(self, values: np.ndarray) -> np.ndarray:
        """(N, C, L) -> (N, C, l) float32 without offsets; what is missing lies at the mean."""
        return _centred(values, 1)

    def describe(self, shapes: np.ndarray) -> np.ndarray:
        """(N, C, l) -> (N, F) features."""
        return _unit(shapes.reshape(len(shapes), -1))

    def gaps(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """(…) distances of shapes (…, C, l)."""
        return np.sqrt(np.square(first - second).mean(axis=(2, 3)))

    def resolution(self, values: np.ndarray, shapes: np.ndarray) -> float:
        """Largest difference of two values that are the same but for rounding: at most 1 % of how much they vary."""
        spread = float(shapes.std())
        levels = np.diff(np.unique(values[:200][np.isfinite(values[:200])]).astype(np.float64))
        levels = levels[levels > 1e-5 * spread]
        return min(1.01 * float(levels.min()) if len(levels) else 0.0, 0.01 * spread)

    def replay(self, training: Samples, n: int, seed: int) -> Samples:
        """n samples as a generator would release them that learnt the training by heart and blurs it a little."""
        rng = np.random.default_rng(seed)
        values = training.values[rng.integers(len(training), size=n)]
        for start in range(0, n, REPLAYED):
            values[start : start + REPLAYED] = self._changed(values[start : start + REPLAYED], rng)
        frame = training.frame.iloc[:0].reindex(range(n))[[]]
        return Samples(values, frame, training.channels, training.units, training.fs)

    def _changed(self, windows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n = len(windows)
        lows, highs = (extreme.reduce(windows, axis=2, keepdims=True) for extreme in (np.fmin, np.fmax))  # but for NaN
        middle = (lows + highs) / 2
        noise = rng.standard_normal(windows.shape, dtype=np.float32) * (highs - lows)
        noise *= rng.uniform(*NOISE, size=(n, 1, 1)).astype(np.float32)
        return middle + (windows - middle) * rng.uniform(*SCALE, size=(n, 1, 1)).astype(np.float32) + noise


class SignalView(View):
    """Windows of signals, looked at under shifts in time.

    Their features are the amplitude spectrum (the same under shifts) beside the surroundings of the steepest sample. A
    replay is also shifted; the end that becomes free mirrors the window.
    """

    noun = "window"

    def shapes(self, values: np.ndarray) -> np.ndarray:
        return _centred(values, -(-values.shape[2] // LONGEST))

    def describe(self, shapes: np.ndarray) -> np.ndarray:
        if shapes.shape[2] < 8:
            return super().describe(shapes)
        spectrum = np.abs(np.fft.rfft(shapes * np.hanning(shapes.shape[2]), axis=2))[:, :, :WAVES]
        parts = [_unit(np.sqrt(spectrum).reshape(len(shapes), -1)), _unit(_surroundings(shapes))]
        return np.hstack(parts).astype(np.float32)

    def gaps(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return 1 - correlation(first, second) if first.shape[-1] > 1 else super().gaps(first, second)

    def _changed(self, windows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n, _, length = windows.shape
        lags = rng.integers(-int(SHIFT * length), int(SHIFT * length) + 1, size=(n,))
        at: np.ndarray = np.abs(np.arange(length)[None, :] - lags[:, None])
        at = np.where(at < length, at, 2 * (length - 1) - at)
        return super()._changed(np.take_along_axis(windows, np.broadcast_to(at[:, None], windows.shape), axis=2), rng)


@dataclass(frozen=True)
class Space:
    """A space of features, fitted on real samples of both parts alike: it knows nothing of who was in training."""

    view: View  # of the samples, fitted
    axes: PCA  # principal axes of their features

    @classmethod
    def fit(cls, view: View, values: np.ndarray, seed: int) -> Self:
        """Find the axes of real samples (N, C, L)."""
        from sklearn.decomposition import PCA

        rng = np.random.default_rng(seed)
        some = values[np.sort(rng.permutation(len(values))[:FITTED])]
        view = view.fitted(some)
        described = view.describe(view.shapes(some))
        kept = min(AXES, described.shape[1], len(described))
        with np.errstate(invalid="ignore"):  # of samples that are all alike it divides by their variance
            return cls(view, PCA(kept, svd_solver="randomized", random_state=seed).fit(described))

    def features(self, shapes: np.ndarray) -> np.ndarray:
        """(N, C, l) -> (N, F) float32."""
        parts = (shapes[start : start + CHUNK] for start in range(0, len(shapes), CHUNK))
        return np.concatenate([self.axes.transform(self.view.describe(part)).astype(np.float32) for part in parts])


def correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(…) largest normalized cross-correlation of windows (…, C, l) over shifts that leave OVERLAP in common.

    One number for all channels, shifted together: products and energies of the common part are summed over channels.
    """
    length = first.shape[-1]
    most = length - int(np.ceil(OVERLAP * length))
    spectra = [np.fft.rfft(windows, 2 * length, axis=-1) for windows in (first, second)]
    # Σ_t first(t + lag) · second(t), for lag 0 … most and −most … −1
    products = np.fft.irfft((spectra[0] * spectra[1].conj()).sum(axis=-2), 2 * length, axis=-1)
    products = np.concatenate([products[..., : most + 1], products[..., 2 * length - most :]], axis=-1)
    energy = [np.cumsum(np.square(w, dtype=np.float64).sum(axis=-2), axis=-1) for w in (first, second)]
    lags = np.arange(most + 1)
    head = [e[..., length - 1 - lags] for e in energy]  # the energy up to length − lag
    before = [np.concatenate([np.zeros_like(e[..., :1]), e], axis=-1)[..., lags] for e in energy]
    tail = [e[..., -1:] - until for e, until in zip(energy, before, strict=True)]  # the energy from lag on
    forward = tail[0] * head[1]  # first from lag on, second up to length − lag
    backward = (head[0] * tail[1])[..., :0:-1]
    common = np.sqrt(np.concatenate([forward, backward], axis=-1))
    small = 1e-9 * np.sqrt(energy[0][..., -1:] * energy[1][..., -1:]) + 1e-30
    return np.where(common > small, products / np.maximum(common, small), 0).max(axis=-1)


def _centred(values: np.ndarray, width: int) -> np.ndarray:
    """(N, C, L) -> (N, C, L // width) float32 about their means, so many consecutive values averaged."""
    length = values.shape[2] // width
    shapes = np.empty((len(values), values.shape[1], length), dtype=np.float32)
    for start in range(0, len(values), CHUNK):
        part = values[start : start + CHUNK]
        known = np.isfinite(part)
        mean = np.where(known, part, 0).sum(axis=2, keepdims=True) / np.maximum(known.sum(axis=2, keepdims=True), 1)
        centred = np.where(known, part - mean, 0)[:, :, : length * width]
        shapes[start : start + CHUNK] = centred.reshape(*centred.shape[:2], length, width).mean(axis=3)
    return shapes


def _surroundings(shapes: np.ndarray) -> np.ndarray:
    """(N, C · l/2) half of each window about its steepest sample, jointly over channels, fading at both ends."""
    n, channels, length = shapes.shape
    half = length // 4
    steep = np.square(np.gradient(shapes, axis=2)).sum(axis=1)
    width = max(1, length // 50)  # 40 ms of 2 s: a steep stretch rather than a steep sample
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
