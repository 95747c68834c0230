import numpy as np
import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan import Generator, iter_images, sample_images


@pytest.fixture(scope="module")
def generator():
    network = Generator((2, 13, 8), 20, (8, 16))
    with torch.no_grad():  # contrast, so that a different latent is a different image
        for weight in network.parameters():
            weight.mul_(20)
    network(torch.randn(32, 20, generator=torch.Generator().manual_seed(0)))  # statistics for the normalization
    return network


def test_sample_k_is_the_same_however_many_are_asked_for(generator):
    many = sample_images(generator, 200, seed=3)
    assert many.shape == (200, 2, 13, 8)
    assert many.dtype == np.uint8
    for first, n in ((0, 1), (63, 2), (64, 1), (100, 64), (199, 1), (5, 0)):
        assert np.array_equal(sample_images(generator, n, seed=3, first=first), many[first : first + n])


def test_samples_and_seeds_differ(generator):
    images = sample_images(generator, 130, seed=3)
    assert len(np.unique(images.reshape(130, -1), axis=0)) == 130
    assert not np.array_equal(sample_images(generator, 130, seed=4)[64:], images[64:])


def test_the_parts_make_up_the_whole(generator):
    parts = list(iter_images(generator, 150, seed=1, first=30))
    assert max(map(len, parts)) <= 64
    assert np.array_equal(np.concatenate(parts), sample_images(generator, 150, seed=1, first=30))


def test_samples_are_drawn_in_eval_mode_and_the_mode_comes_back(generator):
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    generator.train()
    while_training = sample_images(generator, 3, seed=0)
    assert generator.training
    assert np.array_equal(sample_images(generator.eval(), 3, seed=0), while_training)
    assert not generator.training
    assert all(torch.equal(before[name], tensor) for name, tensor in generator.state_dict().items())


def test_memory_layout_and_autocast_do_not_show(generator):
    expected = sample_images(generator, 70, seed=9)
    generator.to(memory_format=torch.contiguous_format)
    with torch.autocast("cpu", torch.bfloat16):
        assert np.array_equal(sample_images(generator, 70, seed=9), expected)


@pytest.mark.parametrize("arguments", [{"n": -1, "seed": 0}, {"n": 1, "seed": 0, "first": -2}, {"n": 1, "seed": -1}])
def test_negative_numbers_are_refused(generator, arguments):
    with pytest.raises(InputError, match="negative"):
        sample_images(generator, **arguments)
