import json

import numpy as np
import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan.networks import FAMILIES, Architecture
from anonimage.gan.networks.dcgan import schedule
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

CONDITIONAL = [(family, head) for family in ("convolutional", "connected") for head in ("auxiliary", "projection")]


def architecture(shape, latent_dim=4, widths=(4, 8), family="convolutional", classes=0, head="none", **options):
    settings = FAMILIES[family].Settings(widths=widths, **options)
    return Architecture(family, shape, latent_dim, classes, head, settings)


def generator_of(made, seed=0):
    return made.build(seed).generator


def critic_of(made, seed=0):
    return made.build(seed).critics["critic"]


def maps(network: nn.Module, kind: type) -> list[tuple[int, int]]:
    return [(layer.in_channels, layer.out_channels) for layer in network.modules() if isinstance(layer, kind)]


def test_the_paper_network_at_45():
    stages = schedule((45, 45), (64, 128, 256))
    assert [stage.outer[0] for stage in stages] + [stages[-1].inner[0]] == [45, 22, 11, 5]
    assert [(stage.maps, *(sizes[0] for sizes in stage.geometry)) for stage in stages] == [
        (64, 3, 2, 0),
        (128, 4, 2, 1),
        (256, 3, 2, 0),
    ]
    paper = Architecture("convolutional", (3, 45, 45))
    assert maps(generator_of(paper), nn.ConvTranspose2d) == [(256, 128), (128, 64), (64, 3)]
    assert maps(critic_of(paper), nn.Conv2d) == [(3, 64), (64, 128), (128, 256)]


def test_as_many_weights_as_the_plain_networks_at_45():
    # by hand: 100→256·5·5, 256→128·3·3, 128→64·4·4, 64→1·3·3 (+1), and scale and shift for each normalized map
    expected = 100 * 6400 + 256 * 128 * 9 + 128 * 64 * 16 + 64 * 9 + 1 + 2 * (256 + 128 + 64)
    generator = generator_of(Architecture("convolutional", (1, 45, 45)))
    assert sum(weight.numel() for weight in generator.parameters()) == expected


def test_the_paper_connected_network_is_linear_with_one_hidden_layer():
    paper = architecture((1, 7, 7), 5, (64,), "connected", activation="linear")
    generator, critic = generator_of(paper), critic_of(paper)
    assert sum(weight.numel() for weight in generator.parameters()) == (5 + 1) * 64 + (64 + 1) * 49
    assert sum(weight.numel() for weight in critic.parameters()) == (49 + 1) * 64 + (64 + 1)
    first, second = torch.randn(2, 3, 5)
    zero = generator.layers(torch.zeros(3, 5))
    sums = generator.layers(first) + generator.layers(second) - zero
    assert torch.allclose(generator.layers(first + second), sums, atol=1e-5)  # linear but for the final tanh
    assert torch.allclose(generator(first), torch.tanh(generator.layers(first)))
    bent = generator_of(architecture((1, 7, 7), 5, (64,), "connected"))
    sums = bent.layers(first) + bent.layers(second) - bent.layers(torch.zeros(3, 5))
    assert not torch.allclose(bent.layers(first + second), sums, atol=1e-3)


def test_the_connected_network_keeps_the_spread_of_what_passes():
    wide = architecture((1, 16, 16), 200, (200, 200, 200), "connected", activation="linear")
    images = generator_of(wide).layers(torch.randn(64, 200, generator=torch.Generator().manual_seed(0)))
    assert images.std().item() == pytest.approx(1, rel=0.3)


@pytest.mark.parametrize("family", ["convolutional", "connected"])
def test_every_side_comes_back_and_is_scored(family):
    for side in range(2, 301, 1 if family == "convolutional" else 20):
        other = 2 + side * 37 % 23
        shape = (1 + side % 16, side, other) if side % 4 < 2 else (1 + side % 16, other, side)
        networks = architecture(shape, 2, (1, 2), family).build()
        images = networks.generator(torch.randn(2, 2))
        assert images.shape == (2, *shape)
        assert networks.critics["critic"](images).source.shape == (2,)


def test_large_sides_go_on_halving_at_the_top_width_and_small_ones_keep_two_pixels():
    assert [stage.inner for stage in schedule((300, 300), (8, 16))] == [(n, n) for n in (150, 75, 37, 18, 9, 4)]
    assert [stage.maps for stage in schedule((300, 300), (8, 16))] == [8, 16, 16, 16, 16, 16]
    assert [stage.inner for stage in schedule((2, 3), (1, 2, 4))] == [(2, 3)] * 3
    assert [stage.inner for stage in schedule((5, 40), (1, 2, 4))] == [(2, 20), (2, 10), (2, 5)]


@pytest.mark.parametrize("shape", [(1, 45, 45), (6, 2, 3), (3, 12, 70)])
@pytest.mark.parametrize(("family", "head"), [*CONDITIONAL, ("convolutional", "none"), ("connected", "none")])
def test_gradients_reach_every_weight(shape, family, head):
    classes = 0 if head == "none" else 3
    made = architecture(shape, 5, (4, 8), family, classes=classes, head=head)
    labels = torch.arange(6) % 3 if classes else None
    generator, critic = generator_of(made), critic_of(made)
    judgement = critic(generator(torch.randn(6, 5), labels), labels)
    parts = [part for part in judgement if part is not None]
    sum(part.square().sum() + part.sum() for part in parts).backward()
    for network in (generator, critic):
        for name, weight in network.named_parameters():
            assert weight.grad is not None, name
            assert weight.grad.abs().sum() > 0, name


def test_images_stay_within_the_levels_and_logits_do_not():
    torch.manual_seed(0)
    generator = generator_of(architecture((1, 9, 9)))
    with torch.no_grad():
        for weight in generator.parameters():
            weight.mul_(50)
    images = generator(100 * torch.randn(64, 4))
    assert images.abs().max() <= 1
    logits = critic_of(architecture((1, 9, 9)))(images).source
    assert logits.min() < 0  # a probability could not be


@pytest.mark.parametrize("family", ["convolutional", "connected"])
def test_weights_depend_on_the_seed_alone(family):
    made = architecture((1, 8, 8), family=family, classes=2, head="projection")
    for new in (generator_of, critic_of):
        torch.manual_seed(1)
        first = new(made, seed=5).state_dict()
        torch.manual_seed(2)
        again, other = new(made, seed=5).state_dict(), new(made, seed=6).state_dict()
        assert all(torch.equal(first[name], tensor) for name, tensor in again.items())
        assert any(not torch.equal(first[name], tensor) for name, tensor in other.items())


def test_weights_start_with_a_spread_of_two_hundredths():
    weight = generator_of(Architecture("convolutional", (1, 45, 45))).layers[0].linear.weight
    assert weight.std().item() == pytest.approx(0.02, rel=0.01)
    assert weight.mean().item() == pytest.approx(0, abs=1e-4)


def test_a_class_moves_the_image_as_its_column_of_the_first_layer_says():
    made = architecture((1, 6, 6), 3, (7,), "connected", classes=2, head="projection")
    generator = generator_of(made)
    latent = torch.randn(1, 3)
    bias = generator.layers[0].weight[:, 3:]  # a class is a bias of the first layer
    for label in (0, 1):
        hidden = torch.relu(generator.layers[0].weight[:, :3] @ latent[0] + bias[:, label] + generator.layers[0].bias)
        expected = torch.tanh(generator.layers[2:](hidden[None]))
        assert torch.allclose(generator(latent, torch.tensor([label])), expected, atol=1e-6)


@pytest.mark.parametrize("family", ["convolutional", "connected"])
def test_a_projection_adds_the_inner_product_of_features_and_class(family):
    critic = critic_of(architecture((1, 8, 8), family=family, classes=3, head="projection")).eval()
    images = torch.rand(4, 1, 8, 8)
    features = critic.layers(images)
    labels = torch.tensor([2, 0, 1, 1])
    expected = [
        (critic.source.weight[0] @ f + critic.source.bias[0] + critic.embedding.weight[k] @ f).item()
        for f, k in zip(features, labels, strict=True)
    ]
    assert critic(images, labels).source.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert critic.scores(images)[range(4), labels].tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


@st.composite
def architectures(draw):
    family = draw(st.sampled_from(["convolutional", "connected"]))
    head = draw(st.sampled_from(["none", "auxiliary", "projection"]))
    option = {"connected": {"activation": ["relu", "linear"]}, "convolutional": {"critic_norm": ["batch", "layer"]}}
    return architecture(
        (draw(st.integers(1, 6)), draw(st.integers(2, 40)), draw(st.integers(2, 40))),
        draw(st.integers(1, 200)),
        tuple(draw(st.lists(st.integers(1, 300), min_size=1, max_size=4))),
        family,
        0 if head == "none" else draw(st.integers(2, 9)),
        head,
        **{name: draw(st.sampled_from(values)) for name, values in option[family].items()},
    )


@settings(deadline=None)
@given(architectures())
def test_an_architecture_survives_json(made):
    assert Architecture.from_state(json.loads(json.dumps(made.to_state()))) == made


@pytest.mark.parametrize(
    ("shape", "widths"), [((1, 1, 1), (4,)), ((0, 8, 8), (4,)), ((8, 8), (4,)), ((1, 8, 8), ()), ((1, 8, 8), (4, 0))]
)
def test_impossible_networks_are_refused(shape, widths):
    with pytest.raises(InputError, match=r"must|is not"):
        architecture(shape, widths=widths)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ({"family": "convolution"}, "family 'convolution' is not known; did you mean 'convolutional'"),
        ({"head": "auxilary", "classes": 2}, "did you mean 'auxiliary'"),
        ({"family": "connected", "activation": "tanh"}, "activation 'tanh' is not known"),
        ({"critic_norm": "bach"}, "critic_norm 'bach' is not known; did you mean 'batch'"),
        ({"output": "sigmoid"}, "output 'sigmoid' is not known"),
        ({"moments": True, "head": "auxiliary", "classes": 2}, "moments do not go with the head 'auxiliary'"),
        ({"classes": 3}, "head 'none' does not go with 3 classes"),
        ({"head": "projection"}, "head 'projection' does not go with 0 classes"),
        ({"head": "projection", "classes": 1}, "classes 1 must be 0"),
        ({"latent_dim": 0}, "latent_dim 0 must be at least 1"),
    ],
)
def test_choices_that_do_not_go_together_are_refused(rest, message):
    with pytest.raises(InputError, match=message):
        known = rest.get("family", "convolutional") in FAMILIES
        architecture((1, 8, 8), **rest) if known else Architecture(rest["family"], (1, 8, 8))


def test_an_architecture_of_another_version_is_refused():
    state = Architecture("connected", (1, 8, 8)).to_state()
    with pytest.raises(InputError, match="must have family, image_shape"):
        Architecture.from_state(state | {"attention": 8})


def test_a_clipped_generator_reaches_the_ends_and_comes_back_from_beyond_them():
    generator = generator_of(architecture((1, 2, 2), 1, (2,), "connected", output="clip"))
    bias = [*generator.layers.parameters()][-1]  # of the last layer: one for each pixel
    with torch.no_grad():
        bias.copy_(torch.tensor([-3.0, 3.0, 0.5, -3.0]))
    images = generator(torch.zeros(1, 1)).flatten()
    assert images.tolist() == pytest.approx([-1.0, 1.0, 0.5, -1.0], abs=1e-6)
    # a step goes against the gradient: the first and second would go further out, the last one comes back
    images.backward(torch.tensor([1.0, -1.0, 1.0, -1.0]))
    assert bias.grad.tolist() == [0.0, 0.0, 1.0, -1.0]


def test_a_sharp_critic_sees_pixels_that_never_change_ten_times_as_large():
    sharp, plain = (
        architecture((1, 1, 2), 100, (4,), "connected", activation="linear", sharp_null=on) for on in (True, False)
    )
    critic = critic_of(sharp)
    critic.mark_null(np.array([[[True, False]]]))
    plain = critic_of(plain)
    image = torch.tensor([[[[-0.9, 0.3]]]])
    enlarged = torch.tensor([[[[1.0, 0.3]]]])  # 0.1 above NULL, ten times
    assert critic(image).source.item() == pytest.approx(plain(enlarged).source.item(), abs=1e-6)


def test_moments_reveal_a_batch_that_lacks_variety():
    critic = critic_of(architecture((1, 1, 2), 100, (4,), "connected", moments=True))
    image = torch.tensor([[[[0.5, -0.5]]]])
    alike, varied = image.repeat(4, 1, 1, 1), torch.cat([image, -image, image, -image])
    logits = critic(varied).source
    assert critic(alike).source[0] != logits[0]  # of the same image
    assert torch.equal(logits[[0, 1]], critic(varied.flip(0)).source[[1, 0]])  # the order does not matter
