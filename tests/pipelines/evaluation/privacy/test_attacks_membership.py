"""Membership inference on points of which it is plain who lies where."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.samples import Samples
from anonimage.pipelines.evaluation.privacy.attacks import attack_discriminator, attack_membership, too_few
from anonimage.pipelines.evaluation.privacy.pool import MOST_WINDOWS, Pool, sweep
from anonimage.pipelines.evaluation.privacy.space import SignalView
from crowd import PointView


def line(*places: float, people: str = "") -> Samples:
    """Rows of one feature."""
    frame = pd.DataFrame({"patient": list(people)})
    return Samples(np.array(places)[:, None, None], frame, ("x",), ("",))


def attacked(synthetic: np.ndarray, pool: Pool) -> dict:
    features = pool.space.features(pool.space.view.shapes(synthetic.reshape(-1, 1, 1)))
    return {a.name: a for a in attack_membership(sweep(features, pool.features, pool.codes), pool, 0)}


def test_areas_by_hand():
    # distances to 0 and 10: members 1, 2, 4; others 3, 5 -> 5 of 6 pairs
    pool = Pool.of(line(1, 12, 4, people="abc"), line(3, 15, people="de"), PointView(), 0)
    found = attacked(np.array([0.0, 10.0]), pool)
    assert found["membership: nearest distance, row"].score.value == pytest.approx(5 / 6)
    # to the nearest other person 2, 3, 1 and 1, 3; divided by the above 2, 3/2, 1/4 and 1/3, 3/5 -> 4 of 6
    assert found["membership: density ratio, row"].score.value == pytest.approx(4 / 6)
    assert found["membership: nearest distance, row"].roc["synthetic"][0] == (0, pytest.approx(2 / 3))
    assert set(found) == {"membership: nearest distance, row", "membership: density ratio, row"}


def test_the_ratio_finds_members_where_people_are_rare():
    """Each member is copied, near or far from the crowd: distance alone sees where the crowd is, the ratio does not."""
    rng = np.random.default_rng(0)
    place = np.exp(rng.uniform(0, 6, size=160))  # dense below, sparse above
    blurred = place[:80] * rng.normal(1, 0.01, size=80)
    training, control = (
        Samples(part[:, None, None], pd.DataFrame({"patient": [f"{name}{k}" for k in range(80)]}), ("x",), ("",))
        for name, part in (("t", place[:80]), ("c", place[80:]))
    )
    found = attacked(blurred, Pool.of(training, control, PointView(), 0))
    ratio, distance = (found[f"membership: {name}, row"].score.value for name in ("density ratio", "nearest distance"))
    assert ratio > distance + 0.05


def test_rates_need_non_members():
    few = Pool.of(line(*range(9), people="abcdefghi"), line(*range(9), people="jklmnopqr"), PointView(), 0)
    assert too_few(few) == {"membership: TPR at 1 % FPR, row": "9 non-members are too few, 300 are needed"}


@pytest.mark.parametrize(("others", "measured"), [(299, False), (300, True)])
def test_rates_of_people_need_more_of_them_than_rates_of_windows(others, measured):
    rng = np.random.default_rng(0)
    ours, theirs = (
        Samples(rng.normal(size=(2 * n, 1, 1)), pd.DataFrame({"patient": np.repeat(names, 2)}), ("x",), ("",))
        for n, names in ((20, [f"a{k}" for k in range(20)]), (others, [f"b{k}" for k in range(others)]))
    )
    pool = Pool.of(ours, theirs, PointView(), 0)
    found = attacked(rng.normal(size=50), pool)
    assert ("membership: density ratio, TPR at 1 % FPR, patient" in found) == measured
    assert ("membership: TPR at 1 % FPR, patient" in too_few(pool)) != measured
    assert "membership: density ratio, TPR at 1 % FPR, row" in found


def test_a_discriminator_that_tells_members_is_found():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(400, 1, 30))
    frame = pd.DataFrame({"patient": np.repeat(np.arange(40), 10).astype(str)})
    samples = Samples(values, frame, ("x",), ("",), 10.0)
    pool = Pool.of(samples.select(np.arange(200)), samples.select(np.arange(200, 400)), SignalView(), 0)
    says = rng.normal(size=400) + 1.5 * pool.member[pool.codes]
    found = {attack.name: attack for attack in attack_discriminator(says, pool, 0)}
    assert found["membership: discriminator, patient"].score.low > 0.9
    assert found["membership: discriminator, TPR at 1 % FPR, window"].p_value < 0.001
    nothing = attack_discriminator(rng.normal(size=400), pool, 0)
    assert all(attack.p_value > 0.001 for attack in nothing)


def test_nobody_has_more_windows_in_the_pool_than_is_usual_in_either_part():
    frame = pd.DataFrame({"patient": ["a"] * 500 + ["b"] * 500 + ["c"] * 3})
    ours = Samples(np.random.default_rng(0).normal(size=(1003, 1, 16)), frame, ("x",), ("",), 10.0)
    theirs = Samples(ours.values[:600], pd.DataFrame({"patient": ["d", "e", "f"] * 200}), ("x",), ("",), 10.0)
    pool = Pool.of(ours, theirs, SignalView(), 0)
    assert sorted(np.bincount(pool.codes)) == [3] + [MOST_WINDOWS] * 5
    few = Samples(ours.values[:9], pd.DataFrame({"patient": list("ddddeeeff")}), ("x",), ("",), 10.0)
    assert np.bincount(Pool.of(ours, few, SignalView(), 0).codes).max() == 3
    np.testing.assert_array_equal(pool.member[pool.codes], pool.origin < 1003)
