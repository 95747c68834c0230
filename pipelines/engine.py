"""Spreading work by joblib: over processes of this machine, or over a Ray cluster."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ..errors import InputError, nearest, one_line
from ..parallel import Failure, ParallelMap, attempt

ENGINES = ("local", "ray")
AHEAD = 16  # items per worker that are worked on before the results of all of them are taken
DIED = "its worker died (killed, out of memory, or a crash in native code)"
REACH_S, ANSWER_S = 5.0, 20.0  # seconds for the machine, and for a Ray on it
# Read by Ray when it is imported. Private data are at work here: it reports nothing to its makers.
_RAY_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # the terminal is the user's
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # workers see the GPUs
}


def new_engine(
    name: Literal["local", "ray"], jobs: int | None = None, address: str | None = None
) -> ParallelMap | None:
    """Choose who works on many items.

    Arguments:
        name: local: this machine; ray: a Ray cluster, whose machines need the same versions of Python, Ray and
            anonimage, and a file system shared with this one, with source and target under the same paths.
        jobs: items worked on at once, each in a process of its own that may die without ending this one; None: as many
            as there are cores, on this machine in threads, which begin at once and do for reading and numpy.
        address: of the Ray cluster: host:port of its head, or "auto" on a machine of it; None: a Ray of its own on this
            machine, which ends with the work. Where this program has connected to Ray already, that is used.

    Returns:
        The map; None for threads of this process.

    Raises:
        InputError: another name, jobs below 1, an address for an engine that has none, or Ray is not installed.
    """
    if name not in ENGINES:
        raise InputError(f"engine '{name}' is not known{nearest(name, ENGINES)}")
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs {jobs}: at least 1, or leave --jobs out for one per core")
    if name == "ray":
        if importlib.util.find_spec("ray") is None:
            raise InputError("engine ray: Ray is not installed; pip install 'anonimage[scale]', or use --engine local")
        return RayMap(jobs, address)
    if address is not None:
        raise InputError(f"address {address}: the local engine has none; add --engine ray or leave --address out")
    return None if jobs is None else ProcessMap(jobs)


@dataclass(frozen=True)
class ProcessMap:
    """A ParallelMap over processes of this machine, which share its cores."""

    jobs: int

    def __call__(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Generator[Any, None, None]:
        """Apply a function to every item; see `parallel.threaded_map`."""
        from joblib import cpu_count, parallel_config
        from joblib.externals.loky import get_reusable_executor
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        warnings.filterwarnings("ignore", ".*tasks", UserWarning, "joblib")  # of a map that is left, on the terminal
        threads = None if "OMP_NUM_THREADS" in os.environ else max(1, cpu_count() // self.jobs)
        try:
            with parallel_config("loky", inner_max_num_threads=threads):
                yield from _spread(function, items, self.jobs, TerminatedWorkerError, "generator")
        finally:  # neither idle processes nor those of a map that was left
            get_reusable_executor().shutdown(wait=True, kill_workers=True)


@dataclass(frozen=True)
class RayMap:
    """A ParallelMap over a Ray cluster, an item a task of one core; see `new_engine`."""

    jobs: int | None = None
    address: str | None = None

    def __call__(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Generator[Any, None, None]:
        """Apply a function to every item; see `parallel.threaded_map`.

        Raises:
            InputError: the cluster cannot be reached, or its machines lack anonimage.
        """
        from joblib import parallel_config

        with connected(self.address, self.jobs) as ray:
            importlib.import_module("ray.util.joblib").register_ray()
            jobs = self.jobs or int(ray.cluster_resources().get("CPU", 1))
            try:
                with parallel_config("ray"):  # which hands out results after the last of a batch
                    yield from _spread(function, items, jobs, ray.exceptions.ActorDiedError, "list")
            except (ray.exceptions.RayTaskError, ray.exceptions.RuntimeEnvSetupError) as error:
                raise InputError(
                    f"Ray's workers cannot run anonimage ({one_line(error)[-200:]}); install this version on every "
                    "machine"
                ) from error


def _spread(
    function: Callable[[Any], Any], items: Sequence[Any], jobs: int, died: type[Exception], return_as: str
) -> Iterator[Any]:
    """joblib's map in bounded memory, which goes on when a worker dies, of which joblib says `died`.

    joblib does not say which item killed a worker, and ends all: the items that were under way are then worked on one
    by one, until it shows which it was.
    """
    done = suspects = 0  # items; of those from `done` to `suspects`, one may have killed its worker
    while done < len(items):
        alone = done < suspects
        numbers = range(done, suspects if alone else len(items))
        at_once, batch = (1, 1) if alone else (jobs, AHEAD * jobs)
        try:
            with closing(_results(function, items, numbers, at_once, batch, return_as)) as results:
                for result in results:
                    yield result
                    done += 1
        except died:
            if alone:
                yield Failure(done, DIED, died=True)
                done += 1
            else:
                suspects = min(len(items), done + AHEAD * jobs)


def _results(
    function: Callable[[Any], Any], items: Sequence[Any], numbers: range, jobs: int, batch: int, return_as: str
) -> Generator[Any, None, None]:
    from joblib import Parallel, delayed

    ahead = 2 * jobs if jobs > 1 else 1  # one at a time: joblib's n_jobs = 1 would work in this process
    with Parallel(max(2, jobs), pre_dispatch=ahead, batch_size=1, return_as=return_as) as parallel:
        for first in range(0, len(numbers), batch):
            some = numbers[first : first + batch]
            yield from parallel(delayed(_work)(function, index, items[index]) for index in some)


def _work(function: Callable[[Any], Any], index: int, item: Any) -> Any:
    """In a worker: an item's result, or the Failure that stands for it."""
    _begin()
    return attempt(function, index, item)


@cache
def _begin() -> None:
    """Once in a worker: leave Ctrl-C to the program, which then stops its workers, and end when that is killed."""
    with suppress(ValueError):  # not in a main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def connected(address: str | None, jobs: int | None) -> Iterator[Any]:
    """Ray, connected to a cluster as long as this lasts; a connection that exists already is used, and stays.

    Raises:
        InputError: the cluster cannot be reached.
    """
    for name, value in _RAY_SETTINGS.items():
        os.environ.setdefault(name, value)
    ray = importlib.import_module("ray")
    if ray.is_initialized():
        yield ray
        return
    own: dict[str, Any] = {} if address else {"num_cpus": jobs and max(2, jobs), "include_dashboard": False}
    if address:
        _reach(address)
    try:
        ray.init(
            address or "local",
            runtime_env={"env_vars": {"PYTHONPATH": _python_path()}},
            log_to_driver=False,
            logging_level="ERROR",
            **own,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _unreachable(address or "local", one_line(error)) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Look whether a Ray answers, in time and without its chatter: it would try for minutes, and say so in C++."""
    host, _, port = address.rpartition(":")
    if address != "auto":
        if not host or "/" in host or not port.isdigit():
            raise InputError(f"address {address}: not an address of Ray; give host:port, as 10.0.0.1:6379, or auto")
        try:  # the usual case, answered at once
            socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_S).close()
        except (OSError, OverflowError) as error:
            raise _unreachable(address, one_line(error)) from error
    try:
        asked = subprocess.run(
            [sys.executable, "-c", "import sys, ray; ray.init(sys.argv[1], log_to_driver=False)", address],
            capture_output=True,
            text=True,
            timeout=ANSWER_S,
        )
    except subprocess.TimeoutExpired as error:
        raise _unreachable(address, f"nothing in {ANSWER_S:.0f} s") from error
    if asked.returncode:
        raise _unreachable(address, asked.stderr.strip().rpartition("\n")[2].rpartition(": ")[2])


def _unreachable(address: str, why: str) -> InputError:
    return InputError(
        f"address {address}: no Ray answers ({why}); start one with `ray start --head` and give the address that it "
        "prints, or leave --address out for a Ray on this machine"
    )


def _python_path() -> str:
    """What is on this program's path beside its own installation, so that workers import the same anonimage."""
    installed = tuple(Path(entry).resolve() for entry in {sys.prefix, sys.base_prefix, sys.exec_prefix})
    entries = [Path(entry).resolve() for entry in sys.path]
    return os.pathsep.join(str(entry) for entry in entries if not any(entry.is_relative_to(own) for own in installed))
