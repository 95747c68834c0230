from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan.batch import Batch
from anonimage.gan.objectives.cross_entropy import CrossEntropy
from anonimage.gan.sampling import sample_images
from anonimage.gan.training.trainer import Callback, Trainer, TrainerSettings, TrainingError


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_the_same_seeds_give_the_same_bits(small, threads, precision):
    torch.set_num_threads(threads)

    def run(seed):
        trainer = Trainer(
            small.architecture(shape=(1, 45, 45), latent_dim=10, widths=(8, 16, 32)),
            CrossEntropy(),
            lambda step: Batch(np.random.default_rng(step).integers(0, 256, (32, 1, 45, 45), np.uint8)),
            TrainerSettings(seed=seed, device="cpu", precision=precision),
        )
        trainer.train(4)
        return small.weights(trainer)

    first = run(3)
    torch.manual_seed(99)  # the global generator has no part in it
    assert run(3) == first
    assert run(4) != first


def test_one_step_is_what_the_textbook_says(small):
    """The step written out: plain losses, plain Adam, contiguous memory, gradients to everything."""
    trainer = small.trainer()
    networks = small.PLAIN.build()
    critic, generator = networks.critics["critic"], networks.generator
    adam_c = torch.optim.Adam(critic.parameters(), 2e-4, (0.5, 0.999), foreach=False)
    adam_g = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999), foreach=False)
    for step in range(3):
        real = torch.from_numpy(small.batches(step).images) / 127.5 - 1
        key = np.random.SeedSequence((0, 2, step))
        latent = torch.from_numpy(np.random.default_rng(key).standard_normal((8, small.LATENT_DIM), np.float32))
        fake = generator(latent)
        probability = torch.sigmoid(critic(real).source)
        critic_loss = -(0.9 * probability.log() + 0.1 * (1 - probability).log()).mean()
        critic_loss = critic_loss - (1 - torch.sigmoid(critic(fake.detach()).source)).log().mean()
        adam_c.zero_grad()
        critic_loss.backward()
        adam_c.step()
        generator_loss = -torch.sigmoid(critic(fake).source).log().mean()
        adam_g.zero_grad()
        generator_loss.backward()
        adam_g.step()
    seen = []

    class See(Callback):
        def step(self, trainer, losses):
            seen.append([losses["critic"].item(), losses["generator"].item()])

    trainer.callbacks = [See()]
    trainer.train(3)
    assert seen[-1] == pytest.approx([critic_loss.item(), generator_loss.item()], rel=1e-4)
    for trained, plain in ((trainer.networks.generator, generator), (trainer.networks.critics["critic"], critic)):
        for (name, weight), expected in zip(trained.named_parameters(), plain.parameters(), strict=True):
            assert torch.allclose(weight, expected, atol=1e-5), name


def test_the_critic_is_left_alone_by_the_generator_step(small):
    class Spy(CrossEntropy):
        def generator_loss(self, step):
            assert not any(weight.requires_grad for weight in step.networks.critics["critic"].parameters())
            return super().generator_loss(step)

    trainer = small.trainer()
    trainer.objective = Spy()
    trainer.train(2)
    assert all(weight.requires_grad for weight in trainer.networks.critics["critic"].parameters())


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_it_learns_the_grey_of_grey_images(small, precision):
    grey = np.full((16, *small.SHAPE), 190, np.uint8)
    trainer = small.trainer(source=lambda step: Batch(grey), learning_rate=4e-3, ema_decay=0.95, precision=precision)
    before = sample_images(trainer.ema.network, 64, seed=0).mean()
    trainer.train(150)
    after = sample_images(trainer.ema.network, 64, seed=0).mean()
    assert abs(before - 190) > 40
    assert abs(after - 190) < 20


def test_samples_come_from_the_average_of_what_was_trained(small):
    trainer = small.trainer()
    trainer.train(1)
    # the first decay is 1/10: a tenth of the initial weights is left
    initial = small.PLAIN.build().generator.layers[0].linear.weight
    expected = 0.1 * initial + 0.9 * trainer.networks.generator.layers[0].linear.weight
    assert torch.allclose(trainer.ema.network.layers[0].linear.weight, expected, atol=1e-7)


class Explosive(CrossEntropy):
    factors: ClassVar[list[float]]

    def critic_losses(self, step):
        return {name: loss * self.factors.pop() for name, loss in super().critic_losses(step).items()}


@pytest.mark.parametrize("at", [1, 5, 20])
def test_losses_that_are_not_finite_stop_it_and_name_the_step(small, at):
    trainer = small.trainer()
    trainer.objective = Explosive()
    Explosive.factors = [*[1.0] * 40, float("nan"), *[1.0] * (at - 1)]
    with pytest.raises(TrainingError, match=rf"in step {at} the losses are critic nan, generator "):
        trainer.train(40)
    assert trainer.step <= at + 16


@pytest.mark.parametrize(
    "batch",
    [np.zeros((4, 1, 8, 8), np.float32), np.zeros((4, 1, 9, 8), np.uint8), np.zeros((0, 1, 8, 8), np.uint8)],
)
def test_a_batch_that_does_not_fit_is_refused(small, batch):
    with pytest.raises(InputError, match=r"batch 0 is .*; must be uint8 \(B, 1, 8, 8\)"):
        small.trainer(source=lambda step: Batch(batch)).train(1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "batch 0 has no labels, but these networks have 3 classes"),
        (np.arange(4), "has label 3; must be one of 0 … 2"),
        (np.array([0, -1, 1, 2]), "has label -1"),
        (np.zeros(3, np.int64), r"has labels int64 \(3,\); must be integers \(4,\)"),
        (np.zeros(4), "has labels float64"),
    ],
)
def test_labels_that_do_not_fit_are_refused(small, labels, message):
    images = np.zeros((4, 1, 8, 8), np.uint8)
    with pytest.raises(InputError, match=message):
        small.trainer(source=lambda step: Batch(images, labels), architecture=small.PROJECTION).train(1)


def test_labels_for_unconditional_networks_and_bare_arrays_are_refused(small):
    with pytest.raises(InputError, match="unconditional; leave the labels out"):
        small.trainer(source=small.labelled).train(1)
    with pytest.raises(InputError, match="batch 0 is of type ndarray; must be a Batch"):
        small.trainer(source=lambda step: small.batches(step).images).train(1)


@pytest.mark.parametrize("name", ["auxiliary", "projection"])
def test_it_learns_which_class_is_which(small, name):
    """Images of three greys, one for each class: asked for a class, the generator gives its grey."""
    greys = np.array([40, 130, 220], np.uint8)

    def source(step):
        labels = np.arange(12) % 3
        return Batch(np.broadcast_to(greys[labels][:, None, None, None], (12, *small.SHAPE)), labels)

    trainer = small.trainer(source=source, learning_rate=4e-3, ema_decay=0.95, architecture=small.ALL[name])
    trainer.train(250)
    means = [sample_images(trainer.ema.network, 32, 0, labels=np.full(32, k)).mean() for k in range(3)]
    assert np.abs(np.array(means)[:, None] - greys).argmin(1).tolist() == [0, 1, 2]


class FinishAt(Callback):
    def __init__(self, step):
        self.at, self.stopped = step, []

    def step(self, trainer, losses):
        if trainer.step == self.at:
            trainer.finish("enough")
            trainer.finish("more than enough")

    def stop(self, trainer):
        self.stopped.append(trainer.step)


def test_a_callback_can_finish_training_in_order(small):
    callback = FinishAt(3)
    trainer = small.trainer([callback])
    trainer.train(10)
    assert (trainer.step, trainer.finished, callback.stopped) == (3, "enough", [3])
    trainer.train(5)
    assert (trainer.step, trainer.finished, callback.stopped) == (5, None, [3, 5])


def test_a_rollback_revokes_the_end_that_was_decided_at_the_same_step(small):
    class Both(Callback):
        """As Stopping and Monitor do when their steps coincide."""

        def start(self, trainer):
            if not trainer.restarts:
                self.state = trainer.snapshot()

        def step(self, trainer, losses):
            if trainer.step == 4 and not trainer.restarts:
                trainer.finish("no better score")
                trainer.roll_back(lambda: self.state)

    trainer = small.trainer([Both()])
    trainer.train(6)
    assert (trainer.step, trainer.restarts, trainer.finished) == (6, 1, None)


def test_a_rollback_takes_other_batches_and_latents(small):
    asked = []

    def source(step):
        asked.append(step)
        return small.batches(step % 7)

    class Back(Callback):
        def start(self, trainer):
            if trainer.restarts == 0:
                self.state = trainer.snapshot()
                self.weights = {name: tensor.clone() for name, tensor in self.state.weights.items()}

        def step(self, trainer, losses):
            if trainer.step == 3 and trainer.restarts == 0:
                trainer.roll_back(lambda: replace(self.state, weights=self.weights, optimizer={}))

    trainer = small.trainer([Back()], source)
    trainer.train(4)
    assert (trainer.step, trainer.restarts) == (4, 1)
    assert sorted(set(asked)) == [0, 1, 2, 3, *range(10**9, 10**9 + 4)]
    straight = small.trainer(source=source)
    straight.restarts = 1
    straight.train(4)
    assert small.weights(straight) == small.weights(trainer)
    plain = small.trainer(source=source)
    plain.train(4)
    assert small.weights(plain) != small.weights(trainer)


def test_a_negative_seed_is_refused(small):
    with pytest.raises(InputError, match="seed -1 is negative"):
        Trainer(small.PLAIN, CrossEntropy(), small.batches, TrainerSettings(device="cpu", seed=-1))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_gpu_where_there_is_none_is_refused(small):
    with pytest.raises(InputError, match="no CUDA device"):
        Trainer(small.PLAIN, CrossEntropy(), small.batches, TrainerSettings(device="cuda"))


def test_nothing_is_said_on_the_terminal(small, capfd, recwarn):
    small.trainer(precision="bf16").train(2)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert not recwarn.list


def test_callbacks_hear_every_event_in_order(small):
    heard = []

    class Listener(Callback):
        def __init__(self, name):
            self.name = name

        def start(self, trainer):
            heard.append((self.name, "start", trainer.step))

        def step(self, trainer, losses):
            heard.append((self.name, "step", trainer.step))

        def stop(self, trainer):
            heard.append((self.name, "stop", trainer.step))

    small.trainer([Listener("a"), Listener("b")]).train(2)
    events = [("start", 0), ("step", 1), ("step", 2), ("stop", 2)]
    assert heard == [(name, *event) for event in events for name in ("a", "b")]
