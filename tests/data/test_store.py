"""The store gives back what was read, keeps nothing unusable, and tells a whole store from half of one."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from anonimage.data.labels import CLASSES
from anonimage.data.patients import split_patients
from anonimage.data.store.store import open_store
from anonimage.data.wfdb.header import find_records, read_heads
from anonimage.data.wfdb.signals import RecordSource, read_records
from anonimage.data.windows import MISSING, cut
from anonimage.errors import InputError
from store_cases import write


def recordings(source, **options):
    return read_records(read_heads(find_records(source)), **options)


def sources(source, **options):
    return [RecordSource(head, **options) for head in read_heads(find_records(source))]


@pytest.fixture
def three(record, database):
    """Three patients, names with slashes, one other gain and baseline, one missing sample."""
    record("patient001/s1", reason="Myocardial infarction")
    record("patient002/s1", reason="Healthy control", gain=1000.0, baseline=50)
    digital = np.random.default_rng(5).integers(-400, 400, (2, 600))
    digital[0, 130] = MISSING
    record("patient003/s1", digital=digital)
    return database


def test_windows_are_those_of_the_records(three, tmp_path):
    store = write(tmp_path / "store", sources(three), 100, 50)
    source = {recording.head.name: recording for recording in recordings(three)}
    assert (store.channels, store.units, store.fs, store.length, store.stride) == (
        ("i", "ii"),
        ("mV", "mV"),
        100,
        100,
        50,
    )
    assert store.dropped == {"short": 0, "missing": 2, "flat": 0}
    assert len(store) == 11 * 3 - 2
    samples = store.samples()
    for values, row in zip(samples.values, samples.frame.itertuples(), strict=True):
        expected = source[row.record].physical()[:, row.start : row.start + 100]
        np.testing.assert_array_equal(values, expected)
        assert (row.patient, row.diagnosis) == (source[row.record].head.patient, source[row.record].head.diagnosis)
    assert store.frame.groupby("patient")["label"].first().tolist() == [0, 2, 1]
    assert store.step == pytest.approx(0.001)  # the finest of 1/200 and 1/1000 mV
    kept = store.records["patient002/s1"]
    assert (kept.fs, kept.gain, kept.baseline, kept.label) == (100, [1000.0, 1000.0], [50.0, 50.0], 2)


def test_any_start_may_be_asked_for_and_gaps_are_nan(three, tmp_path):
    store = write(tmp_path / "store", sources(three), 100)
    (window,) = store.windows(["patient003/s1"], [77])
    assert np.argwhere(np.isnan(window)).tolist() == [[0, 130 - 77]]
    for start in (-1, 501):
        with pytest.raises(InputError, match=f"no window of 100 samples at {start}"):
            store.windows(["patient003/s1"], [start])
    with pytest.raises(InputError, match="no record 'x'"):
        store.windows(["x"], [0])


@pytest.mark.parametrize("cache_bytes", [0, 2 * 600 * 2, 1 << 30])
def test_memory_does_not_change_what_is_read(three, tmp_path, cache_bytes):
    write(tmp_path / "store", sources(three), 100, 50)
    store = open_store(tmp_path / "store", cache_bytes)
    assert store.is_in_memory is (cache_bytes > 1 << 20)
    reference = np.concatenate(list(open_store(tmp_path / "store").iter_windows(None)))
    rows = np.random.default_rng(0).permutation(len(store))
    for some in np.array_split(rows, 7):
        np.testing.assert_array_equal(store.samples(some).values, reference[some])


def test_signals_are_stored_once_as_the_adc_gave_them(three, tmp_path):
    store = write(tmp_path / "store", sources(three), 100, 1)
    assert store.signal("patient001/s1").dtype == np.int16
    source = next(iter(recordings(three)))
    np.testing.assert_array_equal(store.signal("patient001/s1"), source.values)
    with pytest.raises(ValueError, match="read-only"):
        store.signal("patient001/s1")[:] = 0


def test_resampled_signals_are_stored_as_floats(three, tmp_path):
    store = write(tmp_path / "store", sources(three, fs=250.0), 100)
    assert store.fs == 250
    assert store.signal("patient001/s1").dtype == np.float32
    assert store.records["patient001/s1"].fs == 100
    assert store.step == pytest.approx(0.001)
    assert not np.isnan(store.samples().values).any()


def test_windows_far_inside_a_long_signal(record, database, tmp_path):
    record(n_samples=150_000)
    write(tmp_path / "store", sources(database), 1000)
    store = open_store(tmp_path / "store", cache_bytes=0)
    (recording,) = recordings(database)
    window = store.windows(["rec"], [65_000])[0]
    np.testing.assert_array_equal(window, recording.physical()[:, 65_000:66_000])


def test_parts_are_kept_and_stream(three, tmp_path):
    store = write(tmp_path / "store", sources(three), 100, split=lambda f: np.where(f.label == 2, "control", "train"))
    assert len(np.concatenate(list(store.iter_windows("control", chunk=4)))) == 6
    again = open_store(tmp_path / "store")
    pd.testing.assert_frame_equal(again.frame, store.frame)
    control = again.samples(again.frame["part"].to_numpy() == "control")
    assert control.patients() == {"patient002"}
    parts = list(again.iter_windows("control", chunk=4))
    assert [len(part) for part in parts] == [4, 2]
    np.testing.assert_array_equal(np.concatenate(parts), control.values)


def test_a_record_is_in_one_part_only(three, tmp_path):
    with pytest.raises(InputError, match="patient001/s1: its windows are in 2 parts"):
        write(tmp_path / "s", sources(three), 100, split=lambda f: np.where(f.start < 99, "control", "train"))


def test_spans_are_of_one_part_and_break_at_gaps(three, tmp_path):
    store = write(tmp_path / "store", sources(three), 100, split=lambda f: np.where(f.label == 2, "control", "train"))
    control, train = [["patient002/s1", 0, 600]], [["patient001/s1", 0, 600], ["patient003/s1", 0, 130]]
    train.append(["patient003/s1", 131, 600])
    assert list(store.spans("train").columns) == ["record", "begin", "end"]
    assert store.spans().to_numpy().tolist() == train
    assert store.spans("control").to_numpy().tolist() == control
    assert sorted(store.spans(None).to_numpy().tolist()) == sorted(train + control)
    assert store.spans("nobody's").empty


@pytest.mark.parametrize("stride", [30, 70])
def test_every_random_start_is_one_that_cut_would_keep(record, database, tmp_path, stride):
    """A plateau of one lead, longer than a window and off the grid: no window of the grid lies wholly in it."""
    digital = np.random.default_rng(0).integers(-400, 400, (2, 600))
    digital[1, 205:290] = 7
    record("a", digital=digital)
    store = write(tmp_path / "store", sources(database), 70, stride)
    starts = np.concatenate([np.arange(row.begin, row.end - 70 + 1) for row in store.spans("").itertuples()])
    windows = store.windows(["a"] * len(starts), starts)
    assert (np.ptp(windows, axis=2) > 0).all()
    assert starts.tolist() == cut(store.signal("a"), 70, 1, store.fs)[0].tolist()
    assert len(starts) == 531 - 16


def with_gains(record, *rows):
    """Records of two leads: (gain, largest value of the first in mV, of the second)."""
    for number, (gain, *values) in enumerate(rows):
        digital = np.random.default_rng(number).integers(-9, 9, (2, 600))
        digital[:, 30] = -np.rint(np.array(values) * gain)
        digital[:, 31] = MISSING  # no value, though the largest number
        record(f"r{number}", digital=digital, gain=gain)


@pytest.mark.parametrize(
    ("rows", "gains"),
    [
        ([(2000.0, 6, 1)], (2000, 2000)),  # PTB
        ([(1000.0, 0.5, 20), (30000.0, 0.5, 0.4)], (30000, 819)),  # 32767 / (2·20 mV) = 819.2
        ([(30000.0, 1, 0.5), (1000.0, 0.1, 0.6)], (16383, 27305)),
        ([(0.5, 60000, 100), (0.25, 40000, 100)], (32767 / 120000, 0.5)),  # no whole number below 1
        ([(49.0, 1, 1)], (49, 49)),  # 1 / (1 / 49) is not 49
    ],
)
def test_gains_are_the_finest_with_which_twice_the_largest_value_fits(record, database, tmp_path, rows, gains):
    with_gains(record, *rows)
    store = write(tmp_path / "store", sources(database), 100)
    assert store.gains == pytest.approx(gains, rel=1e-6)
    assert all(gain.is_integer() for gain in store.gains if gain > 1)
    with_cache = open_store(tmp_path / "store")
    assert with_cache.gains == store.gains


def test_gains_and_step_tell_nothing_of_control_records(record, database, tmp_path):
    with_gains(record, (200.0, 1, 1), (1000.0, 1, 2), (30000.0, 0.5, 1))
    store = write(
        tmp_path / "store",
        sources(database),
        100,
        split=lambda frame: np.where(frame["record"] == "r2", "control", "train"),
    )
    assert (store.gains, store.step) == ((1000, 1000), 0.001)


def test_resampling_does_not_lose_the_gains_of_the_source(record, database, tmp_path):
    record(gain=1000.0)
    assert write(tmp_path / "store", sources(database, fs=250.0), 100).gains == (1000, 1000)


def test_real_gains(shared, tmp_path):
    found = [head for head in read_heads(find_records(shared / "data" / "ptbdb")) if head.name.endswith("re")][:5]
    store = write(tmp_path / "store", [RecordSource(head, ("i", "v2")) for head in found], 2025)
    assert store.gains == (2000, 2000)


def test_short_flat_and_missing_are_left_out_and_told(record, database, tmp_path):
    record("good")
    record("short", n_samples=90)
    flat = np.random.default_rng(0).integers(-9, 9, (2, 300))
    flat[1] = 4
    record("flat", digital=flat)
    record("gone", digital=np.full((2, 200), MISSING))
    calls = []
    store = write(tmp_path / "s", sources(database), 100, progress=lambda *done: calls.append(done))
    assert store.dropped == {"short": 1, "missing": 2, "flat": 3}
    assert sorted(store.problems) == [
        "flat: every window is flat; skipped",
        "gone: every window is missing; skipped",
        "short: 0.9 s is shorter than a window of 1 s; skipped",
    ]
    assert set(store.frame["record"]) == set(store.records) == {"good"}
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("digital", "says"),
    [
        (np.arange(180).reshape(2, 90), "1 records shorter than a window, 0 windows with missing samples, 0 flat"),
        (np.full((2, 300), MISSING), "0 records shorter than a window, 3 windows with missing samples, 0 flat"),
        (np.full((2, 300), 7), "0 records shorter than a window, 0 windows with missing samples, 3 flat"),
    ],
)
def test_no_window_left(record, database, tmp_path, digital, says):
    record(digital=digital)
    with pytest.raises(InputError, match=f"no window of 100 samples is left: {says}"):
        write(tmp_path / "store", sources(database), 100)
    assert not (tmp_path / "store").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["db"]


def test_no_control_patient_left(record, database, tmp_path):
    record()
    with pytest.raises(InputError, match="no control patient is left"):
        write(tmp_path / "store", sources(database), 100, split=split_patients)
    assert [path.name for path in tmp_path.iterdir()] == ["db"]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"leads": ("i", "v1")}, "b: its channels are i, v1, those of a i, ii"),
        ({"units": "mmHg"}, "b: its units are mmHg, mmHg, those of a mV, mV"),
        ({"fs": 200}, "b: 200 Hz, but a has 100 Hz; bring all to one rate, WFDB records with --fs"),
    ],
)
def test_records_that_do_not_go_together(record, database, tmp_path, other, says):
    record("a")
    record("b", **other)
    with pytest.raises(InputError, match=says):
        write(tmp_path / "store", sources(database), 100)
    assert [path.name for path in tmp_path.iterdir()] == ["db"]


def test_the_same_record_twice(record, database, tmp_path):
    record("a")
    heads = read_heads(find_records(database)) * 2
    with pytest.raises(InputError, match="a: two records of this name"):
        write(tmp_path / "store", [RecordSource(head) for head in heads], 100)


def test_an_existing_store_survives_a_failed_write(three, record, database, tmp_path):
    write(tmp_path / "store", sources(three), 100)
    record("patient009/s1", fs=200)
    with pytest.raises(InputError, match="200 Hz"):
        write(tmp_path / "store", sources(database), 100)
    assert len(open_store(tmp_path / "store").records) == 3


def drop_signal(folder):
    (folder / "r000001.npy").unlink()


def cut_signal(folder):
    file = folder / "r000001.npy"
    file.write_bytes(file.read_bytes()[:200])


def other_values(folder):
    signal = np.load(folder / "r000001.npy", mmap_mode="r+")
    signal[0, 0] += 1
    signal.flush()


@pytest.mark.parametrize("harm", [drop_signal, cut_signal, other_values])
@pytest.mark.parametrize("cache_bytes", [0, 1 << 30])
def test_a_signal_that_is_damaged_after_opening_is_noticed(three, tmp_path, harm, cache_bytes):
    write(tmp_path / "store", sources(three), 100)
    store = open_store(tmp_path / "store", cache_bytes)
    harm(tmp_path / "store")
    if harm is not other_values or cache_bytes:  # what does not fit in memory is not read whole
        with pytest.raises(InputError, match=r"r000001.npy: the signal of patient002/s1 is damaged .*`prepare` again"):
            store.windows(["patient002/s1"], [0])
    with pytest.raises(InputError, match=r"the signal of patient002/s1 is damaged"):
        store.signal("patient002/s1")
    store.windows(["patient001/s1"], [0])


def edit_manifest(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def make_old(folder):
    (folder / "manifest.json").rename(folder / "zarr.json")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (shutil.rmtree, "no store here"),
        (lambda folder: (folder / "manifest.json").unlink(), "no store here"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "only part of a store"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "only part of a store"),
        (lambda folder: (folder / "manifest.json").write_text('{"version": 5}'), "only part of a store"),
        (lambda folder: (folder / "samples.parquet").unlink(), "only part of a store"),
        (lambda folder: (folder / "samples.parquet").write_bytes(b"PAR1"), "only part of a store"),
        (drop_signal, "only part of a store .the signal of patient002/s1 is missing"),
        (cut_signal, "only part of a store .the signal of patient002/s1 is cut short"),
        (lambda folder: (folder / "spans.parquet").unlink(), "only part of a store"),
        (make_old, "store of an older version, this is 5"),
        (lambda folder: edit_manifest(folder, version=7), "store of version 7, this is 5"),
        (lambda folder: edit_manifest(folder, step=1), "manifest.json is not what was written"),
    ],
)
def test_half_a_store_is_no_store(three, tmp_path, harm, says):
    folder = tmp_path / "store"
    write(folder, sources(three), 100)
    harm(folder)
    with pytest.raises(InputError, match=says) as fault:
        open_store(folder)
    assert "\n" not in str(fault.value)


def test_windows_that_cannot_be_cut(three, tmp_path):
    for length, stride in ((1, None), (100, 0)):
        with pytest.raises(InputError, match="need at least 2 and 1"):
            write(tmp_path / "store", sources(three), length, stride)


def test_nothing_to_store(tmp_path):
    with pytest.raises(InputError, match="there is no record to store"):
        write(tmp_path / "store", [], 100)


def test_classes_and_form_are_kept(three, tmp_path):
    store = write(tmp_path / "store", sources(three), 100)
    assert (store.classes, store.form) == (CLASSES, {"kind": "wfdb"})
    form = {"kind": "series", "header": ["ii (mV)"], "decimals": [None, 3]}
    write(tmp_path / "store", sources(three), 100, classes=("a", "b", "c"), form=form)
    store = open_store(tmp_path / "store")
    assert (store.classes, store.form) == (("a", "b", "c"), form)


@pytest.mark.parametrize("classes", [("a", "b"), ()])
def test_a_label_that_is_no_class(three, tmp_path, classes):
    with pytest.raises(InputError, match="is no class; there are "):
        write(tmp_path / "store", sources(three), 100, classes=classes)
    assert not (tmp_path / "store").exists()


def test_values_are_the_windows_at_positions_of_the_frame(three, tmp_path):
    store = write(tmp_path / "store", sources(three), 100, 50)
    rows = np.array([7, 0, 7, 20])
    frame = store.frame.iloc[rows]
    expected = store.windows(frame["record"].to_numpy(), frame["start"].to_numpy())
    np.testing.assert_array_equal(store.values(rows), expected)
    samples = store.samples(rows)
    np.testing.assert_array_equal(samples.values, expected)
    assert samples.frame["start"].tolist() == frame["start"].tolist()
