"""What is written reads back the same with the field's own readers; what cannot be written leaves nothing."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from anonimage.data import formats
from anonimage.data.formats import FORMATS
from anonimage.data.samples import Samples
from anonimage.data.wfdb.writer import write_record
from anonimage.errors import InputError
from writer_cases import write_samples

GAIN = 2000.0


def windows(n: int = 3, fs: float | None = 1000.0, length: int = 50) -> Samples:
    """Windows on the ADC grid of two leads, one value missing."""
    values = np.random.default_rng(0).integers(-30_000, 30_000, (n, 2, length)) / GAIN
    values[1 % n, 0, 7 % length] = np.nan
    frame = pd.DataFrame(
        {
            "record": [f"real{k}" for k in range(n)],
            "label": [k % 3 for k in range(n)],
            "diagnosis": ["Myocardial infarction", "Miscellaneous", "Healthy control"][:n]
            if n <= 3
            else ["Healthy control"] * n,
        }
    )
    return Samples(values, frame, ("i", "v1"), ("mV", "mV"), fs)


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_wfdb_reads_every_record_back_exactly(tmp_path):
    samples = windows()
    paths = write_samples(samples, tmp_path / "out", "wfdb", GAIN, ["synthetic, made by a test"])
    assert (tmp_path / "out" / "RECORDS").read_text().split() == [path.stem for path in paths]
    for path, values, row in zip(paths, samples.values, samples.frame.itertuples(), strict=True):
        record = wfdb.rdrecord(str(path.with_suffix("")))
        assert (record.fs, record.units, record.sig_name) == (1000, ["mV", "mV"], ["i", "v1"])
        assert (record.fmt, record.adc_gain) == (["16", "16"], [GAIN, GAIN])
        np.testing.assert_allclose(record.p_signal.T, values, atol=1e-6)  # float32 of the same ADC step; NaN is NaN
        assert record.comments == [
            "synthetic, made by a test",
            f"Reason for admission: {row.diagnosis}",
            f"Label: {row.label}",
        ]


def test_wfdb_checksums_and_first_values_are_what_wfdb_computes(tmp_path):
    (path, *_) = write_samples(windows(), tmp_path / "out", "wfdb", GAIN)
    record = wfdb.rdrecord(str(path.with_suffix("")), physical=False)
    assert record.checksum == record.calc_checksum()
    assert record.init_value == list(record.d_signal[0])


def test_wfdb_rounds_to_the_nearest_adc_step(tmp_path):
    values = np.array([[[0.00024, 0.00026, -0.00074, -0.00076]]])  # in steps of 0.0005: 0.48, 0.52, −1.48, −1.52
    samples = Samples(values, pd.DataFrame(index=[0]), ("i",), ("mV",), 500.0)
    (path,) = write_samples(samples, tmp_path / "out", "wfdb", GAIN)
    assert wfdb.rdrecord(str(path.with_suffix("")), physical=False).d_signal[:, 0].tolist() == [0, 1, -1, -2]


def test_each_lead_keeps_its_own_gain_and_unit(tmp_path):
    samples = Samples(np.ones((1, 2, 4)), pd.DataFrame(index=[0]), ("ecg", "ECG II"), ("mV", "uV"), 360.0)
    (path,) = write_samples(samples, tmp_path / "out", "wfdb", [200.0, 3.5])
    record = wfdb.rdrecord(str(path.with_suffix("")))
    assert (record.adc_gain, record.units, record.sig_name, record.fs) == (
        [200, 3.5],
        ["mV", "uV"],
        ["ecg", "ECG II"],
        360,
    )
    assert record.p_signal[0].tolist() == [1.0, 4 / 3.5]  # 3.5 rounds to 4


def test_the_largest_values_fit_and_the_next_step_is_refused(tmp_path):
    edge = np.array([[[-32767.0, 32767.0]]]) / GAIN
    samples = Samples(edge, pd.DataFrame(index=[0]), ("i",), ("mV",), 1000.0)
    (path,) = write_samples(samples, tmp_path / "fits", "wfdb", GAIN)
    assert wfdb.rdrecord(str(path.with_suffix("")), physical=False).d_signal[:, 0].tolist() == [-32767, 32767]
    beyond = Samples(-edge - 1 / GAIN, pd.DataFrame(index=[0]), ("i",), ("mV",), 1000.0)
    with pytest.raises(
        InputError, match=r"^synthetic000001: lead 'i' holds -16\.384 mV, beyond the ±16\.3835 mV .*gain"
    ):
        write_samples(beyond, tmp_path / "beyond", "wfdb", GAIN)
    assert leftovers(tmp_path) == ["fits"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_samples_csv_has_one_row_a_sample_and_keeps_where_it_came_from(tmp_path, file_format):
    write_samples(windows(), tmp_path / "out", file_format, GAIN, prefix="fake")
    table = pd.read_csv(tmp_path / "out" / "samples.csv")
    assert table["record"].tolist() == ["fake000001", "fake000002", "fake000003"]
    assert table["source_record"].tolist() == ["real0", "real1", "real2"]
    assert table["label"].tolist() == [0, 1, 2]


def test_csv_is_long_in_time_and_exact(tmp_path):
    samples = windows()
    (path,) = write_samples(samples, tmp_path / "out", "csv", comments=["synthetic"])
    frame = pd.read_csv(path)
    assert list(frame.columns) == ["record", "label", "time_s", "i", "v1"]
    second = frame[frame["record"] == "synthetic000002"]
    np.testing.assert_array_equal(second[["i", "v1"]].to_numpy(np.float32).T, samples.values[1])
    assert second["time_s"].tolist() == [k / 1000 for k in range(50)]
    assert set(second["label"]) == {1}
    about = json.loads((path.parent / "about.json").read_text())
    assert about == {"comments": ["synthetic"], "fs": 1000.0, "units": {"i": "mV", "v1": "mV"}}


def test_csv_of_more_samples_than_one_chunk_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "_CHUNK", 4)
    samples = windows(10)
    (path,) = write_samples(samples, tmp_path / "out", "csv")
    got = pd.read_csv(path)["v1"].to_numpy(np.float32).reshape(10, 50)
    np.testing.assert_array_equal(got, samples.values[:, 1])


def test_parquet_is_one_row_a_sample_with_a_list_a_lead(tmp_path):
    samples = windows()
    (path,) = write_samples(samples, tmp_path / "out", "parquet", comments=["synthetic"])
    frame = pd.read_parquet(path)
    np.testing.assert_array_equal(np.stack(frame["v1"]), samples.values[:, 1])
    np.testing.assert_array_equal(np.stack(frame["i"]), samples.values[:, 0])
    assert frame["label"].tolist() == [0, 1, 2]
    assert frame.attrs == {"comments": ["synthetic"], "fs": 1000.0, "units": {"i": "mV", "v1": "mV"}}


def test_npz_holds_all_without_pickle(tmp_path):
    samples = windows()
    (path,) = write_samples(samples, tmp_path / "out", "npz", comments=["synthetic"])
    with np.load(path, allow_pickle=False) as file:
        np.testing.assert_array_equal(file["values"], samples.values)
        assert (file["channels"].tolist(), file["units"].tolist()) == (["i", "v1"], ["mV", "mV"])
        assert (float(file["fs"]), file["label"].tolist(), file["comments"].tolist()) == (
            1000,
            [0, 1, 2],
            ["synthetic"],
        )
        assert file["records"][2] == "synthetic000003"


@pytest.mark.parametrize("file_format", ["csv", "parquet", "npz"])
def test_tables_have_no_clock(tmp_path, file_format):
    table = Samples(
        np.array([[[61.0], [1.7]], [[40.0], [np.nan]]]), pd.DataFrame(index=[0, 1]), ("age", "m"), ("a", "m")
    )
    (path,) = write_samples(table, tmp_path / "out", file_format)
    if file_format == "csv":
        assert path.read_text().splitlines() == [
            '"record","age","m"',
            '"synthetic000001",61,1.7',
            '"synthetic000002",40,',
        ]
    elif file_format == "parquet":
        assert pd.read_parquet(path).attrs["fs"] is None
    else:
        with np.load(path) as file:
            assert np.isnan(file["fs"])


def test_ptb_layout_splits_a_record_over_two_files(tmp_path):
    digital = np.arange(15 * 20, dtype=np.int16).reshape(15, 20)
    names = [f"l{k}" for k in range(15)]
    write_record(tmp_path / "s1", digital, 1000, [GAIN] * 15, ["mV"] * 15, names, ["a"], ["dat"] * 12 + ["xyz"] * 3)
    record = wfdb.rdrecord(str(tmp_path / "s1"), physical=False)
    np.testing.assert_array_equal(record.d_signal.T, digital)
    assert record.file_name == ["s1.dat"] * 12 + ["s1.xyz"] * 3
    assert (tmp_path / "s1.xyz").stat().st_size == 3 * 20 * 2


def test_comments_stay_on_one_line_and_missing_classes_are_left_out(tmp_path):
    frame = pd.DataFrame({"diagnosis": [None], "label": [None]})
    samples = Samples(np.zeros((1, 1, 3)), frame, ("i",), ("mV",), 1000.0)
    (path,) = write_samples(samples, tmp_path / "out", "wfdb", GAIN, ["first\nsecond"])
    assert wfdb.rdheader(str(path.with_suffix(""))).comments == ["first second"]


def test_an_older_folder_is_replaced_as_a_whole(tmp_path):
    write_samples(windows(3), tmp_path / "out", "wfdb", GAIN)
    write_samples(windows(1), tmp_path / "out", "wfdb", GAIN)
    assert leftovers(tmp_path / "out") == ["RECORDS", "samples.csv", "synthetic000001.dat", "synthetic000001.hea"]
    assert leftovers(tmp_path) == ["out"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file_format": "edf"}, "format 'edf' is not known; choose one of wfdb, csv, parquet, npz"),
        ({"gain": None}, "need a gain"),
        ({"gain": 0.0}, "lead 'i': gain 0"),
        ({"gain": [GAIN, np.nan]}, "lead 'v1': gain nan"),
        ({"gain": [GAIN] * 3}, "3 gains for 2 leads"),
        ({"samples": windows(3, fs=None)}, "need a sampling frequency"),
        ({"samples": windows().select(np.array([], int))}, "no samples"),
        ({"prefix": "a b/"}, "prefix 'a b/'"),
        (
            {"samples": Samples(np.zeros((1, 1, 2)), pd.DataFrame(index=[0]), ("i",), ("micro volt",), 1.0)},
            "micro volt",
        ),
        (
            {"samples": Samples(np.full((1, 1, 2), np.inf), pd.DataFrame(index=[0]), ("i",), ("mV",), 1.0)},
            "holds inf mV",
        ),
        (
            {
                "samples": Samples(np.zeros((1, 1, 2)), pd.DataFrame({"label": [0]}), ("label",), ("mV",), 1.0),
                "file_format": "csv",
            },
            "channel 'label' has the name of a column",
        ),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, change, message):
    arguments = {"samples": windows(), "dest": tmp_path / "out", "file_format": "wfdb", "gain": GAIN} | change
    with pytest.raises(InputError) as error:
        write_samples(**arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert leftovers(tmp_path) == []


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match="out: is a file"):
        write_samples(windows(), tmp_path / "out", "csv")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_full_disk_leaves_nothing_new_and_the_old_as_it_was(tmp_path, file_format):
    """A limit on the size of files stands for the full disk: write() fails halfway (EFBIG for ENOSPC)."""
    out = tmp_path / "out"
    write_samples(windows(1), out, "npz")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    script = f"""
import resource
import numpy as np, pandas as pd, pyarrow.csv
from pathlib import Path
from anonimage.data.samples import Samples
import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from writer_cases import write_samples
values = np.random.default_rng(0).normal(size=(4, 2, 40_000))
samples = Samples(values, pd.DataFrame(index=range(4)), ("i", "v1"), ("mV", "mV"), 1000.0)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
write_samples(samples, Path({str(out)!r}), {file_format!r}, 2000.0)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 1
    assert "OSError" in run.stderr
    assert leftovers(tmp_path) == ["out"]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
