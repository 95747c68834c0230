"""Statistics of a batch that several processes share; test_distributed.py has two real ones."""

import torch
from anonimage.gan.networks import batchnorm
from anonimage.gan.networks.batchnorm import BatchNorm, moments


def alike(monkeypatch, count):
    """As if so many processes held the same values."""
    monkeypatch.setattr(batchnorm, "processes", lambda: count)
    monkeypatch.setattr(batchnorm._Sum, "apply", lambda sums: sums * count)


def test_processes_with_the_same_values_have_the_statistics_of_one(monkeypatch):
    maps = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(0)) + 2
    alone = moments(maps, (0, 2, 3))
    alike(monkeypatch, 3)
    for ours, theirs in zip(moments(maps, (0, 2, 3)), alone, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_maps_that_never_change_are_normalized_to_zero_whatever_is_rounded(monkeypatch):
    """The mean of three equal squares is not always the square: a spread below zero would have no root."""
    alike(monkeypatch, 3)
    levels = torch.linspace(1, 100, 200)
    maps = levels[None, :, None, None].expand(4, -1, 2, 2)
    assert (moments(maps, (0, 2, 3))[1] >= 0).all()
    assert BatchNorm(200)(maps).isfinite().all()
