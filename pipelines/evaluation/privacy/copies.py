"""Copies: synthetic samples that are a person's own sample, exactly, nearly, or nearer than others' ever come."""

import numpy as np

from ..score import RESAMPLES, Score
from .attribution import Attribution, members_rate, members_share, training_rate
from .findings import Attack
from .pool import Library, Pool
from .space import Kind
from .sweep import Sweep, candidates

LOOKED_AT = 2000  # samples compared lag by lag
NEAREST = 4  # candidates for each
OVERLAP = 0.5  # of the window, that two shifted windows share at least
STRANGE = 0.01  # a copy is nearer than this share of real samples is to anybody else's
CHUNK = 256

QUESTIONS = {
    "copies: exact": "How many synthetic samples are a training sample, value for value?",
    "copies: near": "How many are nearer to a training sample than 99 % of real samples are to any other person's, "
    "under shift and scale?",
    "copies: nearest record": "Is the real record nearest to a synthetic one more often one of training?",
    "copies: nearest-neighbour ratio": "The same, where a record counts the more, the farther off the next person is.",
}


def copies(
    synthetic: np.ndarray, swept: Sweep, shapes: np.ndarray, pool: Pool, seed: int, resamples: int = RESAMPLES
) -> list[Attack]:
    """The four attacks that look for copies.

    How many are copies is counted against all training samples, on the controls as well, so that a report's shares can
    be compared. Whether that could be chance is asked of the pool, where people of both parts are alike; it holds fewer
    samples, and baselines are shares of what it shows.

    Arguments:
        synthetic: (S, F) features of the synthetic samples.
        swept: their distances from the pool.
        shapes: (S, C, l) of the same samples.
        pool: real samples.
        seed: of draws, resampling and share-outs.
        resamples: of the intervals; 0: none.
    """
    rng = np.random.default_rng(seed)
    some = np.sort(rng.permutation(len(synthetic))[:LOOKED_AT])
    ratio = np.divide(swept.first, swept.second, out=np.ones_like(swept.first), where=swept.second > 0)
    one = np.ones(len(synthetic))
    rest = (pool.member, seed, resamples)
    copied = _copied(synthetic[some], shapes[some], pool, seed, resamples)
    found: dict[str, tuple[str, Attribution]] = {
        "copies: exact": ("copy_share", copied[0]),
        "copies: near": ("copy_share", copied[1]),
        "copies: nearest record": ("membership_auc", members_share(swept.person, one, *rest)),
        "copies: nearest-neighbour ratio": ("membership_auc", members_share(swept.person, 1 - ratio, *rest)),
    }
    members, strangers = int(pool.member.sum()), int((~pool.member).sum())
    return [
        Attack(
            name,
            limit,
            QUESTIONS[name],
            Score(of.value, of.low, of.high, of.baseline, pool.people),
            of.p_value,
            members,
            strangers,
            {},
            {},
        )
        for name, (limit, of) in found.items()
    ]


def _copied(
    features: np.ndarray, shapes: np.ndarray, pool: Pool, seed: int, resamples: int
) -> tuple[Attribution, Attribution]:
    """Shares of exact and of near copies of any training sample, with chance and baseline from the pool."""
    found = []
    counted, balanced = (_pointed(features, shapes, real, pool) for real in (pool.library, pool))
    for (person, weight), in_pool in zip(counted, balanced, strict=True):
        value, low, high = training_rate(person, weight, pool.library.people, seed, resamples)
        of = members_rate(*in_pool, pool.member, seed, 0)
        found.append(Attribution(value, low, high, of.baseline, of.p_value))
    return found[0], found[1]


def _pointed(
    features: np.ndarray, shapes: np.ndarray, real: Library | Pool, pool: Pool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of exact and of near copies: (S,) the person who is nearest, and (S,) whether it is a copy, as 0 or 1."""
    near = candidates(features, real.features, real.codes, None, NEAREST)
    gaps, steps = compare(shapes, near, real.shapes, pool.space.kind)
    found = []
    for distances, is_copy in ((steps, steps <= pool.step), (gaps, gaps < usual_gap(pool))):
        best = distances.argmin(axis=1)[:, None]
        owner = real.codes[np.take_along_axis(near, best, axis=1)[:, 0]]
        found.append((owner, np.take_along_axis(is_copy, best, axis=1)[:, 0].astype(float)))
    return found


def usual_gap(pool: Pool) -> float:
    """The gap that all but STRANGE of real samples keep from training samples of others, every person counting alike.

    From all of them: among more samples the nearest is nearer, though nobody copied anything.

    Samples that are somebody else's value for value are left out: databases list a record twice, under two names.
    """
    if "usual_gap" not in pool.known:
        rng = np.random.default_rng(pool.seed)
        some = np.sort(rng.permutation(len(pool.codes))[:LOOKED_AT])
        all_, origin = pool.library, pool.origin[some]
        seen = origin < len(all_.codes)
        own = np.where(seen, all_.codes[np.where(seen, origin, 0)], -1)  # strangers are nobody of training
        near = candidates(pool.features[some], all_.features, all_.codes, own, NEAREST)
        gaps, steps = compare(pool.shapes[some], near, all_.shapes, pool.space.kind)
        twice = steps.min(axis=1) <= pool.step
        if twice.all():
            return 0.0
        gaps, owner = gaps[~twice].min(axis=1), pool.codes[some][~twice]
        share = 1 / np.bincount(owner, minlength=pool.people)[owner]
        order = np.argsort(gaps)
        above = np.cumsum(share[order]) > STRANGE * share.sum()
        pool.known["usual_gap"] = float(gaps[order][np.argmax(above)])
    return pool.known["usual_gap"]


def compare(shapes: np.ndarray, near: np.ndarray, real: np.ndarray, kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """How far samples are from some real ones.

    Arguments:
        shapes: (Q, C, l).
        near: (Q, k) places among the real ones.
        real: (N, C, l).
        kind: what a sample is.

    Returns:
        (Q, k) gaps: of signals 1 − the largest normalized cross-correlation, jointly over channels; otherwise the
        distance in the space; and (Q, k) largest difference of two values at the same place.
    """
    gaps, steps = np.empty((2, *near.shape))
    for start in range(0, len(shapes), CHUNK):
        rows = slice(start, start + CHUNK)
        ours, theirs = shapes[rows, None], real[near[rows]]
        steps[rows] = np.abs(ours - theirs).max(axis=(2, 3))
        if kind == "signals" and shapes.shape[2] > 1:
            gaps[rows] = 1 - correlation(ours, theirs)
        else:
            gaps[rows] = np.sqrt(np.square(ours - theirs).mean(axis=(2, 3)))
    return gaps, steps


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
    head, tail = ([e[..., length - 1 - lags] for e in energy], [_from(e, lags) for e in energy])
    forward = tail[0] * head[1]  # first from lag on, second up to length − lag
    backward = (head[0] * tail[1])[..., :0:-1]
    common = np.sqrt(np.concatenate([forward, backward], axis=-1))
    small = 1e-9 * np.sqrt(energy[0][..., -1:] * energy[1][..., -1:]) + 1e-30
    return np.where(common > small, products / np.maximum(common, small), 0).max(axis=-1)


def _from(energy: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Energy from each lag on, of cumulated energies (…, l)."""
    before = np.concatenate([np.zeros_like(energy[..., :1]), energy], axis=-1)
    return energy[..., -1:] - before[..., lags]
