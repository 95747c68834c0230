"""Faults while a command runs, each in a process of its own: a full disk, Ctrl-C, kill -9."""

import resource
import shutil
import signal
import subprocess
import time

import numpy as np
import pandas as pd
import pytest
from anonimage.gan.training.checkpoint import latest
from tiny import anonimage, command, nothing_left, refused, sets


def test_disk_full_while_preparing(source, out):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then writing fails with EFBIG, as a full disk does with ENOSPC

    ended = subprocess.run(
        command("prepare", "ptb-quantile", source, out, *sets()), preexec_fn=small_files, capture_output=True, text=True
    )
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    nothing_left(out)


@pytest.mark.parametrize("verb", ["generate", "generate-npz", "evaluate", "encode", "decode"])
def test_disk_full_elsewhere(verb, finished, database, tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

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
    ended = subprocess.run(command(*arguments), preexec_fn=small_files, capture_output=True, text=True)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert str(tmp_path) in ended.stderr.splitlines()[-1]
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


def test_disk_full_while_training_keeps_the_run(copy):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    before = latest(copy / "checkpoints")
    ended = subprocess.run(
        command("train", copy, "--steps", 40), preexec_fn=small_files, capture_output=True, text=True
    )
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
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
    def options(steps):
        return ["ptb-quantile", source, tmp_path / "killed", *sets(steps=steps, checkpoint_every=20, ema_decay=0.9)]

    random = np.random.default_rng(0)
    for attempt in range(3):
        process = subprocess.Popen(
            command("run", *options(300), *(["--resume"] if attempt else [])), stderr=subprocess.PIPE, text=True
        )
        wait_for(tmp_path / "killed" / "checkpoints" / f"{20 + 40 * attempt:06d}", process)
        time.sleep(random.uniform(0, 0.2))
        process.kill()
        process.communicate()
    assert anonimage("run", *options(300), "--resume").exit_code == 0
    plain = ["ptb-quantile", source, tmp_path / "plain", *sets(steps=300, checkpoint_every=20, ema_decay=0.9)]
    assert anonimage("run", *plain).exit_code == 0
    killed, whole = (
        (tmp_path / name / "synthetic" / "synthetic000001.dat").read_bytes() for name in ("killed", "plain")
    )
    assert killed == whole
    steps = pd.read_csv(tmp_path / "killed" / "metrics.csv")["step"].tolist()
    assert steps == list(range(2, 301, 2))
