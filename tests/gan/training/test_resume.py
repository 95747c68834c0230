"""Training that was killed and resumed leaves the same bytes as training that was not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from anonimage.errors import InputError
from anonimage.gan.objectives import OBJECTIVES
from anonimage.gan.objectives.cross_entropy import CrossEntropy
from anonimage.gan.training.callbacks import Checkpoints, Metrics
from anonimage.gan.training.checkpoint import latest, load
from anonimage.gan.training.trainer import TrainingError


@pytest.mark.parametrize(
    ("kills", "precision", "objective"),
    [(20, "32", "cross_entropy"), (5, "bf16", "cross_entropy"), (5, "32", "wasserstein")],
)
def test_killed_at_random_moments_training_loses_nothing(tmp_path, small, kills, precision, objective):
    script = Path(__file__).with_name("killing.py")
    command = [sys.executable, script, tmp_path, kills, "1", precision, objective]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    until = int(done.stdout)
    assert until > kills / 2  # lives long enough to get somewhere
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for name in ("weights.safetensors", "optimizer.safetensors"):
        once, again = (folder / "checkpoints" / f"{until:06d}" / name for folder in (whole, killed))
        assert again.read_bytes() == once.read_bytes()
    rows = small.rows(killed / "metrics.csv")
    assert rows == small.rows(whole / "metrics.csv")
    assert [int(step) for step, _, _ in rows] == list(range(2, until + 1, 2))
    assert not list((killed / "checkpoints").glob(".*"))  # what a kill left half-written is gone


@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize("name", ["plain", "auxiliary", "projection", "connected"])
def test_a_resumed_run_repeats_the_uninterrupted_one(tmp_path, small, precision, name):
    settings = {"precision": precision, "architecture": small.ALL[name]}
    whole = small.trainer(**settings)
    whole.train(13)
    first = small.trainer([Checkpoints(tmp_path, every=5)], **settings)
    first.train(5)
    resumed = small.trainer([Checkpoints(tmp_path, every=5)], **settings)
    resumed.resume(lambda: load(latest(tmp_path)))
    assert resumed.step == 5
    resumed.train(9)
    resumed.train(13)
    assert small.weights(resumed) == small.weights(whole)


def test_other_settings_or_networks_are_refused(tmp_path, small):
    small.trainer([Checkpoints(tmp_path)]).train(1)
    for trainer, what in (
        (small.trainer(seed=1), "seed = 0, this run has 1"),
        (small.trainer(learning_rate=1e-3), "learning_rate"),
        (small.trainer(betas=(0.9, 0.999)), "betas"),
        (small.trainer(architecture=small.PROJECTION), "networks (classes|head)"),
        (small.trainer(objective=OBJECTIVES["cross_entropy"](0.6)), "objective real_label = 0.9, this run has 0.6"),
        (small.trainer(objective="hinge"), "objective name = cross_entropy, this run has hinge"),
        (small.trainer(architecture=small.CONNECTED), "networks (family|widths|activation)"),
    ):
        with pytest.raises(InputError, match=what):
            trainer.resume(lambda: load(latest(tmp_path)))
    small.trainer(precision="bf16").resume(lambda: load(latest(tmp_path)))  # another device or precision may go on


def test_a_fresh_run_does_not_mix_with_an_earlier_one(tmp_path, small):
    small.trainer([Checkpoints(tmp_path)]).train(2)
    with pytest.raises(InputError, match="000002: is ahead of this run"):
        small.trainer([Checkpoints(tmp_path)]).train(1)


class Interrupt(CrossEntropy):
    """Presses Ctrl-C within the objective, in the middle of a step."""

    def critic_losses(self, step):
        self.presses.pop()()
        return super().critic_losses(step)


def test_ctrl_c_completes_the_step_and_leaves_a_checkpoint(tmp_path, small):
    def press():
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    stopped = small.trainer([Metrics(tmp_path / "metrics.csv", every=1), Checkpoints(tmp_path / "c", every=100)])
    stopped.objective = Interrupt()
    object.__setattr__(stopped.objective, "presses", [press, *[lambda: None] * 3])
    with pytest.raises(KeyboardInterrupt):
        stopped.train(50)
    assert stopped.step == 4
    assert signal.getsignal(signal.SIGINT) is before
    resumed = small.trainer([Metrics(tmp_path / "metrics.csv", every=1), Checkpoints(tmp_path / "c", every=100)])
    resumed.resume(lambda: load(latest(tmp_path / "c")))
    assert resumed.step == 4
    resumed.train(6)
    whole = small.trainer()
    whole.train(6)
    assert small.weights(resumed) == small.weights(whole)
    assert [int(step) for step, _, _ in small.rows(tmp_path / "metrics.csv")] == [1, 2, 3, 4, 5, 6]


def test_an_error_in_training_leaves_the_checkpoint_before_it(tmp_path, small):
    def broken(step):
        if step == 7:
            raise InputError("store/signals: cut; prepare it again")
        return small.batches(step)

    with pytest.raises(InputError, match="store/signals: cut"):
        small.trainer([Checkpoints(tmp_path, every=3)], broken).train(20)
    assert latest(tmp_path).name == "000006"


def test_no_checkpoint_is_made_of_weights_that_are_not_finite(tmp_path, small):
    trainer = small.trainer([Checkpoints(tmp_path, every=1)])
    trainer.train(1)
    trainer.networks.generator.layers[1].weight.data[0] = float("inf")
    with pytest.raises(TrainingError, match="step 2"):
        trainer.train(5)
    assert latest(tmp_path).name == "000001"
