import numpy as np
import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan.sampling import classify, iter_images, realness, sample_images
from anonimage.gan.training.callbacks import Checkpoints
from anonimage.gan.training.checkpoint import latest, load, save
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def generator(small):
    return contrasted(small.architecture(shape=(2, 13, 8), latent_dim=20, widths=(8, 16)))


def contrasted(architecture):
    network = architecture.build().generator
    with torch.no_grad():  # contrast, so that a different latent is a different image
        for weight in network.parameters():
            weight.mul_(20 if architecture.family == "convolutional" else 1)
    labels = torch.arange(32) % architecture.classes if architecture.classes else None
    network(torch.randn(32, 20, generator=torch.Generator().manual_seed(0)), labels)  # statistics to normalize with
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


@pytest.fixture(scope="module", params=["convolutional", "connected"])
def conditional(request, small):
    return contrasted(small.architecture(request.param, (2, 13, 8), 20, 3, "projection", widths=(8, 16)))


@settings(max_examples=15, deadline=None)
@given(first=st.integers(0, 130), labels=st.lists(st.integers(0, 2), min_size=1, max_size=90))
def test_a_conditional_sample_depends_on_its_number_and_its_own_label_only(conditional, first, labels):
    asked = np.array(labels)
    images = sample_images(conditional, len(labels), seed=3, first=first, labels=asked)
    for k in {0, len(labels) // 2, len(labels) - 1}:
        alone = sample_images(conditional, 1, seed=3, first=first + k, labels=asked[k : k + 1])
        assert np.array_equal(alone[0], images[k])
    other = sample_images(conditional, len(labels), seed=3, first=first, labels=(asked + 1) % 3)
    assert (other != images).reshape(len(labels), -1).any(1).all()


def test_labels_that_a_generator_lacks_are_refused(generator, conditional):
    with pytest.raises(InputError, match="unconditional"):
        sample_images(generator, 2, seed=0, labels=np.array([0, 0]))
    for labels, message in (
        (None, "has no labels"),
        (np.array([0, 3]), "label 3; must be one of 0 … 2"),
        (np.array([0, -1]), "label -1"),
        (np.array([0]), r"must be integers \(2,\)"),
    ):
        with pytest.raises(InputError, match=message):
            sample_images(conditional, 2, seed=0, labels=labels)


@pytest.mark.parametrize("arguments", [{"n": -1, "seed": 0}, {"n": 1, "seed": 0, "first": -2}, {"n": 1, "seed": -1}])
def test_negative_numbers_are_refused(generator, arguments):
    with pytest.raises(InputError, match="negative"):
        sample_images(generator, **arguments)


# --- judgements of a critic -------------------------------------------------------------------------------------------


@torch.no_grad()
def taught(critic):
    """Plants three features, the sums of the columns in which the bars of a class lie, and the scores from them."""
    columns = torch.arange(64).reshape(8, 8)
    hidden = critic.layers[1]
    hidden.weight.zero_()
    for label in range(3):
        hidden.weight[label, columns[:, 3 * label : 3 * label + 2].flatten()] = 1.0
    (critic.classifier if critic.head == "auxiliary" else critic.embedding).weight.copy_(torch.eye(3))


@pytest.mark.parametrize("head", ["auxiliary", "projection"])
def test_a_critic_tells_classes_apart_before_and_after_a_checkpoint(tmp_path, small, head):
    made = small.architecture("connected", widths=(3,), activation="linear", classes=3, head=head)
    trainer = small.trainer([Checkpoints(tmp_path)], architecture=made)
    critic = trainer.networks.critics["critic"]
    taught(critic)
    save(trainer.snapshot(), tmp_path)
    images, labels = small.labelled(10**6, 90)
    scores = classify(critic, images)
    assert (scores.argmax(1) == labels).all()
    assert np.array_equal(scores, classify(load(latest(tmp_path)).trained_critic(), images))
    assert critic.training


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
