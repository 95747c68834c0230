"""Copies: a correlation over lags against numpy's, and planted copies of every sort."""

import numpy as np
import pytest
from anonimage.data.samples import Samples
from anonimage.pipelines.evaluation.privacy.attacks import attack_copies
from anonimage.pipelines.evaluation.privacy.pool import Pool, sweep
from anonimage.pipelines.evaluation.privacy.space import SignalView, correlation
from crowd import people


def looked_for(synthetic: np.ndarray, training: Samples, control: Samples, seed: int = 0) -> dict:
    pool = Pool.of(training, control, SignalView(), seed)
    shapes = pool.space.view.shapes(synthetic)
    features = pool.space.features(shapes)
    swept = sweep(features, pool.features, pool.codes)
    return {attack.name: attack for attack in attack_copies(features, swept, shapes, pool, seed)}


@pytest.fixture(scope="module")
def parts() -> tuple[Samples, Samples]:
    return people(range(30), 5, 0, channels=2), people(range(30, 50), 5, 1, channels=2)


def test_correlation_is_the_largest_over_lags():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 3, 20))
    found = []
    for lag in range(-10, 11):
        a, b = (first[:, lag:], second[:, : 20 - lag]) if lag >= 0 else (first[:, : 20 + lag], second[:, -lag:])
        found.append((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))
    assert correlation(first, second) == pytest.approx(max(found), abs=1e-6)


def test_correlation_sees_through_shift_and_scale_but_one_shift_for_all_channels():
    rng = np.random.default_rng(1)
    long = rng.normal(size=(2, 60))
    first, second = long[:, 10:50], 3 * long[:, 17:57]
    assert correlation(first, second) == pytest.approx(1, abs=1e-6)
    assert correlation(first, np.stack([second[0], second[1][::-1]])) < 0.9
    assert correlation(np.zeros((2, 40)), first) == 0


def test_planted_copies_are_counted(parts):
    training, control = parts
    strange = people(range(90, 100), 10, 2, channels=2).values
    exact, near = training.values[:80:4].copy(), training.values[80:150:5].copy()
    exact += 0.7  # an offset is no change of shape
    near = 1.08 * np.roll(near, 9, axis=2)
    near += np.random.default_rng(3).normal(size=near.shape) * 0.01
    found = looked_for(np.concatenate([strange, exact, near]), training, control)
    total = len(strange) + len(exact) + len(near)
    assert found["copies: exact"].score.value == pytest.approx(len(exact) / total)
    assert found["copies: exact"].score.baseline == 0
    assert found["copies: near"].score.value == pytest.approx((len(exact) + len(near)) / total, abs=0.02)
    assert found["copies: near"].p_value < 0.001
    assert found["copies: nearest-neighbour ratio"].score.value > 0.8


def test_copies_of_others_are_the_baseline(parts):
    training, control = parts
    found = looked_for(control.values[:60], training, control)
    assert found["copies: exact"].score.value == 0
    # all of the sixty copy non-members; with thirty members for twenty non-members it would have been half as many more
    assert found["copies: exact"].score.baseline == pytest.approx(1.5)
    assert found["copies: nearest record"].score.value == 0
    assert all(attack.p_value > 0.9 for attack in found.values())


def test_a_record_under_two_names_does_not_hide_near_copies(parts):
    training, control = parts
    twice = training.values.copy()
    twice[:5] = twice[5:10]  # two people with the same windows
    doubled = Samples(twice, training.frame, training.channels, training.units, training.fs)
    assert Pool.of(doubled, control, SignalView(), 0).usual_gap == pytest.approx(
        Pool.of(training, control, SignalView(), 0).usual_gap, rel=0.4
    )


def test_constant_and_missing_windows_are_no_copies(parts):
    training, control = parts
    flat = np.full((20, 2, 200), 3.0)
    flat[10:] = np.nan
    found = looked_for(flat, training, control)
    assert found["copies: near"].score.value == found["copies: exact"].score.value == 0
