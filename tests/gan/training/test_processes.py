"""What processes that train together make of a failure; test_distributed.py has real ones."""

from types import SimpleNamespace

import pytest
from anonimage.errors import InputError
from anonimage.gan.training import processes
from anonimage.gan.training.processes import PeerFailedError, Ranks, Signal


@pytest.fixture
def started(monkeypatch):
    """Processes that Fabric started for this one and watches: it kills this one when one of them fails."""
    monkeypatch.setattr(processes.dist, "new_group", lambda **_: None)
    return ["another process"]


def main_rank(started):
    launcher = SimpleNamespace(procs=started)
    return Ranks(SimpleNamespace(global_rank=0, world_size=2, strategy=SimpleNamespace(launcher=launcher)))


def fail():
    raise InputError("disk full")


def fail_elsewhere(signal, *_):
    signal.fill_(int(Signal.FAILED))


def lose_peer(*_):
    raise RuntimeError("[gloo] Connection closed by peer")


@pytest.mark.parametrize(
    ("work", "reduce", "error", "message"),
    [
        (fail, lambda *_: None, InputError, "disk full"),
        (lambda: None, fail_elsewhere, PeerFailedError, "another process of this training failed"),
        (lambda: None, lose_peer, InputError, "process 0 of 2 cannot reach the others"),
    ],
)
def test_a_process_lives_to_say_why_training_ends(monkeypatch, started, work, reduce, error, message):
    monkeypatch.setattr(processes.dist, "all_reduce", reduce)
    with pytest.raises(error, match=message), main_rank(started).agreeing():
        work()
    assert not started


def test_while_training_goes_on_peers_are_watched(monkeypatch, started):
    monkeypatch.setattr(processes.dist, "all_reduce", lambda *_: None)
    with main_rank(started).agreeing() as vote:
        vote.signal = Signal.END
    assert vote.signal == Signal.END
    assert started
