"""Planted failures are reported, healthy training is left alone, and a rollback is as exact as a resumption."""

import math
import shutil
from collections import namedtuple

import numpy as np
import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan.batch import Batch
from anonimage.gan.objectives.cross_entropy import CrossEntropy
from anonimage.gan.training.callbacks import Checkpoints, Metrics
from anonimage.gan.training.checkpoint import latest, load
from anonimage.gan.training.monitor import Monitor
from anonimage.gan.training.trainer import Callback, TrainingError

LR = 2e-3
Event = namedtuple("Event", ("step", "kind", "evidence"))


def table(path):
    header, *lines = path.read_text().splitlines()
    return [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]


class From(Callback):
    """Does something to the trainer after every step from one on, until training was rolled back so often."""

    def __init__(self, step, do, restarts=1):
        self.at, self.do, self.restarts = step, do, restarts

    def step(self, trainer, losses):
        if trainer.step >= self.at and trainer.restarts < self.restarts:
            self.do(trainer)


@torch.no_grad()
def collapse(trainer):
    """The same image whatever the latent vector: a striped one, so that it is not grey."""
    final = trainer.networks.generator.layers[-1]
    final.weight.zero_()
    final.bias.fill_(0.5)


@torch.no_grad()
def forget_classes(trainer):
    trainer.networks.generator.layers[0].linear.weight[:, trainer.architecture.latent_dim :] = 0


class Won(CrossEntropy):
    """A critic at its lower bound that leaves the generator no gradient, from one step on."""

    at = 210

    def critic_losses(self, step):
        self.steps.append(1)
        losses = super().critic_losses(step)
        return {"critic": losses["critic"] * 0 + self.floor} if len(self.steps) > self.at else losses

    def generator_loss(self, step):
        loss = super().generator_loss(step)
        return loss * 0 + 4.0 + 0.01 * len(self.steps) if len(self.steps) > self.at else loss


def watched(small, tmp_path, *before, action="go_on", every=25, architecture=None, **settings):
    found = []
    monitor = Monitor(
        tmp_path / "monitor.csv", action, lambda *event: found.append(Event(*event)), every, tmp_path / "checkpoints"
    )
    settings = {"architecture": architecture or small.PLAIN, "learning_rate": LR} | settings
    return small.trainer([*before, monitor], **settings), found


@pytest.mark.parametrize(
    ("name", "learning_rate"),
    [("plain", 2e-4), ("plain", 4e-3), ("auxiliary", 2e-3), ("projection", 2e-4), ("connected", 2e-4)],
)
def test_healthy_training_is_not_flagged(tmp_path, small, name, learning_rate):
    trainer, found = watched(small, tmp_path, architecture=small.ALL[name], learning_rate=learning_rate)
    trainer.train(225)
    assert found == []
    rows = table(tmp_path / "monitor.csv")
    assert [int(row["step"]) for row in rows] == list(range(25, 226, 25))
    assert {row["event"] for row in rows} == {""}
    assert all((row["between_classes"] != "") == (name in ("auxiliary", "projection")) for row in rows)
    assert all((row["largest_class"] != "") == (name == "auxiliary") for row in rows)


@pytest.mark.parametrize("at", [1, 110])
def test_a_collapse_is_flagged_once_within_200_steps(tmp_path, small, at):
    trainer, found = watched(small, tmp_path, From(at, collapse))
    trainer.train(at + 125 if at > 100 else at + 200)
    collapses = [event for event in found if event.kind == "collapse"]
    assert len(collapses) == 1
    assert at < collapses[0].step <= at + 200
    assert "two generated images differ by 0 grey levels on average, two real ones by 2" in collapses[0].evidence
    assert "\n" not in collapses[0].evidence


def test_an_event_that_ended_and_came_again_is_told_again(tmp_path, small):
    """Collapsed from step 15 to 50 and from 100 on, with a check every 5 steps."""

    class Twice(Callback):
        def step(self, trainer, losses):
            if trainer.step == 15:
                self.before = {k: v.clone() for k, v in trainer.networks.generator.state_dict().items()}
            if 15 <= trainer.step < 50 or trainer.step >= 100:
                collapse(trainer)
            if trainer.step == 50:
                trainer.networks.generator.load_state_dict(self.before)

    trainer, found = watched(small, tmp_path, Twice(), every=5)
    trainer.train(130)
    assert [event.step for event in found if event.kind == "collapse"] == [35, 115]  # the first three are excused


def test_a_grey_start_is_not_a_collapse(tmp_path, small):
    trainer, found = watched(small, tmp_path, From(1, collapse), every=10)
    trainer.train(60)
    assert found == []  # the first three checks are excused, and four in a row are one


def test_data_without_variety_is_not_a_collapse(tmp_path, small):
    grey = np.full((16, *small.SHAPE), 190, np.uint8)
    trainer, found = watched(small, tmp_path, every=10, source=lambda step: Batch(grey))
    trainer.train(80)
    assert [event.kind for event in found] in ([], ["discriminator_won"])


@pytest.mark.parametrize("name", ["auxiliary", "projection"])
def test_a_generator_that_forgets_the_classes_is_flagged(tmp_path, small, name):
    trainer, found = watched(small, tmp_path, From(45, forget_classes), every=20, architecture=small.ALL[name])
    trainer.train(140)
    assert [(event.kind, event.step) for event in found] == [("one_class", 120)]
    assert "the classes look the same: another class changes a generated image by 0 of" in found[0].evidence


def test_a_generator_without_gradient_has_lost(tmp_path, small):
    trainer, found = watched(small, tmp_path)
    trainer.objective = Won()
    object.__setattr__(trainer.objective, "steps", [])
    trainer.train(325)
    assert [(event.step, event.kind) for event in found] == [(300, "discriminator_won")]
    assert "stays within 0.02 of its lower bound in 4 checks; the generator's gradient is 0" in found[0].evidence


def test_a_loss_that_never_moves_is_stuck(tmp_path, small):
    class Flat(CrossEntropy):
        def generator_loss(self, step):
            return 0 * super().generator_loss(step) + 0.6931

    trainer, found = watched(small, tmp_path, every=10)
    trainer.objective = Flat()
    trainer.train(100)
    assert [(event.kind, event.step) for event in found if event.kind == "stuck"] == [("stuck", 80)]


def test_watching_changes_nothing(tmp_path, small):
    for name in ("plain", "auxiliary"):
        trainer, _ = watched(small, tmp_path / name, every=2, architecture=small.ALL[name])
        trainer.train(20)
        alone = small.trainer(architecture=small.ALL[name], learning_rate=LR)
        alone.train(20)
        assert small.weights(trainer) == small.weights(alone)


def test_stop_ends_in_order_and_a_resumed_run_stays_where_it_is(tmp_path, small):
    def run():
        saving = Checkpoints(tmp_path / "checkpoints", every=1000)
        trainer, found = watched(small, tmp_path, From(15, collapse), saving, action="stop", every=5)
        if latest(tmp_path / "checkpoints"):
            trainer.resume(lambda: load(latest(tmp_path / "checkpoints")))
        trainer.train(150)
        return trainer, found

    trainer, found = run()
    assert trainer.step == found[0].step == 35
    assert trainer.finished.startswith("collapse at step 35: two generated images differ by 0 grey levels")
    assert latest(tmp_path / "checkpoints").name == "000035"
    again, found = run()
    assert (again.step, again.finished, found) == (35, trainer.finished, [])


UNTIL = 60  # steps of the runs that are rolled back: a check every 4, a checkpoint every 8, failing from 26 on


def rolling(small, folder, *after, do=collapse, restarts=1):
    """A run that is rolled back when it fails, or goes on from where it was killed."""
    saving = [Metrics(folder / "metrics.csv", every=2), Checkpoints(folder / "checkpoints", every=8, keep=9)]
    trainer, found = watched(small, folder, From(26, do, restarts), *saving, action="rollback", every=4)
    trainer.callbacks = [*trainer.callbacks, *after]
    if latest(folder / "checkpoints"):
        trainer.resume(lambda: load(latest(folder / "checkpoints")))
    trainer.train(UNTIL)
    return trainer, found


@pytest.fixture(scope="module")
def whole(small, tmp_path_factory):
    """A run that failed once and was never killed: its folder, trainer and events."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, *rolling(small, folder)


def test_rollback_goes_on_from_before_the_first_sign(small, whole):
    folder, trainer, found = whole
    assert [(event.step, event.kind) for event in found] == [(40, "collapse")]
    assert (trainer.step, trainer.restarts, trainer.finished) == (UNTIL, 1, None)
    rows = [(int(row["step"]), int(row["restarts"])) for row in table(folder / "monitor.csv")]
    # 28 is the first check with a sign, 24 the last healthy one and has a checkpoint
    assert rows == [*((step, 0) for step in range(4, 41, 4)), *((step, 1) for step in range(28, UNTIL + 1, 4))]
    assert [int(step) for step, _, _ in small.rows(folder / "metrics.csv")] == list(range(2, UNTIL + 1, 2))
    assert load(latest(folder / "checkpoints")).restarts == 1


@pytest.mark.parametrize("killed_at", [25, 39, 40, 41, 44, 50])
def test_a_run_that_was_rolled_back_resumes_exactly(tmp_path, small, whole, killed_at):
    """Killed at any moment before, at, and after the rollback."""

    class KilledError(Exception):
        pass

    class Kill(Callback):
        def __init__(self):
            self.steps = 0

        def step(self, trainer, losses):
            self.steps += 1
            if self.steps == killed_at:
                raise KilledError

    folder, never_killed, _ = whole
    with pytest.raises(KilledError):
        rolling(small, tmp_path, Kill())
    resumed, _ = rolling(small, tmp_path)
    assert small.weights(resumed) == small.weights(never_killed)
    assert resumed.restarts == never_killed.restarts
    assert (tmp_path / "monitor.csv").read_text() == (folder / "monitor.csv").read_text()
    assert small.rows(tmp_path / "metrics.csv") == small.rows(folder / "metrics.csv")


def test_after_three_times_it_stops(tmp_path, small):
    trainer, found = rolling(small, tmp_path, restarts=9)
    assert [event.kind for event in found] == ["collapse"] * 4
    assert (trainer.step, trainer.restarts) == (40, 3)
    assert trainer.finished.startswith("collapse at step 40")


@torch.no_grad()
def explode(trainer):
    trainer.networks.generator.layers[1].weight.fill_(math.nan)


def test_losses_that_are_no_numbers_go_back_too(tmp_path, small):
    trainer, found = rolling(small, tmp_path, do=explode)
    assert [event.kind for event in found] == ["not_finite"]
    assert "training has diverged" in found[0].evidence
    assert (trainer.step, trainer.restarts) == (UNTIL, 1)
    assert "not_finite" in [row["event"] for row in table(tmp_path / "monitor.csv")]
    with pytest.raises(TrainingError):
        rolling(small, tmp_path / "again", do=explode, restarts=9)


@pytest.mark.parametrize("action", ["go_on", "stop"])
def test_losses_that_are_no_numbers_end_training_otherwise(tmp_path, small, action):
    trainer, found = watched(small, tmp_path, From(33, explode), action=action)
    with pytest.raises(TrainingError, match="diverged"):
        trainer.train(100)
    assert [event.kind for event in found] == ["not_finite"]


def test_no_healthy_checkpoint_left_is_said(tmp_path, small):
    class Lose(Callback):
        def step(self, trainer, losses):
            if trainer.step == 36:
                for name in ("000000", "000008", "000016", "000024"):
                    shutil.rmtree(tmp_path / "checkpoints" / name)

    with pytest.raises(InputError, match="no checkpoint is left from step 24 or before"):
        rolling(small, tmp_path, Lose())


def test_rollback_without_checkpoints_is_refused(tmp_path):
    with pytest.raises(InputError, match="needs checkpoints"):
        Monitor(tmp_path / "monitor.csv", "rollback", print)
