"""Tables: does each column of the generated set spread as the real one does?"""

from collections.abc import Callable

import numpy as np
from scipy.stats import ks_2samp

from ....data.table_column import NUMBERS
from ..score import RESAMPLES, Score


def score_columns(
    generated: np.ndarray, training: np.ndarray, control: np.ndarray, names: list[str], kinds: list[str], seed: int
) -> dict[str, Score]:
    """Each feature by itself: Kolmogorov-Smirnov distance of numbers, difference of shares of what is there or not.

    Arguments:
        generated, training, control: (N, F) features; NaN is missing.
        names, kinds: (F,) of the features.
        seed: of the bootstrap.

    Returns:
        "ks: NAME" for numbers, "share: NAME" for features of 0 and 1: generated against training rows, of which there
        are most; baseline: control against training rows. "ks_worst" and "share_worst" over all columns.
    """
    rng = np.random.default_rng(seed)
    scores: dict[str, Score] = {}
    for k, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        ours, learnt, others = (_there(rows[:, k]) for rows in (generated, training, control))
        if not (len(ours) and len(learnt) and len(others)):
            continue
        prefix, differ = ("ks", _distance) if kind in NUMBERS else ("share", _difference)
        ends = _resampled(ours, learnt, differ, rng)
        scores[f"{prefix}: {name}"] = Score(differ(ours, learnt), *ends, differ(others, learnt), len(ours))
    for worst, prefix in (("ks_worst", "ks: "), ("share_worst", "share: ")):
        found = [score for name, score in scores.items() if name.startswith(prefix)]
        if found:
            scores[worst] = max(found, key=lambda score: abs(score.value))
    return scores


def score_ranges(generated: np.ndarray, control: np.ndarray, training: np.ndarray) -> dict[str, Score]:
    """Share of generated rows whose every value lies between the smallest and largest of all training rows.

    Arguments:
        generated, control, training: (N, F) features; NaN is missing.

    Returns:
        "inside_ranges", with that of control rows as baseline; exact, for nothing is estimated.
    """
    low, high = np.nanmin(training, axis=0), np.nanmax(training, axis=0)
    ours, real = (float(np.mean(~((rows < low) | (rows > high)).any(axis=1))) for rows in (generated, control))
    return {"inside_ranges": Score(ours, ours, ours, real, len(generated))}


def score_null(images: np.ndarray, null: np.ndarray, seed: int) -> dict[str, Score]:
    """Share of generated images whose NULL pixels are all exactly 0, before anything enforces it.

    Arguments:
        images: (N, c, H, W) uint8, as the generator made them.
        null: (c, H, W) True where the arrangement has NULL; none: nothing is scored.
        seed: of the bootstrap.

    Source: the NULL area of Piacentino et al., section 3.3.3, Fig. 5.
    """
    if not null.any():
        return {}
    clean = (images[:, null] == 0).all(axis=1)
    draws = np.random.default_rng(seed).binomial(len(clean), clean.mean(), RESAMPLES) / len(clean)
    low, high = np.percentile(draws, (2.5, 97.5))
    return {"null_clean": Score(float(clean.mean()), float(low), float(high), 1.0, len(clean))}


def _there(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(ks_2samp(first, second).statistic)


def _difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(first.mean() - second.mean())


def _resampled(
    first: np.ndarray,
    second: np.ndarray,
    statistic: Callable[[np.ndarray, np.ndarray], float],
    rng: np.random.Generator,
) -> tuple[float, float]:
    """95 % bootstrap interval over rows of both sets; a row of a table stands for one person."""
    draws = [statistic(rng.choice(first, len(first)), rng.choice(second, len(second))) for _ in range(RESAMPLES // 4)]
    low, high = np.percentile(draws, (2.5, 97.5))
    return float(low), float(high)
