"""Every recipe by its name on real data, a few steps long: reads, trains, writes the source's format, judges itself."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import wfdb
from anonimage.pipelines.recipe import load_recipe, recipe_names
from anonimage.pipelines.report.paper_claims import claims
from PIL import Image
from sklearn.datasets import load_digits
from tiny import anonimage

SHORT = ("--steps", 30, "--set", "batch=8", "--set", "samples=24", "--set", "evaluated=60", "--set", "precision=32")
SHORT += ("--set", "judge_steps=2", "--set", "control_runs=2")
SMALL = (*SHORT, "--set", "widths=8,16")
PTB = [name for name in recipe_names() if name.startswith("ptb-")]


def finish(*arguments: object) -> str:
    result = anonimage("run", *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stderr


@pytest.mark.parametrize("name", PTB)
def test_ptb_recipes(name, shared, tmp_path):
    said = finish(name, shared / "data" / "ptbdb", tmp_path / "out", "--set", "stride=1000", *SMALL)
    recipe = load_recipe(name)
    record = wfdb.rdrecord(str(tmp_path / "out" / "synthetic" / "synthetic000001"))
    assert [lead.lower() for lead in record.sig_name] == list(recipe.data.leads)
    assert record.sig_len == 2025
    page = (tmp_path / "out" / "report.html").read_text()
    assert claims()[name]["claim"] in page
    assert f"section {recipe.section}: " in said
    assert len(list((tmp_path / "out" / "evolution").glob("*.npy"))) >= 5
    assert (tmp_path / "out" / "against" / "scores.json").is_file() == (recipe.against is not None)


def test_acgan_on_ptb_and_ludb_makes_every_class(shared, tmp_path):
    both = tmp_path / "both"
    both.mkdir()
    for database in ("ptbdb", "ludb"):
        (both / database).symlink_to(shared / "data" / database)
    (both / "RECORDS").write_text("ptbdb/\nludb/\n")
    out = tmp_path / "out"
    finish("ptb-acgan", both, out, *SMALL)
    rows = pd.read_csv(out / "synthetic" / "samples.csv")
    assert rows["diagnosis"].value_counts().to_dict() == {
        "Myocardial infarction": 8,
        "Miscellaneous": 8,
        "Healthy control": 8,
    }
    scores = json.loads((out / "scores.json").read_text())["scores"]
    assert scores["class_accuracy"]["baseline"] == pytest.approx(1 / 3, abs=0.01)
    assert scores["class_accuracy_control"]["n"] > 20
    metrics = pd.read_csv(out / "metrics.csv")
    assert metrics["real_accuracy"].notna().all()
    assert metrics["fake_accuracy"].notna().all()


@pytest.mark.parametrize("name", ["thyroid", "thyroid-best"])
def test_thyroid(name, shared, tmp_path):
    source, out = tmp_path / "ann-train.data", tmp_path / "out"
    rows = (shared / "data" / "thyroid" / "ann-train.data").read_text().splitlines(keepends=True)
    rare = [line for line in rows if re.split(r"[,\s]+", line)[14] == "1"]  # the column's only ones
    source.write_text("".join(rows[::4] + rare))
    finish(name, source, out, *SHORT, "--set", "samples=300")
    real = pd.read_csv(source, header=None, sep=r"[,\s]+", engine="python").dropna(axis=1, how="all")
    made = pd.read_csv(out / "synthetic" / "ann-train.data", header=None)
    wanted = 21 if name == "thyroid" else 22  # the paper leaves the class out
    assert made.shape == (300, wanted)
    for column in range(wanted):
        assert made[column].dtype == real[column].dtype
        assert made[column].between(real[column].min(), real[column].max()).all()
        if real[column].nunique() <= 3:
            assert set(made[column]) <= set(real[column])
    assert "null_clean" in json.loads((out / "scores.json").read_text())["scores"]


@pytest.mark.slow
def test_thyroid_best_reaches_what_the_paper_says(shared, tmp_path):
    said = finish("thyroid-best", shared / "data" / "thyroid" / "ann-train.data", tmp_path / "out")
    assert "the paper's observation was reproduced" in said
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())["scores"]
    assert scores["null_clean"]["value"] >= 0.999
    assert scores["inside_ranges"]["value"] == 1
    assert scores["ks_worst"]["value"] <= 0.15
    assert abs(scores["share_worst"]["value"]) <= 0.03


def test_a_user_s_table_comes_back_with_its_columns_and_types(shared, tmp_path):
    source = shared / "data" / "tabular" / "processed.cleveland.data"
    finish("table", source, tmp_path / "out", "--label", "num", *SHORT)
    files = (source, tmp_path / "out" / "synthetic" / source.name)
    real, made = (pd.read_csv(file, na_values="?") for file in files)
    assert list(made.dtypes.items()) == list(real.dtypes.items())
    for name in real:
        assert made[name].min() >= real[name].min()
        assert made[name].max() <= real[name].max()
    for name in ("Sex", "cp", "slope", "thal", "num"):
        assert set(made[name].dropna()) <= set(real[name].dropna())


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Real pictures of 8×8 pixels, one folder per class."""
    place = tmp_path_factory.mktemp("pictures") / "digits"
    known = load_digits()
    for number, (image, digit) in enumerate(zip(known.images[:120], known.target, strict=False)):
        folder = place / str(digit)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 15).astype(np.uint8)).save(folder / f"{number:04d}.png")
    return place


@pytest.mark.parametrize(("name", "head"), [("fingerprint", "none"), ("iris", "none"), ("iris", "auxiliary")])
def test_pictures(name, head, digits, tmp_path):
    out = tmp_path / "out"
    finish(name, digits, out, "--set", "side=12", "--set", f"head={head}", "--set", "labels=balanced", *SMALL)
    made = sorted((out / "synthetic").rglob("*.png"))
    folders = {path.parent.name for path in made}
    assert folders == ({"synthetic"} if head == "none" else {str(digit) for digit in range(10)})
    assert len(made) == 24
    with Image.open(made[0]) as picture:
        assert (picture.size, picture.mode) == ((8, 8), "L")


def test_rows_of_a_series_file(shared, tmp_path):
    source = shared / "data" / "ucr" / "ECG200_TRAIN.tsv"
    out = tmp_path / "out"
    options = ("--fs", 100, "--label", "column1")
    finish("series", source, out, *options, *SMALL)
    real, made = (pd.read_csv(path, sep="\t", header=None) for path in (source, out / "synthetic" / source.name))
    assert made.shape == (24, real.shape[1])
    assert set(made[0]) <= set(real[0])


def test_one_recording_of_one_person(shared, tmp_path):
    source = shared / "data" / "biosppy" / "ppg.txt"
    out = tmp_path / "out"
    finish("series", source, out, "--fs", 1000, "--patient", "time", "--set", "stride=256", *SMALL)
    made = sorted((out / "synthetic").glob("synthetic*.txt"))
    assert len(made) == 24
    values = np.loadtxt(made[0])
    assert values.shape == (1024,)
    assert 1000 < values.min() < values.max() < 4096  # 12 bit, as the source


def test_every_recipe_is_run_by_a_test():
    assert set(recipe_names()) == {*PTB, "demo", "thyroid", "thyroid-best", "table", "series", "fingerprint", "iris"}
