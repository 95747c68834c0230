import numpy as np
import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan import Checkpoints, classify, latest, load, realness


@pytest.mark.parametrize("name", ["auxiliary", "projection"])
def test_a_trained_critic_tells_classes_apart(tmp_path, small, name):
    trainer = small.trainer([Checkpoints(tmp_path)], architecture=small.ALL[name], learning_rate=1e-3)
    trainer.train(120)
    images, labels = small.labelled(10**6, 90)
    critic = load(latest(tmp_path)).trained_critic()
    scores = classify(critic, images)
    assert (scores.argmax(1) == labels).mean() > 0.9
    assert np.array_equal(scores, classify(trainer.networks.critics["critic"], images))
    assert trainer.networks.critics["critic"].training


@pytest.mark.parametrize("name", ["auxiliary", "projection"])
def test_scores_are_what_the_network_says_of_each_class(small, name):
    critic = small.ALL[name].build().critics["critic"].eval()
    images, _ = small.labelled(0)
    unit = torch.from_numpy(images) / 127.5 - 1
    with torch.no_grad():
        if name == "auxiliary":
            expected = critic(unit).classes
        else:
            expected = torch.stack([critic(unit, torch.full((12,), k)).source for k in range(3)], 1)
    for batch in (256, 5):
        assert np.allclose(classify(critic, images, batch), expected, atol=1e-6)


def test_what_cannot_be_classified_is_refused(small):
    with pytest.raises(InputError, match="knows no classes"):
        classify(small.PLAIN.build().critics["critic"], small.batches(0).images)
    critic = small.AUXILIARY.build().critics["critic"]
    with pytest.raises(InputError, match=r"images are float32 .*; must be uint8 \(N, 1, 8, 8\)"):
        classify(critic, np.zeros((2, 1, 8, 8), np.float32))
    assert classify(critic, np.zeros((0, 1, 8, 8), np.uint8)).shape == (0, 3)


@pytest.mark.parametrize("name", ["plain", "auxiliary", "projection"])
def test_realness_is_the_networks_own_logit(small, name):
    critic = small.ALL[name].build().critics["critic"].eval()
    images, labels = small.labelled(0)
    with torch.no_grad():
        expected = critic(torch.from_numpy(images) / 127.5 - 1, torch.from_numpy(labels)).source
    assert np.allclose(realness(critic, images, labels, batch=5), expected, atol=1e-6)


def test_realness_to_a_projection_needs_labels(small):
    with pytest.raises(InputError, match="give labels"):
        realness(small.PROJECTION.build().critics["critic"], small.labelled(0)[0])
