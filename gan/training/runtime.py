"""Runtime of the training loop: device, memory, and Ctrl-C held back until a step is complete."""

import ctypes
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Any

import torch

from ...errors import InputError, one_line
from ...launch import rank

PRECISIONS: dict[str, Any] = {"32": "32-true", "bf16": "bf16-mixed"}
START_WITHIN = timedelta(minutes=10)  # the processes of one training may start so far apart
FABRIC_VARIABLES = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE", "OMP_NUM_THREADS")


def make_fabric(device: str, precision: str, devices: int = 1, nodes: int = 1) -> Any:
    """Set up Lightning Fabric, silently, and with it the processes that train together.

    Several processes all run the same program: torchrun or SLURM started them, or Fabric starts those that are missing
    on this machine by running this process's command again.

    Arguments:
        device: cpu, cuda, or auto: cuda where there is one.
        precision: 32, or bf16 for mixed precision.
        devices: processes on every machine; on CUDA each has a GPU.
        nodes: machines.

    Raises:
        InputError: hardware that this machine lacks, or another number of started processes.
    """
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise InputError("device 'cuda': torch sees no CUDA device on this machine; use --device cpu")
    accelerator = "cuda" if has_cuda and device != "cpu" else "cpu"
    _check_processes(accelerator, devices, nodes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lightning_fabric import Fabric  # a second of import time that sampling can do without
        from lightning_fabric.strategies import DDPStrategy

        logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
        together = devices * nodes > 1
        # buffers are equal anyway: statistics are of all processes
        strategy = DDPStrategy(broadcast_buffers=False, timeout=START_WITHIN) if together else "auto"
        hardware: Any = {"accelerator": accelerator, "devices": devices, "num_nodes": nodes}
        try:
            fabric = Fabric(strategy=strategy, precision=PRECISIONS[precision], **hardware)
            if together:
                fabric.launch()
        except (RuntimeError, ValueError) as error:
            raise InputError(
                f"{devices} devices on {nodes} nodes: cannot train together ({one_line(error)})"
            ) from error
        if together and (fabric.world_size, fabric.global_rank) != (devices * nodes, rank()):
            raise InputError(
                f"{devices} devices on {nodes} nodes: this is process {fabric.global_rank} of {fabric.world_size}, not "
                f"of {devices * nodes}; start as many with torchrun, or in SLURM with srun --ntasks-per-node={devices}"
            )
        return fabric


def _check_processes(accelerator: str, devices: int, nodes: int) -> None:
    """Refuse numbers of processes that this machine, or what started this process, does not have."""
    available = torch.cuda.device_count() if accelerator == "cuda" else os.cpu_count() or 1
    if devices > available:
        what = "CUDA devices" if accelerator == "cuda" else "processor cores"
        raise InputError(f"devices {devices}: this machine has {available} {what}; use --devices {available} or less")
    tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", 1))  # of srun; a job's script and a shell are one task
    started = tasks if tasks > 1 else 0
    if "LOCAL_RANK" in os.environ:
        started = int(os.environ.get("WORLD_SIZE", 0))
    if started and started != devices * nodes:
        raise InputError(
            f"{started} processes were started for devices {devices} on nodes {nodes}; make "
            "--devices times --num-nodes as many as there are processes"
        )
    if nodes > 1 and not started and "SLURM_PROCID" not in os.environ:
        raise InputError(f"nodes {nodes}: start the command on every machine with torchrun, or with srun in SLURM")


@contextmanager
def own_environment(**variables: str) -> Iterator[None]:
    """Set environment variables for the processes that Fabric starts, and restore them, its own and the threads.

    Otherwise processes that are started later would take themselves for members of the process group.
    """
    before, threads = dict(os.environ), torch.get_num_threads()
    os.environ |= variables
    try:
        yield
    finally:
        for name in (*FABRIC_VARIABLES, *variables):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]
        torch.set_num_threads(threads)


@contextmanager
def deferred_interrupt(main: bool = True) -> Iterator[Callable[[], bool]]:
    """Hold back Ctrl-C: the body asks whether it came, and KeyboardInterrupt is raised when the body is done.

    A second Ctrl-C is not held back. Of several processes only rank 0 reacts, as a terminal sends it to all. Nothing
    changes outside the main thread, where signals do not arrive, and where Ctrl-C is ignored.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (None, signal.SIG_IGN):
        yield lambda: False
        return
    came = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, remember if main else signal.SIG_IGN)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress two warnings of DDP: that an option was renamed, and that strides of one-channel weights differ."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides", UserWarning)
        yield


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Take numbers below 1e-38 as 0: a confident critic's gradients get that small, and slow a CPU down 5 times."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def keep_freed_memory() -> None:
    """Ask the C library to keep freed memory for the next step instead of returning it to the system (glibc only).

    The tensors of a step are large, so that by default each of them is mapped, zeroed by the kernel, and unmapped again
    every time: measured, a step takes 13 % less without. The setting holds for the whole process.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries do not have it
        if mallopt is not None:
            for threshold in (-3, -1):  # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD in malloc.h
                mallopt(threshold, 1 << 30)
