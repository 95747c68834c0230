"""ECG parameters: drawn beats with known ones, and their scores against numpy and scipy."""

import warnings

import numpy as np
import pandas as pd
import pytest
from anonimage.pipelines.evaluation.fidelity.parameters import (
    PARAMETERS,
    measure_parameters,
    measured_lead,
    score_parameters,
)
from scipy.stats import ks_2samp

KEYS = [parameter.key for parameter in PARAMETERS]


def drawn(interval=0.8, st=0.0, fs=500.0, seconds=4.0):
    """Beats: P 160 ms before R, T 280 ms after it; R 1 mV, T 0.3 mV, ST raised by so many mV; baseline at 0.7 mV."""
    t = np.arange(round(seconds * fs)) / fs
    signal = np.full(len(t), 0.7)
    for r in np.arange(0.4, seconds, interval):
        signal += 0.12 * np.exp(-(((t - r + 0.16) / 0.02) ** 2) / 2) + np.exp(-(((t - r) / 0.012) ** 2) / 2)
        signal += 0.3 * np.exp(-(((t - r - 0.28) / 0.04) ** 2) / 2)
        signal += st * ((t > r) & (t < r + 0.15))
    return signal


def test_a_drawn_window():
    table = measure_parameters(drawn()[None, None], ["x"], 500.0)
    assert list(table.columns) == [*KEYS, "rr"]
    row = table.loc[0]
    assert row["rr"] == pytest.approx(800, abs=3)
    assert row["heart_rate"] == pytest.approx(75, abs=0.3)
    assert row["r"] == pytest.approx(1000, abs=10)
    assert row["t"] == pytest.approx(300, abs=10)
    assert row["stj"] == pytest.approx(0, abs=15)
    assert 60 < row["qrs"] < 95  # 5 to 8 widths of the Gaussian
    assert 60 < row["p_duration"] < 120
    assert row["pr"] == pytest.approx(160 + 50 - 40, abs=25)  # from P to R, half of P more, half of QRS less
    assert row["qt"] == pytest.approx(280 + 90 + 40, abs=25)


def test_a_raised_st_segment_is_measured():
    assert measure_parameters(drawn(st=0.2)[None, None], ["x"], 500.0).loc[0, "stj"] == pytest.approx(200, abs=30)


def test_the_rate_of_sampling_does_not_matter():
    slow, fast = (measure_parameters(drawn(fs=fs)[None, None], ["x"], fs).loc[0] for fs in (500.0, 1000.0))
    assert (slow - fast).abs().max() < 6  # ms and µV


@pytest.mark.parametrize(
    ("channels", "lead"), [(("I", "II", "V5"), 2), (("v1", "ii", "i"), 1), (("v1", "I"), 1), (("vx", "vy"), 0)]
)
def test_the_measured_lead(channels, lead):
    assert measured_lead(channels) == lead
    values = np.zeros((1, len(channels), 2000))
    values[0, lead] = drawn()
    assert measure_parameters(values, channels, 500.0).loc[0, "heart_rate"] == pytest.approx(75, abs=0.3)


def test_windows_without_beats_are_undetectable():
    values = np.stack([np.zeros(1000), np.full(1000, 3.0), np.full(1000, np.nan), drawn(seconds=2.0)])[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = measure_parameters(values, ["ii"], 500.0)
        assert table[:3].isna().all(axis=None)
        assert table.loc[3].notna().all()
        scores = score_parameters(table, table[3:], np.array(["a"]), seed=0)
    assert (scores["qt: undetectable"].value, scores["qt: undetectable"].baseline) == (0.75, 0)
    assert scores["qt: undetectable"].n == 4
    assert "qt: mean" not in scores
    assert score_parameters(table[:0], table, np.zeros(4), seed=0) == {}


def test_one_beat_has_no_rate():
    table = measure_parameters(drawn()[None, None, 80:400], ["ii"], 500.0)  # 640 ms
    assert table.loc[0, ["heart_rate", "rr"]].isna().all()
    assert table.loc[0, "qrs"] > 0


def tables(n=200, seed=0):
    rng = np.random.default_rng(seed)
    ours = pd.DataFrame(rng.normal(300, 30, (n, len(KEYS) + 1)), columns=[*KEYS, "rr"])
    real = pd.DataFrame(rng.normal(310, 40, (n, len(KEYS) + 1)), columns=[*KEYS, "rr"])
    ours.loc[: n // 10 - 1, "qt"] = np.nan
    return ours, real.round(-1), np.arange(n) // 4  # rounded: ties


def test_scores_against_numpy_and_scipy():
    ours, real, people = tables()
    scores = score_parameters(ours, real, people, seed=0)
    qt = ours["qt"].dropna()
    assert scores["qt: undetectable"].value == pytest.approx(0.1)
    for name, of in (
        ("mean", np.mean),
        ("sd", lambda values: np.std(values, ddof=1)),
        ("2.5 %", lambda values: np.percentile(values, 2.5, method="inverted_cdf")),
        ("97.5 %", lambda values: np.percentile(values, 97.5, method="inverted_cdf")),
    ):
        score = scores[f"qt: {name}"]
        assert (score.value, score.baseline) == (pytest.approx(of(qt)), pytest.approx(of(real["qt"])))
        assert (score.n, score.unit) == (180, "ms")
        assert score.low < score.value < score.high
    assert scores["qt: KS"].value == pytest.approx(ks_2samp(qt, real["qt"]).statistic)
    both = ours[["qt", "rr"]].dropna().to_numpy().T
    assert scores["qt_rr"].value == pytest.approx(np.corrcoef(both)[0, 1] ** 2)
    assert scores["qt_rr"].baseline == pytest.approx(np.corrcoef(real["qt"], real["rr"])[0, 1] ** 2)
    assert scores == score_parameters(ours, real, people, seed=0)


def test_the_interval_of_a_mean_is_as_wide_as_its_standard_error_says():
    ours, real, people = tables(400)
    score = score_parameters(ours, real, people, seed=0)["r: mean"]
    assert (score.high - score.low) / 2 == pytest.approx(1.96 * ours["r"].std() / 20, rel=0.2)


def test_another_law_is_farther_than_the_control_halves_are_from_each_other():
    ours, real, people = tables()
    same = score_parameters(real, real, people, seed=0)["r: KS"]
    other = score_parameters(ours + 60, real, people, seed=0)["r: KS"]
    assert same.value == 0
    assert other.low > other.baseline > 0
    alone = score_parameters(ours, real, np.zeros(len(real)), seed=0)["r: KS"]
    assert alone.baseline is None  # one patient has no halves


def test_qt_follows_rr_where_it_was_made_to():
    ours, real, people = tables()
    ours["qt"] = 100 + ours["rr"] * 0.4
    assert score_parameters(ours, real, people, seed=0)["qt_rr"].value == pytest.approx(1)


def test_real_windows_are_measured(shared):
    wfdb = pytest.importorskip("wfdb")
    signal = wfdb.rdrecord(str(shared / "data/ptbdb/patient001/s0010_re"), channel_names=["v5"]).p_signal[:, 0]
    table = measure_parameters(signal[: 2000 * 15].reshape(15, 1, 2000), ["v5"], 1000.0)
    assert table[["heart_rate", "qrs", "r"]].notna().mean().min() > 0.9
    assert 60 < table["heart_rate"].median() < 100
    assert 60 < table["qrs"].median() < 150  # an infarction, whose ST segment is steep
    assert 120 < table["pr"].median() < 220
    assert 320 < table["qt"].median() < 460
