"""Trains in child processes that are killed again and again; test_resume.py runs it and looks at what is left.

    python killing.py FOLDER KILLS SEED PRECISION OBJECTIVE
fills FOLDER/killed (killed, resumed, killed, …, resumed and finished) and FOLDER/whole (the same steps in one go).
Children are forked from a process that has torch imported but has not computed anything yet: 0.1 s instead of 3 s each.
"""

import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import lightning_fabric  # noqa: F401
import torch
from anonimage.gan.training.callbacks import Checkpoints, Metrics
from anonimage.gan.training.checkpoint import latest, load
from anonimage.gan.training.trainer import Callback

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import small


class Alive(Callback):
    """Tells the parent after each step that there is something to kill."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe

    def step(self, trainer, losses):
        os.write(self.pipe, b".")


def life(folder: Path, until: int, settings: dict[str, str], pipe: int) -> None:
    """Start or resume, and train."""
    torch.set_num_threads(1)
    callbacks = [Metrics(folder / "metrics.csv", every=2), Checkpoints(folder / "checkpoints", every=3, keep=2)]
    trainer = small.trainer([*callbacks, Alive(pipe)], **settings)
    newest = latest(folder / "checkpoints")
    if newest is not None:
        trainer.resume(lambda: load(newest))
    trainer.train(until)


def die_in_write(number: int) -> None:
    """Arrange for this process to be killed halfway through the n-th file that it writes for checkpoints."""
    write = Path.write_bytes

    def write_and_die(path, content):
        nonlocal number
        number -= 1
        if number == 0:
            write(path, content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(path, content)

    Path.write_bytes = write_and_die


def born(folder: Path, until: int, settings: dict[str, str], dies_in_write: int | None = None) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    try:
        if dies_in_write:
            die_in_write(dies_in_write)
        life(folder, until, settings, writing)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def finish(pid: int, reading: int) -> int:
    while os.read(reading, 4096):
        pass
    os.close(reading)
    return os.waitpid(pid, 0)[1]


def main(folder: Path, kills: int, seed: int, settings: dict[str, str]) -> None:
    draws = random.Random(seed)
    for number in range(kills):
        in_write = (number % 5 == 4) * draws.randint(1, 6)  # every fifth dies while it writes a checkpoint
        pid, reading = born(folder / "killed", 10**9, settings, in_write)
        if not in_write:
            os.read(reading, 1)  # one step is done, and the rest left to chance
            time.sleep(draws.uniform(0, 0.08))
            os.kill(pid, signal.SIGKILL)
        status = finish(pid, reading)
        assert os.WIFSIGNALED(status), "a child ended by itself"
        assert os.WTERMSIG(status) == signal.SIGKILL
    newest = latest(folder / "killed" / "checkpoints")
    until = (int(newest.name) if newest else 0) + 7
    for name in ("killed", "whole"):
        assert finish(*born(folder / name, until, settings)) == 0
    sys.stdout.write(f"{until}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), {"precision": sys.argv[4], "objective": sys.argv[5]})
