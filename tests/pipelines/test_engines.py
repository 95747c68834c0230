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
from anonimage.parallel import Failure
from anonimage.pipelines.engine import AHEAD, ProcessMap, new_engine

LINGER = """
import sys
sys.path.insert(0, sys.argv[2])
from functools import partial
from pathlib import Path
import engine_tasks as tasks
from anonimage.pipelines.engine import ProcessMap
if __name__ == "__main__":
    list(ProcessMap(2)(partial(tasks.linger, Path(sys.argv[1])), range(5)))
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
    assert list(ProcessMap(2)(tasks.backwards, range(8))) == list(range(8))


@pytest.mark.parametrize("engine", [ProcessMap(1), ProcessMap(3)])
def test_no_items_are_no_work(engine):
    assert list(engine(tasks.square, [])) == []


def test_what_fails_stands_in_its_place_and_the_others_are_done():
    results = list(ProcessMap(2)(tasks.fare, range(12)))
    failures = {result.index: result for result in results if isinstance(result, Failure)}
    assert [result for result in results if not isinstance(result, Failure)] == [0, 1, 4, 16, 36, 64, 100, 121]
    assert [index for index, result in enumerate(results) if isinstance(result, Failure)] == list(failures)
    assert failures == {
        tasks.MARKED: Failure(tasks.MARKED, "record 3: bad header", is_input=True),
        tasks.BROKEN: Failure(tasks.BROKEN, "ZeroDivisionError: by nothing"),
        tasks.FATAL: Failure(tasks.FATAL, "its worker died (killed, out of memory, or a crash in native code)", True),
        tasks.EXITING: Failure(tasks.EXITING, "SystemExit: 4"),
    }


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_item_that_kills_its_worker_takes_no_other_with_it(jobs):
    items = [tasks.FATAL, tasks.FATAL, 2]
    results = list(ProcessMap(jobs)(tasks.fare, items))
    assert [getattr(result, "died", result) for result in results] == [True, True, 4]


def test_a_bounded_number_of_items_is_ahead(tmp_path):
    results = ProcessMap(2)(partial(tasks.touch, tmp_path), range(1000))
    assert [next(results), next(results)] == [0, 1]
    time.sleep(0.5)
    assert {"0", "1"} <= {file.name for file in tmp_path.iterdir()} <= set(map(str, range(2 * AHEAD)))
    results.close()
    assert len(list(tmp_path.iterdir())) <= 2 * AHEAD


def test_workers_share_the_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = len(os.sched_getaffinity(0))
    assert list(ProcessMap(2)(tasks.threads, [0, 1])) == [str(max(1, cores // 2))] * 2
    assert list(ProcessMap(1)(tasks.threads, [0])) == [str(cores)]
    assert "OMP_NUM_THREADS" not in os.environ
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert list(ProcessMap(1)(tasks.threads, [0])) == ["7"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_do_not_outlive_the_program(tmp_path, number):
    with subprocess.Popen(
        [sys.executable, "-c", LINGER, tmp_path, Path(tasks.__file__).parent], stderr=subprocess.PIPE, text=True
    ) as program:
        until(lambda: {"0", "1"} <= {file.name for file in tmp_path.iterdir()})
        processes = [int((tmp_path / name).read_text()) for name in "01"]
        assert all(map(is_running, processes))
        program.send_signal(number)
        _, said = program.communicate(timeout=10)
    until(lambda: not any(map(is_running, processes)), 10)
    assert {file.name for file in tmp_path.iterdir()} == {"0", "1"}
    assert ("KeyboardInterrupt" in said) == (number == signal.SIGINT)


def test_workers_are_as_many_as_asked_and_end_with_the_work():
    workers = set(ProcessMap(2)(tasks.whose, range(4)))
    assert len(workers - {os.getpid()}) == 2
    assert not any(map(is_running, workers))
    results = ProcessMap(1)(tasks.whose, range(100))
    worker = next(results)
    assert worker != os.getpid()
    assert is_running(worker)
    results.close()
    assert not is_running(worker)


def test_a_plain_script_can_use_workers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from anonimage.pipelines.engine import ProcessMap\nprint(list(ProcessMap(2)(abs, [-1, 2])))\n")
    assert subprocess.check_output([sys.executable, script], text=True, timeout=30) == "[1, 2]\n"


def test_threads_of_this_process_are_the_default():
    assert new_engine("local") is None
    assert new_engine("local", 2) == ProcessMap(2)


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
        new_engine("ray")
