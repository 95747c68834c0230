"""Every bad input of recordings, pictures and series: exit code 2, one line that names it, nothing left in OUT."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.store.store import open_store
from PIL import Image
from tiny import (
    TINY,
    anonimage,
    beats,
    nothing_left,
    only_work_left,
    quick,
    refused,
    sets,
    write_database,
    write_patient,
)

# --- classes of recordings --------------------------------------------------------------------------------------------


def test_a_diagnosis_of_one_patient(tmp_path, out):
    source = write_database(tmp_path / "source", patients=4)
    refused(quick("ptb-acgan", source, out, fs=100, side=9), "has one patient", "join it to another")
    nothing_left(out)


def test_a_database_of_one_class(tmp_path, out):
    for patient in (3, 6, 9):
        write_patient(tmp_path / "source", patient)
    refused(quick("ptb-acgan", tmp_path / "source", out, fs=100, side=9), "only one class", "--label")
    nothing_left(out)


def test_a_label_file_that_does_not_fit(source, tmp_path, out):
    labels = tmp_path / "classes.csv"
    options = (source, out, "--label", labels)
    refused(quick("ptb-acgan", *options, fs=100, side=9), "classes.csv", "no such file")
    labels.write_text("record,label\npatient001/s0001_re,a\n")
    refused(quick("ptb-acgan", *options, fs=100, side=9), "patient002/s0002_re")
    labels.write_text("record,klass\npatient001/s0001_re,a\n")
    refused(quick("ptb-acgan", *options, fs=100, side=9), "classes.csv", "'label'")
    nothing_left(out)


def test_a_label_file_of_none_leaves_the_classes_of_the_paper(source, out):
    result = quick("ptb-quantile", source, out, "--label", "none", verb="prepare", fs=100, side=9)
    assert result.exit_code == 0, result.output
    assert "Healthy control" in open_store(out / "store").classes


def test_options_of_tables_asked_of_records(source, out):
    for option in ("--binary", "--category", "--drop", "--keep", "--missing"):
        line = refused(
            quick("ptb-quantile", source, out, option, "x,y", fs=100, side=9), f"{option} x,y", "leave it out"
        )
        assert "WFDB records" in line
    nothing_left(out)


def test_a_folder_of_links_to_records(source, tmp_path, out):
    linked = tmp_path / "linked"
    linked.mkdir()
    for folder in source.iterdir():
        if folder.is_dir():
            (linked / folder.name).symlink_to(folder, target_is_directory=True)
    assert quick("ptb-quantile", linked, out, verb="prepare", fs=100, side=9).exit_code == 0
    assert open_store(out / "store").form == {"kind": "wfdb"}


@pytest.mark.parametrize("recipe", ["ptb-six", "ptb-rgb"])
def test_more_leads_than_a_record_has(recipe, tmp_path, out):
    for patient in range(1, 5):
        write_patient(tmp_path / "source", patient, beats(patient)[:2])
    refused(quick(recipe, tmp_path / "source", out, fs=100, side=9), "patient001/s0001_re", "'iii'", "i, ii", "--leads")
    nothing_left(out)


def test_colours_of_two_leads(source, out):
    refused(quick("ptb-rgb", source, out, "--leads", "i,ii", fs=100, side=9, colours="hsv"), "hsv", "three leads")
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
    refused(quick("iris", pictures, out, side=9), "07.png", *words)
    nothing_left(out)


def test_a_folder_without_pictures(tmp_path, out):
    (tmp_path / "empty").mkdir()
    refused(quick("iris", tmp_path / "empty", out), "empty", "no pictures in this folder", ".png")
    refused(quick("iris", tmp_path / "absent", out), "absent", "no such file or folder")
    nothing_left(out)


def test_options_that_pictures_do_not_have(pictures, out):
    refused(
        quick("iris", pictures, out, "--label", "left", side=9), "--label left", "pictures", "folders are the classes"
    )
    refused(quick("iris", pictures, out, "--drop", "a,b", side=9), "--drop a,b", "pictures")
    nothing_left(out)


def test_pictures_that_leave_one_for_control(pictures, out):
    refused(quick("iris", pictures, out, side=9, control_share=0.05), "1 of 20 samples", "control_share = 0.05")
    nothing_left(out)


def test_a_picture_of_nobody_is_refused_before_any_is_read_unless_it_is_left_out(pictures, tmp_path, out):
    cut(pictures / "07.png")
    people = tmp_path / "people.csv"
    people.write_text("record,patient\n" + "".join(f"{k:02d}.png,p{k}\n" for k in range(20) if k != 7))
    given = ("iris", pictures, out, "--patient", people)
    refused(quick(*given, verb="prepare", side=9, control_share=0.3), "people.csv", "07.png")
    nothing_left(out)
    result = quick(*given, "--skip-bad", verb="prepare", side=9, control_share=0.3)
    assert result.exit_code == 0, result.output
    assert "07.png" in result.stderr  # what was left out is said


def test_classes_asked_of_a_flat_folder(pictures, out):
    refused(quick("iris", pictures, out, side=9, head="auxiliary"), "only one class")
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
    assert quick("series", series, out, "--fs", 100, side=9, widths="4,8").exit_code == 0


def test_series_without_a_rate(series, out):
    refused(quick("series", series, out, side=9), "1.csv", "--fs")
    nothing_left(out)


def test_a_series_with_a_broken_line(series, out):
    lines = (series / "3.csv").read_text().splitlines()
    lines[5] += ",1"
    (series / "3.csv").write_text("\n".join(lines))
    refused(quick("series", series, out, "--fs", 100, side=9), "3.csv", "line 6", "3 columns")
    only_work_left(out)


def test_a_series_with_a_word(series, out):
    lines = (series / "3.csv").read_text().splitlines()
    lines[5] = "high,1"
    (series / "3.csv").write_text("\n".join(lines))
    refused(quick("series", series, out, "--fs", 100, side=9), "3.csv", "line 6", "'high'")
    only_work_left(out)


def test_a_label_that_series_do_not_have(series, out):
    refused(quick("series", series, out, "--fs", 100, "--label", "klass", side=9), "1.csv", "'klass'")
    nothing_left(out)


def test_a_folder_of_nothing_that_is_read(tmp_path, out):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.docx").write_text("x")
    refused(quick("series", tmp_path / "notes", out), "notes", "no records", "no time series", ".csv")
    nothing_left(out)


def test_options_of_tables_asked_of_series(series, out):
    refused(quick("series", series, out, "--fs", 100, "--category", "a", side=9), "--category a", "time series")
    nothing_left(out)


@pytest.fixture
def rows(tmp_path):
    """A line a sample: whole numbers of two kinds, then 81 values."""
    rng = np.random.default_rng(0)
    values = np.c_[np.arange(40) % 2, np.cumsum(rng.normal(size=(40, 81)), axis=1).round(3)]
    np.savetxt(tmp_path / "rows.csv", values, delimiter=",", fmt=["%d", *["%.3f"] * 81])
    return tmp_path / "rows.csv"


def test_what_looks_like_a_class_is_denied_by_none(rows, out):
    refused(quick("series", rows, out, "--fs", 50), "'column1' holds 2", "--label column1", "--label none")
    nothing_left(out)
    result = quick("series", rows, out, "--fs", 50, "--label", "none", side=10, length=82, widths="4,8")
    assert result.exit_code == 0, result.output
    assert np.loadtxt(out / "synthetic" / "rows.csv", delimiter=",").shape == (TINY["samples"], 82)


@pytest.mark.parametrize("key", ["label", "labels"])
@pytest.mark.parametrize("label", [np.arange(40) % 2, np.zeros(40, int)], ids=["two", "one"])
def test_labels_of_npz_that_nobody_asks_for(key, label, tmp_path, out):
    values = np.cumsum(np.random.default_rng(0).normal(size=(40, 1, 81)), axis=2)
    np.savez(tmp_path / "s.npz", values=values, fs=50, **{key: label})
    assert quick("series", tmp_path / "s.npz", out, side=9, widths="4,8").exit_code == 0
    assert open_store(out / "store").form["label"] is None
    assert set(np.load(out / "synthetic" / "s.npz")) == {"values", "fs"}


def test_labels_of_npz_that_somebody_asks_for(tmp_path, out):
    values = np.cumsum(np.random.default_rng(0).normal(size=(40, 1, 81)), axis=2)
    np.savez(tmp_path / "s.npz", values=values, fs=50, label=np.arange(40) % 2)
    assert quick("series", tmp_path / "s.npz", out, "--label", "label", side=9, widths="4,8").exit_code == 0
    assert set(np.load(out / "synthetic" / "s.npz")["label"]) <= {0, 1}


def test_a_batch_that_cannot_be_filled_is_known_before_anything_is_kept(database, out):
    refused(anonimage("run", "ptb-quantile", database, out, *sets(batch=5000)), "training samples", "batch=")
    nothing_left(out)


# --- remedies ---------------------------------------------------------------------------------------------------------

# Options that messages about a source name, whichever command reads it
REMEDIES = ["--leads", "--fs", "--patient", "--label", "--binary", "--category", "--drop", "--keep", "--missing"]


@pytest.mark.parametrize("verb", ["prepare", "run", "ablate", "encode", "inspect"])
def test_a_command_that_reads_a_source_has_what_messages_recommend(verb):
    printed = anonimage(verb, "--help").output
    for option in [*REMEDIES, "--set", *(["--skip-bad"] if verb != "inspect" else [])]:
        assert f"{option} " in printed, option


def test_encode_leaves_out_a_bad_record_when_asked(source, tmp_path):
    (source / "patient002" / "s0002_re.dat").unlink()
    encode = ("encode", source, tmp_path / "images", "--set", "side=9", "--fs", 100)
    refused(anonimage(*encode), "patient002", "--skip-bad")
    assert anonimage(*encode, "--skip-bad").exit_code == 0
    records = pd.read_parquet(tmp_path / "images" / "samples.parquet")["record"]
    assert len(set(records)) == 5
    assert not records.str.contains("patient002").any()
