"""Windows by hand, and the laws: nothing kept holds a gap or a plateau, and stretches hold exactly what was kept."""

import numpy as np
import pytest
from anonimage.data.wfdb.header import find_records, read_heads
from anonimage.data.wfdb.signals import read_records
from anonimage.data.windows import MISSING, cut, stretches
from hypothesis import given
from hypothesis import strategies as st


def ramp(n: int, dtype=np.int16) -> np.ndarray:
    return np.arange(n, dtype=dtype)[np.newaxis]


def test_the_tail_is_dropped_and_strides_overlap():
    assert cut(ramp(10), 3)[0].tolist() == [0, 3, 6]
    assert cut(ramp(10), 4, 2)[0].tolist() == [0, 2, 4, 6]
    assert cut(ramp(3), 4)[0].tolist() == []


@pytest.mark.parametrize(("dtype", "gone"), [(np.int16, MISSING), (np.float32, np.nan)])
def test_a_window_with_a_missing_sample_in_any_lead_is_dropped(dtype, gone):
    signal = np.vstack([ramp(12, dtype), ramp(12, dtype)])
    signal[1, 4] = gone
    starts, dropped = cut(signal, 3)
    assert starts.tolist() == [0, 6, 9]
    assert dropped == {"missing": 1, "flat": 0}


def test_a_window_in_which_one_lead_stands_still_is_flat():
    signal = np.vstack([ramp(12), ramp(12)])
    signal[0, 3:7] = 5  # covers window 3…6 wholly, window 6…9 only at its first sample
    starts, dropped = cut(signal, 3)
    assert starts.tolist() == [0, 6, 9]
    assert dropped == {"missing": 0, "flat": 1}


def test_a_plateau_of_all_leads_is_flat_wherever_a_window_touches_it():
    signal = np.vstack([ramp(100), ramp(100)])
    signal[:, 12:38] = -1  # 26 samples: 0.26 s at 100 Hz
    assert cut(signal, 10)[0].tolist() == [0, 10, 30, 40, 50, 60, 70, 80, 90]  # only 20…29 is flat throughout
    assert cut(signal, 10, fs=100)[0].tolist() == [0, 40, 50, 60, 70, 80, 90]
    assert cut(signal, 10, fs=200)[1]["flat"] == 1  # 0.13 s at 200 Hz is no fault


@given(st.data())
def test_what_is_kept_is_exactly_what_is_usable(data):
    length = data.draw(st.integers(2, 12))
    stride = data.draw(st.integers(1, 12))
    levels = st.sampled_from([0, 0, 0, 1, 2, 3, MISSING])
    signal = np.array(data.draw(st.lists(st.lists(levels, min_size=40, max_size=40), min_size=1, max_size=3)), np.int16)
    starts, dropped = cut(signal, length, stride)
    usable = []
    for start in range(0, 40 - length + 1, stride):
        window = signal[:, start : start + length]
        if (window != MISSING).all() and (window.max(axis=1) > window.min(axis=1)).all():
            usable.append(start)
    assert starts.tolist() == usable
    assert len(starts) + sum(dropped.values()) == len(range(0, 40 - length + 1, stride))


@given(st.integers(2, 30), st.integers(0, 20), st.integers(10, 60))
def test_a_plateau_is_found_wherever_it_lies_if_it_is_long_enough(n_still, begin, fs):
    signal = ramp(80)
    signal[0, begin : begin + n_still] = signal[0, begin]
    kept, _ = cut(signal, 2, 1, fs=fs)
    if n_still >= max(2, round(0.25 * fs)):
        assert not np.any((kept < begin + n_still) & (kept + 2 > begin))
    elif n_still > 2:
        assert begin - 1 in kept or begin == 0


@st.composite
def faulty_signals(draw):
    """Noise of one to three leads with gaps, plateaus of single leads, and standstills of all."""
    n_leads, n_samples = draw(st.integers(1, 3)), draw(st.integers(1, 120))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    signal = rng.normal(size=(n_leads, n_samples)).astype(np.float32)
    stretch = st.tuples(st.integers(0, n_samples), st.integers(0, 40))
    for begin, n in draw(st.lists(stretch, max_size=3)):
        signal[:, begin : begin + n] = rng.normal(size=(n_leads, 1))
    for begin, n in draw(st.lists(stretch, max_size=4)):
        signal[rng.integers(n_leads), begin : begin + n] = rng.normal()
    for begin, n in draw(st.lists(stretch, max_size=3)):
        signal[rng.integers(n_leads), begin : begin + n // 4] = np.nan
    if draw(st.booleans()):
        signal = np.where(np.isnan(signal), MISSING, np.rint(1000 * np.nan_to_num(signal))).astype(np.int16)
    return signal


@given(faulty_signals(), st.integers(2, 40), st.sampled_from([None, 20, 60]))
def test_stretches_allow_exactly_the_starts_that_cut_keeps(signal, length, fs):
    found = stretches(signal, length, fs)
    starts = [start for begin, end in found.tolist() for start in range(begin, end - length + 1)]
    assert starts == cut(signal, length, 1, fs)[0].tolist()
    assert all(end - begin >= length for begin, end in found.tolist())
    assert (found[1:, 0] > found[:-1, 1] - length + 1).all()  # as few as can be


def test_stretches_by_hand():
    signal = np.vstack([ramp(40), ramp(40)])
    assert stretches(signal, 10).tolist() == [[0, 40]]
    signal[0, 12] = MISSING
    assert stretches(signal, 10).tolist() == [[0, 12], [13, 40]]
    signal[1, 20:31] = 5  # two starts, 20 and 21, lie wholly in it
    assert stretches(signal, 10).tolist() == [[0, 12], [13, 29], [22, 40]]
    assert stretches(signal, 41).tolist() == []


def test_exactly_the_faulty_beginnings_of_ecg_id_are_left_out(shared):
    faulty = {
        f"Person_{name}": end
        for name, end in {
            "13/rec_2": 2048, "25/rec_4": 2048, "26/rec_3": 2048, "28/rec_4": 2048, "32/rec_6": 2048,
            "44/rec_1": 1024, "83/rec_1": 1024,
        }.items()
    }  # fmt: skip
    root = shared / "data" / "ecgiddb"
    for recording in read_records(read_heads(find_records(root)), ["ecg i"]):
        end = faulty.get(recording.head.name, 0)
        starts, dropped = cut(recording.values, 500, 100, recording.fs)
        assert starts.tolist() == list(range(-(-end // 100) * 100, 9501, 100)), recording.head.name
        assert dropped["missing"] == 0


@pytest.mark.parametrize("name", ["ptbdb", "ludb", "mitdb"])
def test_good_databases_lose_nothing(shared, name):
    for recording in read_records(read_heads(find_records(shared / "data" / name))):
        assert sum(cut(recording.values, 1000, None, recording.fs)[1].values()) == 0, recording.head.name
