"""Tables, pictures and time series: a clean bundle passes, and a real sample in it is found."""

import shutil

import numpy as np
import pandas as pd
import pytest
from anonimage.pipelines.codecs import load_codec
from anonimage.pipelines.release.bundle import release
from anonimage.pipelines.release.leaks import STRETCH, find_leaks
from anonimage.pipelines.release.policy import load_policy
from anonimage.pipelines.release.private import Private
from anonimage.pipelines.run_folder import RunFolder
from gated import judged
from PIL import Image
from tiny import beats

DEFAULT = load_policy("default")
ROW = "a row of the real table"


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
    private = Private.of_run(folder, codec)
    return to, lambda: {(finding.file, finding.kind) for finding in find_leaks(to, private, codec)}


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
    assert found() == {("datasheet.md", "a cell of a column that was left out")}
    shutil.copy(people, made)
    assert ("synthetic/people.csv", "a file of the source") in found()


def test_a_row_that_two_people_share_is_nobodys(generated, tmp_path):
    rows = pd.DataFrame(np.random.default_rng(0).integers(0, 4, (60, 3)), columns=["a", "b", "c"])
    rows = pd.concat([rows, rows], ignore_index=True)
    rows.to_csv(tmp_path / "twice.csv", index=False)
    to, found = bundle_of(generated("table", tmp_path / "twice.csv", widths="8,8"), tmp_path)
    rows.iloc[:20].to_csv(to / "synthetic" / "twice.csv", index=False)
    assert found() == set()


def test_pictures(generated, pictures, tmp_path):
    to, found = bundle_of(generated("iris", pictures, side=12), tmp_path)
    assert found() == set()
    made = to / "synthetic" / "synthetic000002.png"
    Image.open(pictures / "03.png").save(made, compress_level=1)
    assert ("synthetic/synthetic000002.png", STRETCH) in found()
    shutil.copy(pictures / "03.png", made)
    assert ("synthetic/synthetic000002.png", "a file of the source") in found()
    made.rename(to / "synthetic" / "03.png")
    assert ("synthetic/03.png", "a patient's id") in found()


def test_time_series(generated, series, tmp_path):
    to, found = bundle_of(generated("series", series, fs=100, side=9, widths="4,8"), tmp_path)
    assert found() == set()
    real = (series / "volunteer03.csv").read_text().splitlines()
    made = to / "synthetic" / "synthetic000002.csv"
    made.write_text("\n".join([real[0], *real[200:281]]) + "\n")
    assert found() == {("synthetic/synthetic000002.csv", STRETCH)}
    (to / "datasheet.md").write_text("as volunteer03 has it")
    assert ("datasheet.md", "a patient's id") in found()
