"""Nearest neighbours both ways: against scipy's distances of all pairs."""

import numpy as np
import pytest
from anonimage.pipelines.evaluation.privacy import pool as module
from anonimage.pipelines.evaluation.privacy.pool import candidates, sweep
from scipy.spatial.distance import cdist


@pytest.fixture(params=[32_000_000, 600])
def points(request, monkeypatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Synthetic points, real points, and whose the real ones are; in one block, and in many."""
    monkeypatch.setattr(module, "BLOCK", request.param)
    rng = np.random.default_rng(0)
    synthetic, real = rng.normal(size=(41, 5)).astype(np.float32), rng.normal(size=(60, 5)).astype(np.float32)
    synthetic[7] = real[33]
    return synthetic, real, np.sort(rng.permutation(60) % 9)


def test_both_ways_are_those_of_all_pairs(points):
    synthetic, real, codes = points
    apart = cdist(synthetic, real)
    found = sweep(synthetic, real, codes)
    people = np.stack([apart[:, codes == person].min(axis=1) for person in range(9)], axis=1)
    np.testing.assert_allclose(found.to_synthetic, apart.min(axis=0), rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(found.person, people.argmin(axis=1))
    np.testing.assert_allclose(found.first, people.min(axis=1), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found.second, np.sort(people, axis=1)[:, 1], rtol=1e-3)
    assert found.first[7] == found.to_synthetic[33] == 0  # rounding is no distance


def test_others_are_of_other_people(points):
    _, real, codes = points
    apart = cdist(real, real)
    apart[codes[:, None] == codes] = np.inf
    found = sweep(real, real, codes)
    np.testing.assert_array_equal(found.person, codes)
    np.testing.assert_allclose(found.second, apart.min(axis=1), rtol=1e-3)
    real[0] = real[-1]  # the same sample under two names
    assert codes[0] != codes[-1]
    assert sweep(real, real, codes).second[[0, -1]].tolist() == [0, 0]


def test_candidates_leave_out_the_own_person(points):
    synthetic, real, codes = points
    own = np.arange(41) % 9
    apart = cdist(synthetic, real)
    np.testing.assert_array_equal(
        np.sort(candidates(synthetic, real, codes, None, 3)), np.sort(np.argsort(apart)[:, :3])
    )
    apart[own[:, None] == codes] = np.inf
    np.testing.assert_array_equal(
        np.sort(candidates(synthetic, real, codes, own, 3)), np.sort(np.argsort(apart)[:, :3])
    )
