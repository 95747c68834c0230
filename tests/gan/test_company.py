"""What processes that train together make of a failure; test_distributed.py has real ones."""

from types import SimpleNamespace

import pytest
from anonimage.errors import InputError
from anonimage.gan.training import processes as company
from anonimage.gan.training.processes import Company, DismissedError, Word


@pytest.fixture
def started(monkeypatch):
    """Processes that Fabric started for this one and watches: it kills this one when one of them fails."""
    monkeypatch.setattr(company.dist, "new_group", lambda **_: None)
    return ["another process"]


def first(started):
    launcher = SimpleNamespace(procs=started)
    return Company(SimpleNamespace(global_rank=0, world_size=2, strategy=SimpleNamespace(launcher=launcher)))


def fail():
    raise InputError("disk full")


def end_other(word, *_):
    word.fill_(int(Word.FAILED))


def lose_other(*_):
    raise RuntimeError("[gloo] Connection closed by peer")


@pytest.mark.parametrize(
    ("work", "others", "error", "message"),
    [
        (fail, lambda *_: None, InputError, "disk full"),
        (lambda: Word.GO, end_other, DismissedError, "another process of this training failed"),
        (lambda: Word.GO, lose_other, InputError, "process 0 of 2 cannot reach the others"),
    ],
)
def test_a_process_lives_to_say_why_training_ends(monkeypatch, started, work, others, error, message):
    monkeypatch.setattr(company.dist, "all_reduce", others)
    with pytest.raises(error, match=message):
        first(started).agree(work)
    assert not started


def test_while_training_goes_on_the_others_are_watched(monkeypatch, started):
    monkeypatch.setattr(company.dist, "all_reduce", lambda *_: None)
    assert first(started).agree(lambda: Word.GO) == Word.GO
    assert started
