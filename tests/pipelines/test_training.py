"""Networks, objective and precision as a recipe chooses them, and training by the command with every objective."""

import os
import signal
import subprocess
import time

import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan.objectives import OBJECTIVES
from anonimage.gan.training.checkpoint import latest, load
from anonimage.gan.training.trainer import Trainer
from anonimage.pipelines import training
from anonimage.pipelines.recipe import load_recipe
from anonimage.pipelines.training import architecture_of, objective_of, total_steps, with_hardware
from tiny import anonimage, command, refused, sets

UNITS = [{"amx_bf16": True}, {"avx512_bf16": True}]


@pytest.fixture
def recipe():
    changes = {"widths": "4,8", "batch": 4, "device": "cpu", "precision": "auto"}
    return load_recipe("ptb-quantile").changed(changes)


@pytest.fixture
def clock(monkeypatch):
    """A clock that advances as if a step in bf16 took some share of the time of one in 32."""

    def set_share(bf16):
        now = [0.0]

        def train_step(trainer, batches):
            now[0] += {"32": 1.0, "bf16": bf16}[trainer.settings.precision]

        monkeypatch.setattr(Trainer, "train_step", train_step)
        monkeypatch.setattr(training.time, "perf_counter", lambda: now[0])

    return set_share


def with_units(monkeypatch, units):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: units, raising=False)


@pytest.mark.parametrize(("bf16", "expected"), [(0.5, "bf16"), (0.95, "32"), (1.7, "32")])
@pytest.mark.parametrize("units", UNITS)
def test_where_a_processor_has_units_for_bf16_the_faster_precision_is_measured(
    monkeypatch, recipe, clock, units, bf16, expected
):
    with_units(monkeypatch, units)
    clock(bf16)
    assert with_hardware(recipe).train.precision == expected
    assert with_hardware(recipe.changed({"precision": "bf16"})).train.precision == "bf16"  # what is chosen stays


@pytest.mark.parametrize("units", [{}, {"avx512_f": True, "amx_bf16": False}])
def test_without_such_units_nothing_is_measured(monkeypatch, recipe, units):
    with_units(monkeypatch, units)
    monkeypatch.setattr(Trainer, "train_step", None)
    assert with_hardware(recipe).train.precision == "32"


def test_several_processes_agree_without_measuring(monkeypatch, recipe):
    monkeypatch.setattr(Trainer, "train_step", None)
    for units, expected in zip(UNITS, ("bf16", "32"), strict=True):
        with_units(monkeypatch, units)
        assert with_hardware(recipe.changed({"devices": 2})).train.precision == expected


def test_the_measurement_takes_steps_of_the_network_itself(monkeypatch, recipe):
    with_units(monkeypatch, UNITS[0])
    widths = set()
    real = Trainer.train_step
    monkeypatch.setattr(
        Trainer, "train_step", lambda self, b: widths.add(self.architecture.settings.widths) or real(self, b)
    )
    assert with_hardware(recipe).train.precision in ("32", "bf16")
    assert widths == {(4, 8)}


def test_a_run_keeps_the_precision_that_was_chosen(monkeypatch, database, tmp_path, clock):
    out = tmp_path / "out"
    settings = [part for part in sets(precision="auto") if part]
    assert anonimage("prepare", "ptb-quantile", database, out, *settings).exit_code == 0
    with_units(monkeypatch, UNITS[1])
    monkeypatch.setattr(training, "_faster_precision", lambda recipe: "bf16")
    assert anonimage("train", out, "--steps", 2).exit_code == 0
    assert 'precision = "bf16"' in (out / "recipe.toml").read_text()
    monkeypatch.setattr(training, "_faster_precision", lambda recipe: "32")
    result = anonimage("train", out, "--steps", 4)
    assert (result.exit_code, "4 steps, precision bf16" in result.output) == (0, True)


# --- objectives -------------------------------------------------------------------------------------------------------


def test_the_objective_follows_the_head_unless_it_is_named(recipe):
    assert objective_of(recipe).name == "cross_entropy"
    assert objective_of(recipe.changed({"head": "auxiliary"})).name == "acgan"
    named = recipe.changed({"objective": "wasserstein", "gradient_penalty": 3, "critic_steps": 2})
    assert objective_of(named).state() == {"name": "wasserstein", "gradient_penalty": 3.0, "critic_steps": 2}


def test_every_objective_can_be_chosen(recipe):
    for name, kind in OBJECTIVES.items():
        head = sorted(kind.heads)[0]
        assert isinstance(objective_of(recipe.changed({"objective": name, "head": head})), kind)


def test_epochs_count_images_whatever_the_critic_steps(recipe):
    recipe = recipe.changed({"epochs": 10})
    assert total_steps(recipe, 43) == 100  # of whole batches
    assert total_steps(recipe.changed({"objective": "wasserstein"}), 40) == 20
    assert total_steps(recipe.changed({"objective": "wasserstein", "steps": 7}), 40) == 7


def test_an_option_of_another_family_is_refused(recipe):
    with pytest.raises(InputError, match="family 'convolutional' has no option activation"):
        architecture_of(recipe.changed({"activation": "linear"}), (1, 9, 9), 0)


@pytest.mark.parametrize(
    ("objective", "head"),
    [("hinge", "auxiliary"), ("wasserstein", "auxiliary"), ("acgan", "none"), ("acgan", "projection")],
)
def test_a_head_that_does_not_go_with_the_objective_is_refused_before_anything_is_read(
    database, tmp_path, objective, head
):
    out = tmp_path / "out"
    result = anonimage("run", "ptb-quantile", database, out, *sets(objective=objective, head=head))
    refused(result, f"objective '{objective}' does not go with head '{head}'", "objective auto")
    assert not out.exists()


@pytest.mark.parametrize("objective", ["hinge", "least_squares", "wasserstein"])
def test_killed_and_resumed_by_the_command_training_comes_to_the_same_end(database, tmp_path, objective):
    outs = {name: tmp_path / name for name in ("whole", "killed")}
    for out in outs.values():
        given = sets(objective=objective, checkpoint_every=5, metrics_every=1)
        assert anonimage("prepare", "ptb-quantile", database, out, *given).exit_code == 0
    process = subprocess.Popen(
        command("train", outs["killed"], "--steps", 10**6), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while latest(outs["killed"] / "checkpoints") is None:
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    steps = load(latest(outs["killed"] / "checkpoints")).step + 7
    for out in outs.values():
        result = anonimage("train", out, "--steps", steps)
        assert result.exit_code == 0, result.output
    snapshots = [load(latest(out / "checkpoints")) for out in outs.values()]
    assert [snapshot.step for snapshot in snapshots] == [steps, steps]
    assert snapshots[0].objective["name"] == objective
    for part in ("weights", "optimizer"):
        whole, killed = (getattr(snapshot, part) for snapshot in snapshots)
        assert whole.keys() == killed.keys()
        assert [name for name in whole if not torch.equal(whole[name], killed[name])] == []
    rows = [[line.split(",")[:3] for line in (out / "metrics.csv").read_text().splitlines()] for out in outs.values()]
    assert rows[0] == rows[1]


def test_another_objective_on_resume_is_refused(database, tmp_path):
    out = tmp_path / "out"
    assert anonimage("prepare", "ptb-quantile", database, out, *sets(objective="hinge")).exit_code == 0
    assert anonimage("train", out).exit_code == 0
    refused(anonimage("train", out, "--steps", 9, "--set", "objective=wasserstein"), "objective")
