import numpy as np
import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan import Checkpoints, classify, latest, load, new_discriminator, realness


@pytest.mark.parametrize("name", ["auxiliary", "projection"])
def test_a_trained_discriminator_tells_the_classes(tmp_path, small, name):
    trainer = small.trainer([Checkpoints(tmp_path)], architecture=small.ALL[name], learning_rate=1e-3)
    trainer.train(120)
    images, labels = small.labelled(10**6, 90)
    discriminator = load(latest(tmp_path)).trained_discriminator()
    scores = classify(discriminator, images)
    assert (scores.argmax(1) == labels).mean() > 0.9
    assert np.array_equal(scores, classify(trainer.discriminator, images))
    assert trainer.discriminator.training


@pytest.mark.parametrize("name", ["auxiliary", "projection"])
def test_scores_are_what_the_network_says_of_each_class(small, name):
    discriminator = new_discriminator(small.ALL[name]).eval()
    images, _ = small.labelled(0)
    unit = torch.from_numpy(images) / 127.5 - 1
    with torch.no_grad():
        if name == "auxiliary":
            expected = discriminator(unit).classes
        else:
            expected = torch.stack([discriminator(unit, torch.full((12,), k)) for k in range(3)], 1)
    for batch in (256, 5):
        assert np.allclose(classify(discriminator, images, batch), expected, atol=1e-6)


def test_what_cannot_be_classified_is_refused(small):
    with pytest.raises(InputError, match="tells no classes"):
        classify(new_discriminator(small.PLAIN), small.batches(0).images)
    discriminator = new_discriminator(small.AUXILIARY)
    with pytest.raises(InputError, match=r"images are float32 .*; must be uint8 \(N, 1, 8, 8\)"):
        classify(discriminator, np.zeros((2, 1, 8, 8), np.float32))
    assert classify(discriminator, np.zeros((0, 1, 8, 8), np.uint8)).shape == (0, 3)


@pytest.mark.parametrize("name", ["plain", "auxiliary", "projection"])
def test_realness_is_the_networks_own_logit(small, name):
    discriminator = new_discriminator(small.PLAIN if name == "plain" else small.ALL[name]).eval()
    images, labels = small.labelled(0)
    with torch.no_grad():
        said = discriminator(torch.from_numpy(images) / 127.5 - 1, torch.from_numpy(labels))
    expected = said.source if name == "auxiliary" else said
    assert np.allclose(realness(discriminator, images, labels, batch=5), expected, atol=1e-6)


def test_realness_to_a_projection_needs_labels(small):
    with pytest.raises(InputError, match="give labels"):
        realness(new_discriminator(small.ALL["projection"]), small.labelled(0)[0])
