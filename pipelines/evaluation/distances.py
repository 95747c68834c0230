"""Distance between two sets of features, by itself and against the distance between two halves of real patients."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ...errors import InputError
from .resampling import multiplicities, score_around, some
from .scores import Score
from .sets import Comparison

FRECHET_ROWS = 5000  # of a set at most
KERNEL_ROWS = 1000  # of a set at most: the subsets of Bińkowski et al. 2018
AXES = 64  # principal axes at most
ROWS_PER_AXIS = 10  # in each half; with fewer, covariances are guesses
RELATIVE_PEOPLE = 20  # control patients; of fewer, halves are as far apart as noise is from either
DIVISIONS = 10  # of control patients into halves; ME-GAN, section 5.6
DRAWS = 100  # bootstrap samples
DRAW_DIVISIONS = 2  # of each of those
MAP_ROWS = 400  # of each kind: more points hide each other

Pairs = Sequence[tuple[np.ndarray, np.ndarray]]  # rows of the pooled features, as two sets


def score_distances(sets: Comparison) -> dict[str, Score]:
    """Fréchet and kernel distance of features (N, F), also relative to the distance of two halves of control patients.

    Distances are taken along the principal axes of real features, a tenth as many as a half has samples and at most
    64; where these are not all, one more axis says how far a sample lies from all of them. One scale for all axes
    makes the mean variance of real features 1.

    The relative ones are means over 10 divisions, and left out with fewer than 20 control patients, if half of them
    have not two samples, or if all samples are one. Below 1 is possible: synthetic samples may be of more people.

    Source: Yi et al. 2022 (ME-GAN), eq. 9 and section 5.6; Heusel et al. 2017; Bińkowski et al. 2018.
    """
    _check(sets)
    rng = np.random.default_rng(sets.seed)
    patients = sets.control_patients
    halves = _divisions(patients, len(sets.synthetic), DIVISIONS, rng)
    smallest = min((len(x) for division in halves for x in division), default=len(sets.control))
    sets = _real_axes(sets, min(smallest, len(sets.training)))
    scores = {"frechet": _score_frechet(sets, rng), "kernel": score_kernel(sets)}
    if not halves or len(np.unique(patients)) < RELATIVE_PEOPLE:
        return scores
    for name, most, distances in (("r_frechet", FRECHET_ROWS, _frechets), ("r_kernel", KERNEL_ROWS, _kernels)):
        rows, synthetic_rows = some(sets.control, most, rng), some(sets.synthetic, most, rng)
        relative = _relative(sets.select(synthetic_rows, rows, np.arange(0)), distances, rng)
        scores |= {} if relative is None else {name: relative}
    return scores


def score_kernel(sets: Comparison) -> Score:
    """Kernel distance of at most 1,000 synthetic and control features (N, F) of one scale; baseline: training ones."""
    rng = np.random.default_rng(sets.seed)
    sets = sets.equally_many(KERNEL_ROWS, rng)
    value, baseline = kernel(sets.synthetic, sets.control), kernel(sets.training, sets.control)
    pooled = _kernel_matrix(np.concatenate([sets.synthetic, sets.control]))
    times = [multiplicities(x, rng, DRAWS).astype(float) for x in (sets.own, sets.control_patients)]
    return score_around(value, _unbiased(pooled, *times), baseline, len(sets.control))


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    """Fréchet distance of the normal distributions with the means and covariances of two sets (N, F), N at least 2.

    Source: Heusel et al. 2017, eq. 6; the features are given, no Inception network sees anything.
    """
    sets = [np.asarray(features, np.float64) for features in (first, second)]
    apart = np.square(sets[0].mean(axis=0) - sets[1].mean(axis=0)).sum()
    a, b = (np.atleast_2d(np.cov(features, rowvar=False)) for features in sets)
    overlap = np.sqrt(np.linalg.eigvals(a @ b).astype(complex)).real.sum()
    return max(0.0, float(apart + np.trace(a) + np.trace(b) - 2 * overlap))


def kernel(first: np.ndarray, second: np.ndarray) -> float:
    """Unbiased squared MMD of two sets of one size (N, F), cubic kernel; may be a little below 0.

    Source: Bińkowski et al. 2018, eq. 4 and section 4.
    """
    if len(first) != len(second) or len(first) < 2:
        raise InputError(
            f"the kernel distance needs two sets of one size, at least 2; got {len(first)} and {len(second)}"
        )
    once = np.ones((1, len(first)))
    return float(_unbiased(_kernel_matrix(np.concatenate([first, second])), once, once)[0])


def feature_map(sets: Comparison) -> pd.DataFrame:
    """Columns x, y, kind: at most 400 samples (N, F) of each kind lie along the two principal axes of real ones."""
    from sklearn.decomposition import PCA

    _check(sets)
    rng = np.random.default_rng(sets.seed)
    kinds = {"training": sets.training, "control": sets.control, "synthetic": sets.synthetic}
    shown = {kind: rows[some(rows, MAP_ROWS, rng)] for kind, rows in kinds.items()}
    real = np.concatenate([shown["training"], shown["control"]])
    axes = PCA(min(2, *real.shape), svd_solver="full").fit(real)
    tables = []
    for kind, rows in shown.items():
        points = axes.transform(rows)
        y = points[:, 1] if points.shape[1] > 1 else np.zeros(len(rows))
        tables.append(pd.DataFrame({"x": points[:, 0], "y": y, "kind": kind}))
    return pd.concat(tables, ignore_index=True)


def _real_axes(sets: Comparison, smallest: int) -> Comparison:
    """Features in the space that real ones span; `smallest` is the size of the smallest set it must do for."""
    from sklearn.decomposition import PCA

    real = np.concatenate([sets.control, sets.training]).astype(np.float64)
    axes = PCA(max(1, min(AXES, smallest // ROWS_PER_AXIS, *real.shape)), svd_solver="full").fit(real)

    def project(x: np.ndarray) -> np.ndarray:
        points = axes.transform(x.astype(np.float64))
        if axes.n_components_ == real.shape[1]:
            return points
        beyond = np.linalg.norm(x - axes.inverse_transform(points), axis=1, keepdims=True)
        return np.hstack([points, beyond])  # what only the generator does must not be lost

    sets = sets.mapped(project)
    scale = np.sqrt(np.concatenate([sets.control, sets.training]).var(axis=0).mean())
    return sets.mapped(lambda x: x / max(scale, 1e-12))


def _score_frechet(sets: Comparison, rng: np.random.Generator) -> Score:
    sets = sets.equally_many(FRECHET_ROWS, rng)
    value, baseline = frechet(sets.synthetic, sets.control), frechet(sets.training, sets.control)
    times = zip(*(multiplicities(x, rng, DRAWS) for x in (sets.own, sets.control_patients)), strict=True)
    draws = [frechet(sets.synthetic[_repeated(a)], sets.control[_repeated(b)]) for a, b in times]
    return score_around(value, np.array(draws), baseline, len(sets.control), (0, np.inf))


def _relative(
    sets: Comparison, distances: Callable[[np.ndarray, Pairs], np.ndarray], rng: np.random.Generator
) -> Score | None:
    """Eq. 9 of ME-GAN; numerator and denominator are means, and of equally many samples, so that bias cancels."""
    patients, n = sets.control_patients, len(sets.synthetic)
    pooled = np.concatenate([sets.control, sets.synthetic])
    rounds = [_divisions(patients, n, DIVISIONS, rng)]
    if not rounds[0]:
        return None
    while len(rounds) <= DRAWS:
        rows = _repeated(multiplicities(patients, rng, 1)[0])
        drawn = _divisions(patients[rows], n, DRAW_DIVISIONS, rng, True)
        if drawn:  # else of one person only
            rounds.append([(rows[a], rows[b], x) for a, b, x in drawn])
    triples = [(a, b, len(sets.control) + x) for each in rounds for a, b, x in each]
    to_synthetic = distances(pooled, [(x, b) for _, b, x in triples])
    between_halves = distances(pooled, [(a, b) for a, b, _ in triples])
    starts = np.cumsum([0, *map(len, rounds)])[:-1]
    above, below = (np.add.reduceat(x, starts) for x in (to_synthetic, between_halves))
    apart = (above > 0) & (below > 0)
    if not apart[0] or np.count_nonzero(apart) < 2:
        return None
    ratios = above[apart] / below[apart]
    return score_around(ratios[0], ratios[1:], 1.0, n, ratio=True)


def _divisions(
    patients: np.ndarray, n_synthetic: int, times: int, rng: np.random.Generator, replace: bool = False
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Rows of two halves of the patients and of synthetic samples, all of one size; none where that is below 2."""
    names, codes = np.unique(patients, return_inverse=True)
    if len(names) < 2:
        return []
    sizes = np.bincount(codes)
    divisions = []
    for _ in range(times):
        in_second, filled = np.zeros(len(names), bool), np.zeros(2, int)
        for person in rng.permutation(len(names)):
            half = int(filled[1] < filled[0])
            in_second[person] = half
            filled[half] += sizes[person]
        n = min(*filled, n_synthetic)
        if n < 2:
            return []
        halves = (np.flatnonzero(in_second[codes] == second) for second in (False, True))
        first, second = (rng.choice(rows, n, replace=False) for rows in halves)
        divisions.append((first, second, rng.choice(n_synthetic, n, replace=replace)))
    return divisions


def _frechets(pooled: np.ndarray, pairs: Pairs) -> np.ndarray:
    return np.array([frechet(pooled[a], pooled[b]) for a, b in pairs])


def _kernels(pooled: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Squared MMD, each sample's likeness to itself included: never below 0, as what a ratio is made of must be."""
    similar = _kernel_matrix(pooled)
    n = len(pooled)
    signs = np.array([np.bincount(a, minlength=n) / len(a) - np.bincount(b, minlength=n) / len(b) for a, b in pairs])
    return np.einsum("rn,rn->r", signs @ similar, signs)


def _unbiased(similar: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(R,) squared MMD of bootstrap samples; a sample is not paired with itself, however often it was drawn.

    Takes the kernel matrix (N + M, N + M) of both sets, and how often each is drawn: (R, N) and (R, M).
    """
    n, itself = first.shape[1], np.diag(similar)

    def within(times: np.ndarray, block: slice) -> np.ndarray:
        pairs = np.einsum("rn,rn->r", times @ similar[block, block], times) - times**2 @ itself[block]
        return pairs / np.maximum(times.sum(axis=1) ** 2 - (times**2).sum(axis=1), 1)

    across = np.einsum("rn,rn->r", first @ similar[:n, n:], second) / (first.sum(axis=1) * second.sum(axis=1))
    return within(first, slice(n)) + within(second, slice(n, None)) - 2 * across


def _kernel_matrix(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float64)
    return (features @ features.T / features.shape[1] + 1) ** 3


def _repeated(times: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(times)), times.astype(int))


def _check(sets: Comparison) -> None:
    for kind, features in zip(("synthetic", "control", "training"), sets.values, strict=True):
        bad = ~np.isfinite(features).all(axis=1)
        if len(features) < 2 or bad.any():
            raise InputError(
                f"features of {kind} samples: {int(bad.sum())} of {len(features)} are not finite; "
                "distances need at least two samples, and no missing values"
            )
