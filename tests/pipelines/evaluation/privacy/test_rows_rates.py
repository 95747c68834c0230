"""Rates, risks and chances of attacks on rows: against other implementations and by hand."""

import numpy as np
import pytest
from anonimage.pipelines.evaluation.privacy.permutation import largest_p_value
from anonimage.pipelines.evaluation.privacy.rows import by_person, rate, risk
from scipy.stats import binomtest, fisher_exact, kstest


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 17), (50, 50), (120, 400)])
def test_interval_of_a_rate_is_scipys(hits, n):
    ours = rate(hits / n, n)
    theirs = binomtest(hits, n).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_a_rate_is_worth_what_its_variance_says():
    """0.5 with variance 0.0025 spreads as 100 tosses of a coin do."""
    assert rate(0.5, 7, 0.0025).n == pytest.approx(100)
    assert rate(0.0, 7, 0.0025).n == 7


def test_risk_by_hand():
    """90 of 100 against 60 of 100: of the 40 in 100 who are safe otherwise, 30 are not."""
    value, low, high = risk(rate(0.9, 100), rate(0.6, 100))
    assert value == pytest.approx(0.75)
    assert 0.5 < low < 0.75 < high < 0.9
    assert risk(rate(0.6, 100), rate(0.6, 100))[0] == 0
    assert risk(rate(1.0, 100), rate(0.6, 100))[0] == 1
    assert risk(rate(0.7, 100), rate(1.0, 100)) == (0, -1, 1)  # everybody is found out anyway


def test_interval_of_a_risk_covers_it():
    """19 of 20 intervals hold the true risk (0.5 − 0.2) / 0.8, also where there are few others."""
    rng = np.random.default_rng(0)
    held = []
    for _ in range(2000):
        main, control = rng.binomial(80, 0.5) / 80, rng.binomial(30, 0.2) / 30
        _, low, high = risk(rate(main, 80), rate(control, 30))
        held.append(low <= 0.375 <= high)
    assert 0.935 < np.mean(held) < 0.97


def test_interval_of_a_risk_is_narrower_with_more_people():
    widths = [high - low for _, low, high in (risk(rate(0.5, n), rate(0.2, n)) for n in (20, 100, 1000))]
    assert widths == sorted(widths, reverse=True)


def test_chance_of_one_figure_is_fishers():
    figures = np.repeat([1.0, 0, 1, 0], [12, 18, 5, 25])[:, None]
    member = np.arange(60) < 30
    theirs = fisher_exact([[12, 18], [5, 25]], alternative="greater").pvalue
    assert largest_p_value(figures, member, 0) == pytest.approx(theirs, abs=0.015)


def test_chance_is_even_where_there_is_nothing():
    """p-values of labels that mean nothing lie evenly between 0 and 1, of the largest of eight figures as well."""
    rng = np.random.default_rng(0)
    chances = []
    for seed in range(120):
        figures = rng.normal(size=(40, 8)) + rng.normal(size=(40, 1))
        chances.append(largest_p_value(figures, rng.permutation(40) < 20, seed))
    assert kstest(chances, "uniform").pvalue > 0.01


def test_chance_of_a_figure_that_is_the_same_for_all():
    assert largest_p_value(np.ones((20, 2)), np.arange(20) < 10, 0) == 1


def test_chance_is_never_nothing():
    figures = (np.arange(200) < 100).astype(float)[:, None]
    assert largest_p_value(figures, np.arange(200) < 100, 0) == pytest.approx(1 / 10_001)


def test_mean_of_each_persons_rows():
    values = np.array([[1.0, 0], [0, np.nan], [1, np.nan]])
    np.testing.assert_allclose(by_person(values, np.array([0, 0, 2]), 3), [[0.5, 0], [np.nan] * 2, [1, np.nan]])
