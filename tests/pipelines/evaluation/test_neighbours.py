"""Precision, recall, density and coverage: a line worked by hand, laws, and an independent count."""

import numpy as np
import pytest
from anonimage.pipelines.evaluation import neighbours
from anonimage.pipelines.evaluation.neighbours import score_manifold
from anonimage.pipelines.evaluation.resampling import multiplicities, score_around
from anonimage.pipelines.evaluation.scores import Score
from anonimage.pipelines.evaluation.sets import Comparison
from scipy.spatial.distance import cdist


def line(*places):
    return np.array(places, float)[:, None]


def test_a_line_by_hand():
    """k = 1. Control 0 1 3 7 reaches 1 1 2 4: balls [-1, 1] [0, 2] [1, 5] [3, 11].

    Generated 0.5 4 20 21.5 reaches 3.5 3.5 1.5 1.5: balls [-3, 4] [0.5, 7.5] [18.5, 21.5] [20, 23].
    """
    control, generated = line(0, 1, 3, 7), line(0.5, 4, 20, 21.5)
    scores = score_manifold(Comparison(generated, control, control, np.arange(4), np.arange(4), seed=0), k=1)
    assert scores["precision"].value == 2 / 4  # 0.5 and 4
    assert scores["recall"].value == 1  # all four: 0, 1, 3 in the first ball, 7 in the second
    assert scores["density"].value == (2 + 2 + 0 + 0) / 4
    assert scores["coverage"].value == 1  # 0.5 in the first two, 4 in the last two
    assert scores["precision"].baseline == scores["recall"].baseline == scores["coverage"].baseline == 1
    assert scores["density"].baseline == (2 + 3 + 2 + 1) / 4  # balls around 0, 1, 3, 7 that each is in


def test_windows_of_the_same_patient_do_not_count_as_neighbours():
    """0 and 0.1 are of one person, 4 and 4.1 of another: each ball reaches across, and somebody at 2 is inside."""
    control, people = line(0, 0.1, 4, 4.1), np.array(["a", "a", "b", "b"])
    scores = score_manifold(Comparison(line(2, 2.5, 9, 30), control, control, people, people, seed=0), k=1)
    assert scores["precision"].value == 2 / 4
    alone = score_manifold(Comparison(line(2, 2.5, 9, 30), control, control, np.arange(4), people, seed=0), k=1)
    assert alone["precision"].value == 0


def test_an_independent_count_agrees_however_small_the_blocks(monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK_MEMORY", 0.01)
    monkeypatch.setattr(neighbours, "BLOCKS", 7)
    rng = np.random.default_rng(0)
    generated, control = rng.normal(size=(90, 1, 4)) * 0.7, rng.normal(size=(90, 1, 4))
    scores = score_manifold(Comparison(generated, control, control, np.arange(90), np.arange(90), seed=0), k=3)
    g, c = generated[:, 0], control[:, 0]
    across = cdist(c, g)
    reach_c, reach_g = np.sort(cdist(c, c), axis=1)[:, 3], np.sort(cdist(g, g), axis=1)[:, 3]
    inside = across <= reach_c[:, None]
    assert scores["precision"].value == pytest.approx(inside.any(axis=0).mean())
    assert scores["density"].value == pytest.approx(inside.sum(axis=0).mean() / 3)
    assert scores["coverage"].value == pytest.approx(inside.any(axis=1).mean())
    assert scores["recall"].value == pytest.approx((across <= reach_g).any(axis=1).mean())


def test_what_each_figure_is_for():
    rng = np.random.default_rng(1)
    real, people = rng.normal(size=(400, 2)), np.arange(400)
    training = rng.normal(size=(400, 2))
    narrow = score_manifold(Comparison(rng.normal(size=(400, 2)) * 0.1, real, training, people, people, seed=0))
    wide = score_manifold(Comparison(rng.normal(size=(400, 2)) * 10, real, training, people, people, seed=0))
    same = score_manifold(Comparison(rng.normal(size=(400, 2)), real, training, people, people, seed=0))
    assert narrow["precision"].value > 0.95 > 0.2 > narrow["recall"].value
    assert narrow["coverage"].value < 0.3
    assert wide["precision"].value < 0.3 < 0.9 < wide["recall"].value
    for score in same.values():
        assert score.low <= score.value <= score.high
        assert score.low < score.baseline + 0.03
        assert score.high > score.baseline - 0.03


def test_too_few_windows_or_people_are_not_scored():
    five, people = np.zeros((5, 2)), np.arange(5)
    assert score_manifold(Comparison(five, five, five, people, people, seed=0)) == {}
    rng = np.random.default_rng(0)
    many = rng.normal(size=(30, 2))
    assert score_manifold(Comparison(many, many, many, np.zeros(30), np.arange(30), seed=0)) == {}


def test_intervals_resample_people_and_lie_around_the_value():
    rng = np.random.default_rng(0)
    times = multiplicities(np.repeat(["a", "b", "c"], [1, 4, 5]), rng, 50)
    assert (times[:, 1:5] == times[:, 1:2]).all()
    assert (times[:, [0, 1, 5]].sum(axis=1) == 3).all()
    score = score_around(0.5, np.array([10.0, 11, 12]), None, 3)  # draws spread from 10.05 to 11.95
    assert (score.low, score.high) == pytest.approx((-0.45, 1.45))
    assert score_around(0.5, np.array([10.0, 11, 12]), 0.1, 3, (0, 1)) == Score(0.5, 0, 1, 0.1, 3)
    ratio = score_around(2.0, np.array([1.0, 10, 100]), 1.0, 3, ratio=True)
    assert ratio.low * ratio.high == pytest.approx(4)


def test_recall_of_copies_of_one_window_is_small():
    rng = np.random.default_rng(0)
    real, people = rng.normal(size=(100, 2)), np.arange(100)
    copies = np.repeat(real[:1], 100, axis=0)
    scores = score_manifold(Comparison(copies, real, rng.normal(size=(100, 2)), people, people, seed=0))
    assert scores["precision"].value == 1
    assert scores["recall"].value == 0.01  # only the one that was copied
