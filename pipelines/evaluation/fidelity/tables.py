"""Tables: does each column of the generated set spread as the real one does?"""

import numpy as np
from scipy.stats import ks_2samp

from ....data.table.columns import NUMBERS
from ..score import RESAMPLES, Score
from .resampling import around, drawn, multiplicities, shares

ROWS = 2000  # of a set and column at most, for what is resampled


def score_columns(
    generated: np.ndarray,
    training: np.ndarray,
    training_patients: np.ndarray,
    control: np.ndarray,
    names: list[str],
    kinds: list[str],
    seed: int,
) -> dict[str, Score]:
    """Each feature by itself: Kolmogorov-Smirnov distance of numbers, difference of shares of what is there or not.

    Arguments:
        generated, training, control: (N, F) features; NaN is missing.
        training_patients: (N,) the patient of each training row.
        names, kinds: (F,) of the features.
        seed: of the draws and the bootstrap, over generated rows and training patients.

    Returns:
        "ks: NAME" for numbers, "share: NAME" for features of 0 and 1: generated against training rows, of which there
        are most. Baseline: control rows in the generated ones' place, of which as many are taken. "ks_worst" and
        "share_worst" over all columns.
    """
    rng = np.random.default_rng(seed)
    scores: dict[str, Score] = {}
    for k, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        there = ~np.isnan(training[:, k])
        ours, others = (rows[~np.isnan(rows[:, k]), k] for rows in (generated, control))
        learnt, patients = training[there, k], training_patients[there]
        if not (len(ours) and len(learnt) and len(others)):
            continue
        g, t, c = drawn(ours, learnt, others, ROWS, rng)
        ours, learnt, others, patients = ours[g], learnt[t], others[c], patients[t]
        weights = [shares(multiplicities(x, rng).astype(np.float64)) for x in (np.arange(len(g)), patients)]
        if kind in NUMBERS:
            prefix, value, baseline = "ks", _distance(ours, learnt), _distance(others, learnt)
            ends = around(value, _distances(ours, learnt, *weights), 0, 1)
        else:
            prefix, value, baseline = "share", _difference(ours, learnt), _difference(others, learnt)
            ends = around(value, weights[0] @ ours - weights[1] @ learnt, -1, 1)
        scores[f"{prefix}: {name}"] = Score(value, *ends, baseline, len(ours))
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


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(ks_2samp(first, second, method="asymp").statistic)  # the method is that of a p-value nobody reads


def _difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(first.mean() - second.mean())


def _distances(first: np.ndarray, second: np.ndarray, weights: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(R,) Kolmogorov-Smirnov distances of values (N,) and (M,) with weights (R, N) and (R, M), each row of sum 1."""
    pooled = np.concatenate([first, second])
    order = np.argsort(pooled, kind="stable")
    last = np.append(np.diff(pooled[order]) > 0, True)  # of equal values: compared where all of them are in
    apart = np.hstack([weights, -others])[:, order].cumsum(axis=1)
    return np.abs(apart[:, last]).max(axis=1)
