import pytest
import torch
from anonimage.gan.training.trainer import Ema
from torch import nn


def set_to(network: nn.Module, value: float) -> None:
    with torch.no_grad():
        for tensor in [*network.parameters(), *network.buffers()]:
            tensor.fill_(value)


def test_the_average_worked_by_hand():
    source = nn.BatchNorm1d(2)
    set_to(source, 10)
    ema = Ema(source, decay=0.25)
    set_to(source, 20)
    ema.update(0)  # decay min(0.25, 1/10): 0.1·10 + 0.9·20
    assert ema.network.weight.tolist() == pytest.approx([19, 19])
    set_to(source, 40)
    ema.update(1000)  # decay min(0.25, 1001/1010): 0.25·19 + 0.75·40
    assert ema.network.weight.tolist() == pytest.approx([34.75, 34.75])
    assert ema.network.running_var.tolist() == pytest.approx([34.75, 34.75])
    assert ema.network.num_batches_tracked == 40


def test_the_warm_up_ends_where_it_reaches_the_decay():
    source = nn.Linear(1, 1)
    set_to(source, 0)
    ema = Ema(source, decay=0.999)
    set_to(source, 1)
    ema.update(8989)  # 8990/8999 is below 0.999
    assert ema.network.bias.item() == pytest.approx(9 / 8999, rel=1e-3)
    set_to(ema.network, 0)
    ema.update(10**6)
    assert ema.network.bias.item() == pytest.approx(0.001, rel=1e-3)


def test_the_average_is_apart_from_the_network_and_never_trained():
    source = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    ema = Ema(source)
    assert not ema.network.training
    assert source.training
    assert not any(weight.requires_grad for weight in ema.network.parameters())
    assert all(weight.requires_grad for weight in source.parameters())
