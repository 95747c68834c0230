"""A Ray cluster."""

import importlib
import importlib.util
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ...data.parallel import Failure
from ...errors import InputError, one_line
from .attempt import DIED, attempt_packed, in_order

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
REACH_S, ANSWER_S = 5.0, 20.0  # seconds for the machine, and for a Ray on it
# Read by Ray when it is imported. Private data are at work here: it reports nothing to its makers.
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # the terminal is the user's
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # workers see the GPUs
}


class RayEngine:
    """Work spread over a Ray cluster, an item a task of one core.

    Every machine of the cluster needs the same versions of Python, Ray and anonimage, and a file system shared with
    this one, with source and target under the same paths. A task whose worker dies is not tried again.

    Arguments:
        address: host:port of the cluster's head, or "auto" on a machine of the cluster; None: a Ray of its own on this
            machine, which ends with the work. Where this program has connected to Ray already, that is used.
        jobs: tasks at once; None: one per core.

    Raises:
        InputError: Ray is not installed.
    """

    def __init__(self, address: str | None = None, jobs: int | None = None) -> None:
        if importlib.util.find_spec("ray") is None:
            raise InputError("engine ray: Ray is not installed; pip install 'anonimage[scale]', or use --engine local")
        self.address = address
        self.jobs = jobs

    def map(self, function: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result | Failure]:
        """Apply a function to every item; see Engine.

        Raises:
            InputError: the cluster cannot be reached, or its machines lack anonimage.
        """
        with connected(self.address, self.jobs) as ray:
            workers = _Tasks(ray, self.jobs or int(ray.cluster_resources().get("CPU", 1)))
            try:
                yield from in_order(workers, function, items)
            finally:
                workers.stop()


@contextmanager
def connected(address: str | None, jobs: int | None) -> Iterator[Any]:
    """Ray, connected to a cluster as long as this lasts; a connection that is there already is used, and stays.

    Raises:
        InputError: the cluster cannot be reached.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    ray = importlib.import_module("ray")
    if ray.is_initialized():
        yield ray
        return
    own: dict[str, Any] = {} if address else {"num_cpus": jobs, "include_dashboard": False}
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


class _Tasks:
    """Tasks of one core each."""

    def __init__(self, ray: Any, n: int) -> None:
        self.n = max(1, n)
        self._ray = ray
        self._task = ray.remote(num_cpus=1, max_retries=0)(attempt_packed)
        self._busy: dict[Any, int] = {}

    def has_free(self) -> bool:
        return len(self._busy) < self.n

    def begin(self, index: int, work: bytes) -> None:
        self._busy[self._task.remote(work)] = index

    def finished(self, wait: bool) -> dict[int, Any]:
        tasks = list(self._busy)
        if not tasks:
            return {}
        if wait:
            self._ray.wait(tasks, num_returns=1)
        done, _ = self._ray.wait(tasks, num_returns=len(tasks), timeout=0)
        return {index: self._result(task, index) for task in done for index in [self._busy.pop(task)]}

    def stop(self) -> None:
        for task in self._busy:
            self._ray.cancel(task, force=True)

    def _result(self, task: Any, index: int) -> Any:
        faults = self._ray.exceptions
        try:
            return pickle.loads(self._ray.get(task))
        except (faults.RayTaskError, faults.RuntimeEnvSetupError) as error:
            raise InputError(
                f"Ray's workers cannot run anonimage ({one_line(error)[-200:]}); install this version on every machine"
            ) from error
        except faults.RayError:
            return Failure(index, DIED, died=True)


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
    installed = tuple(Path(place).resolve() for place in {sys.prefix, sys.base_prefix, sys.exec_prefix})
    places = [Path(entry).resolve() for entry in sys.path]
    return os.pathsep.join(str(place) for place in places if not any(place.is_relative_to(own) for own in installed))
