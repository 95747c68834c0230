"""Work spread over processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import engine_tasks as tasks
import pytest
from anonimage.errors import InputError
from anonimage.pipelines.engines import Failure, LocalEngine, RayEngine, new_engine

LINGER = """
import sys
from functools import partial
from pathlib import Path
import engine_tasks as tasks
from anonimage.pipelines.engines import LocalEngine
if __name__ == "__main__":
    list(LocalEngine(2).map(partial(tasks.linger, Path(sys.argv[1])), range(5)))
"""


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_running(process: int) -> bool:
    """Whether a process is there and more than an entry that nobody asked for."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_results_are_in_the_order_of_the_items_whichever_is_done_first():
    assert list(LocalEngine(2).map(tasks.backwards, range(8))) == list(range(8))


@pytest.mark.parametrize("engine", [LocalEngine(), LocalEngine(1), LocalEngine(3)])
def test_no_items_are_no_work(engine):
    assert list(engine.map(tasks.square, [])) == []


def test_what_fails_stands_in_its_place_and_the_others_are_done():
    results = list(LocalEngine(2).map(tasks.fare, range(12)))
    failures = {result.index: result for result in results if isinstance(result, Failure)}
    assert [result for result in results if not isinstance(result, Failure)] == [0, 1, 4, 16, 36, 64, 121]
    assert [index for index, result in enumerate(results) if isinstance(result, Failure)] == list(failures)
    assert failures.pop(tasks.MARKED) == Failure(tasks.MARKED, "record 3: bad header", is_input=True)
    assert failures.pop(tasks.FATAL).died
    assert not any(failure.died or failure.is_input for failure in failures.values())
    assert failures[tasks.BROKEN].reason.startswith("ZeroDivisionError: by nothing (engine_tasks.py, line ")
    assert failures[tasks.EXITING].reason.startswith("SystemExit: 4 ")
    assert "pickle" in failures[tasks.SECRET].reason


def test_an_item_that_kills_its_worker_takes_no_other_with_it():
    items = [tasks.FATAL, tasks.FATAL, 2]
    results = list(LocalEngine(1).map(tasks.fare, items))
    assert [getattr(result, "died", result) for result in results] == [True, True, 4]


def test_only_a_few_items_are_ahead(tmp_path):
    results = LocalEngine(2).map(partial(tasks.touch, tmp_path), range(100))
    assert [next(results), next(results)] == [0, 1]
    time.sleep(0.3)
    assert {"0", "1"} <= {file.name for file in tmp_path.iterdir()} <= set(map(str, range(6)))
    results.close()
    assert len(list(tmp_path.iterdir())) <= 6


def test_workers_share_the_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = len(os.sched_getaffinity(0))
    assert list(LocalEngine(2).map(tasks.threads, [0, 1])) == [str(max(1, cores // 2))] * 2
    assert "OMP_NUM_THREADS" not in os.environ
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert list(LocalEngine(1).map(tasks.threads, [0])) == ["7"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_do_not_outlive_the_program(tmp_path, number):
    """Nor does what they started."""
    with subprocess.Popen(
        [sys.executable, "-c", LINGER, tmp_path],
        env=os.environ | {"PYTHONPATH": str(Path(tasks.__file__).parent)},
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        until(lambda: {"0", "1"} <= {file.name for file in tmp_path.iterdir()})
        processes = [int(process) for name in "01" for process in (tmp_path / name).read_text().split()]
        assert all(map(is_running, processes))
        program.send_signal(number)
        _, said = program.communicate(timeout=10)
    until(lambda: not any(map(is_running, processes)), 5)
    assert ("KeyboardInterrupt" in said) == (number == signal.SIGINT)


def test_workers_are_as_many_as_asked_and_end_with_the_work():
    assert set(LocalEngine().map(tasks.whose, range(2))) == {os.getpid()}
    workers = set(LocalEngine(2).map(tasks.whose, range(4)))
    assert len(workers - {os.getpid()}) == 2
    assert not any(map(is_running, workers))
    results = LocalEngine(1).map(tasks.whose, range(100))
    worker = next(results)
    assert is_running(worker)
    results.close()
    assert not is_running(worker)


def test_a_script_that_its_workers_cannot_import_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from anonimage.pipelines.engines import LocalEngine\nlist(LocalEngine(2).map(abs, [1]))\n")
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=30)
    assert "ended before it could begin" in run.stderr
    assert "use jobs None" in run.stderr.strip().rpartition("\n")[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lokal", None, None), "engine 'lokal' is not known; did you mean 'local'"),
        (("local", 0, None), "jobs 0: at least 1"),
        (("local", None, "10.0.0.1:6379"), "the local engine has none; add --engine ray"),
    ],
)
def test_what_no_engine_can_be_made_of_is_said(arguments, message):
    with pytest.raises(InputError, match=message):
        new_engine(*arguments)


def test_without_ray_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'anonimage\[scale\]'"):
        RayEngine()
