import os
import signal
import threading

import pytest
import torch
from anonimage.gan.training.runtime import deferred_interrupt, own_environment


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_is_held_back_until_the_body_is_done():
    heard = []

    def body():
        with deferred_interrupt() as interrupted:
            heard.append(interrupted())
            press()
            heard.append(interrupted())

    with pytest.raises(KeyboardInterrupt):
        body()
    assert heard == [False, True]


def test_a_second_ctrl_c_is_not_held_back():
    done = []

    def body():
        with deferred_interrupt():
            press()
            press()
            done.append("body")

    with pytest.raises(KeyboardInterrupt):
        body()
    assert done == []


def test_an_error_in_the_body_is_what_comes_out():
    def body():
        with deferred_interrupt():
            press()
            raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        body()


def test_outside_the_main_thread_nothing_is_held_back():
    answers = []

    def body():
        with deferred_interrupt() as interrupted:
            answers.append(interrupted())

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert answers == [False]


def test_after_training_together_a_process_has_its_threads_and_its_environment_again(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MASTER_PORT", "1234")
    torch.set_num_threads(2)
    with own_environment():
        os.environ |= {"OMP_NUM_THREADS": "1", "MASTER_PORT": "5678", "LOCAL_RANK": "0"}
        torch.set_num_threads(1)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert os.environ["MASTER_PORT"] == "1234"
    assert not {"OMP_NUM_THREADS", "LOCAL_RANK"} & os.environ.keys()
