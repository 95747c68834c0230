"""Every bad input of tables, pictures, series and classes: exit code 2, one line that names it, nothing left in OUT."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data import TRAIN, TableForm, open_store
from anonimage.errors import InputError
from anonimage.pipelines.codecs import load_codec
from PIL import Image
from tiny import TINY, anonimage, beats, nothing_left, refused, sets, write_database, write_patient

QUICK = {key: TINY[key] for key in ("batch", "steps", "samples", "evaluated", "precision", "device")}


def run(recipe, source, out, *options, verb="run", **settings):
    sets = [part for key, value in (QUICK | settings).items() for part in ("--set", f"{key}={value}")]
    return anonimage(verb, recipe, source, out, *options, *sets)


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 90, 60),
            "sex": rng.choice(["f", "m"], 60),
            "ward": rng.choice(["north", "south", "east"], 60),
            "outcome": np.arange(60) % 2,
        }
    )


@pytest.fixture
def table(tmp_path):
    """Writes a frame as patients.csv."""

    def write(frame):
        frame.to_csv(tmp_path / "patients.csv", index=False)
        return tmp_path / "patients.csv"

    return write


def test_the_table_itself_is_good(frame, table, out):
    assert run("table", table(frame), out, "--label", "outcome").exit_code == 0


def test_a_table_that_is_not_there(tmp_path, out):
    refused(run("table", tmp_path / "absent.csv", out), "absent.csv", "no such file")
    (tmp_path / "folder").mkdir()
    refused(run("table", tmp_path / "folder", out), "is a folder", "CSV or Parquet")
    nothing_left(out)


def test_a_label_that_is_no_column(frame, table, out):
    refused(run("table", table(frame), out, "--label", "outcom"), "--label outcom", "did you mean 'outcome'")
    nothing_left(out)


@pytest.mark.parametrize("option", ["--binary", "--category", "--drop", "--keep", "--patient"])
def test_an_option_for_a_column_that_is_not_there(option, frame, table, out):
    refused(run("table", table(frame), out, option, "wards"), option, "wards", "did you mean 'ward'")
    nothing_left(out)


def test_a_class_of_one_row(frame, table, out):
    frame.loc[7, "outcome"] = 2
    refused(run("table", table(frame), out, "--label", "outcome"), "class '2'", "one patient")
    nothing_left(out)


def test_a_class_of_one_patient_with_many_rows(frame, table, out):
    frame["who"] = np.arange(60) // 6
    frame["outcome"] = (frame["who"] == 3).astype(int)
    options = ("--label", "outcome", "--patient", "who")
    refused(run("table", table(frame), out, *options), "class '1'", "one patient")
    nothing_left(out)


def test_a_label_of_one_class(frame, table, out):
    refused(run("table", table(frame.assign(outcome=1)), out, "--label", "outcome"), "outcome", "1 in every")
    nothing_left(out)


@pytest.mark.parametrize("seed", range(5))
def test_a_category_of_one_row_is_taught(seed, frame, table, out):
    frame.loc[7, "ward"] = "attic"
    assert run("table", table(frame), out, "--seed", seed, verb="prepare").exit_code == 0
    rows = open_store(out / "store").frame
    assert rows["part"].iloc[7] == TRAIN
    assert set(rows["part"]) == {"train", "control"}


def test_a_category_that_training_never_saw(frame, table, out):
    assert run("table", table(frame), out, "--drop", "outcome").exit_code == 0
    made = out / "synthetic" / "patients.csv"
    rows = pd.read_csv(made)
    rows.loc[3, "ward"] = "attic"
    rows.to_csv(made, index=False)
    refused(anonimage("evaluate", out), "patients.csv", "'ward'", "'attic'", "no training row")
    form = TableForm.from_state(load_codec(out / "codec.json").form["table"])
    with pytest.raises(InputError, match="column 'ward' is 'attic' in 1 row"):
        form.to_samples(rows)


def test_a_table_that_leaves_one_control_row(frame, table, out):
    refused(run("table", table(frame[["age"]].head(12)), out, control_share=0.1), "1 of 12 samples", "scores need 2")
    nothing_left(out)


def test_a_label_of_none_is_no_column(frame, table, out):
    assert run("table", table(frame), out, "--label", "none", verb="prepare").exit_code == 0
    assert open_store(out / "store").classes == ()


def test_a_column_of_one_value(frame, table, out):
    path = table(frame.assign(site="here"))
    refused(run("table", path, out), "'site'", "'here' in every row", "--drop site", "--keep site")
    nothing_left(out)
    assert run("table", path, out, "--keep", "site").exit_code == 0
    assert set(pd.read_csv(out / "synthetic" / "patients.csv")["site"]) == {"here"}


def test_a_column_without_a_value(frame, table, out):
    path = table(frame.assign(site=np.nan))
    refused(run("table", path, out), "'site'", "no value in any row", "--drop site")
    nothing_left(out)
    assert run("table", path, out, "--drop", "site").exit_code == 0
    assert "site" not in pd.read_csv(out / "synthetic" / "patients.csv")


def test_mixed_types_in_a_column(frame, table, out):
    path = table(frame.astype({"age": object}).assign(age=lambda f: f["age"].where(f.index != 4, "old")))
    refused(run("table", path, out), "line 6", "'old'", "'age'", "text among numbers", "--missing old")
    nothing_left(out)
    assert run("table", path, out, "--missing", "old").exit_code == 0


def test_a_broken_row(frame, table, out):
    path = table(frame)
    lines = path.read_text().splitlines()
    lines[9] = lines[9] + ",7"
    path.write_text("\n".join(lines))
    refused(run("table", path, out), "patients.csv", "line 10", "5", "4")
    nothing_left(out)


def test_columns_of_one_name(frame, table, out):
    refused(run("table", table(frame.set_axis(["a", "sex", "a", "b"], axis=1)), out), "'a'", "its own name")
    nothing_left(out)


def test_more_columns_than_places(frame, table, out):
    refused(run("table", table(frame), out, side=2), "6 features", "4 places", "side of at least 3")
    nothing_left(out)


def test_a_column_that_names_people(frame, table, out):
    refused(run("table", table(frame.assign(name=[f"p{k}" for k in range(60)])), out), "'name'", "--drop name")
    nothing_left(out)


def test_recordings_are_asked_of_a_table(frame, table, out):
    refused(run("table", table(frame), out, starts="random"), "starts = 'random'", "'grid'")


@pytest.fixture(scope="module")
def with_classes(tmp_path_factory):
    """A finished run that knows two classes; do not write into it."""
    place = tmp_path_factory.mktemp("classes")
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"age": rng.integers(20, 90, 60), "sex": rng.choice(["f", "m"], 60)})
    frame["outcome"] = np.where(np.arange(60) < 45, "well", "ill")
    frame.to_csv(place / "patients.csv", index=False)
    assert run("table", place / "patients.csv", place / "out", "--label", "outcome").exit_code == 0
    return place / "out"


def test_generate_of_an_unknown_class(with_classes, tmp_path):
    to = tmp_path / "to"
    refused(anonimage("generate", with_classes, "--label", "il", "--to", to), "'il'", "did you mean 'ill'", "ill, well")
    nothing_left(to)


def test_generate_with_shares_that_mean_nothing(with_classes, tmp_path):
    to = tmp_path / "to"
    line = refused(anonimage("generate", with_classes, "--labels-like", "mine", "--to", to), "--labels-like", "'mine'")
    assert "'source' or 'balanced'" in line
    nothing_left(to)


def test_generate_a_class_of_a_run_without_classes(finished, tmp_path):
    to = tmp_path / "to"
    refused(anonimage("generate", finished, "--label", "ill", "--to", to), "'ill'", "know no classes", "head=auxiliary")
    nothing_left(to)


def test_generate_in_a_format_that_tables_do_not_have(with_classes, tmp_path):
    to = tmp_path / "to"
    refused(anonimage("generate", with_classes, "--format", "wfdb", "--to", to), "'wfdb'", "source, parquet, csv")
    nothing_left(to)


def test_generate_spares_a_table_of_the_user_s_among_its_own(frame, table, out):
    assert run("table", table(frame), out).exit_code == 0
    (out / "synthetic" / "mine.csv").write_text("years of work")
    refused(anonimage("generate", out), "mine.csv", "move it away")
    (out / "synthetic" / "mine.csv").unlink()
    assert anonimage("generate", out).exit_code == 0


# --- classes of recordings --------------------------------------------------------------------------------------------


def test_a_diagnosis_of_one_patient(tmp_path, out):
    source = write_database(tmp_path / "source", patients=4)
    refused(run("ptb-acgan", source, out, fs=100, side=9), "has one patient", "join it to another")
    nothing_left(out)


def test_a_database_of_one_class(tmp_path, out):
    for patient in (3, 6, 9):
        write_patient(tmp_path / "source", patient)
    refused(run("ptb-acgan", tmp_path / "source", out, fs=100, side=9), "only one class", "--label")
    nothing_left(out)


def test_a_label_file_that_does_not_fit(source, tmp_path, out):
    labels = tmp_path / "classes.csv"
    options = (source, out, "--label", labels)
    refused(run("ptb-acgan", *options, fs=100, side=9), "classes.csv", "no such file")
    labels.write_text("record,label\npatient001/s0001_re,a\n")
    refused(run("ptb-acgan", *options, fs=100, side=9), "patient002/s0002_re")
    labels.write_text("record,klass\npatient001/s0001_re,a\n")
    refused(run("ptb-acgan", *options, fs=100, side=9), "classes.csv", "'label'")
    nothing_left(out)


def test_a_label_file_of_none_leaves_the_classes_of_the_paper(source, out):
    result = run("ptb-quantile", source, out, "--label", "none", verb="prepare", fs=100, side=9)
    assert result.exit_code == 0, result.output
    assert "Healthy control" in open_store(out / "store").classes


def test_options_of_tables_asked_of_records(source, out):
    for option in ("--binary", "--category", "--drop", "--keep", "--missing"):
        line = refused(run("ptb-quantile", source, out, option, "x,y", fs=100, side=9), f"{option} x,y", "leave it out")
        assert "WFDB records" in line
    nothing_left(out)


def test_a_folder_of_links_to_records(source, tmp_path, out):
    linked = tmp_path / "linked"
    linked.mkdir()
    for folder in source.iterdir():
        if folder.is_dir():
            (linked / folder.name).symlink_to(folder, target_is_directory=True)
    assert run("ptb-quantile", linked, out, verb="prepare", fs=100, side=9).exit_code == 0
    assert open_store(out / "store").form == {"kind": "wfdb"}


@pytest.mark.parametrize("recipe", ["ptb-six", "ptb-rgb"])
def test_more_leads_than_a_record_has(recipe, tmp_path, out):
    for patient in range(1, 5):
        write_patient(tmp_path / "source", patient, beats(patient)[:2])
    refused(run(recipe, tmp_path / "source", out, fs=100, side=9), "patient001/s0001_re", "'iii'", "i, ii", "--leads")
    nothing_left(out)


def test_colours_of_two_leads(source, out):
    refused(run("ptb-rgb", source, out, "--leads", "i,ii", fs=100, side=9, colours="hsv"), "hsv", "three leads")
    nothing_left(out)


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(20):
        Image.fromarray(rng.integers(0, 256, (12, 10), np.uint8)).save(folder / f"{number:02d}.png")
    return folder


def cut(path):
    path.write_bytes(path.read_bytes()[:-60])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: Image.new("L", (9, 10)).save(path), ["9×10", "10×12"]),
        (lambda path: Image.new("RGB", (10, 12)).save(path), ["RGB", "L"]),
        (lambda path: Image.new("RGBA", (10, 12)).save(path), ["RGBA", "alpha"]),
        (cut, ["cannot be read"]),
        (lambda path: path.write_text("years of work"), ["is not a picture"]),
    ],
    ids=["size", "mode", "transparent", "truncated", "text"],
)
def test_a_picture_that_does_not_fit(spoil, words, pictures, out):
    spoil(pictures / "07.png")
    refused(run("iris", pictures, out, side=9), "07.png", *words)
    nothing_left(out)


def test_a_folder_without_pictures(tmp_path, out):
    (tmp_path / "empty").mkdir()
    refused(run("iris", tmp_path / "empty", out), "empty", "no pictures in this folder", ".png")
    refused(run("iris", tmp_path / "absent", out), "absent", "no such file or folder")
    nothing_left(out)


def test_options_that_pictures_do_not_have(pictures, out):
    refused(
        run("iris", pictures, out, "--label", "left", side=9), "--label left", "pictures", "folders are the classes"
    )
    refused(run("iris", pictures, out, "--drop", "a,b", side=9), "--drop a,b", "pictures")
    nothing_left(out)


def test_pictures_that_leave_one_for_control(pictures, out):
    refused(run("iris", pictures, out, side=9, control_share=0.05), "1 of 20 samples", "control_share = 0.05")
    nothing_left(out)


def test_classes_asked_of_a_flat_folder(pictures, out):
    refused(run("iris", pictures, out, side=9, head="auxiliary"), "only one class")
    nothing_left(out)


# --- series -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def series(tmp_path):
    """Six recordings of two channels."""
    folder = tmp_path / "series"
    folder.mkdir()
    for patient in range(1, 7):
        pd.DataFrame(beats(patient)[:2].T, columns=["a", "b"]).to_csv(folder / f"{patient}.csv", index=False)
    return folder


def test_the_series_themselves_are_good(series, out):
    assert run("series", series, out, "--fs", 100, side=9, widths="4,8").exit_code == 0


def test_series_without_a_rate(series, out):
    refused(run("series", series, out, side=9), "1.csv", "--fs")
    nothing_left(out)


def test_a_series_with_a_broken_line(series, out):
    lines = (series / "3.csv").read_text().splitlines()
    lines[5] += ",1"
    (series / "3.csv").write_text("\n".join(lines))
    refused(run("series", series, out, "--fs", 100, side=9), "3.csv", "line 6", "3 columns")
    nothing_left(out)


def test_a_series_with_a_word(series, out):
    lines = (series / "3.csv").read_text().splitlines()
    lines[5] = "high,1"
    (series / "3.csv").write_text("\n".join(lines))
    refused(run("series", series, out, "--fs", 100, side=9), "3.csv", "line 6", "'high'")
    nothing_left(out)


def test_a_label_that_series_do_not_have(series, out):
    refused(run("series", series, out, "--fs", 100, "--label", "klass", side=9), "1.csv", "'klass'")
    nothing_left(out)


def test_a_folder_of_nothing_that_is_read(tmp_path, out):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.docx").write_text("x")
    refused(run("series", tmp_path / "notes", out), "notes", "no records", "no time series", ".csv")
    nothing_left(out)


def test_options_of_tables_asked_of_series(series, out):
    refused(run("series", series, out, "--fs", 100, "--category", "a", side=9), "--category a", "time series")
    nothing_left(out)


@pytest.fixture
def rows(tmp_path):
    """A line a sample: whole numbers of two kinds, then 81 values."""
    rng = np.random.default_rng(0)
    values = np.c_[np.arange(40) % 2, np.cumsum(rng.normal(size=(40, 81)), axis=1).round(3)]
    np.savetxt(tmp_path / "rows.csv", values, delimiter=",", fmt=["%d", *["%.3f"] * 81])
    return tmp_path / "rows.csv"


def test_what_looks_like_a_class_is_denied_by_none(rows, out):
    refused(run("series", rows, out, "--fs", 50), "'column1' holds 2", "--label column1", "--label none")
    nothing_left(out)
    result = run("series", rows, out, "--fs", 50, "--label", "none", side=10, length=82, widths="4,8")
    assert result.exit_code == 0, result.output
    assert np.loadtxt(out / "synthetic" / "rows.csv", delimiter=",").shape == (QUICK["samples"], 82)


@pytest.mark.parametrize("key", ["label", "labels"])
@pytest.mark.parametrize("label", [np.arange(40) % 2, np.zeros(40, int)], ids=["two", "one"])
def test_labels_of_npz_that_nobody_asks_for(key, label, tmp_path, out):
    values = np.cumsum(np.random.default_rng(0).normal(size=(40, 1, 81)), axis=2)
    np.savez(tmp_path / "s.npz", values=values, fs=50, **{key: label})
    assert run("series", tmp_path / "s.npz", out, side=9, widths="4,8").exit_code == 0
    assert open_store(out / "store").form["label"] is None
    assert set(np.load(out / "synthetic" / "s.npz")) == {"values", "fs"}


def test_labels_of_npz_that_somebody_asks_for(tmp_path, out):
    values = np.cumsum(np.random.default_rng(0).normal(size=(40, 1, 81)), axis=2)
    np.savez(tmp_path / "s.npz", values=values, fs=50, label=np.arange(40) % 2)
    assert run("series", tmp_path / "s.npz", out, "--label", "label", side=9, widths="4,8").exit_code == 0
    assert set(np.load(out / "synthetic" / "s.npz")["label"]) <= {0, 1}


def test_a_batch_that_cannot_be_filled_is_known_before_anything_is_kept(database, out):
    refused(anonimage("run", "ptb-quantile", database, out, *sets(batch=5000)), "training samples", "batch=")
    nothing_left(out)


def test_leads_of_a_table_are_refused(tmp_path, out):
    table = tmp_path / "table.csv"
    table.write_text("a,b\n" + "".join(f"{k},{k % 2}\n" for k in range(30)))
    refused(anonimage("run", "table", table, out, "--leads", "ii"), "--leads ii", "leave it out")
    refused(anonimage("run", "table", tmp_path, out), "is a folder", "CSV")
    nothing_left(out)
