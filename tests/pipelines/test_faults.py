"""Faults while a command runs: a full disk; and in a process of its own Ctrl-C, kill -9."""

import resource
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from anonimage.gan.training.checkpoint import latest
from tiny import anonimage, command, nothing_left, refused, sets


@pytest.fixture
def full(monkeypatch):
    """A function that refuses a command for what it writes: no file grows longer than so many bytes."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def run(length: int, *arguments: object) -> str:
        usual = resource.getrlimit(resource.RLIMIT_FSIZE)
        # writing fails with EFBIG then, as a full disk's with ENOSPC
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (length, usual[1]))
        try:
            result = anonimage(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
            signal.signal(signal.SIGXFSZ, ignored)
        line = refused(result)
        assert result.stderr.splitlines()[-1] == line
        return line

    return run


def test_disk_full_while_preparing(full, source, out):
    full(2000, "prepare", "ptb-quantile", source, out, *sets())
    nothing_left(out)


@pytest.mark.parametrize("verb", ["generate", "generate-npz", "evaluate", "encode", "decode"])
def test_disk_full_elsewhere(verb, full, finished, database, tmp_path):
    copy, to = shutil.copytree(finished, tmp_path / "copy"), tmp_path / "to"
    if verb == "decode":
        assert anonimage("encode", database, tmp_path / "images", "--set", "side=9").exit_code == 0
    arguments = {
        "generate": ("generate", copy),
        "generate-npz": ("generate", copy, "--format", "npz", "--to", to),
        "evaluate": ("evaluate", copy),
        "encode": ("encode", database, to, "--set", "side=9"),
        "decode": ("decode", tmp_path / "images", to),
    }[verb]
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert str(tmp_path) in full(100, *arguments)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
    assert not to.exists()


def test_a_killed_encode_leaves_no_signals_behind(source, tmp_path):
    to = tmp_path / "images"
    process = subprocess.Popen(command("encode", source, to, "--set", "side=4", "--set", "stride=1"))
    limit = time.monotonic() + 60
    while not list(tmp_path.glob(".images.partial-*/files/images/*.png")) and process.poll() is None:
        assert time.monotonic() < limit
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert list(tmp_path.glob(".images.partial-*"))
    assert anonimage("encode", source, to, "--set", "side=9").exit_code == 0
    assert not list(tmp_path.glob(".*"))


def test_disk_full_while_training_keeps_the_run(full, copy):
    before = latest(copy / "checkpoints")
    full(3000, "train", copy, "--steps", 40)
    assert latest(copy / "checkpoints") == before
    assert anonimage("train", copy, "--steps", 8).exit_code == 0


def test_a_full_device_is_named():
    from anonimage.pipelines.commands import terminal

    @terminal.command("anonimage fill")
    def fill() -> None:
        with open("/dev/full", "w") as file:  # noqa: PTH123
            file.write("x" * 100_000)

    try:
        refused(anonimage("fill"), "disk full")
    finally:
        terminal.app.registered_commands.pop()


def wait_for(path, process):
    limit = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_ctrl_c_says_how_to_go_on_and_loses_nothing(source, tmp_path):
    out = tmp_path / "stopped"
    options = sets(steps=100_000, checkpoint_every=50, metrics_every=50)
    process = subprocess.Popen(command("run", "ptb-quantile", source, out, *options), stderr=subprocess.PIPE, text=True)
    wait_for(out / "checkpoints" / "000050", process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "--resume" in said
    assert "Traceback" not in said
    step = int(latest(out / "checkpoints").name)
    assert step >= 50
    assert anonimage("train", out, "--steps", step + 2).exit_code == 0


def test_killed_runs_resume_to_the_same_records(source, tmp_path):
    settings = sets(steps=140, checkpoint_every=20, ema_decay=0.9)
    given, plain = ("ptb-quantile", source, tmp_path / "killed", *settings), tmp_path / "plain"
    random = np.random.default_rng(0)
    for attempt in range(2):
        process = subprocess.Popen(
            command("run", *given, *(["--resume"] if attempt else [])), stderr=subprocess.PIPE, text=True
        )
        wait_for(tmp_path / "killed" / "checkpoints" / f"{20 + 40 * attempt:06d}", process)
        time.sleep(random.uniform(0, 0.2))
        process.kill()
        process.communicate()
    assert anonimage("run", *given, "--resume").exit_code == 0
    for step in (("prepare", "ptb-quantile", source, plain, *settings), ("train", plain), ("generate", plain)):
        assert anonimage(*step).exit_code == 0
    killed, whole = (
        (tmp_path / name / "synthetic" / "synthetic000001.dat").read_bytes() for name in ("killed", "plain")
    )
    assert killed == whole
    steps = pd.read_csv(tmp_path / "killed" / "metrics.csv")["step"].tolist()
    assert steps == list(range(2, 141, 2))
