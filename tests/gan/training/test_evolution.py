import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.gan.randomness import Stream
from anonimage.gan.sampling import sample_images
from anonimage.gan.training.callbacks import Checkpoints, Evolution
from anonimage.gan.training.checkpoint import latest, load


def test_the_same_images_as_training_goes_on(small):
    seen = {}
    trainer = small.trainer([Evolution([0, 3, 40, 99], seen.__setitem__, n=5)], learning_rate=4e-3)
    trainer.train(40)
    assert list(seen) == [0, 3, 40]
    now = sample_images(trainer.ema.network, 5, trainer.seed, stream=Stream.EVOLUTION)
    assert np.array_equal(seen[40], now)
    assert not np.array_equal(now, sample_images(trainer.ema.network, 5, trainer.seed))  # latents of their own
    moved = [np.abs(seen[step].astype(int) - seen[40]).mean() for step in (0, 3)]
    assert moved[0] > moved[1] > 0


def test_labels_are_what_it_shows_and_training_is_left_alone(small):
    seen = {}
    labels = np.array([2, 0, 1, 1])
    trainer = small.trainer([Evolution([5], seen.__setitem__, 4, labels)], architecture=small.PROJECTION)
    trainer.train(6)
    alone = small.trainer(architecture=small.PROJECTION)
    alone.train(6)
    assert small.weights(trainer) == small.weights(alone)
    with pytest.raises(InputError, match="the evolution of 4 images has no labels"):
        small.trainer([Evolution([5], print, 4)], architecture=small.PROJECTION).train(1)


def test_a_resumed_run_shows_only_what_comes(tmp_path, small):
    seen = []
    for until in (4, 9):
        saving = Checkpoints(tmp_path)
        trainer = small.trainer([Evolution([0, 4, 8], lambda step, images: seen.append(step), 4), saving])
        if latest(tmp_path):
            trainer.resume(lambda: load(latest(tmp_path)))
        trainer.train(until)
    assert seen == [0, 4, 8]
