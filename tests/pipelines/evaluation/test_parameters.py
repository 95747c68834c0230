"""ECG parameters: drawn beats with known ones, and their scores against numpy and scipy."""

import warnings

import numpy as np
import pandas as pd
import pytest
from anonimage.pipelines.evaluation.parameters import (
    FEWEST,
    FEWEST_AT_ENDS,
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
        scores, missing = score_parameters(table, table[3:], np.array(["a"]), table, seed=0)
    assert (scores["qt: undetectable"].value, scores["qt: undetectable"].baseline) == (0.75, 0)
    assert scores["qt: undetectable"].n == 4
    assert set(scores) == {f"{key}: undetectable" for key in KEYS}
    assert set(missing) == {*KEYS, "qt_rr"}
    assert missing["qt"] == "1 synthetic and 1 control windows have it; it takes 20 of each"
    scores, missing = score_parameters(table[:0], table, np.zeros(4), table, seed=0)
    assert scores == {}
    assert missing == {"ECG parameters": "0 synthetic and 4 control windows; some of both are needed"}


@pytest.mark.parametrize("fs", [50.0, 40.0])
def test_a_slow_rate_has_amplitudes_too(fs):
    """10 ms before QRS are less than a sample: the last one before it is the level."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = measure_parameters(drawn(fs=fs)[None, None], ["x"], fs).loc[0]
    assert row["heart_rate"] == pytest.approx(75, abs=1)
    assert row["r"] == pytest.approx(1000, abs=30)
    assert row["stj"] == pytest.approx(0, abs=30)
    assert row["t"] == pytest.approx(300, abs=60)


@pytest.mark.parametrize("noise", [0.05, 0.1])
def test_noise_does_not_widen_what_is_measured(noise):
    """Borders that are set as far away as they may be, 160 ms each, or where noise rests by chance, would."""
    rng = np.random.default_rng(0)
    signals = np.tile(drawn(seconds=2.0), (40, 1))
    table = measure_parameters((signals + rng.normal(0, noise, signals.shape))[:, None], ["x"], 500.0)
    assert table["qrs"].between(40, 110).all()
    assert table["qt"].between(360, 460).all()


def test_a_complex_that_ends_nowhere_has_no_duration():
    signal = drawn(seconds=1.2, interval=1.0)[None, None]
    t = np.arange(600) / 500
    shaken = signal + np.where((t > 0.43) & (t < 0.66), 0.15 * np.sin(2 * np.pi * 20 * (t - 0.43)), 0)
    whole, row = (measure_parameters(x, ["x"], 500.0).loc[0] for x in (signal, shaken))
    assert whole.drop(["heart_rate", "rr"]).notna().all()
    assert row[["qrs", "stj", "r"]].isna().all()  # R is the highest sample of a complex, whose end is not known
    assert row["pr"] == pytest.approx(whole["pr"], abs=6)


def test_one_beat_has_no_rate():
    table = measure_parameters(drawn()[None, None, 80:400], ["ii"], 500.0)  # 640 ms
    assert table.loc[0, ["heart_rate", "rr"]].isna().all()
    assert table.loc[0, "qrs"] > 0


def tables(n=200, seed=0):
    rng = np.random.default_rng(seed)
    ours = pd.DataFrame(rng.normal(300, 30, (n, len(KEYS) + 1)), columns=[*KEYS, "rr"])
    real = pd.DataFrame(rng.normal(310, 40, (n, len(KEYS) + 1)), columns=[*KEYS, "rr"])
    ours.loc[: n // 10 - 1, "qt"] = np.nan
    learnt = pd.DataFrame(rng.normal(310, 40, (n - n // 10, len(KEYS) + 1)), columns=[*KEYS, "rr"])
    return ours, real.round(-1), np.arange(n) // 4, learnt  # rounded: ties


def test_scores_against_numpy_and_scipy():
    ours, real, people, learnt = tables()
    scores, missing = score_parameters(ours, real, people, learnt, seed=0)
    assert missing == {}
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
    assert scores["qt: KS"].baseline == pytest.approx(ks_2samp(learnt["qt"], real["qt"]).statistic)
    both = ours[["qt", "rr"]].dropna().to_numpy().T
    assert scores["qt_rr"].value == pytest.approx(np.corrcoef(both)[0, 1] ** 2)
    assert scores["qt_rr"].baseline == pytest.approx(np.corrcoef(real["qt"], real["rr"])[0, 1] ** 2)
    assert scores["qt_rr: r"].value == pytest.approx(np.corrcoef(both)[0, 1])
    assert scores["qt_rr: r"].baseline == pytest.approx(np.corrcoef(real["qt"], real["rr"])[0, 1])
    assert (scores, missing) == score_parameters(ours, real, people, learnt, seed=0)


def test_the_interval_of_a_mean_is_as_wide_as_its_standard_error_says():
    ours, *others = tables(400)
    score = score_parameters(ours, *others, seed=0)[0]["r: mean"]
    assert (score.high - score.low) / 2 == pytest.approx(1.96 * ours["r"].std() / 20, rel=0.2)


def test_distributions_are_held_against_as_many_training_windows():
    ours, real, people, learnt = tables()

    def distance(synthetic, training):
        return score_parameters(synthetic, real, people, training, seed=0)[0]["r: KS"]

    assert distance(real, real).value == 0
    other = distance(ours + 60, learnt)
    assert other.low > other.baseline > 0
    # whoever gives training windows for synthetic ones is as near as training windows are
    itself = distance(learnt, learnt)
    assert itself.value == itself.baseline
    assert itself.n == 180
    # neither set may be larger than the other: large ones are nearer to anything
    assert distance(ours, learnt[:50]).n == 50
    few = [distance(ours[:25], learnt.sample(frac=1, random_state=seed)).baseline for seed in range(10)]
    assert np.mean(few) > 1.3 * distance(ours, learnt).baseline
    alone = distance(ours, learnt[: FEWEST - 1])
    assert alone.baseline is None
    assert alone.n == 200


@pytest.mark.parametrize("short", ["synthetic", "control"])
def test_few_windows_tell_no_distribution(short):
    ours, real, people, learnt = tables()

    def measured(n):
        given = {"synthetic": ours, "control": real}
        given[short] = given[short].assign(t=given[short]["t"].where(np.arange(len(ours)) < n))
        return score_parameters(given["synthetic"], given["control"], people, learnt, seed=0)

    counts = {"synthetic": "{} synthetic and 200 control", "control": "200 synthetic and {} control"}[short]
    scores, missing = measured(FEWEST - 1)
    assert [name for name in scores if name.startswith("t:")] == ["t: undetectable"]
    assert missing == {"t": f"{counts.format(19)} windows have it; it takes 20 of each"}
    scores, missing = measured(FEWEST_AT_ENDS - 1)
    assert {"t: mean", "t: sd", "t: KS"} <= set(scores)
    assert not {"t: 2.5 %", "t: 97.5 %"} & set(scores)
    assert missing == dict.fromkeys(
        ("t: 2.5 %", "t: 97.5 %"), f"{counts.format(39)} windows have it; it takes 40 of each"
    )
    scores, missing = measured(FEWEST_AT_ENDS)
    assert scores["t: 2.5 %"].baseline is not None
    assert missing == {}


def test_qt_follows_rr_where_it_was_made_to():
    ours, *others = tables()
    ours["qt"] = 100 + ours["rr"] * 0.4
    scores, _ = score_parameters(ours, *others, seed=0)
    assert scores["qt_rr"].value == pytest.approx(1)
    assert scores["qt_rr: r"].value == pytest.approx(1)


def test_qt_that_falls_with_rr_has_a_sign():
    ours, *others = tables()
    ours["qt"] = 600 - ours["rr"] * 0.4
    scores, _ = score_parameters(ours, *others, seed=0)
    assert scores["qt_rr"].value == pytest.approx(1)
    falling = scores["qt_rr: r"]
    assert (falling.low, falling.value, falling.high) == pytest.approx((-1, -1, -1))


def test_qt_and_rr_that_cannot_be_related_are_said():
    ours, *others = tables()
    constant = score_parameters(ours.assign(qt=400.0), *others, seed=0)
    assert constant[1] == {"qt_rr": "QT or RR is the same in all synthetic windows"}
    assert not [name for name in constant[0] if name.startswith("qt_rr")]
    few = score_parameters(ours.assign(rr=ours["rr"].where(ours.index >= 190)), *others, seed=0)
    assert few[1] == {"qt_rr": "10 synthetic and 200 control windows have it; it takes 20 of each"}


def test_real_windows_are_measured(shared):
    wfdb = pytest.importorskip("wfdb")
    signal = wfdb.rdrecord(str(shared / "data/ptbdb/patient001/s0010_re"), channel_names=["v5"]).p_signal[:, 0]
    table = measure_parameters(signal[: 2000 * 15].reshape(15, 1, 2000), ["v5"], 1000.0)
    assert table[["heart_rate", "qrs", "r"]].notna().mean().min() > 0.9
    assert 60 < table["heart_rate"].median() < 100
    assert 60 < table["qrs"].median() < 150  # an infarction, whose ST segment is steep
    assert 120 < table["pr"].median() < 220
    assert 320 < table["qt"].median() < 460
