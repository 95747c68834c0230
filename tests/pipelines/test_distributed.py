"""Several processes that train together: real ones, on gloo."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan.training.checkpoint import latest, load
from anonimage.gan.training.runtime import make_fabric, own_environment
from anonimage.launch import rank
from anonimage.pipelines.training import helped_run
from safetensors.torch import load_file
from tiny import TINY, anonimage, command, refused, sets

LIMIT = 120  # seconds; each takes a few
SCRIPT = Path(__file__).with_name("together.py")

pytestmark = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two processes need two processor cores")


@pytest.fixture(scope="module")
def together():
    spec = importlib.util.spec_from_file_location("together", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two processes that torchrun started left."""
    folder = tmp_path_factory.mktemp("together")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, str(SCRIPT), str(folder)], capture_output=True, text=True, timeout=LIMIT, env=alone(), check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def said(folder):
    return json.loads((folder / "said.json").read_text())


@pytest.mark.parametrize("case", ["plain", "auxiliary", "projection", "moments", "wasserstein", "bf16"])
def test_two_processes_learn_as_one_with_the_whole_batch(together, folder, said, case):
    eye = together.Eye()
    trainer = together.new_trainer(eye, **together.CASES[case])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    trainer.train(together.STEPS)
    torch.set_num_threads(threads)
    within = 2e-2 if case == "bf16" else 2e-4
    for theirs, ours in zip(said[0][case], eye.losses, strict=True):
        assert theirs == pytest.approx(ours, abs=within)
    weights = {name: tensor for name, tensor in together.learned(trainer).items() if "optimizer" not in name}
    shared = load_file(folder / f"{case}.safetensors")
    for name, tensor in weights.items():
        # a step of Adam can differ by twice the learning rate where a gradient is next to nothing
        within = {"bf16": 5e-2}.get(case, 2 * together.STEPS * 2e-4)
        assert torch.allclose(shared[name].float(), tensor.float(), atol=within, rtol=1e-2), name
        assert (shared[name].float() - tensor.float()).abs().mean() <= within / 10, name


def test_only_the_first_process_calls_back(said):
    assert [len(of_process["plain"]) for of_process in said] == [6, 0]


def test_a_resumed_training_repeats_the_uninterrupted_one_exactly(said):
    assert all(of_process["resumed alike"] for of_process in said)


def test_the_first_process_decides_for_all(said):
    assert [of_process["back"] for of_process in said] == [[4, 1], [4, 1]]
    assert [of_process["ended"] for of_process in said] == [3, 3]


def test_an_error_of_the_first_process_ends_the_others(said):
    assert [of_process["failed"] for of_process in said] == ["disk full", "another rank failed"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, database):
    out = tmp_path_factory.mktemp("runs") / "out"
    result = anonimage("prepare", "ptb-quantile", database, out, *sets(metrics_every=1))
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture
def out(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "out")


@pytest.fixture(scope="module")
def two(prepared, tmp_path_factory):
    """Trained by two processes that the command started; do not write into it."""
    out = shutil.copytree(prepared, tmp_path_factory.mktemp("two") / "out")
    return out, train(out)


def alone() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


def start(out: Path, *options: object) -> subprocess.Popen:
    given = command("train", out, "--set", "devices=2", *options)
    return subprocess.Popen(
        given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=alone(), process_group=0
    )


def train(out: Path, *options: object) -> subprocess.CompletedProcess:
    process = start(out, *options)
    output, errors = process.communicate(timeout=LIMIT)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def test_the_command_trains_in_two_processes_as_in_one(two, out):
    there, done = two
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert spoken(done.stderr) == ["trained: 6 steps, precision 32, on cpu in 2 processes"]
    assert anonimage("train", out).exit_code == 0
    ours, theirs = ([line.split(",") for line in (of / "metrics.csv").read_text().splitlines()] for of in (out, there))
    assert [row[0] for row in theirs] == ["step", "1", "2", "3", "4", "5", "6"]  # each row once: one process writes
    for mine, other in zip(ours[1:], theirs[1:], strict=True):
        assert [float(word) for word in other[1:3]] == pytest.approx([float(word) for word in mine[1:3]], abs=1e-4)
    assert {file.name for file in out.iterdir()} == {file.name for file in there.iterdir()}
    ours, theirs = (load(latest(of / "checkpoints")) for of in (out, there))
    for name, tensor in ours.weights.items():
        assert torch.allclose(theirs.weights[name].float(), tensor.float(), atol=2e-4), name
    assert theirs.settings["processes"] == 2


def test_another_number_of_processes_is_refused(two, tmp_path):
    out = shutil.copytree(two[0], tmp_path / "copy")
    result = anonimage("train", out, "--set", "devices=1", "--steps", 8)
    refused(result, "processes = 2, this run has 1")


def spoken(errors: str) -> list[str]:
    """What was said, but for how far it is, which on a busy machine comes every few seconds."""
    return [line for line in errors.splitlines() if not line.startswith("train: ")]


def children(process: subprocess.Popen) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def until(condition, process):
    end = time.monotonic() + LIMIT
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("killed", ["first", "other"])
def test_when_one_process_dies_the_other_ends_with_one_line(out, killed):
    process = start(out, "--steps", 10**6)
    until(lambda: latest(out / "checkpoints") is not None, process)
    (other,) = children(process)
    os.kill(process.pid if killed == "first" else other, signal.SIGKILL)
    began = time.monotonic()
    _, errors = process.communicate(timeout=60)  # also the other one holds these pipes
    assert time.monotonic() - began < 60
    assert process.returncode not in (0, None)
    (line,) = (line for line in errors.splitlines() if "reach the others" in line)
    assert line.startswith("anonimage: process ")
    assert "Traceback" not in errors
    assert not Path(f"/proc/{other}").exists() or "Z" in Path(f"/proc/{other}/stat").read_text()
    assert load(latest(out / "checkpoints")).step > 0


def test_ctrl_c_ends_all_in_order(out):
    process = start(out, "--steps", 10**6)
    until(lambda: latest(out / "checkpoints") is not None, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    (line,) = spoken(errors)
    assert line.startswith("anonimage: stopped")
    rows = (out / "metrics.csv").read_text().splitlines()
    assert int(rows[-1].split(",")[0]) == load(latest(out / "checkpoints")).step


def test_what_this_machine_does_not_have_is_refused(tmp_path, database):
    out = tmp_path / "out"
    there = os.cpu_count() or 1
    many = TINY["batch"] * there
    assert anonimage("prepare", "ptb-quantile", database, out, *sets(batch=many)).exit_code == 0
    line = refused(anonimage("train", out, "--set", f"devices={many}"), f"devices {many}", "processor cores")
    assert f"--devices {there} or less" in line
    assert "devices = 1" in (out / "recipe.toml").read_text()  # what cannot be is not remembered
    refused(anonimage("train", out, "--set", "nodes=2"), "nodes 2", "torchrun", "srun")


def test_a_batch_that_cannot_be_shared_evenly_is_refused(tmp_path, database):
    out = tmp_path / "odd"
    assert anonimage("prepare", "ptb-quantile", database, out, *sets(batch=7)).exit_code == 0
    line = refused(anonimage("train", out, "--set", "devices=2"), "batch 7", "2 processes")
    assert "--set batch=8" in line


def test_other_processes_than_were_asked_for_are_refused(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(InputError, match="4 processes were started for devices 2 on nodes 1"):
        make_fabric("cpu", "32", 2, 1)


SLURM = {"PROCID": "0", "LOCALID": "0", "NODEID": "0", "JOB_NAME": "train.sh", "JOB_ID": "12345"}


@pytest.mark.parametrize(
    ("tasks", "devices", "message"),
    [
        ({"NTASKS": "1"}, 2, r"this is process 0 of 1, not of 2; .* srun --ntasks-per-node=2"),  # srun left out
        ({"NTASKS": "2"}, 2, "ntasks-per-node"),
        ({"NTASKS": "2", "NTASKS_PER_NODE": "2", "STEP_NUM_TASKS": "2"}, 1, "2 processes were started for devices 1"),
    ],
)
def test_other_tasks_of_slurm_than_were_asked_for_are_refused(monkeypatch, tasks, devices, message):
    """One task alone would learn from half of each batch; two with a device each would write over one another."""
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    for name, value in (SLURM | tasks).items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    with own_environment():
        try:
            with pytest.raises(InputError, match=message):
                make_fabric("cpu", "32", devices, 1)
        finally:
            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()


def test_processes_that_were_started_together_can_only_train(monkeypatch, tmp_path):
    assert helped_run() is None
    with monkeypatch.context() as srun, pytest.raises(InputError, match="can only train"):
        srun.setenv("SLURM_STEP_NUM_TASKS", "2")  # also the first of them: the others end at once
        helped_run()
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(InputError, match="can only train: `anonimage prepare` in one process first"):
        helped_run()
    monkeypatch.setenv("ANONIMAGE_TRAINS", str(tmp_path))
    assert helped_run() == tmp_path


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, 0),
        ({"RANK": "3", "LOCAL_RANK": "1"}, 3),  # torchrun, the second machine
        ({"LOCAL_RANK": "1", "SLURM_PROCID": "0"}, 1),  # started by Fabric inside a batch job
        ({"SLURM_PROCID": "2"}, 2),
    ],
)
def test_a_process_knows_its_number_from_its_environment(monkeypatch, environment, expected):
    for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert rank() == expected
