"""Several leads: do the laws between them hold, and are they as far from each other as real ones?"""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from ..score import Score, interval

AUGMENTED = {"avr", "avl", "avf"}
AT_ONCE = 500  # windows


def score_limb_leads(
    generated: np.ndarray, control: np.ndarray, relations: np.ndarray, seed: int, channels: Sequence[str] = ()
) -> dict[str, Score]:
    """How far the limb leads are from the relations that hold between them, with real windows as baseline.

    Arguments:
        generated, control: (N, C, L) in mV, the control windows after the same grey levels, which cost some µV.
        relations: (K, C) rows r with r @ x = 0; none: nothing is scored.
        seed: of the bootstrap.
        channels: C names, to tell Goldberger's relations from Einthoven's; without them all count as Einthoven's.

    Returns:
        "einthoven": root mean square in µV of the residuals of relations between i, ii and iii; "goldberger": of those
        with aVR, aVL or aVF.
    """
    augmented = np.array([name.strip().casefold() in AUGMENTED for name in channels], bool)
    of_goldberger = (relations[:, augmented.nonzero()[0]] != 0).any(axis=1)

    def root(values: np.ndarray) -> float:
        return float(np.sqrt(np.nanmean(values)))

    scores = {}
    for name, rows in (("einthoven", relations[~of_goldberger]), ("goldberger", relations[of_goldberger])):
        if len(rows):
            ours, real = (1e6 * np.nanmean((rows @ windows) ** 2, axis=(1, 2)) for windows in (generated, control))
            ends = interval(ours, np.arange(len(ours)), root, seed)
            scores[name] = Score(root(ours), *ends, root(real), len(ours), "µV")
    return scores


def score_lead_distance(
    generated: np.ndarray,
    control: np.ndarray,
    seed: int,
    embed: Callable[[np.ndarray], np.ndarray] | None = None,
) -> dict[str, Score]:
    """How far the leads of one window are from each other, with real windows as baseline: best is as far as there.

    Arguments:
        generated, control: (N, C, L); NaN is missing.
        seed: of the bootstrap.
        embed: (M, 1, L) single leads → (M, F) features, if there is such an encoder.

    Returns:
        "lead_distance": mean over pairs of leads of 1 − their correlation, 0 to 2; "lead_distance_embedded": mean
        Euclidean distance of their features. Nothing for a single lead, or if no generated or no control window has
        two leads that vary.

    Source: Yi et al. 2022 (ME-GAN), section 5.3, Table 3.
    """
    if generated.shape[1] < 2:
        return {}
    measures = {"lead_distance": (_by_correlation(generated), _by_correlation(control))}
    if embed is not None:
        measures["lead_distance_embedded"] = (_by_features(generated, embed), _by_features(control, embed))
    scores = {}
    for name, (ours, real) in measures.items():
        ours, real = ours[~np.isnan(ours)], real[~np.isnan(real)]
        if len(ours) and len(real):
            ends = interval(ours, np.arange(len(ours)), seed=seed)
            scores[name] = Score(float(ours.mean()), *ends, float(real.mean()), len(ours))
    return scores


def _by_correlation(windows: np.ndarray) -> np.ndarray:
    """(N,) mean over pairs of leads; leads that do not vary are left out, NaN where fewer than two are left."""
    first, second = np.array([*combinations(range(windows.shape[1]), 2)]).T
    found = []
    for start in range(0, len(windows), AT_ONCE):
        part = windows[start : start + AT_ONCE].astype(np.float64)
        there = ~np.isnan(part)
        mean = np.where(there, part, 0).sum(axis=2) / np.maximum(there.sum(axis=2), 1)
        centred = np.where(there, part - mean[..., None], 0)
        length = np.linalg.norm(centred, axis=2)
        varies = length > 1e-9 * np.sqrt(part.shape[2]) * np.maximum(1e-6, np.abs(mean))
        unit = centred / np.where(varies, length, 1)[..., None]
        distance = (1 - unit @ unit.transpose(0, 2, 1))[:, first, second]
        counts = varies[:, first] & varies[:, second]
        n = counts.sum(axis=1)
        found.append(np.where(n > 0, (distance * counts).sum(axis=1) / np.maximum(n, 1), np.nan))
    return np.concatenate(found)


def _by_features(windows: np.ndarray, embed: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(N,) mean over pairs of leads."""
    each = np.stack([embed(windows[:, [lead]]) for lead in range(windows.shape[1])], axis=1)  # (N, C, F)
    pairs = combinations(range(windows.shape[1]), 2)
    return np.mean([np.linalg.norm(each[:, a] - each[:, b], axis=1) for a, b in pairs], axis=0)
