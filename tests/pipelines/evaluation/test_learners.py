"""The encoder: what it sees of a window, what it learns, and what it refuses."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from anonimage.errors import InputError
from anonimage.pipelines.evaluation.learners import TEMPERATURE, contrastive, fit_encoder, standardized, varied

SMALL = (8, 16)
Embedding = Callable[[np.ndarray], np.ndarray]


def _people(count: int, each: int, seed: int, length: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """Windows of two sines, whose frequencies are the person's own and whose phases are not."""
    rng = np.random.default_rng(seed)
    own = np.random.default_rng(99).permutation(np.arange(2, 30))[: 2 * count].reshape(count, 2)
    person = np.repeat(np.arange(count), each)
    turns = own[person][:, :, None] * np.linspace(0, 1, length) + rng.uniform(0, 1, (len(person), 2, 1))
    signals = np.sin(2 * np.pi * turns).sum(axis=1) + rng.normal(0, 0.1, (len(person), length))
    return signals[:, None].astype(np.float32), np.array([f"p{k}" for k in person])


@pytest.fixture(scope="module")
def trained() -> Embedding:
    return fit_encoder(*_people(8, 10, seed=0), seed=0, steps=80, widths=SMALL)


def test_standardized_by_hand() -> None:
    windows = np.array([[[1, 2, 3, np.nan]], [[5, 5, 5, 5]], [[np.nan] * 4], [[0, 0, 0, 4]]])
    root = math.sqrt(1.5)  # spread of 1, 2, 3 is √(2/3)
    expected = [[[-root, 0, root, 0]], [[0] * 4], [[0] * 4], [[-1 / math.sqrt(3)] * 3 + [math.sqrt(3)]]]
    np.testing.assert_allclose(standardized(windows), expected, atol=1e-6)


def test_a_flat_lead_far_from_zero_is_no_signal() -> None:
    window = np.full((1, 1, 300), 1234.567, dtype=np.float32)
    window[0, 0, ::2] = np.nextafter(np.float32(1234.567), np.float32(2000))
    assert not standardized(window).any()


def test_long_windows_are_averaged() -> None:
    window = np.tile([1.0, -1.0, 3.0, -3.0], 512)[None, None]  # 2048 samples, each four of which mean 0
    assert standardized(window).shape == (1, 1, 512)
    assert not standardized(window).any()
    assert standardized(np.zeros((1, 1, 2025))).shape == (1, 1, 675)


def test_variations_are_seeded_small_and_leave_the_window_alone() -> None:
    windows = standardized(_people(4, 1, seed=0)[0])
    before = windows.copy()
    once, again = (varied(windows, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(windows, before)
    smooth = standardized(np.sin(np.linspace(0, 4, 200))[None, None])
    likeness = [np.corrcoef(varied(smooth, np.random.default_rng(k))[0, 0], smooth[0, 0])[0, 1] for k in range(50)]
    assert np.median(likeness) > 0.85
    assert max(likeness) < 1


def test_contrastive_against_loops() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(7, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    people = np.array([0, 0, 0, 1, 1, 2, 2])
    total = 0.0
    for i in range(7):
        others = [k for k in range(7) if k != i]
        whole = sum(math.exp(points[i] @ points[k] / TEMPERATURE) for k in others)
        own = [k for k in others if people[k] == people[i]]
        total -= sum(math.log(math.exp(points[i] @ points[k] / TEMPERATURE) / whole) for k in own) / len(own)
    assert float(contrastive(torch.tensor(points), torch.tensor(people))) == pytest.approx(total / 7)


def test_new_windows_lie_by_their_person(trained: Embedding) -> None:
    values, people = _people(8, 6, seed=1)
    untrained = fit_encoder(values, people, seed=0, steps=0, widths=SMALL)

    def nearest_is_own(embed: Embedding) -> float:
        points = embed(values)
        similar = points @ points.T
        np.fill_diagonal(similar, -1)
        return float((people[similar.argmax(axis=1)] == people).mean())

    assert nearest_is_own(trained) > 0.95
    assert nearest_is_own(untrained) < nearest_is_own(trained)


def test_embedding_ignores_unit_offset_and_neighbours(trained: Embedding) -> None:
    values, _ = _people(3, 2, seed=2)
    points = trained(values)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(trained(1000 * values + 7), points, atol=1e-3)
    np.testing.assert_allclose(np.concatenate([trained(one[None]) for one in values]), points, atol=1e-5)
    assert trained(values[:0]).shape == (0, SMALL[-1])


def test_missing_and_constant_windows_have_a_place(trained: Embedding) -> None:
    values, _ = _people(3, 1, seed=2)
    values[0, 0, :20], values[1], values[2] = np.nan, np.nan, 3.0
    points = trained(values)
    assert np.isfinite(points).all()
    np.testing.assert_array_equal(points[1], points[2])


def test_same_seed_same_encoder() -> None:
    values, people = _people(3, 3, seed=0)
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    one, other, different = (fit_encoder(values, people, seed, steps=5, widths=SMALL) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    np.testing.assert_array_equal(one(values), other(values))
    assert np.abs(one(values) - different(values)).max() > 0.01


def test_two_people_with_a_window_each_are_enough() -> None:
    values, people = _people(2, 1, seed=0)
    points = fit_encoder(values, people, seed=0, steps=30, widths=SMALL)(values)
    assert points[0] @ points[1] < 0.5


def test_other_windows_are_refused(trained: Embedding) -> None:
    for shape in ((2, 2, 128), (2, 1, 100), (2, 128)):
        with pytest.raises(InputError, match=r"takes windows \(N, 1, 128\)"):
            trained(np.zeros(shape))


def test_too_few_people_are_refused() -> None:
    with pytest.raises(InputError, match="windows of 1 people"):
        fit_encoder(np.zeros((3, 1, 64)), np.array(["a"] * 3), seed=0)
    with pytest.raises(InputError, match="2 people for windows"):
        fit_encoder(np.zeros((3, 1, 64)), np.array(["a", "b"]), seed=0)
