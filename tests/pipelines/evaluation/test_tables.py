"""Columns alone and in pairs: tables of a few rows by hand, and pandas."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.table.form import TableForm
from anonimage.pipelines.evaluation import tables
from anonimage.pipelines.evaluation.sets import Comparison
from anonimage.pipelines.evaluation.tables import Variable, score_pairs, score_variation, variables

NAN = np.nan


def each(rows):
    """A patient for each row."""
    return np.arange(len(rows))


def test_features_that_belong_together():
    frame = pd.DataFrame(
        {
            "age": [30.5, 41.25, 52.0, NAN, 60.5, 71.0],
            "sex": ["f", "m", "f", "m", "f", "f"],
            "pain": ["none", "mild", "bad", "none", None, "mild"],
            "class": ["a", "b", "a", "b", "a", "b"],
        }
    )
    form = TableForm.fit(frame, "t.csv", label="class")
    found = variables(form, with_label=True)
    assert [(x.name, x.number) for x in found] == [("age", True), ("sex", False), ("pain", False), ("class", False)]
    names = form.features
    assert [[names[k] for k in x.features] for x in found[:2]] == [
        ["age"],
        ["sex"],
    ]  # "age is present" says what NaN does
    assert [names[k] for k in found[2].features] == ["pain = bad", "pain = mild", "pain = none", "pain is missing"]
    assert found[3].features == (len(names), len(names) + 1)
    assert [x.name for x in variables(form)] == ["age", "sex", "pain"]


def test_variation_by_hand():
    # a category of three: shares 1/2 1/4 1/4 against 1/4 1/4 1/2; a yes or no: 3/4 against 1/4 and 1/4 missing
    generated = np.array([[1.0, 0, 0, 1], [1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0]])
    training = np.array([[1.0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, NAN]])
    columns = [Variable("pain", False, (0, 1, 2)), Variable("sick", False, (3,))]
    scores = score_variation(
        Comparison(generated, training, training, training_patients=each(training), seed=0), columns
    )
    assert scores["tv: pain"].value == 0.25
    assert scores["tv: sick"].value == 0.5
    assert (scores["tv_worst"].value, scores["tv_mean"].value) == (0.5, 0.375)
    assert scores["tv_worst"].baseline == scores["tv: pain"].baseline == 0


def test_numbers_are_binned_by_tenths_of_training_rows():
    training = np.arange(1.0, 101)[:, None]
    column = [Variable("age", True, (0,))]
    # all generated values in the first tenth: 1 − 1/10 of the rows are elsewhere
    low = score_variation(
        Comparison(np.full((100, 1), 3.0), training, training, training_patients=each(training), seed=0), column
    )["tv: age"]
    assert low.value == pytest.approx(0.9)
    missing = score_variation(
        Comparison(np.full((100, 1), NAN), training, training, training_patients=each(training), seed=0), column
    )["tv: age"]
    assert missing.value == pytest.approx(1)


def test_contingency_by_hand():
    # shares of each column agree; together they do not: 11 and 00 against 10 and 01
    generated, training = np.array([[1.0, 1], [0, 0]] * 10), np.array([[1.0, 0], [0, 1]] * 10)
    columns = [Variable("a", False, (0,)), Variable("b", False, (1,))]
    scores = score_pairs(Comparison(generated, training, training, training_patients=each(training), seed=0), columns)
    assert scores["contingency_worst"].value == scores["contingency_mean"].value == 1
    assert scores["contingency: a × b"] == scores["contingency_worst"]
    assert scores["contingency_worst"].baseline == 0
    assert (
        score_variation(Comparison(generated, training, training, training_patients=each(training), seed=0), columns)[
            "tv_worst"
        ].value
        == 0
    )


def test_correlations_are_those_of_pandas():
    rng = np.random.default_rng(0)
    sets = []
    for mix in (rng.normal(size=(4, 4)), np.eye(4), np.eye(4)):
        rows = rng.normal(size=(200, 4)) @ mix * [1, 10, 1e4, 1] + [0, 5, 1e6, 0]
        rows[rng.random(rows.shape) < 0.2] = NAN
        sets.append(rows)
    columns = [Variable(name, True, (k,)) for k, name in enumerate("abcd")]
    scores = score_pairs(Comparison(sets[0], sets[2], sets[1], training_patients=each(sets[1]), seed=0), columns)
    ours, learnt, others = (pd.DataFrame(rows, columns=list("abcd")).corr() for rows in sets)
    apart = (ours - learnt).abs().to_numpy()[np.triu_indices(4, 1)]
    real = (others - learnt).abs().to_numpy()[np.triu_indices(4, 1)]
    assert scores["correlation_mean"].value == pytest.approx(apart.mean())
    assert scores["correlation_worst"].value == pytest.approx(apart.max())
    assert scores["correlation_mean"].baseline == pytest.approx(real.mean())
    a, b = (x[apart.argmax()] for x in np.triu_indices(4, 1))
    assert scores[f"correlation: {'abcd'[a]} × {'abcd'[b]}"].value == pytest.approx(apart.max())
    assert scores["correlation_mean"].low > scores["correlation_mean"].baseline


def test_a_collapsed_column_correlates_with_nothing():
    x = np.arange(20.0)
    training = np.stack([x, 2 * x, np.full(20, 5.0)], axis=1)
    generated = np.stack([x, np.full(20, 7.0), x], axis=1)
    columns = [Variable(name, True, (k,)) for k, name in enumerate("abc")]
    scores = score_pairs(Comparison(generated, training, training, training_patients=each(training), seed=0), columns)
    assert scores["correlation_worst"].value == scores["correlation_mean"].value == pytest.approx(1)  # only a × b


def test_small_sets_are_compared_with_sets_as_small():
    """Many generated rows of the right law look no better than the few control rows that they are held against."""
    rng = np.random.default_rng(0)
    columns = [Variable(str(k), False, (k,)) for k in range(6)]
    rows = [(rng.random((n, 6)) < 0.5).astype(float) for n in (5000, 5000, 60)]
    score = score_pairs(Comparison(rows[0], rows[2], rows[1], training_patients=each(rows[1]), seed=0), columns)[
        "contingency_mean"
    ]
    assert score.n == 60
    assert score.low < score.baseline < score.high


def test_one_column_has_no_pairs_and_absent_numbers_no_bins():
    column = [Variable("a", True, (0,))]
    rows, absent = np.arange(9.0)[:, None], np.full((9, 1), NAN)
    assert score_pairs(Comparison(rows, rows, rows, training_patients=each(rows), seed=0), column) == {}
    assert (
        score_variation(Comparison(rows, absent, absent, training_patients=each(absent), seed=0), column)["tv: a"].value
        == 1
    )


def test_rare_values_count_as_one():
    rng = np.random.default_rng(0)
    training = np.eye(60)[rng.integers(60, size=600)]
    column = [Variable("town", False, tuple(range(60)))]
    score = score_variation(
        Comparison(training[:, ::-1][:0:-1], training, training, training_patients=each(training), seed=0), column
    )["tv: town"]
    assert 0 < score.value < 0.5


@pytest.mark.parametrize("score_of", [score_variation, score_pairs])
def test_rows_of_one_patient_widen_the_intervals(score_of):
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(20), [10, 90] * 10)
    training = (rng.random((20, 3)) < 0.5).astype(float)[people]  # each patient's rows are alike
    generated = (rng.random((1000, 3)) < 0.5).astype(float)
    columns = [Variable(name, number, (k,)) for k, (name, number) in enumerate(zip("abc", (0, 1, 1), strict=True))]
    alone, grouped = (
        score_of(Comparison(generated, training, training, training_patients=who, seed=0), columns)
        for who in (each(people), people)
    )
    assert alone.keys() == grouped.keys()
    for name, score in grouped.items():
        assert score.value == alone[name].value
        assert score.low <= score.value <= score.high
        if "mean" in name:
            assert score.high - score.low > 2 * (alone[name].high - alone[name].low)


def test_shares_of_a_draw_of_patients_are_of_the_rows_drawn():
    """A patient with one row is drawn twice, one with three not at all: both rows are the first one's."""
    rows, times = np.array([[1.0, 0], [0, 1], [0, 1], [0, 1]], np.float32), np.array([2.0, 0, 0, 0], np.float32)
    assert tables._share(rows, times[None]).tolist() == [[1, 0]]
    assert tables._tables(rows, times).tolist() == [[1, 0], [0, 0]]
