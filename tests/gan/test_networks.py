import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan import Discriminator, Generator
from anonimage.gan.networks import build, describe, schedule
from torch import nn


def maps(network: nn.Module, kind: type) -> list[tuple[int, int]]:
    return [(layer.in_channels, layer.out_channels) for layer in network.modules() if isinstance(layer, kind)]


def test_the_paper_network_at_45():
    stages = schedule((45, 45))
    assert [stage.outer[0] for stage in stages] + [stages[-1].inner[0]] == [45, 22, 11, 5]
    assert [(stage.maps, stage.kernel[0], stage.stride[0], stage.padding[0]) for stage in stages] == [
        (64, 3, 2, 0),
        (128, 4, 2, 1),
        (256, 3, 2, 0),
    ]
    assert maps(Generator((3, 45, 45)), nn.ConvTranspose2d) == [(256, 128), (128, 64), (64, 3)]
    assert maps(Discriminator((3, 45, 45)), nn.Conv2d) == [(3, 64), (64, 128), (128, 256)]


def test_as_many_weights_as_the_plain_networks_at_45():
    # by hand: 100→256·5·5, 256→128·3·3, 128→64·4·4, 64→1·3·3 (+1), and scale and shift for each normalized map
    expected = 100 * 6400 + 256 * 128 * 9 + 128 * 64 * 16 + 64 * 9 + 1 + 2 * (256 + 128 + 64)
    assert sum(weight.numel() for weight in Generator((1, 45, 45)).parameters()) == expected


def test_every_side_comes_back_and_is_judged():
    for side in range(2, 301):
        other = 2 + side * 37 % 23
        shape = (1 + side % 16, side, other) if side % 4 < 2 else (1 + side % 16, other, side)
        images = Generator(shape, 2, (1, 2))(torch.randn(2, 2))
        assert images.shape == (2, *shape)
        assert Discriminator(shape, (1, 2))(images).shape == (2,)


def test_large_sides_go_on_halving_at_the_top_width_and_small_ones_keep_two_pixels():
    assert [stage.inner for stage in schedule((300, 300), (8, 16))] == [(n, n) for n in (150, 75, 37, 18, 9, 4)]
    assert [stage.maps for stage in schedule((300, 300), (8, 16))] == [8, 16, 16, 16, 16, 16]
    assert [stage.inner for stage in schedule((2, 3))] == [(2, 3)] * 3
    assert [stage.inner for stage in schedule((5, 40))] == [(2, 20), (2, 10), (2, 5)]


@pytest.mark.parametrize("shape", [(1, 45, 45), (6, 2, 3), (3, 12, 70)])
def test_gradients_reach_every_weight(shape):
    generator, discriminator = Generator(shape, 5, (4, 8)), Discriminator(shape, (4, 8))
    discriminator(generator(torch.randn(6, 5))).square().sum().backward()
    for network in (generator, discriminator):
        for name, weight in network.named_parameters():
            assert weight.grad is not None, name
            assert weight.grad.abs().sum() > 0, name


def test_images_stay_within_the_levels_and_logits_do_not():
    torch.manual_seed(0)
    generator = Generator((1, 9, 9), 4, (4, 8))
    with torch.no_grad():
        for weight in generator.parameters():
            weight.mul_(50)
    images = generator(100 * torch.randn(64, 4))
    assert images.abs().max() <= 1
    logits = Discriminator((1, 9, 9), (4, 8))(images)
    assert logits.min() < 0  # a probability could not be


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    first = Generator((1, 8, 8), 4, (4, 8), seed=5).state_dict()
    torch.manual_seed(2)
    again, other = Generator((1, 8, 8), 4, (4, 8), seed=5), Generator((1, 8, 8), 4, (4, 8), seed=6)
    assert all(torch.equal(first[name], tensor) for name, tensor in again.state_dict().items())
    assert not torch.equal(first["project.linear.weight"], other.project.linear.weight)


def test_weights_start_with_a_spread_of_two_hundredths():
    weight = Generator((1, 45, 45)).project.linear.weight
    assert weight.std().item() == pytest.approx(0.02, rel=0.01)
    assert weight.mean().item() == pytest.approx(0, abs=1e-4)


def test_a_description_builds_the_same_network_again():
    generator = Generator((2, 10, 31), 7, (3, 5, 8, 9))
    assert describe(build(describe(generator))) == describe(generator)


@pytest.mark.parametrize(
    ("shape", "widths"), [((1, 1, 1), (4,)), ((0, 8, 8), (4,)), ((8, 8), (4,)), ((1, 8, 8), ()), ((1, 8, 8), (4, 0))]
)
def test_impossible_networks_are_refused(shape, widths):
    with pytest.raises(InputError, match=r"must|is not"):
        Discriminator(shape, widths)


def test_a_family_of_another_version_is_refused():
    with pytest.raises(InputError, match="'diffusion'"):
        build({"family": "diffusion"})
