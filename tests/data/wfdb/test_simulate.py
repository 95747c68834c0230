"""The simulated database reads like PTB, obeys the laws of the leads, and is the same for the same seed."""

import re
import sys
from collections import Counter
from pathlib import Path

import neurokit2
import numpy as np
import pytest
import wfdb
from anonimage.data.wfdb.simulate import DOWER, LEADS, _diagnoses, simulate_database
from anonimage.errors import InputError

PTB_CLASSES = {"Myocardial infarction", "Healthy control"}  # everything else is miscellaneous


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Path:
    return simulate_database(tmp_path_factory.mktemp("simulated") / "db", patients=8, seconds=8.0, seed=3)


@pytest.fixture(scope="module")
def records(database) -> dict[str, wfdb.Record]:
    names = (database / "RECORDS").read_text().split()
    return {name: wfdb.rdrecord(str(database / name), physical=False) for name in names}


def comment(record: wfdb.Record, key: str) -> str:
    (value,) = [line.split(": ", 1)[1] for line in record.comments if line.startswith(f"{key}: ")]
    return value


def in_mv(record: wfdb.Record, lead: str) -> np.ndarray:
    return record.d_signal[:, record.sig_name.index(lead)] / 2000


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_is_laid_out_as_ptb(database, records):
    assert len({name.split("/")[0] for name in records}) == 8
    assert len({name.split("/")[1] for name in records}) == len(records) > 8  # names are unique; some patients have two
    for name, record in records.items():
        assert re.fullmatch(r"patient\d{3}/s\d{4}_re", name)
        assert tuple(record.sig_name) == LEADS
        assert (record.fs, record.sig_len, set(record.units)) == (1000, 8000, {"mV"})
        assert (set(record.fmt), set(record.adc_gain)) == ({"16"}, {2000.0})
        assert [file.rsplit(".")[-1] for file in record.file_name] == ["dat"] * 12 + ["xyz"] * 3
        assert record.checksum == record.calc_checksum()


def test_headers_read_as_ptbs_do(shared, records):
    real = wfdb.rdheader(str(shared / "data" / "ptbdb" / "patient001" / "s0010_re"))
    keys = [line.split(":")[0] for line in real.comments if ":" in line]
    for record in records.values():
        simulated = [line.split(":")[0] for line in record.comments if not line.startswith("Simulat")]
        assert simulated == [key for key in keys if key in simulated]


def test_every_header_says_that_it_is_simulated(records):
    for record in records.values():
        text = "\n".join(record.comments)
        assert "Simulated by anonimage " in text
        assert "no real person" in text
        assert "seed 3" in text


def test_einthoven_and_goldberger_hold_within_one_adc_step(records):
    for record in records.values():
        i, ii, iii, avr, avl, avf = record.d_signal[:, :6].T.astype(float)
        np.testing.assert_array_equal(iii, ii - i)
        for lead, law in ((avr, -(i + ii) / 2), (avl, (i - iii) / 2), (avf, (ii + iii) / 2)):
            assert np.abs(lead - law).max() <= 0.5


def test_chest_leads_follow_from_the_frank_leads_but_for_noise(records):
    for record in records.values():
        frank = record.d_signal[:, 12:].T / 2000
        chest = record.d_signal[:, 6:12].T / 2000
        rest = chest - DOWER[2:] @ frank
        assert np.abs(rest - np.median(rest, axis=1, keepdims=True)).max() < 1.0  # wander of all four leads
        fast = np.diff(rest[:, ::20], axis=1)  # 20 ms: wander is gone, beats would show
        assert fast.std() < 0.08


def test_the_lead_transform_is_the_inverse_of_the_published_one():
    """Edenbrandt and Pahlm 1988 (J. Electrocardiol. 21:361-367) print the inverse; columns i, ii, v1 … v6."""
    published = [
        [0.156, -0.010, -0.172, -0.074, 0.122, 0.231, 0.239, 0.194],
        [-0.227, 0.887, 0.057, -0.019, -0.106, -0.022, 0.041, 0.048],
        [0.022, 0.102, -0.229, -0.310, -0.246, -0.063, 0.055, 0.108],
    ]
    np.testing.assert_allclose(np.linalg.pinv(DOWER), published, atol=0.0006)


def test_neurokit2_finds_each_patients_heart_rate(records):
    for name, record in records.items():
        wanted = float(re.search(r"heart rate ([\d.]+) bpm", "\n".join(record.comments))[1])
        cleaned = neurokit2.ecg_clean(in_mv(record, "v5"), sampling_rate=1000)
        peaks = neurokit2.ecg_peaks(cleaned, sampling_rate=1000)[1]["ECG_R_Peaks"]
        uneven = comment(record, "Reason for admission") == "Dysrhythmia"
        assert abs(60_000 / np.diff(peaks).mean() - wanted) < (15 if uneven else 3), name


def test_classes_are_as_unequal_as_in_ptb_and_never_lost():
    for patients in (3, 6, 24, 290):
        raw = _diagnoses(patients, np.random.default_rng(0))
        count = Counter(name if name in PTB_CLASSES else "Miscellaneous" for name in raw)
        assert sum(count.values()) == patients
        assert min(count.values()) >= (2 if patients >= 6 else 1)
        assert len(count) == 3
        if patients >= 24:
            assert count["Myocardial infarction"] / patients == pytest.approx(368 / 549, abs=0.04)
            assert count["Miscellaneous"] / patients == pytest.approx(101 / 549, abs=0.04)
    assert len(set(raw)) == 8  # every kind of miscellaneous diagnosis comes up


def test_one_patient_stays_the_same_from_record_to_record(records):
    """Two records of a patient look more alike than records of two patients: median beats of lead v5."""

    def beat(record: wfdb.Record) -> np.ndarray:
        signal = neurokit2.ecg_clean(in_mv(record, "v5"), sampling_rate=1000)
        peaks = neurokit2.ecg_peaks(signal, sampling_rate=1000)[1]["ECG_R_Peaks"]
        return np.median([signal[p - 150 : p + 250] for p in peaks if 150 <= p < len(signal) - 250], axis=0)

    by_patient: dict[str, list[np.ndarray]] = {}
    for name, record in records.items():
        by_patient.setdefault(name.split("/")[0], []).append(beat(record))
    pairs = [beats for beats in by_patient.values() if len(beats) == 2]
    assert len(pairs) >= 2
    same = max(np.abs(a - b).mean() for a, b in pairs)
    firsts = [beats[0] for beats in by_patient.values()]
    apart = np.median([np.abs(a - b).mean() for k, a in enumerate(firsts) for b in firsts[:k]])
    assert same < apart / 2


def test_the_seed_decides_every_byte(tmp_path):
    small = {"patients": 2, "seconds": 2.0}
    first = contents(simulate_database(tmp_path / "a", **small, seed=5))
    assert contents(simulate_database(tmp_path / "b", **small, seed=5)) == first
    other = contents(simulate_database(tmp_path / "c", **small, seed=6))
    assert all(other[name] != data for name, data in first.items() if name.endswith((".dat", ".xyz")) and name in other)


def test_progress_counts_patients(tmp_path):
    calls = []
    simulate_database(
        tmp_path / "db", patients=2, seconds=2.0, progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(1, 2), (2, 2)]


def test_a_folder_in_use_is_refused_and_an_empty_one_is_filled(tmp_path):
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine").write_text("x")
    with pytest.raises(InputError, match="used: is already there"):
        simulate_database(tmp_path / "used", patients=1, seconds=2.0)
    assert [path.name for path in tmp_path.rglob("*")] == ["used", "mine"]
    (tmp_path / "empty").mkdir()
    simulate_database(tmp_path / "empty", patients=1, seconds=2.0)
    assert (tmp_path / "empty" / "RECORDS").is_file()


@pytest.mark.parametrize(("name", "value"), [("patients", 0), ("seconds", 0.5), ("fs", 10), ("seed", -1)])
def test_numbers_out_of_range_are_named(tmp_path, name, value):
    with pytest.raises(InputError, match=f"^{name}={value}: "):
        simulate_database(tmp_path / "db", **{name: value})
    assert not list(tmp_path.iterdir())


def test_a_failure_halfway_leaves_nothing(tmp_path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_database(tmp_path / "db", patients=2, seconds=2.0, progress=stop)
    assert not list(tmp_path.iterdir())


def test_a_missing_simulator_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "neurokit2", None)
    with pytest.raises(InputError, match=r"need neurokit2; install it with: pip install 'anonimage\[demo\]'$"):
        simulate_database(tmp_path / "db", patients=1, seconds=2.0)
    assert not (tmp_path / "db").exists()
