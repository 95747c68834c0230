"""Windows as a network shall see them: standardized, and varied as recordings of one person vary."""

import numpy as np

FINEST = 512  # samples; longer windows are averaged down to between one and two times as many
FLAT = 1e-6  # spread below this share of a lead's size is rounding, not signal


def standardized(values: np.ndarray) -> np.ndarray:
    """Every lead of every window at mean 0 and spread 1; what is missing is 0, and so is a flat lead.

    Arguments:
        values: (N, C, L), NaN where a sample is missing.

    Returns:
        (N, C, L // k) float32, k consecutive samples averaged, with L // k between 512 and 1023 for longer windows.
    """
    values = _averaged(np.asarray(values, dtype=np.float32))
    there = np.isfinite(values)
    count = np.maximum(there.sum(axis=2, keepdims=True), 1)
    centred = np.where(there, values, 0)
    size = np.abs(centred).max(axis=2, keepdims=True, initial=0)
    centred = np.where(there, centred - centred.sum(axis=2, keepdims=True) / count, 0)
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


def _averaged(values: np.ndarray) -> np.ndarray:
    step = max(1, values.shape[2] // FINEST)
    if step == 1:
        return values
    whole = values[:, :, : values.shape[2] // step * step]
    return whole.reshape(*values.shape[:2], -1, step).mean(axis=3)  # NaN where any of them is
