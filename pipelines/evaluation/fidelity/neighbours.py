"""Nearest neighbours: can a look at the nearest window tell the generated set from the real one?"""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from ....errors import InputError
from ..score import Score, interval


def nearest_neighbour_accuracy(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Leave-one-out 1-nearest-neighbour test of two sets of equal size.

    Arguments:
        first: (N, …) one set.
        second: (N, …) the other.

    Returns:
        (2N,) 1 where the nearest other element (Euclidean) is of the element's own set. The mean, 1NNC, is 0.5 for
        two draws from one law, 1 for sets that a look at the neighbour tells apart, 0 for a set of copies. But noise
        about the first set gives 0.5 too: nothing is near noise, itself included, so its half is 0 and the other 1.

    Source: Lopez-Paz and Oquab 2017; used for ECGs by ME-GAN, section 4.
    """
    if len(first) != len(second) or len(first) < 2:
        raise InputError(f"1NNC needs two sets of one size, at least 2; got {len(first)} and {len(second)}")
    pooled = np.concatenate([first, second]).reshape(2 * len(first), -1).astype(np.float32)
    neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(pooled).kneighbors(return_distance=False)[:, 0]
    is_second = np.arange(len(pooled)) >= len(first)
    return (is_second[neighbours] == is_second).astype(np.float64)


def score_1nnc(
    generated: np.ndarray,
    control: np.ndarray,
    control_patients: np.ndarray,
    training: np.ndarray,
    training_patients: np.ndarray,
    seed: int,
) -> dict[str, Score]:
    """1NNC of generated against control windows, and of training against control windows: the floor.

    Arguments:
        generated, control, training: (N, …) windows in the space where they are compared.
        control_patients, training_patients: (N,) the patient of each window.
        seed: of the draw that makes the sets equally large.

    Returns:
        "1nnc" with the floor as its baseline, and "1nnc_floor"; "1nnc_synthetic" and "1nnc_real", its two halves: of
        the generated and of the control windows alone, each with its floor as baseline.
    """
    rng = np.random.default_rng(seed)
    n = min(len(generated), len(control), len(training))
    g, c, t = (rng.choice(len(x), n, replace=False) for x in (generated, control, training))
    pairs = {
        "1nnc": (generated[g], np.array([f"generated {k}" for k in g])),
        "1nnc_floor": (training[t], training_patients[t].astype(str)),
    }
    strangers = control_patients[c].astype(str)
    found = {}
    for name, (windows, groups) in pairs.items():
        right = nearest_neighbour_accuracy(windows, control[c])
        parts = {"": slice(None), "_synthetic": slice(n), "_real": slice(n, None)}
        everybody = np.concatenate([groups, strangers])
        for part, rows in parts.items():
            ends = interval(right[rows], everybody[rows], seed=seed)
            found[name + part] = (float(right[rows].mean()), *ends)
    scores = {
        name: Score(*found[name], baseline=found[name.replace("1nnc", "1nnc_floor")][0], n=n)
        for name in ("1nnc", "1nnc_synthetic", "1nnc_real")
    }
    return scores | {"1nnc_floor": Score(*found["1nnc_floor"], baseline=0.5, n=n)}


def departure(right: np.ndarray) -> float:
    """How far both halves of a 1-nearest-neighbour test are from one half: 0 at best, 0.5 at worst.

    Arguments:
        right: (2N,) as `nearest_neighbour_accuracy` gives it.
    """
    return float(np.abs(right.reshape(2, -1).mean(axis=1) - 0.5).mean())
