import math
import re

import numpy as np
import pytest
from anonimage.gan.training.signs import Check, between_classes, events, last_healthy, varieties, with_spread
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

BATCHES = arrays(np.uint8, st.tuples(st.integers(2, 6), st.just(1), st.integers(1, 4), st.integers(1, 4)))


def flat(*greys):
    return np.array(greys, np.uint8)[:, None, None, None] * np.ones((1, 1, 2, 3), np.uint8)


def test_variety_worked_by_hand():
    assert varieties(flat(10, 20, 40)) == pytest.approx((10 + 30 + 20) / 3)
    assert varieties(flat(10, 20, 40, 44), np.array([0, 0, 1, 1])) == pytest.approx((10 + 4) / 2)
    one, other = flat(0, 0)
    other[0, 0, 0] = 60  # one of six pixels
    assert varieties(np.stack([one, other])) == pytest.approx(math.sqrt(60**2 / 6))
    assert math.isnan(varieties(flat(10, 20), np.array([0, 1])))


def test_difference_between_classes_worked_by_hand():
    images = np.stack([flat(10, 100), flat(20, 130)])  # (2 classes, 2 latent vectors, …)
    assert between_classes(images) == pytest.approx((10 + 30) / 2)


@given(BATCHES)
def test_variety_knows_no_order_and_doubles_with_contrast(images):
    images = images // 2
    assert varieties(images[::-1]) == pytest.approx(varieties(images))
    assert varieties(2 * images) == pytest.approx(2 * varieties(images))
    assert varieties(np.repeat(images[:1], 4, axis=0)) == 0


def line(*changes, n=30):
    """Healthy checks, the last of them changed."""
    rows = []
    for number in range(n):
        row = {"ratio": 0.8, "critic_loss": 1.0, "critic_excess": 0.6, "gradient": 3.0, "between_classes": 1.0}
        row |= {"largest_class": 0.5, "skill": 0.9, "generator_loss": 1.0 + 0.01 * number}
        row |= changes[number - n] if n - number <= len(changes) else {}
        rows.append(with_spread(rows, Check(25 * (number + 1), variety=20.0, real_variety=25.0, spread=0.0, **row)))
    return rows


def test_healthy_checks_are_no_event():
    assert events(line()) == {}
    assert events([]) == {}
    assert last_healthy(line()) == 750
    assert last_healthy([]) == 0


@pytest.mark.parametrize(
    ("change", "checks", "kind", "evidence"),
    [
        ({"ratio": 0.05}, 4, "collapse", "ratio 0.05"),
        ({"between_classes": 0.01}, 4, "one_class", "the classes look the same: .* by 0.01 of"),
        ({"largest_class": 1.0}, 4, "one_class", "the critic takes 100% .* for one class, .*skill 0.9 of 1"),
        ({"critic_excess": 0.01, "gradient": 0.001}, 4, "discriminator_won", "in 4 checks; .* is 0.001, first 3"),
        ({"critic_excess": 0.01}, 20, "discriminator_won", "in 20 checks; .* is 3, first 3"),
        ({"generator_loss": 7.0}, 8, "stuck", "stays at 7: in the last 8 checks it moved by 0 only"),
    ],
)
def test_a_sign_becomes_an_event_when_it_lasts(change, checks, kind, evidence):
    found = events(line(*[change] * checks))
    assert list(found) == [kind]
    assert re.search(evidence, found[kind])
    assert events(line(*[change] * (checks - 1))) == {}
    assert events(line(*[change] * checks, {})) == {}
    assert events(line(*[change] * (checks - 1), {}, change)) == {}
    assert last_healthy(line(*[change] * checks)) == 25 * (30 - checks)


@pytest.mark.parametrize(
    "change",
    [
        {"largest_class": 1.0, "skill": 0.3},  # a head that knows nothing
        {"critic_excess": 0.01, "gradient": 0.1},  # sure, and the generator still learns
        {"gradient": 0.001},  # the critic is not sure
        {"ratio": 0.12},
    ],
)
def test_what_only_looks_like_a_failure_is_none(change):
    assert events(line(*[change] * 7)) == {}
