"""Means, paired differences and corrections: worked by hand, and against scipy."""

import numpy as np
import pytest
from anonimage.pipelines.ablation.statistics import compare_paired, effect_to_find, holm, mean_of
from scipy import stats


def test_a_mean_worked_by_hand():
    judged = mean_of(np.array([1.0, 2.0, 3.0]))  # SD 1, standard error 1/√3, t of 2 degrees of freedom 4.3027
    assert (judged.value, judged.n) == (2, 3)
    assert (judged.low, judged.high) == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-4)


def test_one_seed_has_no_interval():
    judged = mean_of(np.array([0.7]))
    assert judged.value == 0.7
    assert np.isnan([judged.low, judged.high]).all()


def test_a_paired_difference_is_scipys():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.7, 0.1, 6), rng.normal(0.75, 0.1, 6)
    (judged,) = compare_paired([second - first])
    reference = stats.ttest_rel(second, first)
    assert judged.p == pytest.approx(reference.pvalue)
    assert judged.p_holm == judged.p
    assert (judged.low, judged.high) == pytest.approx(
        (reference.confidence_interval().low, reference.confidence_interval().high)
    )
    assert (judged.wide_low, judged.wide_high) == (judged.low, judged.high)  # a family of one


def test_pairs_take_out_what_the_seeds_have_in_common():
    split = np.array([0.0, 0.3, -0.4, 0.2])  # far more than the effect
    judged = compare_paired([(split + 0.05 + np.array([0.001, -0.001, 0.002, -0.002])) - split])[0]
    assert judged.significant
    assert judged.value == pytest.approx(0.05)


def test_holm_worked_by_hand():
    # smallest × 4, next × 3, …, never below the one before: 0.04 × 2 = 0.08 and 0.05 × 1 → 0.08
    assert holm([0.01, 0.04, 0.012, 0.05]) == pytest.approx([0.04, 0.08, 0.04, 0.08])
    assert holm([0.6, 0.5]) == [1, 1]


def test_what_cannot_be_tested_counts_in_the_family_and_stays_untested():
    corrected = holm([0.01, float("nan")], family=3)
    assert corrected[0] == pytest.approx(0.03)
    assert np.isnan(corrected[1])


def test_differences_that_are_all_zero_are_equal_and_not_an_error():
    (judged,) = compare_paired([np.zeros(3)])
    assert (judged.value, judged.low, judged.high, judged.p, judged.p_holm) == (0, 0, 0, 1, 1)
    assert judged.identical
    assert not judged.significant


def test_the_same_difference_each_time_is_not_called_certain():
    same, other = compare_paired([np.array([0.1, 0.1]), np.array([0.1, 0.3, 0.2])])
    assert np.isnan(same.p)
    assert np.isnan(same.detectable)
    assert not same.significant
    assert not same.identical
    assert other.p_holm == pytest.approx(2 * other.p)  # a family of two all the same


def test_one_pair_has_a_value_and_no_test():
    (judged,) = compare_paired([np.array([0.2])])
    assert (judged.value, judged.n) == (0.2, 1)
    assert np.isnan([judged.low, judged.wide_low, judged.p, judged.p_holm, judged.detectable]).all()


def test_wide_intervals_hold_together_under_the_null():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        family = compare_paired(list(rng.normal(0, 1, (5, 4))))
        held += all(judged.wide_low <= 0 <= judged.wide_high for judged in family)
    assert held / 400 > 0.93  # 0.95 for independent ones, and the error of 400 draws is 0.011


def test_holm_finds_wrongly_in_five_of_hundred_families_at_most():
    rng = np.random.default_rng(2)
    families = [compare_paired(list(rng.normal(0, 1, (6, 5)))) for _ in range(600)]
    wrong = np.mean([any(judged.significant for judged in family) for family in families])
    assert wrong < 0.075


def test_the_effect_to_find_is_cohens():
    assert effect_to_find(10, 0.05) == pytest.approx(0.996, abs=1e-3)  # Cohen 1988; G*Power says the same
    assert effect_to_find(3, 0.05) > effect_to_find(5, 0.05) > effect_to_find(20, 0.05)


def test_a_difference_of_the_detectable_size_is_found_in_four_of_five():
    rng = np.random.default_rng(3)
    shift = effect_to_find(4, 0.05 / 3)
    draws = rng.normal(shift, 1, (4000, 4))
    p = stats.ttest_1samp(draws, 0, axis=1).pvalue
    assert np.mean(p < 0.05 / 3) == pytest.approx(0.8, abs=0.025)
