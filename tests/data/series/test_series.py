"""Series that are no WFDB: read as written, written as read; every fault names file and line."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.patients import split_patients
from anonimage.data.series.columns import column_form
from anonimage.data.series.series import describe_series, find_series, read_series, series_sources
from anonimage.data.series.sheet import decimals_of
from anonimage.data.table.file import read_table
from anonimage.data.text import BLANKS
from anonimage.errors import InputError
from hypothesis import given, settings
from hypothesis import strategies as st
from series_cases import as_samples, put, write_series
from store_cases import write

COLUMNS = {
    "header with units": ("a.csv", "ii (mV),v1 [uV]\n0.10,5\n-0.25,6\n1.00,70\n", ("ii", "v1"), ("mV", "uV")),
    "no header": ("a.csv", "1,2\n3,4\n5,6\n", ("channel1", "channel2"), ("", "")),
    "semicolons and commas": ("a.csv", "x;y\n0,50;1\n2,25;-3\n", ("x", "y"), ("", "")),
    "tabs": ("a.tsv", "x\ty\n1.5\t2\n2.5\t4\n", ("x", "y"), ("", "")),
    "blanks": ("a.txt", "1.0 20.0\n3.0 40.0\n", ("channel1", "channel2"), ("", "")),
    "one column": ("a.txt", "ecg\n12\n13\n", ("ecg",), ("",)),
    "missing": ("a.csv", "x,y\n1,NaN\n2,5\n", ("x", "y"), ("", "")),
    "clock": ("a.csv", "time_s,x\n0.00,1\n0.01,2\n0.02,4\n", ("x",), ("",)),
}


@pytest.mark.parametrize(("name", "text", "channels", "units"), COLUMNS.values(), ids=COLUMNS)
def test_columns_are_read_and_written_to_the_letter(tmp_path, name, text, channels, units):
    result = read_series(put(tmp_path, name, text), fs=100)
    (recording,) = result.recordings
    assert (recording.channels, recording.units, recording.fs) == (channels, units, 100)
    (path,) = write_series(as_samples(result), tmp_path / "out", result.form)
    assert path.suffix == (tmp_path / name).suffix
    assert path.read_text() == text


def test_numbers_by_hand(tmp_path):
    path = put(tmp_path, "a.csv", "x;y\n0,50;1\n;-3\n?;1e2\n")
    (recording,) = read_series(path, fs=10).recordings
    assert recording.values.dtype == np.float32
    np.testing.assert_array_equal(recording.values, [[0.5, np.nan, np.nan], [1, -3, 100]])
    np.testing.assert_allclose(recording.step, [0.1, 1])


def test_missing_values_of_one_column_keep_their_time(tmp_path):
    (recording,) = read_series(put(tmp_path, "a.txt", "1\n\n3\n\n\n"), fs=10).recordings
    np.testing.assert_array_equal(recording.values, [[1, np.nan, 3]])  # empty lines at the end are none


def test_the_finest_step_is_of_the_digits_or_of_the_range(tmp_path):
    digits = put(tmp_path, "a.csv", "x,y\n0.25,0.0\n0.50,100000.01\n")
    (recording,) = read_series(digits, fs=1).recordings
    np.testing.assert_allclose(recording.step, [0.01, 100000.01 / 65535])


def test_a_folder_is_one_recording_a_file(tmp_path):
    for k in range(3):
        put(tmp_path, f"patient{k % 2}/{k}.csv", "x,y\n1,2\n3,4\n")
    result = read_series(tmp_path, fs=10)
    assert [(r.head.name, r.head.patient) for r in result.recordings] == [
        ("patient0/0", "patient0"),
        ("patient0/2", "patient0"),
        ("patient1/1", "patient1"),
    ]
    assert [entry.patient for entry in find_series(tmp_path)] == ["patient0/0", "patient0/2", "patient1/1"]
    assert read_series(tmp_path, fs=10, patient=r"(\d)$").recordings[1].head.patient == "2"


def test_the_class_of_a_recording_comes_back_in_every_line(tmp_path):
    for name in ("sick", "well", "well"):
        put(tmp_path, f"{len(list(tmp_path.iterdir()))}.csv", f"x,state,y\n1,{name},2\n3,{name},4\n")
    result = read_series(tmp_path, fs=10, label="state")
    assert result.classes == ("sick", "well")
    assert [recording.head.label for recording in result.recordings] == [0, 1, 1]
    assert [recording.head.diagnosis for recording in result.recordings] == ["sick", "well", "well"]
    paths = write_series(as_samples(result), tmp_path / "out", result.form)
    for before, after in zip(sorted(tmp_path.glob("*.csv")), paths, strict=True):
        assert before.read_text() == after.read_text()


def test_generated_series_are_read_with_the_classes_of_their_source(tmp_path):
    for k, name in enumerate(("sick", "well", "worse")):
        put(tmp_path, f"{k}.csv", f"x,state\n1,{name}\n3,{name}\n")
    result = read_series(tmp_path, fs=10, label="state")
    well = as_samples(result).select(np.array([1, 1]))
    write_series(well, tmp_path / "out", result.form)
    assert pd.read_csv(tmp_path / "out" / "samples.csv")["label"].tolist() == [1, 1]
    again = read_series(tmp_path / "out", 10, label="state", classes=result.classes)
    assert [recording.head.label for recording in again.recordings] == [1, 1]
    assert again.classes == result.classes
    with pytest.raises(InputError, match="class 'well' is not known; there are a, b"):
        read_series(tmp_path / "out", 10, label="state", classes=("a", "b"))
    rows = put(tmp_path / "r", "r.csv", "1,2,b\n3,4,a\n")
    kept = read_series(rows, 10, "rows", "column3")
    (out,) = write_series(kept.samples.select(np.array([0])), tmp_path / "o", kept.form)
    assert read_series(out, 10, "rows", "column3", classes=kept.classes).samples.frame["label"].tolist() == [1]
    assert read_series(tmp_path / "o", 10, "rows", "column3", classes=kept.classes).samples is not None


def test_description_of_columns_by_hand(tmp_path):
    for k, name in enumerate(("sick", "well", "well")):
        put(tmp_path, f"person{k // 2}/{k}.csv", f"x (mV),state\n1,{name}\n,{name}\n3,{name}\n")
    put(tmp_path, "person9/bad.csv", "x (mV),state\n1,well\nhello,well\n")
    result, (problem,) = describe_series(tmp_path, fs=2, label="state")
    assert (result.form["layout"], len(result.recordings)) == ("columns", 3)
    assert result.frame["patient"].tolist() == ["person0", "person0", "person1"]
    assert (result.classes, result.frame["label"].tolist()) == (("sick", "well"), [0, 1, 1])
    assert (result.source.channels, result.source.units, result.source.fs) == (("x",), ("mV",), 2)
    assert sum(np.isnan(values).sum() for values in result.values) == 3
    assert "bad.csv: line 3, x (mV): 'hello' is no finite number" in problem


def test_the_rate_may_stand_in_the_file(tmp_path):
    assert read_series(put(tmp_path, "a.csv", "time (ms),x\n0,1\n4,2\n8,3\n")).recordings[0].fs == 250
    assert read_series(put(tmp_path, "b.csv", "t,x\n0,1\n1,2\n2,3\n"), fs=50).recordings[0].fs == 50
    with pytest.raises(InputError, match=r"a\.csv: says 250 Hz, not 100 Hz; leave out --fs"):
        read_series(tmp_path / "a.csv", fs=100)


def test_rows_by_hand(tmp_path):
    path = put(tmp_path, "r.csv", "1.5,2.5,7,b\n3.5,,9,a\n4.5,5.5,8,b\n")
    result = read_series(path, 20, "rows", label="column4")
    samples = result.samples
    np.testing.assert_array_equal(samples.values, [[[1.5, 2.5, 7]], [[3.5, np.nan, 9]], [[4.5, 5.5, 8]]])
    assert samples.frame["label"].tolist() == [1, 0, 1]
    assert samples.frame["diagnosis"].tolist() == ["b", "a", "b"]
    assert samples.frame["patient"].is_unique
    assert (samples.fs, result.classes) == (20, ("a", "b"))
    (out,) = write_series(samples, tmp_path / "out", result.form)
    assert out.name == "r.csv"
    assert out.read_text() == "1.5,2.5,7.0,b\n3.5,NaN,9.0,a\n4.5,5.5,8.0,b\n"


def test_rows_with_the_header_that_pandas_writes(tmp_path):
    path = put(tmp_path, "r.csv", "class,0,1,2\nx,4,5,6\ny,7,8,9\n")
    result = read_series(path, 20, "rows", label="class")
    np.testing.assert_array_equal(result.samples.values[:, 0], [[4, 5, 6], [7, 8, 9]])
    (out,) = write_series(result.samples, tmp_path / "out", result.form)
    assert out.read_text() == path.read_text()


def test_a_label_is_not_taken_for_a_value(shared):
    with pytest.raises(
        InputError, match=r"'column1' holds 2 different whole numbers, .* give --label column1, or --label none"
    ):
        read_series(shared / "data" / "ucr", 100)
    assert read_series(shared / "data" / "ucr", 100, label="none").samples.length == 97


def test_ucr_goes_through(shared, tmp_path):
    source = shared / "data" / "ucr" / "ECG200_TRAIN.tsv"
    result = read_series(source, 100, label="column1")
    table = np.loadtxt(source)
    np.testing.assert_array_equal(result.samples.values[:, 0], table[:, 1:].astype(np.float32))
    assert [result.classes[label] for label in result.samples.frame["label"]] == [f"{k:g}" for k in table[:, 0]]
    (out,) = write_series(result.samples, tmp_path, result.form)
    np.testing.assert_array_equal(np.loadtxt(out).astype(np.float32), table.astype(np.float32))
    described, problems = describe_series(source, 100, label="column1")
    assert (described.classes, problems) == (("-1", "1"), [])
    assert described.frame["label"].tolist() == (table[:, 0] > 0).astype(int).tolist()


@pytest.mark.parametrize("name", ["ecg", "ppg"])
def test_biosppy_goes_through(shared, tmp_path, name):
    source = shared / "data" / "biosppy" / f"{name}.txt"
    result = read_series(source)
    (recording,) = result.recordings
    assert (recording.channels, recording.fs) == ((name.upper(),), 1000)
    np.testing.assert_array_equal(recording.values[0], np.loadtxt(source))
    assert recording.step.tolist() == [1]  # a 12-bit ADC, though written with a digit after the point
    (out,) = write_series(as_samples(result), tmp_path, result.form)
    assert out.read_text() == source.read_text()


def test_comments_that_may_name_somebody_are_not_written_again(tmp_path):
    text = "# Name: Jane Doe\n# Labels:= A\tB\n1 2\n3 4\n"
    result = read_series(put(tmp_path, "a.txt", text), fs=5)
    assert result.recordings[0].channels == ("A", "B")
    (out,) = write_series(as_samples(result), tmp_path / "out", result.form)
    assert out.read_text() == text.partition("\n")[2]


def test_one_persons_recording_is_split_by_time(shared, tmp_path):
    result = read_series(shared / "data" / "biosppy" / "ecg.txt", patient="time")
    whole = read_series(shared / "data" / "biosppy" / "ecg.txt").recordings[0]
    np.testing.assert_array_equal(np.concatenate([r.values for r in result.recordings], axis=1), whole.values)
    assert len({r.head.patient for r in result.recordings}) == 10
    sources = series_sources(shared / "data" / "biosppy" / "ecg.txt", patient="time")
    store = write(tmp_path / "store", sources, 100, split=lambda f: split_patients(f, 0.2, 0), classes=())
    assert [store.signal(r.head.name).tobytes() for r in result.recordings] == [
        r.values.tobytes() for r in result.recordings
    ]
    assert store.frame.groupby("part")["patient"].nunique().to_dict() == {"control": 2, "train": 8}
    begin = {r.head.name: 1500 * k for k, r in enumerate(result.recordings)}
    for row in store.frame.itertuples():
        start = begin[row.record] + row.start
        assert begin[row.record] <= start <= begin[row.record] + 1500 - 100  # in its own block
    rows = read_series(shared / "data" / "ucr", 100, label="column1", patient="time").samples.frame["patient"]
    assert rows.is_monotonic_increasing
    assert rows.value_counts().tolist() == [10] * 10


def stored(folder, tmp_path, classes=(), **options):
    """A store of the files of a folder, as `read_series` would have them, each read once."""
    options = {"fs": 10.0, "label": None} | options
    sources = series_sources(folder, options["fs"], label=options["label"])
    return write(tmp_path / "store", sources, 4, classes=classes, form=column_form, **options.get("how", {}))


def test_a_store_of_files_is_what_reading_them_gives(tmp_path):
    folder = tmp_path / "in"
    put(folder, "a.csv", "x (mV),state\n0.1,up\n0.25,up\n0.5,up\n0.75,up\n1,up\n")
    put(folder, "b.csv", "x (mV),state\n1.125,down\n2,down\n3,down\n4,down\n")
    result = read_series(folder, fs=10, label="state")
    store = stored(folder, tmp_path, None, label="state")
    assert (store.form, store.classes) == (result.form, result.classes)
    assert (store.channels, store.units, store.fs) == (("x",), ("mV",), 10.0)
    assert result.form["decimals"] == [3]
    for recording in result.recordings:
        np.testing.assert_array_equal(store.signal(recording.head.name), recording.values)
        row = store.records[recording.head.name]
        assert (row.label, row.diagnosis) == (recording.head.label, recording.head.diagnosis)


def test_a_file_that_cannot_be_read_is_left_out_if_asked(tmp_path):
    folder = tmp_path / "in"
    put(folder, "a.csv", "x\n1\n2\n4\n3\n")
    put(folder, "b.csv", "x\n1\n2\nthree\n3\n")
    with pytest.raises(InputError, match=r"b\.csv: line 4, x: 'three' is no finite number; .* with --skip-bad$"):
        stored(folder, tmp_path)
    store = stored(folder, tmp_path, how={"skip_bad": True})
    assert list(store.records) == ["a"]
    assert [problem.partition(": ")[0] for problem in store.problems] == [str(folder / "b.csv")]


def test_a_source_is_known_by_its_file_and_by_what_is_read_of_it(tmp_path):
    path = put(tmp_path, "a.csv", "x,y\n1,a\n2,a\n4,a\n3,a\n")
    stamps = [
        source.stamp
        for given in ({"fs": 10}, {"fs": 20}, {"fs": 10, "label": "y"}, {"fs": 10, "patient": "time"})
        for source in series_sources(path, **given)
    ]
    assert len(set(stamps)) == 3 + 10
    path.write_text("x,y\n1,a\n2,a\n4,a\n33,a\n")
    assert series_sources(path, fs=10)[0].stamp not in stamps


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
@pytest.mark.parametrize("axes", [2, 3])
def test_npz_goes_through(tmp_path, dtype, axes):
    values = np.random.default_rng(0).integers(-9, 9, (4, 2, 5) if axes == 3 else (4, 5)).astype(dtype)
    arrays = {"values": values, "labels": np.array([3, 1, 3, 1]), "fs": 50.0, "patients": np.array(list("aabc"))}
    if axes == 3:
        arrays |= {"channels": np.array(["i", "ii"]), "units": np.array(["mV", "mV"])}
    np.savez(tmp_path / "s.npz", **arrays)
    result = read_series(tmp_path / "s.npz")
    assert result.classes == ("1", "3")
    assert result.samples.frame["label"].tolist() == [1, 0, 1, 0]
    assert result.samples.frame["patient"].tolist() == list("aabc")
    assert result.samples.channels == (("i", "ii") if axes == 3 else ("signal",))
    (out,) = write_series(result.samples, tmp_path / "out", result.form)
    with np.load(out) as written:
        assert written.files == list(arrays)
        for key in ("values", "labels", "fs"):
            np.testing.assert_array_equal(written[key], arrays[key])
            assert written[key].dtype == np.asarray(arrays[key]).dtype
        assert written["patients"].tolist() == [f"synthetic{k:06d}" for k in range(1, 5)]


@given(st.lists(st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 5)), min_size=1, max_size=20))
def test_digits_are_as_many_as_it_takes(pairs):
    values = np.array([round(whole / 10**digits, digits) for whole, digits in pairs])
    result = decimals_of(values)
    assert [float(f"{value:.{result}f}") for value in values] == values.tolist()
    assert result == 0 or any(float(f"{value:.{result - 1}f}") != value for value in values)


@settings(deadline=None)  # it reads and writes files
@given(
    values=st.lists(
        st.lists(st.floats(-1e6, 1e6, width=32) | st.just(np.nan), min_size=3, max_size=3), min_size=2, max_size=9
    ).filter(lambda rows: not np.isnan(rows).all(axis=0).any()),
    delimiter=st.sampled_from([",", ";", "\t", "|", BLANKS]),
    header=st.sampled_from([None, ["a", "b", "c (mV)"]]),
)
def test_what_is_written_is_read_the_same(tmp_path_factory, values, delimiter, header):
    folder = tmp_path_factory.mktemp("s")
    lines = [[repr(value) for value in row] for row in values]
    if header and delimiter == BLANKS:
        header = ["a", "b", "c[mV]"]
    text = (
        "\n".join(
            ("  " if delimiter == BLANKS else delimiter).join(line) for line in ([header] if header else []) + lines
        )
        + "\n"
    )
    result = read_series(put(folder, "a.txt", text), fs=10)
    expected = np.array(values, dtype=np.float32).T
    np.testing.assert_array_equal(result.recordings[0].values, expected)
    (out,) = write_series(as_samples(result), folder / "out", result.form)
    again = read_series(out, fs=10)
    np.testing.assert_array_equal(again.recordings[0].values, expected)
    assert again.recordings[0].channels == result.recordings[0].channels
    assert again.form | {"decimals": 0} == result.form | {"decimals": 0}


@pytest.mark.parametrize("mark", ["", "?", "NA", "na", "N/A", "<NA>", "nan", "-NaN", "NULL", "null", "None", "none"])
def test_a_mark_for_a_missing_number_is_the_same_in_series_and_tables(tmp_path, mark):
    path = put(tmp_path, "a.csv", f"x,y\n1,2\n{mark},4\n5,7\n")
    (recording,) = read_series(path, fs=10).recordings
    np.testing.assert_array_equal(recording.values, [[1, np.nan, 5], [2, 4, 7]])
    np.testing.assert_array_equal(read_table(path).frame.to_numpy().T, recording.values)


@pytest.mark.parametrize("word", ["none", "None", "Na"])
def test_a_word_that_may_be_a_class_is_no_missing_value_in_either(tmp_path, word):
    path = put(tmp_path, "a.csv", f"1.5,2.5,{word}\n3.5,4.5,some\n5.5,6.5,{word}\n")
    assert read_series(path, 10, "rows", label="column3").samples.frame["diagnosis"].tolist() == [word, "some", word]
    assert read_table(path).frame["column3"].tolist() == [word, "some", word]


def test_decimal_commas_without_a_header_are_no_delimiters(tmp_path):
    path = put(tmp_path, "a.csv", "0,5;1,25\n2,5;-3,5\n")
    np.testing.assert_array_equal(read_series(path, fs=10).recordings[0].values, [[0.5, 2.5], [1.25, -3.5]])
    np.testing.assert_array_equal(read_table(path).frame.to_numpy(), [[0.5, 1.25], [2.5, -3.5]])
