"""The shape of the beats in a window, as a verifier of people sees it: whatever the window's length and rate."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..fidelity.beats import find_beats

BEFORE_S, AFTER_S = 0.25, 0.45  # around the middle of QRS: P wave to T wave; more would be the heart rate
RATE = 125  # Hz
GRID_S = np.arange(-BEFORE_S, AFTER_S, 1 / RATE)
SMOOTH_S = 0.008  # width of a Gaussian: mains hum hides beats, and is the recorder's, not the person's


def beat_shapes(signals: np.ndarray, fs: float) -> np.ndarray:
    """The median beat of each window.

    Arguments:
        signals: (N, L) one lead in mV.
        fs: Hz.

    Returns:
        (N, 88) float32 in mV at 125 Hz from 0.25 s before the middle of QRS on, mean 0; NaN for windows that hold no
        whole beat or miss a sample.
    """
    signals = np.asarray(signals, dtype=np.float32)
    shapes = np.full((len(signals), len(GRID_S)), np.nan, dtype=np.float32)
    whole = np.flatnonzero(np.isfinite(signals).all(axis=1))
    smooth = gaussian_filter1d(signals, SMOOTH_S * fs, axis=1, mode="nearest")
    window, middle = find_beats(smooth[whole], fs)
    inside = (middle / fs >= BEFORE_S) & ((middle / fs + AFTER_S) * fs <= signals.shape[1] - 1)
    window, middle = whole[window[inside]], middle[inside]
    if not len(window):
        return shapes
    places = middle[:, None] + GRID_S * fs  # beats, 88
    left = np.clip(np.floor(places).astype(np.int64), 0, signals.shape[1] - 2)
    share = places - left
    beats = smooth[window[:, None], left] * (1 - share) + smooth[window[:, None], left + 1] * share
    names, first = np.unique(window, return_index=True)  # beats come window by window
    for name, of in zip(names, np.split(beats, first[1:]), strict=True):
        shape = np.median(of, axis=0)
        shapes[name] = shape - shape.mean()
    return shapes
