"""What is read is what wfdb reads; resampling keeps sines, constants and gaps; faults are one line each."""

import threading
from itertools import permutations

import numpy as np
import pytest
import wfdb
from anonimage.data.wfdb.header import find_records, read_heads
from anonimage.data.wfdb.signals import limb_relations, match_leads, read_record, read_records
from anonimage.data.windows import MISSING, resample
from anonimage.errors import InputError
from anonimage.parallel import ordered_map


def heads(source):
    return read_heads(find_records(source))


def only(source, **options):
    (head,) = heads(source)
    return read_record(head, **options)


@pytest.mark.parametrize("name", ["ptbdb", "mitdb", "ludb", "ecgiddb", "cinc2021"])
def test_real_records_are_what_wfdb_reads(shared, name):
    chosen = heads(shared / "data" / name)[:: 9 if name != "ptbdb" else 1]
    for head, recording in zip(chosen, read_records(chosen), strict=True):
        other = wfdb.rdrecord(str(head.path))
        assert recording.values.dtype == np.int16
        assert recording.head is head
        assert (recording.fs, recording.units) == (other.fs, tuple(other.units))
        np.testing.assert_allclose(recording.physical(), other.p_signal.T, rtol=2e-7, atol=1e-9)


def random_bytes(database, fmt: str, n_samples: int = 300) -> None:
    """A record of two leads in a format wfdb reads but does not write: any bytes are a signal."""
    database.mkdir()
    n_bytes = {"8": 1, "310": 4 / 3, "311": 4 / 3, "212": 1.5, "80": 1, "24": 3, "32": 4}.get(fmt, 2) * 2 * n_samples
    (database / "rec.dat").write_bytes(np.random.default_rng(0).bytes(int(n_bytes)))
    lines = [f"rec 2 100 {n_samples}", *(f"rec.dat {fmt} 200(3)/mV 16 0 0 0 0 {lead}" for lead in ("i", "ii"))]
    (database / "rec.hea").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("fmt", ["8", "16", "24", "32", "61", "80", "160", "212", "310", "311"])
def test_every_format_is_what_wfdb_reads(database, fmt):
    random_bytes(database, fmt)
    recording = only(database)
    other = wfdb.rdrecord(str(database / "rec"))
    np.testing.assert_allclose(recording.physical(), other.p_signal.T, rtol=2e-7, atol=1e-6)
    assert recording.values.dtype == (np.float32 if fmt in ("8", "24", "32") else np.int16)


@pytest.mark.parametrize("fmt", ["508", "516", "524"])
def test_compressed_formats_are_what_wfdb_reads(record, database, fmt):
    pytest.importorskip("soundfile")
    record(digital=np.random.default_rng(0).integers(-100, 100, (2, 300)), fmt=fmt, baseline=3)
    other = wfdb.rdrecord(str(database / "rec"))
    np.testing.assert_allclose(only(database).physical(), other.p_signal.T, rtol=2e-7, atol=1e-9)


def multi_frame(database, name="rec", n_frames=300, fmt="16", skew="", missing=()) -> None:
    """Leads i and ii of one sample per frame, and between them resp of four."""
    database.mkdir(exist_ok=True)
    frames = np.random.default_rng(len(name)).integers(-400, 400, (n_frames, 6))
    for frame, sample in missing:
        frames[frame, sample] = -32768
    (database / f"{name}.dat").write_bytes(frames.astype(">i2" if fmt == "61" else "<i2").tobytes())
    kinds = {"i": fmt, "resp": f"{fmt}x4{skew}", "ii": fmt}
    lines = [f"{name}.dat {kind} 200(3)/mV 16 0 0 0 0 {lead}" for lead, kind in kinds.items()]
    (database / f"{name}.hea").write_text("\n".join([f"{name} 3 100 {n_frames}", *lines]) + "\n")


@pytest.mark.parametrize("leads", [["i"], ["ii"], ["ii", "i"], ["resp"], ["ii", "resp"], []])
@pytest.mark.parametrize("fmt", ["16", "61"])
def test_several_samples_per_frame_are_what_wfdb_reads(database, leads, fmt):
    multi_frame(database, fmt=fmt)
    recording = only(database, leads=leads)
    other = wfdb.rdrecord(str(database / "rec"), channel_names=leads or None)
    expected = other.p_signal.T[[other.sig_name.index(name) for name in recording.channels]]
    np.testing.assert_allclose(recording.physical(), expected, rtol=2e-7, atol=1e-9)


@pytest.mark.parametrize("segmented", [False, True])
def test_a_frame_with_a_missing_sample_is_missing(database, segmented):
    """wfdb's average of such a frame, -41 mV, is the code for 'no sample' taken as a value."""
    multi_frame(database, missing=[(7, 2), (9, 0)], n_frames=60)
    if segmented:
        (database / "whole.hea").write_text("whole/2 3 100 120\nrec 60\nrec 60\n")
    recording = only(database)
    expected = [[0, 9], [1, 7]]
    if segmented:
        expected = [[0, 9], [0, 69], [1, 7], [1, 67]]
    assert np.argwhere(np.isnan(recording.physical())).tolist() == expected


def test_skewed_frames_end_in_missing_ones(database):
    multi_frame(database, skew=":2", n_frames=60)
    recording, other = only(database), wfdb.rdrecord(str(database / "rec"), smooth_frames=False)
    frames = other.e_p_signal[1].reshape(60, 4)
    gone = np.isnan(frames).any(axis=1)
    assert gone.any()
    assert np.array_equal(np.isnan(recording.physical()[1]), gone)
    np.testing.assert_allclose(recording.physical()[1, ~gone], frames[~gone].mean(axis=1), atol=0.005)  # an ADC step


@pytest.mark.parametrize(("fmt", "code"), [("16", -32768), ("212", -2048), ("80", -128), ("32", -(2**31))])
def test_missing_samples_become_nan(record, database, fmt, code):
    digital = np.tile(np.arange(50), (2, 1))
    digital[1, 7] = code
    record(digital=digital, fmt=fmt)
    recording = only(database)
    assert np.argwhere(np.isnan(recording.physical())).tolist() == [[1, 7]]
    assert (recording.values[1, 7] == MISSING) or recording.values.dtype == np.float32


def test_windows_are_cut_from_the_physical_signal(record, database):
    record(n_samples=100, baseline=-7)
    recording = only(database)
    starts = np.array([3, 0, 50])
    windows = recording.windows(starts, 20)
    for window, start in zip(windows, starts, strict=True):
        np.testing.assert_array_equal(window, recording.physical()[:, start : start + 20])


def test_leads_in_any_case_and_order(record, database):
    record(leads=("i", "ii", "V1"))
    every = only(database)
    recording = only(database, leads=["v1", "I"])
    assert recording.channels == ("V1", "i")
    np.testing.assert_array_equal(recording.values, every.values[[2, 0]])
    with pytest.raises(InputError, match=r"rec: lead 'vx' is not in this record \(has i, ii, V1\)"):
        only(database, leads=["vx"])


def test_two_signal_files_of_one_record(shared):
    head = next(h for h in heads(shared / "data" / "ptbdb") if h.name == "patient001/s0010_re")
    recording = read_record(head, ["vz", "v6", "vx"])
    other = wfdb.rdrecord(str(head.path), channels=[14, 11, 12], physical=False)
    np.testing.assert_array_equal(recording.values, other.d_signal.T)


def test_microvolts_are_read_as_millivolts(record, database):
    record(units="uV", gain=2.0)
    recording = only(database)
    other = wfdb.rdrecord(str(database / "rec"))
    assert recording.units == ("mV", "mV")
    np.testing.assert_allclose(recording.physical(), other.p_signal.T / 1000, rtol=1e-6)
    np.testing.assert_allclose(recording.step, 0.0005)


def test_segments_are_one_record(record, database):
    record("one", n_samples=60)
    record("two", n_samples=40)
    layout = "".join(f"~ 0 200 0 0 0 0 0 {lead}\n" for lead in ("i", "ii"))
    (database / "layout.hea").write_text(f"layout 2 100 0\n{layout}")
    (database / "whole.hea").write_text(
        "whole/4 2 100 130\nlayout 0\none 60\n~ 30\ntwo 40\n# Reason for admission: Healthy control\n"
    )
    (head,) = heads(database)  # the segments are no records of their own
    recording = read_record(head)
    assert (head.name, head.n_samples, head.label) == ("whole", 130, 2)
    assert [signal.gain for signal in head.signals] == [200.0, 200.0]
    values = recording.physical()
    assert np.isnan(values[:, 60:90]).all()
    np.testing.assert_allclose(values[:, :60], wfdb.rdrecord(str(database / "one")).p_signal.T, atol=1e-6)
    np.testing.assert_allclose(values[:, 90:], wfdb.rdrecord(str(database / "two")).p_signal.T, atol=1e-6)
    (database / "two.dat").unlink()
    with pytest.raises(InputError, match=r"^whole: wfdb cannot read its signals"):
        read_record(head)


def test_segments_without_a_layout(record, database):
    record("one", n_samples=60)
    record("two", n_samples=40)
    whole = database / "whole.hea"
    whole.write_text("whole/2 2 100 100\none 60\ntwo 40\n")
    halves = [wfdb.rdrecord(str(database / name)).p_signal.T for name in ("one", "two")]
    np.testing.assert_allclose(only(database).physical(), np.hstack(halves), atol=1e-6)
    whole.write_text("whole/3 2 100 130\none 60\n~ 30\ntwo 40\n")  # a hole needs a layout; wfdb trips over it
    with pytest.raises(InputError, match=r"^whole: wfdb cannot read its signals"):
        only(database)


def test_a_header_without_signal_file(record, database):
    header = record()
    header.with_suffix(".dat").unlink()
    with pytest.raises(InputError) as fault:
        only(database)
    assert str(fault.value) == (
        "rec: its signal file rec.dat is missing; put it beside the header or fetch the record again"
    )


@pytest.mark.parametrize("fmt", ["16", "24", "32", "61", "80", "160", "212", "310", "311"])
def test_a_truncated_signal_file(database, fmt):
    random_bytes(database, fmt, n_samples=600)
    file = database / "rec.dat"
    file.write_bytes(file.read_bytes()[:-11])
    there, needed = file.stat().st_size, file.stat().st_size + 11
    with pytest.raises(InputError) as fault:
        only(database)
    assert str(fault.value) == (
        f"rec: rec.dat is cut short: {there} bytes, where the header's 600 samples take {needed}; "
        "fetch the record again"
    )


def test_a_truncated_compressed_file(record, database):
    pytest.importorskip("soundfile")
    file = record(fmt="516").with_suffix(".dat")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InputError, match=r"^rec: wfdb cannot read its signals"):
        only(database)


def test_leads_of_another_file_are_not_needed(shared, tmp_path):
    source = shared / "data" / "ptbdb" / "patient001"
    for suffix in (".hea", ".dat"):
        (tmp_path / f"s0010_re{suffix}").write_bytes((source / f"s0010_re{suffix}").read_bytes())
    assert only(tmp_path, leads=["i"]).values.shape == (1, 38400)
    with pytest.raises(InputError, match=r"s0010_re\.xyz is missing"):
        only(tmp_path, leads=["vx"])


def test_an_unknown_format(record, database):
    header = record()
    header.write_text(header.read_text().replace("rec.dat 16 ", "rec.dat 99 "))
    with pytest.raises(InputError, match=r"^rec: wfdb cannot read its signals"):
        only(database)


def test_a_bad_header_stops_reading_with_its_own_line(record, database):
    record("a")
    header = record("b")
    header.write_text(header.read_text().replace("b 2 100 600", "b 2 0 600"))
    reading = read_records(heads(database))
    assert next(reading).head.name == "a"
    with pytest.raises(InputError, match=r"^b: the header gives 0 as sampling frequency"):
        next(reading)


def test_an_fs_that_is_none(record, database):
    record()
    with pytest.raises(InputError, match="fs 0 is not a frequency"):
        only(database, fs=0)


@pytest.mark.parametrize("fs", [0.001, 0.09, 10_001, 1e9, float("inf")])
def test_an_fs_out_of_all_proportion(record, database, fs):
    record(fs=100)
    with pytest.raises(InputError) as fault:
        only(database, fs=fs)
    assert str(fault.value) == (
        f"rec: has 100 Hz and cannot be resampled to {fs:g} Hz; give an fs from 0.1 to 10000 Hz"
    )


@pytest.mark.parametrize(("fs", "n_samples"), [(0.1, 1), (10_000, 60_000)])
def test_the_ends_of_what_resampling_does(record, database, fs, n_samples):
    record(fs=100)
    assert only(database, fs=fs).values.shape == (2, n_samples)


@pytest.mark.parametrize(("source_fs", "fs"), [(360, 1000), (500, 1000), (1000, 500), (1000, 360), (257, 300.5)])
def test_resampling_keeps_a_slow_sine(source_fs, fs):
    def sine(rate):
        times = np.arange(int(4 * rate)) / rate
        return (3 + np.sin(2 * np.pi * 7 * times + 1))[np.newaxis].astype(np.float32)

    resampled = resample(sine(source_fs), source_fs, fs)
    assert resampled.dtype == np.float32
    assert resampled.shape[1] == -(-sine(source_fs).shape[1] * fs // source_fs)
    edge = int(0.2 * fs)
    expected = sine(fs)[:, : resampled.shape[1]]
    np.testing.assert_allclose(resampled[:, edge:-edge], expected[:, edge:-edge], atol=5e-3)


@pytest.mark.parametrize("fs", [1000, 180])
def test_a_gap_is_marked_and_not_smeared(fs):
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(2, 2000)).astype(np.float32)
    broken = whole.copy()
    broken[1, 900:950] = np.nan
    resampled, reference = resample(broken, 360, fs), resample(whole, 360, fs)
    gone = np.isnan(resampled)
    times = np.arange(resampled.shape[1]) / fs
    assert gone[1, (times >= 900 / 360) & (times <= 949 / 360)].all()
    assert not gone[0].any()
    assert gone[1].sum() < (50 + 60) / 360 * fs
    np.testing.assert_allclose(resampled[~gone], reference[~gone], atol=2e-6)


def test_a_lead_without_any_sample_stays_so():
    values = np.stack([np.full(500, np.nan), np.arange(500)]).astype(np.float32)
    resampled = resample(values, 360, 1000)
    assert np.isnan(resampled[0]).all()
    assert not np.isnan(resampled[1]).any()


def test_a_plateau_stays_exactly_constant():
    values = np.random.default_rng(0).normal(size=(1, 2000)).astype(np.float32)
    values[:, 500:700] = 0.1
    resampled = resample(values, 360, 1000)
    assert (resampled[0, 1389 : 1389 + 555] == np.float32(0.1)).all()


def test_order_is_kept_and_few_are_read_ahead():
    started: list[int] = []
    lock = threading.Lock()

    def square(k):
        with lock:
            started.append(k)
        return k * k

    results = ordered_map(square, range(100), workers=2)
    for k in range(100):
        assert next(results) == k * k
        assert len(started) <= k + 1 + 3  # two at work, one waiting
    assert list(results) == []


PTB = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")


def test_leads_come_in_the_order_asked_for_whatever_their_case():
    assert match_leads(["V1", "aVR", "II"], PTB, "rec") == [6, 3, 1]
    assert match_leads([], PTB, "rec") == list(range(12))


def test_a_missing_lead_names_record_lead_and_those_it_has():
    with pytest.raises(InputError) as fault:
        match_leads(["vx"], PTB, "patient104/s0306lre")
    assert str(fault.value) == (
        "patient104/s0306lre: lead 'vx' is not in this record (has i, ii, iii, avr, avl, avf, v1, v2, v3, v4, v5, v6); "
        "leave it out with --leads or use another record"
    )


def test_a_lead_twice_is_refused_on_either_side():
    with pytest.raises(InputError, match="asked for twice"):
        match_leads(["i", "I"], PTB, "rec")
    with pytest.raises(InputError, match="2 signals are called 'ecg'"):
        match_leads(["ecg"], ("ECG", "ecg"), "rec")


def test_einthoven_by_hand():
    assert limb_relations(("I", "II", "III")).tolist() == [[1, -1, 1]]  # III = II − I
    assert limb_relations(("i", "v1", "ii", "avr")).tolist() == [[0.5, 0, 0.5, 1]]  # aVR = −(I + II)/2


@pytest.mark.parametrize("size", range(7))
def test_relations_vanish_for_ideal_limb_leads_and_only_for_them(size):
    one, two = np.random.default_rng(0).normal(size=(2, 50))
    ideal = {
        "i": one, "ii": two, "iii": two - one, "avr": -(one + two) / 2, "avl": one - two / 2, "avf": two - one / 2,
    }  # fmt: skip
    for names in list(permutations(ideal, size))[::7]:
        channels = (*names, "v1")
        relations = limb_relations(channels)
        assert relations.shape == (max(0, size - 2), size + 1)
        x = np.stack([*(ideal[name] for name in names), np.random.default_rng(1).normal(size=50)])
        np.testing.assert_allclose(relations @ x, 0, atol=1e-12)
        assert np.linalg.matrix_rank(relations) == len(relations)
