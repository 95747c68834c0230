"""Relations and distances between leads, by hand."""

import numpy as np
import pytest
from anonimage.data.wfdb.signals import limb_relations
from anonimage.pipelines.evaluation.sets import Comparison
from anonimage.pipelines.evaluation.signals import score_lead_distance, score_limb_leads

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1")


def lawful(n, seed=0):
    i, ii, v1 = np.random.default_rng(seed).normal(size=(3, n, 200))
    return np.stack([i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2, v1], axis=1)


def test_einthoven_and_goldberger_apart():
    real = lawful(5)
    broken = real.copy()
    broken[:, 2] += 0.003  # III by 3 µV
    broken[:, 5] -= 0.006  # aVF by 6 µV: of three relations with augmented leads one is broken
    scores = score_limb_leads(Comparison(broken, real, real, seed=0), limb_relations(LEADS), channels=LEADS)
    assert scores.keys() == {"einthoven", "goldberger"}
    assert scores["einthoven"].value == pytest.approx(3)
    assert scores["goldberger"].value == pytest.approx(6 / np.sqrt(3))
    assert scores["goldberger"].baseline == pytest.approx(0, abs=1e-6)


def test_leads_without_augmented_ones_have_einthoven_only():
    real = lawful(3)[:, :3]
    scores = score_limb_leads(Comparison(real, real, real, seed=0), limb_relations(LEADS[:3]), channels=LEADS[:3])
    assert scores.keys() == {"einthoven"}
    assert (
        score_limb_leads(
            Comparison(real[:, :2], real[:, :2], real[:, :2], seed=0), limb_relations(LEADS[:2]), channels=LEADS[:2]
        )
        == {}
    )


def test_augmented_leads_alone_are_goldbergers():
    real = lawful(3)[:, 3:6]
    relations = limb_relations(LEADS[3:6])  # aVR + aVL + aVF = 0
    assert score_limb_leads(Comparison(real, real, real, seed=0), relations, channels=LEADS[3:6]).keys() == {
        "goldberger"
    }


def test_distance_of_leads_by_hand():
    time = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    sine, cosine = np.sin(time), np.cos(time)
    window = np.stack([sine, 3 * sine + 1, cosine])[None]  # distances 0, 1, 1
    opposite = np.stack([sine, -sine, np.full(400, 2.0)])[None]  # 2; the third does not vary and has none
    score = score_lead_distance(Comparison(np.concatenate([window, window]), opposite, opposite, seed=0))[
        "lead_distance"
    ]
    assert (score.value, score.baseline, score.n) == (pytest.approx(2 / 3), pytest.approx(2), 2)
    assert score.low == pytest.approx(score.high)


def test_distance_of_leads_agrees_with_numpy_and_skips_missing_values():
    windows = np.random.default_rng(0).normal(size=(4, 3, 50))
    expected = [1 - np.corrcoef(x)[np.triu_indices(3, 1)].mean() for x in windows]
    padded = np.concatenate([windows, np.full((4, 3, 9), np.nan)], axis=2)
    for given in (windows, padded):
        assert score_lead_distance(Comparison(given, given, given, seed=0))["lead_distance"].value == pytest.approx(
            np.mean(expected)
        )


def test_no_distance_without_two_leads_that_vary():
    flat = np.ones((3, 2, 9))
    assert score_lead_distance(Comparison(flat, flat, flat, seed=0)) == {}
    assert score_lead_distance(Comparison(flat[:, :1], flat[:, :1], flat[:, :1], seed=0)) == {}
