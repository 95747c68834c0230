"""The whole job on a tiny database: what it leaves, that it repeats, that it resumes, that it refuses."""

import json
import shutil
from functools import partial

import numpy as np
import pandas as pd
import pytest
import wfdb
from anonimage.data.store.store import open_store
from anonimage.data.wfdb.simulate import simulate_database
from anonimage.pipelines import steps
from anonimage.pipelines.kinds import load_codec
from anonimage.pipelines.recipe import load_recipe
from tiny import FS, GAIN, anonimage, begin_small, quick, refused, sets

LEFT = {
    "recipe.toml",
    "run.json",
    "codec.json",
    "store",
    "checkpoints",
    "metrics.csv",
    "synthetic",
    "scores.json",
    "evidence.json",
    "audit.json",
    "report.html",
    "monitor.csv",
    "evolution",
    "generated.json",
}


def digital(folder):
    """All synthetic records as stored."""
    names = (folder / "synthetic" / "RECORDS").read_text().split()
    return np.stack([wfdb.rdrecord(str(folder / "synthetic" / name), physical=False).d_signal for name in names])


def test_a_run_leaves_what_the_readme_says_and_nothing_else(finished):
    assert {path.name for path in finished.iterdir()} == LEFT


def test_wfdb_reads_every_synthetic_record(finished):
    names = (finished / "synthetic" / "RECORDS").read_text().split()
    assert len(names) == 20
    for name in names:
        record = wfdb.rdrecord(str(finished / "synthetic" / name))
        assert (record.fs, record.sig_name, record.units, record.sig_len) == (100, ["i"], ["mV"], 81)
        assert record.adc_gain == [GAIN]
        assert np.isfinite(record.p_signal).all()
        assert record.comments[0].startswith("synthetic")
        assert "recipe ptb-quantile" in record.comments[1]


def test_nothing_of_the_source_is_named_in_the_synthetic_records(finished):
    for path in (finished / "synthetic").iterdir():
        content = path.read_bytes()
        assert b"patient0" not in content, path
        assert b"_re" not in content, path


def test_the_resolved_recipe_is_saved(finished):
    recipe = load_recipe(str(finished / "recipe.toml"))
    assert (recipe.name, recipe.images.side, recipe.train.steps, recipe.train.precision) == ("ptb-quantile", 9, 6, "32")


def test_patients_are_split_and_the_codec_saw_training_only(finished):
    store = open_store(finished / "store")
    people = store.frame.groupby("part")["patient"].unique()
    assert not set(people["train"]) & set(people["control"])
    assert len(people["control"]) == 2
    # patient k lies about k/10 mV high, so bounds fitted on all would differ
    training = store.samples((store.frame["part"] == "train").to_numpy()).values
    bounds = json.loads((finished / "codec.json").read_text())["content"]["standardizer"]["parts"][0]["bounds"]
    assert bounds[0][0] == pytest.approx(np.quantile(training.min(axis=2), 0.01), abs=1e-5)
    assert bounds[1][0] == pytest.approx(np.quantile(training.max(axis=2), 0.99), abs=1e-5)


def test_scores_have_intervals_and_baselines(finished):
    scores = json.loads((finished / "scores.json").read_text())["scores"]
    for name in ("1nnc", "1nnc_floor", "r_peaks", "round_trip_rms", "saturated_windows", "wide_windows"):
        assert scores[name]["low"] <= scores[name]["value"] <= scores[name]["high"], name
        assert scores[name]["n"] > 0
    assert scores["1nnc"]["baseline"] == scores["1nnc_floor"]["value"]
    assert scores["round_trip_max"]["value"] <= scores["round_trip_max"]["baseline"]


def test_metrics_are_as_often_as_asked(finished):
    metrics = pd.read_csv(finished / "metrics.csv")
    assert metrics["step"].tolist() == [2, 4, 6]
    assert (metrics["images_per_second"] > 0).all()


def test_the_same_seed_gives_the_same_files_and_another_one_others(finished, database, tmp_path):
    for seed, same in ((0, True), (1, False)):
        out = tmp_path / str(seed)
        assert anonimage("run", "ptb-quantile", database, out, *sets(), "--seed", seed).exit_code == 0
        assert np.array_equal(digital(out), digital(finished)) is same


def test_the_steps_one_by_one_give_what_run_gives(finished, database, tmp_path):
    out = tmp_path / "out"
    for arguments in (
        ("prepare", "ptb-quantile", database, out, *sets()),
        ("train", out),
        ("generate", out),
        ("evaluate", out),
    ):
        result = anonimage(*arguments)
        assert result.exit_code == 0, result.output
    assert np.array_equal(digital(out), digital(finished))
    assert (out / "scores.json").read_text() == (finished / "scores.json").read_text()


def test_training_goes_on_to_more_steps_exactly(finished, database, tmp_path):
    out = tmp_path / "out"
    assert anonimage("run", "ptb-quantile", database, out, *sets(steps=3)).exit_code == 0
    assert not np.array_equal(digital(out), digital(finished))
    assert anonimage("run", "ptb-quantile", database, out, *sets(), "--resume").exit_code == 0
    assert np.array_equal(digital(out), digital(finished))


def test_random_starts_run_too(database, tmp_path):
    out = tmp_path / "out"
    assert anonimage("run", "ptb-quantile", database, out, *sets(starts="random")).exit_code == 0
    assert digital(out).shape == (20, 81, 1)


@pytest.mark.parametrize("recipe", ["ptb-z", "ptb-transposed", "ptb-reversed", "ptb-rgb"])
def test_the_paper_s_recipes_run(recipe, database, tmp_path):
    out = tmp_path / "out"
    result = anonimage("run", recipe, database, out, *sets())
    assert result.exit_code == 0, result.output
    leads = ["i", "ii", "iii"] if recipe == "ptb-rgb" else ["i"]
    assert wfdb.rdrecord(str(out / "synthetic" / "synthetic000001")).sig_name == leads


@pytest.mark.parametrize("offset", ["relative", "baseline", "sampled"])
def test_generate_puts_windows_where_the_offset_says(offset, finished, tmp_path):
    result = anonimage("generate", finished, "--format", "npz", "--to", tmp_path / "to", "--offset", offset)
    assert result.exit_code == 0, result.output
    values = np.load(tmp_path / "to" / "signals.npz")["values"]
    if offset == "relative":
        assert np.abs(values.min(axis=2)).max() < 1e-6
    elif offset == "baseline":
        assert np.abs(np.median(values, axis=2)).max() < 1e-6
    else:
        assert values.min(axis=2).std() > 0.05  # patients lie 0.1 mV apart


@pytest.mark.parametrize(
    ("file_format", "file"), [("csv", "signals.csv"), ("parquet", "signals.parquet"), ("npz", "signals.npz")]
)
def test_generate_writes_other_formats(file_format, file, finished, tmp_path):
    assert anonimage("generate", finished, "-n", 3, "--format", file_format, "--to", tmp_path / "to").exit_code == 0
    assert (tmp_path / "to" / file).stat().st_size > 0
    assert len(pd.read_csv(tmp_path / "to" / "samples.csv")) == 3


def test_windows_too_short_for_beats_are_scored_without_them(database, tmp_path):
    out = tmp_path / "out"
    assert anonimage("run", "ptb-quantile", database, out, *sets(fs=1000)).exit_code == 0
    assert "r_peaks" not in json.loads((out / "scores.json").read_text())["scores"]


def test_generate_seed_chooses_the_series(finished, tmp_path):
    values = {}
    for to, seed, n in (("a", 1, 5), ("b", 1, 9), ("c", 2, 5)):
        anonimage("generate", finished, "-n", n, "--seed", seed, "--format", "npz", "--to", tmp_path / to)
        values[to] = np.load(tmp_path / to / "signals.npz")["values"]
    assert np.array_equal(values["a"], values["b"][:5])
    assert not np.array_equal(values["a"], values["c"])


def test_a_different_run_in_the_folder_is_refused_and_kept(finished, database):
    before = digital(finished)
    line = refused(anonimage("run", "ptb-z", database, finished, *sets()), "different run", "--overwrite")
    assert "standardizer" in line or "description" in line
    refused(anonimage("run", "ptb-quantile", database, finished, *sets()), "holds this run already", "--resume")
    assert np.array_equal(digital(finished), before)


def test_overwrite_begins_anew(finished, database, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    (out / "notes.txt").write_text("mine")
    assert anonimage("generate", out, "--format", "csv").exit_code == 0
    assert anonimage("run", "ptb-z", database, out, *sets(), "--overwrite").exit_code == 0
    assert load_recipe(str(out / "recipe.toml")).name == "ptb-z"
    assert (out / "notes.txt").read_text() == "mine"
    assert not (out / "synthetic-csv").exists()


def test_a_folder_with_other_files_is_refused(database, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    refused(anonimage("run", "ptb-z", database, tmp_path, "--overwrite"), str(tmp_path), "no run of anonimage")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_missing_source_does_not_cost_the_run_that_is_there(finished, database, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    refused(anonimage("run", "ptb-quantile", tmp_path / "absent", out, *sets(), "--overwrite"), "absent")
    assert {path.name for path in out.iterdir()} == LEFT


def test_train_refuses_to_change_what_was_prepared(finished):
    refused(anonimage("train", finished, "--set", "arrangement=transposed"), "prepared otherwise", "arrangement")


def test_the_demo_simulates_runs_and_begins_anew(tmp_path, monkeypatch):
    begin_small(monkeypatch, samples=60, evaluated=60, widths="8,16")
    monkeypatch.setattr(steps, "simulate_database", partial(simulate_database, seconds=8.0))
    out = tmp_path / "demo"
    result = anonimage("demo", out, "--steps", 2)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == LEFT | {"source"}
    record = wfdb.rdrecord(str(out / "synthetic" / "synthetic000001"))
    assert (record.fs, record.sig_name, record.units, record.sig_len) == (1000, ["i"], ["mV"], 2025)
    refused(anonimage("demo", out, "--steps", 2), "holds this run already")
    before = (out / "source" / "patient001").stat().st_mtime_ns
    assert anonimage("demo", out, "--steps", 3, "--resume").exit_code == 0
    assert (out / "source" / "patient001").stat().st_mtime_ns == before


def test_a_length_alone_makes_the_image_that_holds_it(database, out):
    result = quick("ptb-quantile", database, out, "--fs", FS, length=500, stride=100, widths="4,8", verb="prepare")
    assert result.exit_code == 0, (result.output, result.exception)
    codec = load_codec(out / "codec.json")
    assert codec.image_shape == (1, 23, 23)  # 529 pixels for five seconds
    assert codec.arrangement.null.sum() == 29
