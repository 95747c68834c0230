"""A matrix product of patches is the convolution that it stands for."""

import pytest
import torch
from anonimage.gan.networks import dcgan
from anonimage.gan.networks.dcgan import Convolution, TransposedConvolution
from torch import nn

SHAPES = [(3, 2, 11, 5), (3, 2, 5, 2), (1, 1, 4, 4), (4, 2, 8, 3)]  # kernel, stride, outer, inner


@pytest.mark.parametrize(("kernel", "stride", "outer", "inner"), SHAPES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("up", [True, False])
def test_values_and_gradients_are_those_of_the_convolution(monkeypatch, up, bias, kernel, stride, outer, inner):
    monkeypatch.setattr(dcgan, "_is_faster_as_product", lambda *_: True)
    torch.manual_seed(0)
    if up:
        ours = TransposedConvolution(6, 4, kernel, stride, bias=bias).double()
        plain, maps = (
            nn.ConvTranspose2d(6, 4, kernel, stride, bias=bias).double(),
            torch.randn(3, 6, inner, inner),
        )
    else:
        ours = Convolution(4, 6, kernel, stride, bias=bias).double()
        plain, maps = nn.Conv2d(4, 6, kernel, stride, bias=bias).double(), torch.randn(3, 4, outer, outer)
    plain.load_state_dict(ours.state_dict())
    found = []
    for layer in (ours, plain):
        seen = maps.double().requires_grad_()
        out = layer(seen)
        assert out.shape[-1] == (outer if up else inner)
        weights = list(layer.parameters())
        found.append(
            [out, *torch.autograd.grad((out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum(), [seen, *weights])]
        )
    for mine, theirs in zip(*found, strict=True):
        assert torch.allclose(mine, theirs)


def test_it_is_taken_for_small_maps_only(monkeypatch):
    taken = []
    patches = dcgan._Patches.apply
    monkeypatch.setattr(dcgan._Patches, "apply", lambda maps, *shape: taken.append(maps.shape) or patches(maps, *shape))
    for side in (11, 45):
        Convolution(2, 3, 3, 2)(torch.zeros(1, 2, side, side))
    Convolution(2, 3, 4, 2, 1)(torch.zeros(1, 2, 8, 8))
    assert [shape[-1] for shape in taken] == [11]


def test_in_mixed_precision_it_gives_what_a_convolution_gives():
    layer, maps = Convolution(8, 4, 3, 2), torch.randn(2, 8, 11, 11)
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(maps)
    assert out.dtype == torch.bfloat16
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(out.float(), nn.functional.conv2d(maps, layer.weight, layer.bias, 2), atol=0.05)
