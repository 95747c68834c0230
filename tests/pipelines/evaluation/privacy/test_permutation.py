"""Figures a person and random relabellings of the labels: against scipy, scikit-learn and cases worked by hand."""

import numpy as np
import pytest
from anonimage.pipelines.evaluation.privacy import permutation
from anonimage.pipelines.evaluation.privacy.permutation import membership_auc, permutation_p_value, tpr_at_fpr
from scipy.stats import kstest, mannwhitneyu, permutation_test
from sklearn.metrics import roc_auc_score


def crowd(seed: int, people: int = 30, members: int = 18) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows of people who differ much from each other and little in themselves, and who was a member by lot."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(people), rng.integers(1, 12, size=people))
    figures = rng.normal(size=people)[codes] + 0.1 * rng.normal(size=len(codes))
    return figures, codes, rng.permutation(np.arange(people) < members)


def test_one_of_six_relabellings_is_as_large():
    # of {4, 3, 2, 1}, the pair 4 + 3 is the largest of the six
    assert permutation_p_value(np.array([4, 3, 2, 1]), np.array([True, True, False, False]), 0) == pytest.approx(
        1 / 6, abs=0.015
    )
    assert permutation_p_value(np.ones(6), np.arange(6) < 3, 0) == 1


def test_chance_agrees_with_scipy():
    rng = np.random.default_rng(1)
    figures, member = rng.normal(size=12) + 0.7 * (np.arange(12) < 5), np.arange(12) < 5
    exact = permutation_test(
        (figures[member], figures[~member]),
        lambda a, b: a.mean() - b.mean(),
        alternative="greater",
        n_resamples=np.inf,
    )
    assert permutation_p_value(figures, member, 3) == pytest.approx(exact.pvalue, abs=0.015)


def test_chance_is_never_nought():
    assert permutation_p_value(np.arange(40) < 20, np.arange(40) < 20, 0) == pytest.approx(
        1 / (permutation.RELABELLINGS + 1)
    )


def test_area_of_one_window_each_is_that_of_scikit_learn_and_scipy():
    rng = np.random.default_rng(2)
    figures, member = rng.integers(0, 6, size=30).astype(float), np.arange(30) < 18  # with ties
    found = membership_auc(figures, np.arange(30), member, 0)
    assert found.value == pytest.approx(roc_auc_score(member, figures))
    theirs = mannwhitneyu(figures[member], figures[~member], alternative="greater")
    assert found.p_value == pytest.approx(theirs.pvalue, abs=0.02)
    assert found.low < found.value < found.high


def test_area_counts_people_not_windows():
    figures, codes, member = crowd(3)
    weights = 1 / np.bincount(codes)[codes]
    found = membership_auc(figures, codes, member, 0)
    assert found.value == pytest.approx(roc_auc_score(member[codes], figures, sample_weight=weights))
    more = codes == 0  # one person ten times as often
    again = membership_auc(
        np.append(figures, np.tile(figures[more], 9)), np.append(codes, np.tile(codes[more], 9)), member, 0
    )
    assert (again.value, again.p_value) == pytest.approx((found.value, found.p_value))


def test_area_is_the_mean_over_pairs_of_people():
    # member a has windows 1 and 4, member b 2; others 0, 3: (1/2 · (1 + 0) + 1/2 · (1 + 1)) and 1, 0 -> 5/8
    found = membership_auc(
        np.array([1, 4, 2, 0, 3.0]), np.array([0, 0, 1, 2, 3]), np.array([True, True, False, False]), 0
    )
    assert found.value == pytest.approx((0.5 + 1 + 1 + 0) / 4)


@pytest.mark.parametrize("statistic", ["window", "patient", "rate"])
def test_chances_are_uniform_where_membership_is_by_lot(statistic):
    p_values = []
    for seed in range(100):
        figures, codes, member = crowd(seed)
        if statistic == "patient":
            figures, codes = np.bincount(codes, figures) / np.bincount(codes), np.arange(30)
        if statistic == "rate":
            p_values.append(tpr_at_fpr(0.1, figures, codes, member, 0, 0).p_value)
        else:
            p_values.append(membership_auc(figures, codes, member, 0, 0).p_value)
    if statistic == "rate":  # a rate takes few values, so that its chances are too large rather than too small
        assert all(np.mean(np.array(p_values) <= p) <= p + 0.05 for p in (0.01, 0.05, 0.1, 0.5))
    else:
        assert kstest(p_values, "uniform").pvalue > 0.01


def test_windows_taken_for_people_would_have_raised_false_alarms():
    """The reason for all this: the same data, counted by windows, look like membership far too often."""
    alarms = 0
    for seed in range(60):
        figures, codes, member = crowd(seed)
        ours = member[codes]
        alarms += mannwhitneyu(figures[ours], figures[~ours], alternative="greater").pvalue < 0.01
    assert alarms > 6


def test_rate_at_one_percent_by_hand():
    # 100 others with figures 0 … 99: one may be wrong, so the threshold is 99; 3 of 10 members are above 98.5
    others = np.arange(100.0)
    members = np.array([99.5, 120, 98.7, 50, 50, 50, 50, 50, 50, 50])
    figures, member = np.append(members, others), np.arange(110) < 10
    found = tpr_at_fpr(0.01, figures, np.arange(110), member, 0)
    assert found.value == pytest.approx(0.3)
    assert found.p_value < 0.01
    assert found.low <= 0.3 <= found.high
    assert tpr_at_fpr(0.0, figures, np.arange(110), member, 0).value == pytest.approx(0.2)


def test_equal_figures_find_nobody():
    found = tpr_at_fpr(0.01, np.zeros(300), np.arange(300), np.arange(300) < 100, 0)
    assert (found.value, found.p_value) == (0, 1)


@pytest.mark.parametrize("step", [0.0, 0.5])
def test_rate_among_the_top_is_that_among_all(monkeypatch, step):
    figures, codes, member = crowd(5, people=60, members=40)
    figures = figures + 2.0 * member[codes]
    figures = np.round(figures / step) * step if step else figures  # with ties, and without
    whole = tpr_at_fpr(0.05, figures, codes, member, 0, 20)
    for top in (1, 17, 60):
        monkeypatch.setattr(permutation, "TOP", top)
        assert tpr_at_fpr(0.05, figures, codes, member, 0, 20) == whole


def test_interval_covers_the_true_area():
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        codes, member = np.repeat(np.arange(40), 4), np.arange(40) < 20
        figures = (rng.normal(size=40) + 1.0 * member)[codes] + 0.3 * rng.normal(size=160)
        found = membership_auc(figures, codes, member, seed)
        covered += found.low <= 0.7511 <= found.high  # Φ(1 / √(2 · 1.09))
    assert covered >= 52
