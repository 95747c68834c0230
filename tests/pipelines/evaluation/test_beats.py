"""Marks of beats: a beat drawn by hand, laws, faults, and the hand annotations of LUDB."""

import warnings

import numpy as np
import pandas as pd
import pytest
from anonimage.pipelines.evaluation.beats import COLUMNS, MARKS, count_r_peaks, delineate, filled

R = (0.5, 1.3, 2.1, 2.9, 3.6)  # seconds
# seconds from R, width of the Gaussian, mV
P, QRS, T = (-0.16, 0.02, 0.12), (0.0, 0.012, 1.0), (0.28, 0.04, 0.3)


def ecg(fs=500.0, seconds=4.2, r=R, waves=(P, QRS, T)):
    t = np.arange(round(seconds * fs)) / fs
    return sum(mv * np.exp(-(((t - at - away) / width) ** 2) / 2) for at in r for away, width, mv in waves)


@pytest.mark.parametrize("fs", [250.0, 360.0, 500.0, 1000.0])
def test_a_drawn_beat(fs):
    beats = delineate(ecg(fs)[None], fs)
    assert len(beats) == 5
    for mark, (away, _, _) in (("p_peak", P), ("r", QRS), ("t_peak", T)):
        assert beats[mark].to_numpy() == pytest.approx(np.add(R, away), abs=0.006)
    for onset, end, (away, width, _) in (("p_on", "p_off", P), ("qrs_on", "qrs_off", QRS), ("t_on", "t_off", T)):
        before, after = (np.add(R, away) - beats[onset]) / width, (beats[end] - np.add(R, away)) / width
        # a Gaussian has no border: 1.5 to 4 widths from its middle little of it is left
        assert ((before > 1.5) & (before < 4)).all()
        assert ((after > 1.5) & (after < 4)).all()


def test_a_beat_upside_down_has_the_same_marks():
    signal = ecg()[None]
    difference = delineate(signal, 500.0) - delineate(-signal, 500.0)
    assert np.abs(difference.to_numpy()).max() <= 0.002 + 1e-9  # a sample: which of two a slope changes its sign at


def test_amplitude_and_offset_do_not_matter():
    signal = ecg()[None]
    pd.testing.assert_frame_equal(delineate(signal, 500.0), delineate(4 * signal, 500.0))
    moved = delineate(signal + 2.0, 500.0)
    assert np.nanmax(np.abs(moved.to_numpy() - delineate(signal, 500.0).to_numpy())) <= 0.002 + 1e-9


def test_beats_without_p_or_t_wave():
    beats = delineate(ecg(waves=(QRS, T))[None], 500.0)
    assert beats[["p_on", "p_peak", "p_off"]].isna().all(axis=None)
    assert beats["t_off"].notna().all()
    assert delineate(ecg(waves=(P, QRS))[None], 500.0)[["t_on", "t_peak", "t_off"]].isna().all(axis=None)


def test_what_the_border_cuts_off_is_missing():
    whole = ecg()
    window = whole[round(0.42 * 500) : round(2.44 * 500)]  # from within the PR segment to within the third T wave
    beats = delineate(window[None], 500.0)
    assert beats["r"].to_numpy() == pytest.approx(np.subtract(R[:3], 0.42), abs=0.003)
    assert np.isnan(beats["p_peak"][0])
    assert np.isnan(beats["t_off"][2])
    inner = [*MARKS]
    expected = delineate(whole[None], 500.0)[inner].to_numpy()[1] - 0.42
    assert beats[inner].to_numpy()[1] == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(("side", "lost", "kept"), [(1, "qrs_off", "qrs_on"), (-1, "qrs_on", "qrs_off")])
def test_a_border_is_not_given_where_there_is_no_calm_stretch(side, lost, kept):
    """Shaking that begins within the complex, and lasts for longer than a border may be away."""
    signal = ecg()
    away = side * (np.arange(len(signal)) / 500 - R[2])
    shaking = np.where((away > 0.03) & (away < 0.26), 0.2 * np.sin(2 * np.pi * 20 * (away - 0.03)), 0)
    before, beats = delineate(signal[None], 500.0), delineate((signal + shaking)[None], 500.0)
    assert len(beats) == 5
    assert np.isnan(beats[lost][2])
    assert beats[[kept, "r"]].to_numpy()[2] == pytest.approx(before[[kept, "r"]].to_numpy()[2], abs=0.004)
    assert beats[["qrs_on", "qrs_off"]].drop(2).notna().all(axis=None)


def test_a_window_is_as_restless_as_the_record_it_is_of():
    """What is calm is known by the usual slope within a window, however short, not by what is added around it."""
    rng = np.random.default_rng(0)
    noisy = ecg(seconds=40.0, r=np.arange(0.5, 39.5, 0.8)) + rng.normal(0, 0.08, 20_000)
    whole, cuts = delineate(noisy[None], 500.0), delineate(noisy.reshape(20, 1000), 500.0)
    widths = [(beats["qrs_off"] - beats["qrs_on"]).median() for beats in (whole, cuts)]
    assert widths[1] == pytest.approx(widths[0], abs=0.01)


def test_windows_do_not_touch_each_other():
    rng = np.random.default_rng(0)
    signals = np.stack([ecg(seconds=2.0) + rng.normal(0, 0.02, 1000), rng.normal(0, 0.1, 1000), ecg()[700:1700]])
    together = delineate(signals, 500.0)
    alone = [delineate(signal[None], 500.0).assign(window=number) for number, signal in enumerate(signals)]
    pd.testing.assert_frame_equal(together, pd.concat(alone, ignore_index=True), check_dtype=False)


@pytest.mark.parametrize("length", [1, 5, 200, 1000])
def test_windows_without_beats(length):
    signals = np.stack([np.zeros(length), np.full(length, 5.0), np.full(length, np.nan)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        beats = delineate(signals, 500.0)
        assert delineate(signals[:0], 500.0).empty
    assert beats.empty
    assert tuple(beats.columns) == COLUMNS
    assert count_r_peaks(signals, 500.0).tolist() == [0, 0, 0]


def test_noise_has_no_beats():
    rng = np.random.default_rng(0)
    assert count_r_peaks(rng.normal(size=(100, 1000)), 500.0).sum() <= 2
    assert count_r_peaks(np.cumsum(rng.normal(size=(100, 1000)), axis=1), 500.0).sum() <= 2
    assert count_r_peaks(np.sin(np.arange(1000) / 50)[None], 500.0).tolist() == [0]


@pytest.mark.parametrize("fs", [1.0, 10.0, 30.0, 100.0, 128.0])
def test_any_rate_is_taken(fs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        beats = delineate(np.random.default_rng(0).normal(size=(5, 300)).cumsum(axis=1) ** 3, fs)
    assert (beats["r"].groupby(beats["window"]).diff().dropna() > 0).all()


def test_missing_samples_are_bridged():
    signal = ecg()
    gap = signal.copy()
    gap[450:465] = np.nan  # between T and P
    assert delineate(gap[None], 500.0)["r"].to_numpy() == pytest.approx(delineate(signal[None], 500.0)["r"].to_numpy())


def test_missing_samples_lie_on_a_line_between_their_neighbours():
    gaps = np.array([[np.nan, 1, np.nan, np.nan, 4, np.nan], [np.nan] * 6, [1, 2, 3, 4, 5, 6]])
    assert filled(gaps).tolist() == [[1, 1, 2, 3, 4, 4], [0] * 6, [1, 2, 3, 4, 5, 6]]
    assert np.isnan(gaps).sum() == 10  # what was handed in stays as it is


RECORDS = (2, 10, 16, 40, 60, 100)
WAVES = {"p": ("p_on", "p_peak", "p_off"), "N": ("qrs_on", "r", "qrs_off"), "t": ("t_on", "t_peak", "t_off")}


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cuts"])
def test_hand_annotations(shared, cut):
    """A few records of LUDB, leads i and ii; the limits are a little above what is reached there."""
    wfdb = pytest.importorskip("wfdb")
    folder = shared / "data" / "ludb" / "data"
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}")
    chosen = [path for path in (folder / str(number) for number in RECORDS) if path.with_suffix(".hea").is_file()]
    annotated = dict.fromkeys(WAVES, 0)
    errors = {sign: [] for sign in WAVES}
    extra = 0
    for path, lead in ((path, lead) for path in chosen for lead in ("i", "ii")):
        signal = wfdb.rdrecord(str(path), channel_names=[lead]).p_signal[:, 0]
        notes = wfdb.rdann(str(path), lead)
        marks = [(s, np.array(notes.sample[k - 1 : k + 2])) for k, s in enumerate(notes.symbol) if s in WAVES and k]
        peaks = [places[1] for sign, places in marks if sign == "N"]
        for start in range(peaks[0] - 200, peaks[-1] - 800, 1000) if cut else [0]:
            end = start + (1000 if cut else len(signal))
            beats = delineate(signal[None, max(start, 0) : end], 500.0) + max(start, 0) / 500
            for sign, places in marks:
                own = [peak for peak in peaks if start + 100 <= peak < end - 100 and abs(peak - places[1]) < 250]
                if len(places) < 3 or places[0] < start + 20 or places[2] > end - 20 or not own:
                    continue
                annotated[sign] += 1
                away = (beats[WAVES[sign][1]] - places[1] / 500).abs()
                if away.min() < 0.1:
                    errors[sign].append(beats.loc[away.idxmin(), [*WAVES[sign]]].to_numpy(float) - places / 500)
            inner = beats["r"][beats["r"].between(max(start + 50, peaks[0]) / 500, min(end - 50, peaks[-1]) / 500)]
            extra += sum(np.abs(np.array(peaks) / 500 - r).min() > 0.1 for r in inner)
    assert len(chosen) >= 3
    onset, peak, end = np.nanmedian(np.abs(errors["N"]), axis=0) * 1000  # ms
    assert annotated["N"] > 60
    assert len(errors["N"]) >= 0.99 * annotated["N"]
    assert extra <= 0.01 * annotated["N"]
    assert onset <= 10
    assert peak <= 6
    assert end <= 10
    assert len(errors["t"]) >= 0.93 * annotated["t"]
    assert np.nanmedian(np.abs(errors["t"]), axis=0)[2] * 1000 <= 15
    assert len(errors["p"]) >= 0.93 * annotated["p"]
    assert (np.nanmedian(np.abs(errors["p"]), axis=0) * 1000 <= (14, 6, 14)).all()
