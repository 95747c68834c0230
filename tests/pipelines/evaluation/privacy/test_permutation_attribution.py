"""To whom synthetic samples point: cases worked by hand, and parts of unequal size."""

import numpy as np
import pytest
from anonimage.pipelines.evaluation.privacy.permutation import (
    members_excess,
    members_rate,
    members_share,
    training_rate,
)


def test_share_by_hand():
    # person 0, a member, is pointed to three times, non-member 2 once; two people in each part: 3 / (3 + 1)
    found = members_share(np.array([0, 0, 0, 2]), np.ones(4), np.array([True, True, False, False]), 0)
    assert (found.value, found.baseline) == (0.75, 0.5)


def test_many_members_gain_nothing_by_their_number():
    # eight members and two non-members, each pointed to equally often: all of it but a fifth points to members
    person, member = np.repeat(np.arange(10), 5), np.arange(10) < 8
    share = members_share(person, np.ones(50), member, 0)
    rate = members_rate(person, np.ones(50), member, 0)
    excess = members_excess(person, np.ones(50), member, 0)
    assert share.value == pytest.approx(0.5)
    assert rate.value == pytest.approx(rate.baseline) == pytest.approx(0.8)
    assert excess.value == pytest.approx(0)
    assert min(share.p_value, rate.p_value, excess.p_value) == 1


def test_rate_by_hand():
    # two of ten copy member 0, one copies a non-member; there are two members to each non-member
    person, weight = np.array([0, 0, 3, *[1] * 7]), np.array([1, 1, 1, *[0] * 7])
    found = members_rate(person, weight, np.array([True, True, True, True, False, False])[[0, 1, 2, 4, 5]], 0)
    assert found.value == pytest.approx(0.2)
    assert found.baseline == pytest.approx(0.1 * 3 / 2)


def test_nothing_found_among_few_says_little():
    # nought of n: the upper end of a binomial proportion is 1 − 0.025^(1/n)
    member = np.arange(6) < 3
    for n in (10, 1000):
        nothing = (np.arange(n) % 6, np.zeros(n), member, 0)
        assert members_rate(*nothing).high == pytest.approx(1 - 0.025 ** (1 / n))
        assert members_excess(*nothing).high == pytest.approx(1 - 0.025 ** (1 / n))
        assert members_share(*nothing).value == 0.5


def test_rate_of_all_of_training_by_hand():
    # three of ten copies; had one person been drawn twice, or not at all, there had been more, or fewer
    person, weight = np.array([0, 0, 1, *[2] * 7]), np.array([1.0, 1, 1, *[0] * 7])
    value, low, high = training_rate(person, weight, 3, 0)
    assert value == pytest.approx(0.3)
    assert low == 0
    assert high >= 0.65  # Clopper and Pearson: 0.652
    assert training_rate(np.zeros(50, int), np.zeros(50), 3, 0) == (0, 0, pytest.approx(1 - 0.025 ** (1 / 50)))
    assert training_rate(person, weight, 3, 0, 0) == (value, value, value)


def test_excess_by_hand():
    # 6 of 10 windows name a member, 2 a non-member, as many people each: 0.6 − 0.2
    person, weight = np.array([0, 0, 0, 1, 1, 1, 2, 3, 0, 2]), np.array([1] * 8 + [0] * 2)
    found = members_excess(person, weight, np.array([True, True, False, False]), 0)
    assert found.value == pytest.approx(0.4)
    assert found.low < 0.4 < found.high


def test_few_people_pointed_to_often_are_no_proof():
    """All windows point to one member: among eight people that is as likely as not."""
    found = members_share(np.zeros(500, dtype=int), np.ones(500), np.arange(8) < 4, 0)
    assert found.value == 1
    assert found.p_value == pytest.approx(0.5, abs=0.02)
