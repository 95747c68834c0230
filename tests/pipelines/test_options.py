"""Classes, trouble, stopping, colours, resuming: what a user can ask for beside the plain run."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import wfdb
from anonimage import __version__
from anonimage.gan.training.checkpoint import latest
from anonimage.gan.training.trainer import Callback
from anonimage.pipelines import training
from anonimage.pipelines.anonymizer import Anonymizer
from tiny import anonimage, refused, sets


def diagnoses(folder):
    return pd.read_csv(folder / "samples.csv")["diagnosis"]


def done(*arguments):
    result = anonimage(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stderr


@pytest.fixture(scope="module")
def with_classes(database, tmp_path_factory):
    """A finished run of an ACGAN; do not write into it."""
    out = tmp_path_factory.mktemp("classes") / "out"
    done("run", "ptb-acgan", database, out, *sets(balance="none", labels="source"))
    return out


def test_the_version_is_said_whatever_else_is_asked():
    for words in (["--version"], ["--version", "nosuch"]):
        result = anonimage(*words)
        assert (result.exit_code, result.output) == (0, f"anonimage {__version__}\n")


# --- classes ----------------------------------------------------------------------------------------------------------


def test_generate_one_class(with_classes, tmp_path):
    done("generate", with_classes, "-n", 7, "--label", "healthy CONTROL", "--to", tmp_path / "to")
    assert diagnoses(tmp_path / "to").tolist() == ["Healthy control"] * 7
    comments = wfdb.rdheader(str(tmp_path / "to" / "synthetic000001")).comments
    assert "Reason for admission: Healthy control" in comments


def test_one_class_does_not_take_the_place_of_all(with_classes, tmp_path):
    out = shutil.copytree(with_classes, tmp_path / "copy")
    before = (out / "synthetic" / "samples.csv").read_text()
    done("generate", out, "-n", 3, "--label", "Healthy control")
    assert set(diagnoses(out / "synthetic-Healthy-control")) == {"Healthy control"}
    assert (out / "synthetic" / "samples.csv").read_text() == before
    done("generate", out, "-n", 2, "--label", "Healthy control")  # its own set, to be replaced
    assert len(diagnoses(out / "synthetic-Healthy-control")) == 2


def test_generate_shares_of_classes(with_classes, tmp_path):
    done("generate", with_classes, "-n", 9, "--labels-like", "balanced", "--to", tmp_path / "even")
    assert diagnoses(tmp_path / "even").value_counts().tolist() == [3, 3, 3]
    done("generate", with_classes, "-n", 30, "--to", tmp_path / "source")
    whole = Anonymizer.load(with_classes).sample(90)
    assert diagnoses(tmp_path / "source").tolist() == whole.frame["diagnosis"].tolist()[:30]
    counts = Anonymizer.load(with_classes).classes.counts
    assert len(counts) == len(set(whole.frame["diagnosis"])) == 3


def test_the_class_makes_a_difference(with_classes):
    anonymizer = Anonymizer.load(with_classes)
    healthy, ill = (anonymizer.sample(4, [name] * 4).values for name in ("Healthy control", "Miscellaneous"))
    assert not np.array_equal(healthy, ill)


def test_class_accuracy_is_scored_and_shown(with_classes):
    scores = json.loads((with_classes / "scores.json").read_text())["scores"]
    assert {"class_accuracy", "class_accuracy_control", "class_accuracy_training"} <= scores.keys()
    page = (with_classes / "report.html").read_text()
    assert "<h2>Class accuracy</h2>" in page
    assert "<h2>Classes</h2>" in page


def test_a_projection_knows_classes_too(database, tmp_path):
    done("run", "ptb-acgan", database, tmp_path / "out", *sets(head="projection"))
    done("generate", tmp_path / "out", "-n", 3, "--label", "Miscellaneous", "--to", tmp_path / "to")
    assert "class_accuracy" not in json.loads((tmp_path / "out" / "scores.json").read_text())["scores"]


# --- trouble, and the end of training ---------------------------------------------------------------------------------

LONG = {"steps": 250, "metrics_every": 50, "checkpoint_every": 25}
PLANTED = 110  # step from which the generator gives one image only


class Planted(Callback):
    """A collapse, on the first run of the training."""

    def step(self, trainer, losses):
        if trainer.step >= PLANTED and not trainer.restarts:
            with torch.no_grad():
                for weights in trainer.networks.generator.parameters():
                    weights.zero_()


@pytest.fixture
def collapsing(monkeypatch):
    real = training.callbacks_of
    monkeypatch.setattr(training, "callbacks_of", lambda *given: [Planted(), *real(*given)])


def test_a_collapse_is_reported_and_training_goes_on(database, tmp_path, collapsing):
    out = tmp_path / "out"
    options = sets(**LONG | {"leads": "i", "arrangement": "z"})
    said = done("run", "ptb-rgb-small-batch", database, out, *options)
    (step,) = re.findall(r"warning: step (\d+): two generated images differ by", said)
    assert PLANTED < int(step) <= 200
    assert "trained: 250 steps" in said
    assert f"collapse at step {step} of 250" in said  # what the recipe's section says of it
    assert f"step {step}: collapse" in (out / "report.html").read_text()


def test_a_collapse_can_stop_training(database, tmp_path, collapsing):
    out = tmp_path / "out"
    said = done("run", "ptb-quantile", database, out, *sets(**LONG, on_trouble="stop"))
    (step,) = re.findall(r"ended early: .*collapse.* at step (\d+)", said)
    assert f"trained: {step} steps" in said
    assert json.loads((out / "generated.json").read_text())["step"] == int(step) <= 200


def test_a_collapse_can_lead_back_to_the_last_healthy_checkpoint(database, tmp_path, collapsing):
    out = tmp_path / "out"
    said = done("run", "ptb-quantile", database, out, *sets(**LONG, on_trouble="rollback"))
    monitor = pd.read_csv(out / "monitor.csv")
    first = monitor[monitor["event"].notna()].iloc[0]
    back = monitor[monitor["restarts"] == 1]
    assert f"warning: step {first['step']}" in said
    assert back["step"].iloc[0] <= PLANTED + 25 < first["step"]  # from where it was healthy, with new batches
    assert back["ratio"].iloc[-1] > 0.1
    assert "trained: 250 steps" in said
    assert pd.read_csv(out / "metrics.csv")["step"].is_monotonic_increasing


def test_the_best_checkpoint_is_generated_from(database, tmp_path):
    out = tmp_path / "out"
    options = sets(steps=60, stop_score="1nnc", score_every=5, patience=3, checkpoint_every=20)
    said = done("run", "ptb-quantile", database, out, *options)
    scores = pd.read_csv(out / "best.csv")
    best = int(scores["step"][scores["score"].idxmin()])
    assert latest(out / "best").name == f"{best:06d}"
    assert json.loads((out / "generated.json").read_text())["step"] == best
    assert f", step {best}, " in wfdb.rdheader(str(out / "synthetic" / "synthetic000001")).comments[1]
    assert int(latest(out / "checkpoints").name) == scores["step"].max()
    if scores["step"].max() < 60:
        assert f"ended early: no score in 3 since step {best}" in said


def test_another_stopping_score_is_another_run(database, tmp_path):
    out = tmp_path / "out"
    done("run", "ptb-quantile", database, out, *sets(stop_score="1nnc", score_every=2))
    refused(anonimage("train", out, "--set", "stop_score=none", "--steps", 8), "prepared otherwise", "stop_score")


def test_scores_of_a_run_that_was_trained_longer_are_not_compared(database, tmp_path):
    out = tmp_path / "out"
    done("run", "ptb-transposed", database, out, *sets())
    assert "ptb-quantile</th>" in (out / "report.html").read_text()
    done("train", out, "--steps", 8)
    done("generate", out)
    said = done("evaluate", out)
    assert "not compared" in said
    assert "step 6, this run of step 8" in said


# --- resuming ---------------------------------------------------------------------------------------------------------


def test_a_run_is_resumed_without_its_options(finished, copy, database):
    (copy / "scores.json").unlink()
    done("run", "ptb-quantile", database, copy, "--resume")
    assert (copy / "recipe.toml").read_text() == (finished / "recipe.toml").read_text()
    assert (copy / "scores.json").read_text() == (finished / "scores.json").read_text()


def test_a_resumed_run_takes_new_steps_and_refuses_another_recipe(copy, database):
    done("run", "ptb-quantile", database, copy, "--resume", "--steps", 8)
    assert latest(copy / "checkpoints").name == "000008"
    refused(anonimage("run", "ptb-z", database, copy, "--resume"), "different run")


# --- standardizers and colours ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "tolerance"),
    [
        ({"standardizer": "equalize"}, 0.05),
        ({"arrangement": "rgb", "colours": "hsv"}, 0.1),
        ({"arrangement": "rgb", "colours": "lab"}, 0.1),
        ({"colours": "cmyk"}, 0.1),
    ],
)
def test_encode_and_decode(settings, tolerance, database, tmp_path):
    leads = "i" if "colours" not in settings else "i,ii,iii"
    settings = sets(**{"quantile_low": 0.0001, "quantile_high": 0.9999, **settings})
    done("encode", database, tmp_path / "images", *settings, "--leads", leads)
    done("decode", tmp_path / "images", tmp_path / "signals")
    table = pd.read_csv(tmp_path / "signals" / "samples.csv")
    errors = []
    for row in table.itertuples():
        decoded = wfdb.rdrecord(str(tmp_path / "signals" / row.record)).p_signal
        real = wfdb.rdrecord(str(database / row.source_record)).p_signal[row.start : row.start + 81]
        errors.append(np.abs(decoded - real[:, : decoded.shape[1]]).max())
    assert np.median(errors) < tolerance
