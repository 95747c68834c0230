"""Series that are none, or not as they should be: every fault names file and line."""

import numpy as np
import pytest
from anonimage.data.samples import Samples
from anonimage.data.series.series import describe_series, find_series, read_series
from anonimage.errors import InputError
from series_cases import as_samples, put, write_series

FAULTS = {
    "a broken line": ("x,y\n1,2\n3\n", {}, r"a\.csv: line 3 has 1 columns, those before it 2; correct or delete it"),
    "too many": ("# c\nx,y\n1,2\n3,4,5\n", {}, r"a\.csv: line 4 has 3 columns"),
    "an empty line": ("1,2\n\n3,4\n", {}, r"a\.csv: line 2 has 0 columns"),
    "text": ("x,y\n1,2\n3,b\n", {}, r"a\.csv: line 3, y: 'b' is no finite number"),
    "infinite": ("x,y\n1,2\n3,inf\n", {}, r"a\.csv: line 3, y: 'inf' is no finite number"),
    "true": ("x,y\n1,True\n3,False\n", {}, r"a\.csv: line 2, y: 'True' is no finite number"),
    "no value": ("x,y\n1,\n3,NaN\n", {}, r"a\.csv: channel 'y' holds no number; delete the column"),
    "twice": ("x,x\n1,2\n", {}, r"a\.csv: 2 columns are called 'x'"),
    "same channel": ("x (mV),x (s)\n1,2\n", {}, r"a\.csv: channels are called x, x"),
    "only a header": ("x,y\n", {}, r"a\.csv: holds a header and no numbers"),
    "nothing": ("# x\n\n", {}, r"a\.csv: holds no numbers"),
    "binary": ("\0\1", {}, r"a\.csv: not a text file"),
    "no rate": ("x,y\n1,2\n", {"fs": None}, r"a\.csv: says no sampling frequency; give it in Hz with --fs"),
    "no frequency": ("x,y\n1,2\n", {"fs": -1}, r"a\.csv: -1 Hz is no sampling frequency"),
    "label": ("x,state\n1,2\n", {"label": "stat"}, r"a\.csv: no column 'stat'; did you mean 'state'\?"),
    "column9": ("x,y\n1,2\n", {"label": "column9"}, r"a\.csv: no column 'column9'"),
    "two classes": ("x,y\n1,a\n1,b\n", {"label": "y"}, r"a\.csv: line 3: label 'b', before it 'a'; a recording has"),
    "one class": ("x,y\n1,a\n1,a\n", {"label": "y"}, r"every recording is of class 'a'; one class is none"),
    "no label": ("x,y\n1,a\n1,\n", {"label": "y"}, r"a\.csv: line 3: no label in 'y'"),
    "clock": ("time_s,x\n0,1\n1,2\n2,3\n4,4\n5,5\n", {}, r"a\.csv: line 5: 'time_s' does not rise evenly"),
    "layout": ("x,y\n1,2\n", {"layout": "row"}, r"layout 'row' is not known; did you mean 'rows'"),
    "row label": ("1,2,a\n3,4,\n", {"layout": "rows", "label": "column3"}, r"a\.csv: line 2: no label in 'column3'"),
    "row class": ("1,2,a\n3,4,a\n", {"layout": "rows", "label": "column3"}, r"every label in 'column3' is 'a'"),
    "short row": ("1\n3\n", {"layout": "rows"}, r"a line holds 1 values; a sample needs two"),
}


@pytest.mark.parametrize(("text", "options", "says"), FAULTS.values(), ids=FAULTS)
def test_faults(tmp_path, text, options, says):
    path = put(tmp_path, "a.csv", text)
    options = {"fs": 10, **options}
    with pytest.raises(InputError, match=says) as fault:
        read_series(path, **options)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ("x,z\n1,2\n", r"^b: its channels are x, z, those of a x, y; .*files of the same columns"),
        ("x\n1\n", r"^b: its channels are x, those of a x, y"),
        ("x,y (mV)\n1,2\n", r"^b: its units are , mV, those of a , "),
    ],
)
def test_files_that_do_not_go_together(tmp_path, other, says):
    put(tmp_path, "a.csv", "x,y\n1,2\n3,4\n")
    put(tmp_path, "b.csv", other)
    with pytest.raises(InputError, match=says):
        read_series(tmp_path, fs=10)
    described, problems = describe_series(tmp_path, fs=10)
    assert (len(described.recordings), len(problems)) == (1, 1)
    put(tmp_path, "c.tsv", "1\n")
    with pytest.raises(InputError, match=r"c\.tsv: of another kind than .*a\.csv"):
        find_series(tmp_path)


def test_sources_that_are_none(tmp_path):
    for path, says in (
        (tmp_path / "no", "no such file or folder"),
        (tmp_path, "no time series in this folder"),
        (put(tmp_path, "a.png", ""), r"a\.png: a \.png file is no time series"),
    ):
        with pytest.raises(InputError, match=says):
            read_series(path, fs=1)
    put(tmp_path / "two", "a.csv", "1,2\n")
    put(tmp_path / "two", "b.csv", "1,2\n")
    with pytest.raises(InputError, match="holds 2 files, and rows are read from one"):
        read_series(tmp_path / "two", 10, "rows")


VALUES = np.zeros((3, 4))
NPZ_FAULTS = {
    "lengths": ({"values": np.array([np.zeros(2), np.zeros(3)], dtype=object)}, "samples of different lengths"),
    "no values": ({"labels": np.zeros(3)}, "no key 'values'"),
    "unknown": ({"values": VALUES, "lable": np.zeros(3)}, "key 'lable' is not known; did you mean 'label'"),
    "axes": ({"values": np.zeros(3)}, r"values have shape \(3,\)"),
    "text": ({"values": np.array([["a"]])}, "values are of <U1; store numbers"),
    "infinite": ({"values": VALUES + np.inf}, r"values\[0, 0\] is infinite"),
    "labels": ({"values": VALUES, "label": np.zeros(2)}, r"label has shape \(2,\); store 3"),
    "one class": ({"values": VALUES, "label": np.zeros(3)}, "every label is '0.0'"),
    "channels": ({"values": VALUES, "channels": np.array(["a", "b"])}, r"channels has shape \(2,\); store 1"),
    "fs": ({"values": VALUES, "fs": np.array([1, 2])}, "fs holds 2 values"),
}


@pytest.mark.parametrize(("arrays", "says"), NPZ_FAULTS.values(), ids=NPZ_FAULTS)
def test_npz_faults(tmp_path, arrays, says):
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(InputError, match=rf"s\.npz: .*{says}") as fault:
        read_series(tmp_path / "s.npz", fs=10)
    assert "\n" not in str(fault.value)
    described, problems = describe_series(tmp_path / "s.npz", fs=10)
    assert (described, len(problems)) == (None, 1)


@pytest.mark.parametrize("raw", [b"", b"text", b"PK\x03\x04cut"])
def test_what_is_no_npz(tmp_path, raw):
    (tmp_path / "s.npz").write_bytes(raw)
    with pytest.raises(InputError, match=r"s\.npz: not an \.npz file \("):
        read_series(tmp_path / "s.npz", fs=10)


def test_what_cannot_be_written(tmp_path):
    result = read_series(put(tmp_path, "a.csv", "x,y\n1,2\n3,4\n"), fs=10)
    samples = as_samples(result)
    one = Samples(samples.values[:, :1], samples.frame, ("x",), ("",), 10)
    with pytest.raises(InputError, match="samples of 1 channels, where the source's files have 2"):
        write_series(one, tmp_path / "out", result.form)
    with pytest.raises(InputError, match="no samples to write"):
        write_series(samples.select(np.array([], dtype=int)), tmp_path / "out", result.form)
    with pytest.raises(InputError, match="label 5 is no class"):
        bad = Samples(samples.values, samples.frame.assign(label=5), samples.channels, samples.units, 10)
        write_series(bad, tmp_path / "out", result.form | {"classes": ["a", "b"]})
    assert not (tmp_path / "out").exists()
