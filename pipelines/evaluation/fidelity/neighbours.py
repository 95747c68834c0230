"""Nearest neighbours: can a look at the nearest windows tell the generated set from the real one?"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from sklearn.metrics import pairwise_distances_chunked
from sklearn.neighbors import NearestNeighbors

from ....errors import InputError
from ..score import RESAMPLES, Score
from .resampling import around, multiplicities

ACCURACY_WINDOWS = 5000  # of a set at most: time grows with their square, and 1NNC is known to 1 % by then
MANIFOLD_WINDOWS = 3000  # of a set at most: a share of so many is known to 1 %, and time grows with their square
BLOCKS = 200  # of patients at most, each resampled as a whole: more would refine an interval, not widen or narrow it
BLOCK_MEMORY = 64  # MiB of distances at a time


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
        seed: of the draw that makes the sets equally large, at most 5,000 windows each, and of the bootstrap.

    Returns:
        "1nnc" with the floor as its baseline, and "1nnc_floor"; "1nnc_synthetic" and "1nnc_real", its two halves: of
        the generated and of the control windows alone, each with its floor as baseline. Each half is resampled by
        itself, so that a sample holds both in equal parts, as the figure does.
    """
    rng = np.random.default_rng(seed)
    n = min(len(generated), len(control), len(training), ACCURACY_WINDOWS)
    g, c, t = (rng.choice(len(x), n, replace=False) for x in (generated, control, training))
    pairs = {
        "1nnc": (generated[g], np.arange(n)),
        "1nnc_floor": (training[t], training_patients[t]),
    }
    found: dict[str, tuple[float, float, float]] = {}
    for name, (windows, groups) in pairs.items():
        halves = nearest_neighbour_accuracy(windows, control[c]).reshape(2, n)
        times = [multiplicities(people, rng, RESAMPLES) for people in (groups, control_patients[c])]
        sampled = [each @ half / each.sum(axis=1) for each, half in zip(times, halves, strict=True)]
        values = [float(half.mean()) for half in halves]
        parts = {"_synthetic": (values[0], sampled[0]), "_real": (values[1], sampled[1])}
        parts[""] = (sum(values) / 2, (sampled[0] + sampled[1]) / 2)
        found |= {name + part: (value, *around(value, draws, 0, 1)) for part, (value, draws) in parts.items()}
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


def score_manifold(
    generated: np.ndarray,
    control: np.ndarray,
    control_patients: np.ndarray,
    training: np.ndarray,
    training_patients: np.ndarray,
    seed: int,
    k: int = 5,
) -> dict[str, Score]:
    """Whether generated windows lie where real ones do, and whether they lie everywhere where real ones do.

    Around each window lies the ball that reaches to the k-th nearest window of its own set, windows of the same patient
    left out: they are so near each other that no stranger's window, however real, would ever be in a ball.

    Arguments:
        generated, control, training: (N, …) windows in the space where they are compared.
        control_patients, training_patients: (N,) the patient of each window.
        seed: of the draw that makes the sets equally large, and of the bootstrap.
        k: which neighbour a ball reaches to.

    Returns:
        "precision": share of generated windows in any ball of a control window; "recall": share of control windows in
        any ball of a generated one; "density": mean number of control windows' balls that a generated window is in,
        over k, so that a single stray real window counts little; "coverage": share of control windows with a generated
        one in their ball. Baseline: training windows in the generated ones' place. Nothing where some window has not
        k others that are not of its patient. A generator that gives a few windows again and again has small balls, and
        so little recall, however near to real windows it comes.

    Source: Kynkäänniemi et al. 2019 (precision, recall) and Naeem et al. 2020 (density, coverage), section 3 of both;
    who is whose neighbour is told by patients here, as neither of them needed to.
    """
    rng = np.random.default_rng(seed)
    n = min(len(generated), len(control), len(training), MANIFOLD_WINDOWS)
    g, c, t = (rng.choice(len(x), n, replace=False) for x in (generated, control, training))
    people, own = control_patients[c], np.arange(n)
    if any(n - np.unique(x, return_counts=True)[1].max() < k for x in (own, people, training_patients[t])):
        return {}
    ours = _counts(generated[g], own, control[c], people, k, rng)
    real = _counts(training[t], training_patients[t], control[c], people, k, rng).figures(k)
    values = ours.figures(k)
    draws = ours.resampled(k, rng)
    bounds = {"density": np.inf}
    return {
        name: Score(value, *around(value, draws[name], 0, bounds.get(name, 1)), real[name], n)
        for name, value in values.items()
    }


@dataclass(frozen=True)
class _Counts:
    """Who is in whose ball, counted by blocks of patients; blocks because memory must not grow with N².

    Arguments:
        in_real: (N, B) for each generated window, balls of the control windows of each block that it is in.
        holds: (M, B') for each control window, generated windows of each block in its ball.
        in_generated: (M, B') for each control window, balls of the generated windows of each block that it is in.
        generated_blocks, real_blocks: (N,) and (M,) the block of each window.
    """

    in_real: np.ndarray
    holds: np.ndarray
    in_generated: np.ndarray
    generated_blocks: np.ndarray
    real_blocks: np.ndarray

    def figures(self, k: int) -> dict[str, float]:
        generated, real = np.ones((1, self.holds.shape[1])), np.ones((1, self.in_real.shape[1]))
        return {name: float(figure[0]) for name, figure in self._figures(k, generated, real).items()}

    def resampled(self, k: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """The figures (R,) of bootstrap samples of both sets' blocks."""
        generated, real = (multiplicities(np.arange(x.shape[1]), rng) for x in (self.holds, self.in_real))
        return self._figures(k, generated, real)

    def _figures(self, k: int, generated: np.ndarray, real: np.ndarray) -> dict[str, np.ndarray]:
        """The figures (R,), given how often each block is there: (R, B') and (R, B)."""
        in_real = self.in_real @ real.T  # (N, R)
        balls = real[:, self.real_blocks].mean(axis=1)
        return {
            "precision": _mean(in_real > 0, generated[:, self.generated_blocks]),
            "recall": _mean(self.in_generated @ generated.T > 0, real[:, self.real_blocks]),
            "density": _mean(in_real, generated[:, self.generated_blocks]) / (k * balls),
            "coverage": _mean(self.holds @ generated.T > 0, real[:, self.real_blocks]),
        }


def _mean(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(R,) means of values (N, R) that occur so many times (R, N)."""
    return np.einsum("rn,nr->r", times.astype(np.float64), values) / times.sum(axis=1)


def _counts(
    generated: np.ndarray, groups: np.ndarray, real: np.ndarray, people: np.ndarray, k: int, rng: np.random.Generator
) -> _Counts:
    ours, theirs = (x.reshape(len(x), -1).astype(np.float32) for x in (generated, real))
    reach, real_reach = _reach(ours, groups, k), _reach(theirs, people, k)
    blocks, real_blocks = (_blocks(x, rng) for x in (groups, people))
    members, real_members = (csr_array((np.ones(len(x)), (np.arange(len(x)), x))) for x in (blocks, real_blocks))
    in_real = np.zeros((len(ours), real_members.shape[1]))
    holds, in_generated = [], []
    at = 0
    for distances in pairwise_distances_chunked(theirs, ours, working_memory=BLOCK_MEMORY):
        rows = slice(at, at + len(distances))
        at = rows.stop
        inside = (distances <= real_reach[rows, None]).astype(np.float32)
        in_real += inside.T @ real_members[rows]
        holds.append(inside @ members)
        in_generated.append((distances <= reach) @ members)
    return _Counts(in_real, np.concatenate(holds), np.concatenate(in_generated), blocks, real_blocks)


def _reach(windows: np.ndarray, groups: np.ndarray, k: int) -> np.ndarray:
    """(N,) distance of each window to the k-th nearest one of another group."""
    codes = np.unique(groups, return_inverse=True)[1]

    def kth(distances: np.ndarray, start: int) -> np.ndarray:
        rows = codes[start : start + len(distances)]
        return np.partition(np.where(rows[:, None] == codes, np.inf, distances), k - 1, axis=1)[:, k - 1]

    return np.concatenate(list(pairwise_distances_chunked(windows, reduce_func=kth, working_memory=BLOCK_MEMORY)))


def _blocks(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N,) number of each window's block: its patient, or some patients at random where there are very many."""
    codes = np.unique(groups, return_inverse=True)[1]
    return (rng.permutation(codes.max() + 1) % BLOCKS)[codes]
