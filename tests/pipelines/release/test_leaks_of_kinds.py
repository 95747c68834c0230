"""Tables, pictures and time series: a clean bundle passes, and a real sample in it is found."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from anonimage.errors import InputError
from anonimage.pipelines.kinds import load_codec
from anonimage.pipelines.release.bundle import release
from anonimage.pipelines.release.leaks import find_leaks
from anonimage.pipelines.release.policy import load_policy
from anonimage.pipelines.release.source_index import PICTURE, ROW, STRETCH, SourceIndex
from anonimage.pipelines.run_folder import RunFolder
from gated import judged
from PIL import Image, PngImagePlugin
from tiny import beats

DEFAULT = load_policy("default")
CELL, PATIENT = "a cell of a column that was left out", "the id of a patient"


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Sixty people, four numbers each; their names are to be left out."""
    rng, n = np.random.default_rng(0), 60
    columns = {
        "who": [f"Person {chr(65 + k % 26)}{k:02d}" for k in range(n)],
        "ward": rng.choice(["north", "south"], n),
        "weight": rng.normal(70, 9, n).round(1),
        "height": rng.normal(1.7, 0.1, n).round(2),
        "age": rng.integers(20, 90, n),
    }
    path = tmp_path_factory.mktemp("people") / "people.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(20):
        levels = np.random.default_rng(number).integers(0, 256, (12, 12), np.uint8)
        Image.fromarray(levels).save(folder / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    for patient in range(1, 7):
        frame = pd.DataFrame(beats(patient)[:2].T, columns=["a", "b"])
        frame.to_csv(folder / f"volunteer{patient:02d}.csv", index=False)
    return folder


def bundle_of(out, tmp_path):
    """A released bundle, what to look for in it, and a function that looks."""
    out, to = judged(shutil.copytree(out, tmp_path / "run")), tmp_path / "to"
    assert release(out, to, DEFAULT), (to / "refusal.md").read_text()
    folder = RunFolder(out)
    codec = load_codec(folder.codec_file)
    index = SourceIndex.of_run(folder, codec)
    return to, lambda: {(finding.file, finding.what) for finding in find_leaks(to, index, codec)}


def test_rows_of_a_table(generated, people, tmp_path):
    to, found = bundle_of(generated("table", people, drop="who", widths="8,8"), tmp_path)
    assert found() == set()
    made, lines = to / "synthetic" / "people.csv", people.read_text().splitlines()
    clean = made.read_text()
    real = [line.split(",", 1)[1] for line in lines[1:]]
    made.write_text(clean + "".join(f"{line}\n" for line in real[:5]))
    assert found() == {("synthetic/people.csv", ROW)}
    made.write_text(clean)
    (to / "datasheet.md").write_text("such as\n" + "\n".join(real[:5]))
    assert found() == {("datasheet.md", ROW)}
    (to / "datasheet.md").write_text("thanks to person b01")
    assert found() == {("datasheet.md", CELL)}
    shutil.copy(people, to / "people.csv")
    assert found() == {("people.csv", "something that was not written for it")}


def test_a_row_that_two_people_share_is_nobodys(generated, tmp_path):
    rows = pd.DataFrame(np.random.default_rng(0).integers(0, 4, (60, 3)), columns=["a", "b", "c"])
    rows = pd.concat([rows, rows], ignore_index=True)
    rows.to_csv(tmp_path / "twice.csv", index=False)
    to, found = bundle_of(generated("table", tmp_path / "twice.csv", widths="8,8"), tmp_path)
    rows.iloc[:20].to_csv(to / "synthetic" / "twice.csv", index=False)
    assert found() == set()


def answers(tmp_path, columns, name="answers.csv"):
    """Sixty people's answers to so many questions, in words."""
    rng = np.random.default_rng(3)
    words = [f"{way} {k}" for k, way in enumerate(["never", "seldom", "often", "always"])]
    frame = pd.DataFrame(rng.choice(words, (60, columns)), columns=[f"q{k}" for k in range(columns)])
    frame.to_csv(tmp_path / name, index=False)
    return tmp_path / name


def test_rows_of_words_alone(generated, tmp_path):
    source = answers(tmp_path, columns=9)
    to, found = bundle_of(generated("table", source, widths="8,8"), tmp_path)
    assert "rows that one person alone has" in (to / "datasheet.md").read_text()
    made, row = to / "synthetic" / "answers.csv", source.read_text().splitlines()[7]
    (to / "policy.toml").write_text(row.replace(",", " | ").upper())
    assert found() == {("policy.toml", ROW)}
    (to / "policy.toml").write_text(row.rpartition(",")[0])  # not all of it
    assert found() == set()
    made.write_text(made.read_text() + f"{row}\n")
    assert found() == {("synthetic/answers.csv", ROW)}


def test_short_rows_are_not_searched_and_that_is_told(generated, tmp_path):
    source = answers(tmp_path, columns=4)
    to, found = bundle_of(generated("table", source, widths="8,8"), tmp_path)
    sheet = (to / "datasheet.md").read_text()
    assert "Rows were not searched: there are no rows that one person alone has" in sheet
    assert "contents of the source: the path of the source. Nothing" in sheet
    with (to / "synthetic" / "answers.csv").open("a") as file:
        file.write(source.read_text().split("\n", 1)[1])
    assert found() == set()


def test_values_that_few_people_have_are_told_of_but_not_named(generated, tmp_path, capsys):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=120).round(2), "b": rng.normal(size=120).round(2)})
    frame["diagnosis"] = np.array(["zebra syndrome", "rare thing", "rare thing", *["cold", "flu", "none at all"] * 39])
    frame.to_csv(tmp_path / "people.csv", index=False)
    out = generated("table", tmp_path / "people.csv", widths="8,8")
    capsys.readouterr()
    to, _ = bundle_of(out, tmp_path)
    sheet, said = (to / "datasheet.md").read_text(), capsys.readouterr().err
    for text in (sheet, said):
        assert "codec.json names all 5 values of 'diagnosis', 2 of which fewer than 3 people have" in text
        assert "zebra" not in text


def test_ids_of_digits_among_generated_numbers(generated, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"who": 500_000 + np.arange(60), "income": rng.integers(400_000, 600_000, 60)})
    frame["ward"] = rng.choice(["north", "south"], 60)
    frame["test"] = rng.choice(["positive", "negative", "fail"], 60)
    frame.to_csv(tmp_path / "income.csv", index=False)
    to, found = bundle_of(generated("table", tmp_path / "income.csv", drop="who,test", widths="8,8"), tmp_path)
    made = to / "synthetic" / "income.csv"
    clean = made.read_text()
    made.write_text(clean + "500007,north\n")
    assert found() == set()
    made.write_text(clean.replace("\n", ",# of 500007\n", 1))
    with pytest.raises(InputError):
        found()
    made.write_text(clean)
    (to / "datasheet.md").write_text("as 500007 has it")
    assert found() == {("datasheet.md", CELL)}


def test_pictures_that_no_sample_was_made_of_saved_anew(generated, pictures, tmp_path):
    out = judged(shutil.copytree(generated("iris", pictures, side=12), tmp_path / "run"))
    folder, source = RunFolder(out), tmp_path / "large"
    source.mkdir()
    for number in range(5):
        levels = np.random.default_rng(50 + number).integers(0, 256, (12, 12), np.uint8)
        Image.fromarray(levels).save(source / f"{number}.png")
    about = json.loads(folder.about_file.read_text())
    folder.about_file.write_text(json.dumps(about | {"source": str(source)}))
    assert release(out, tmp_path / "to", DEFAULT)
    codec, made = load_codec(folder.codec_file), tmp_path / "to" / "synthetic"
    index = SourceIndex.of_run(folder, codec)
    Image.open(source / "3.png").convert("RGB").convert("L").save(made / "synthetic000002.png", compress_level=1)
    found = {(finding.file, finding.what) for finding in find_leaks(tmp_path / "to", index, codec)}
    assert found == {("synthetic/synthetic000002.png", PICTURE)}
    index.pictures = frozenset()
    assert not find_leaks(tmp_path / "to", index, codec)


def test_pictures(generated, pictures, tmp_path):
    to, found = bundle_of(generated("iris", pictures, side=12), tmp_path)
    assert found() == set()
    made = to / "synthetic" / "synthetic000002.png"
    Image.open(pictures / "03.png").save(made, compress_level=1)
    assert found() == {("synthetic/synthetic000002.png", what) for what in (STRETCH, PICTURE)}
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Description", "as in 03.png", zip=True)
    clean = to / "synthetic" / "synthetic000001.png"
    Image.open(clean).save(made)
    assert found() == set()
    Image.open(clean).save(made, pnginfo=notes)
    assert found() == {("synthetic/synthetic000002.png", PATIENT)}
    made.rename(to / "synthetic" / "03.png")
    assert found() == {("synthetic/03.png", "something that was not written for it")}


def test_time_series(generated, series, tmp_path):
    to, found = bundle_of(generated("series", series, fs=100, side=9, widths="4,8"), tmp_path)
    assert found() == set()
    real = (series / "volunteer03.csv").read_text().splitlines()
    made = to / "synthetic" / "synthetic000002.csv"
    made.write_text("\n".join([real[0], *real[200:281]]) + "\n")
    assert found() == {("synthetic/synthetic000002", STRETCH)}
    (to / "datasheet.md").write_text("as volunteer03 has it")
    assert ("datasheet.md", PATIENT) in found()
