"""Nearest neighbours: can a look at the nearest samples tell the synthetic set from the real one?"""

from dataclasses import dataclass, replace

import numpy as np

from ...errors import InputError
from .resampling import RESAMPLES, multiplicities, score_around
from .scores import Score
from .sets import Comparison

ACCURACY_SAMPLES = 5000  # of a set at most: time grows with their square, and 1NNC is known to 1 % by then
MANIFOLD_SAMPLES = 3000  # of a set at most: a share of so many is known to 1 %, and time grows with their square
BLOCKS = 200  # of patients at most, each resampled as a whole: more would refine an interval, not widen or narrow it
BLOCK_MEMORY = 64  # MiB of distances at a time


def nearest_neighbour_accuracy(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Leave-one-out 1-nearest-neighbour test of two sets (N, …) of one size.

    Returns:
        (2N,) 1 where the nearest other element (Euclidean) is of the element's own set. The mean, 1NNC, is 0.5 for
        two draws from one law, 1 for sets that differ, 0 for a set of copies. But noise about the first set gives 0.5
        too: nothing is near noise, itself included, so its half is 0 and the other 1.

    Source: Lopez-Paz and Oquab 2017; used for ECGs by ME-GAN, section 4.
    """
    from sklearn.neighbors import NearestNeighbors

    if len(first) != len(second) or len(first) < 2:
        raise InputError(f"1NNC needs two sets of one size, at least 2; got {len(first)} and {len(second)}")
    pooled = np.concatenate([first, second]).reshape(2 * len(first), -1).astype(np.float32)
    neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(pooled).kneighbors(return_distance=False)[:, 0]
    is_second = np.arange(len(pooled)) >= len(first)
    return (is_second[neighbours] == is_second).astype(np.float64)


def departure(right: np.ndarray) -> float:
    """How far both halves of `nearest_neighbour_accuracy` are from one half: 0 at best, 0.5 at worst."""
    return float(np.abs(right.reshape(2, -1).mean(axis=1) - 0.5).mean())


def score_1nnc(sets: Comparison) -> dict[str, Score]:
    """1NNC of synthetic against control samples, with its halves, and of training against control samples: the floor.

    Each half is resampled by itself, so that a sample holds both in equal parts, as the figure does.
    """
    rng = np.random.default_rng(sets.seed)
    sets = sets.equally_many(ACCURACY_SAMPLES, rng)
    found: dict[str, Score] = {}
    for name, values, groups in (
        ("1nnc", sets.synthetic, sets.own),
        ("1nnc_floor", sets.training, sets.training_patients),
    ):
        halves = nearest_neighbour_accuracy(values, sets.control).reshape(2, -1)
        times = [multiplicities(people, rng, RESAMPLES) for people in (groups, sets.control_patients)]
        draws = [each @ half / each.sum(axis=1) for each, half in zip(times, halves, strict=True)]
        means = [float(half.mean()) for half in halves]
        parts = {"_synthetic": (means[0], draws[0]), "_real": (means[1], draws[1])}
        parts[""] = (sum(means) / 2, (draws[0] + draws[1]) / 2)
        n = len(sets.control)
        found |= {name + part: score_around(value, drawn, 0.5, n, (0, 1)) for part, (value, drawn) in parts.items()}
    scores = {
        name: replace(found[name], baseline=found[name.replace("1nnc", "1nnc_floor")].value)
        for name in ("1nnc", "1nnc_synthetic", "1nnc_real")
    }
    return scores | {"1nnc_floor": found["1nnc_floor"]}


def score_manifold(sets: Comparison, k: int = 5) -> dict[str, Score]:
    """Whether synthetic samples lie where real ones do, and whether they lie everywhere where real ones do.

    Around each sample lies the ball that reaches to the k-th nearest sample of its own set, those of the same patient
    left out: they are so near each other that nobody else's sample, however real, would ever be in a ball. Nothing
    where some sample has not k others that are not of its patient. A generator that repeats a few samples has small
    balls, and so little recall, however near to real samples it comes.

    Source: Kynkäänniemi et al. 2019 (precision, recall) and Naeem et al. 2020 (density, coverage), section 3 of both;
    neighbours are those of other patients here, which neither of them needed.
    """
    rng = np.random.default_rng(sets.seed)
    sets = sets.equally_many(MANIFOLD_SAMPLES, rng)
    n = len(sets.control)
    groups = (sets.own, sets.control_patients, sets.training_patients)
    if any(n - np.unique(of, return_counts=True)[1].max() < k for of in groups):
        return {}
    synthetic = _count_balls(sets.synthetic, sets.own, sets, k, rng)
    training = _count_balls(sets.training, sets.training_patients, sets, k, rng).figures(k)
    draws = synthetic.figures(k, rng)
    return {
        name: score_around(value, draws[name], training[name][0], n, (0, np.inf if name == "density" else 1))
        for name, (value,) in synthetic.figures(k).items()
    }


@dataclass(frozen=True)
class _BallCounts:
    """Which sample is in whose ball, counted by blocks of patients; blocks because memory must not grow with N²."""

    in_real: np.ndarray  # (N, B) for each synthetic sample, balls of the control samples of each block that it is in
    holds: np.ndarray  # (M, B') for each control sample, synthetic samples of each block in its ball
    # (M, B') for each control sample, balls of the synthetic samples of each block that it is in
    in_synthetic: np.ndarray
    # (N,) and (M,) the block of each sample
    synthetic_blocks: np.ndarray
    real_blocks: np.ndarray

    def figures(self, k: int, rng: np.random.Generator | None = None) -> dict[str, np.ndarray]:
        """The figures (1,), or those (R,) of bootstrap samples of both sets' blocks."""
        blocks = (np.arange(x.shape[1]) for x in (self.holds, self.in_real))
        synthetic, real = (np.ones((1, len(x))) if rng is None else multiplicities(x, rng) for x in blocks)
        in_real = self.in_real @ real.T  # (N, R)
        balls = real[:, self.real_blocks].mean(axis=1)
        return {
            "precision": _mean(in_real > 0, synthetic[:, self.synthetic_blocks]),
            "recall": _mean(self.in_synthetic @ synthetic.T > 0, real[:, self.real_blocks]),
            "density": _mean(in_real, synthetic[:, self.synthetic_blocks]) / (k * balls),
            "coverage": _mean(self.holds @ synthetic.T > 0, real[:, self.real_blocks]),
        }


def _mean(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(R,) means of values (N, R) that occur so many times (R, N)."""
    return np.einsum("rn,nr->r", times.astype(np.float64), values) / times.sum(axis=1)


def _count_balls(
    values: np.ndarray, groups: np.ndarray, sets: Comparison, k: int, rng: np.random.Generator
) -> _BallCounts:
    """Balls of some samples (N, …) of groups (N,), and of the control samples."""
    from scipy.sparse import csr_array
    from sklearn.metrics import pairwise_distances_chunked

    synthetic, real = (x.reshape(len(x), -1).astype(np.float32) for x in (values, sets.control))
    reach, real_reach = _reach(synthetic, groups, k), _reach(real, sets.control_patients, k)
    blocks, real_blocks = (_blocks(x, rng) for x in (groups, sets.control_patients))
    members, real_members = (csr_array((np.ones(len(x)), (np.arange(len(x)), x))) for x in (blocks, real_blocks))
    in_real = np.zeros((len(synthetic), real_members.shape[1]))
    holds, in_synthetic = [], []
    at = 0
    for distances in pairwise_distances_chunked(real, synthetic, working_memory=BLOCK_MEMORY):
        rows = slice(at, at + len(distances))
        at = rows.stop
        inside = (distances <= real_reach[rows, None]).astype(np.float32)
        in_real += inside.T @ real_members[rows]
        holds.append(inside @ members)
        in_synthetic.append((distances <= reach) @ members)
    return _BallCounts(in_real, np.concatenate(holds), np.concatenate(in_synthetic), blocks, real_blocks)


def _reach(values: np.ndarray, groups: np.ndarray, k: int) -> np.ndarray:
    """(N,) distance of each sample to the k-th nearest one of another group."""
    from sklearn.metrics import pairwise_distances_chunked

    codes = np.unique(groups, return_inverse=True)[1]

    def kth(distances: np.ndarray, start: int) -> np.ndarray:
        rows = codes[start : start + len(distances)]
        return np.partition(np.where(rows[:, None] == codes, np.inf, distances), k - 1, axis=1)[:, k - 1]

    return np.concatenate(list(pairwise_distances_chunked(values, reduce_func=kth, working_memory=BLOCK_MEMORY)))


def _blocks(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N,) number of each sample's block: its patient, or some patients at random where they are very many."""
    codes = np.unique(groups, return_inverse=True)[1]
    return (rng.permutation(codes.max() + 1) % BLOCKS)[codes]
