"""Around the loop: the device, batches made ahead, memory kept, Ctrl-C held back until a step is complete."""

import ctypes
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Any, TypeVar

import torch
from torch import nn

from ...errors import InputError, one_line
from ...launch import rank

__all__ = ["deferred_interrupt", "flushed_denormals", "frozen", "keep_freed_memory", "make_fabric", "own_environment"]
__all__ += ["prefetched", "quiet", "rank"]

PRECISIONS: dict[str, Any] = {"32": "32-true", "bf16": "bf16-mixed"}
DEVICES = ("auto", "cpu", "cuda")
MEETING = timedelta(minutes=10)  # the processes of one training may start so far apart
Made = TypeVar("Made")


def make_fabric(device: str, precision: str, devices: int = 1, nodes: int = 1) -> Any:
    """Set up Lightning Fabric, silently, and with it the processes that train together.

    Where there are several, each runs the same program: torchrun or SLURM started them all, or Fabric starts those that
    are missing on this machine by running this process's command again.

    Arguments:
        device: cpu, cuda, or auto: cuda where there is one.
        precision: 32, or bf16 for mixed precision.
        devices: processes, on CUDA with a GPU each, on every machine.
        nodes: machines.

    Raises:
        InputError: for another name, for what this machine does not have, or if other processes were started than
            these.
    """
    if device not in DEVICES:
        raise InputError(f"device {device!r} is not known; use one of {', '.join(DEVICES)}")
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r} is not known; use one of {', '.join(PRECISIONS)}")
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
        strategy = DDPStrategy(broadcast_buffers=False, timeout=MEETING) if together else "auto"
        try:
            fabric = Fabric(
                accelerator=accelerator,
                strategy=strategy,
                devices=devices,
                num_nodes=nodes,
                precision=PRECISIONS[precision],
            )
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
    if devices < 1 or nodes < 1:
        raise InputError(f"{devices} devices on {nodes} nodes: both must be at least 1")
    there = torch.cuda.device_count() if accelerator == "cuda" else os.cpu_count() or 1
    if devices > there:
        what = "CUDA devices" if accelerator == "cuda" else "processor cores"
        raise InputError(f"devices {devices}: this machine has {there} {what}; use --devices {there} or less")
    started = _started()
    if started and started != devices * nodes:
        raise InputError(
            f"{started} processes were started for devices {devices} on nodes {nodes}; make "
            "--devices times --num-nodes as many as there are processes"
        )
    if nodes > 1 and not started and "SLURM_PROCID" not in os.environ:
        raise InputError(f"nodes {nodes}: start the command on every machine with torchrun, or with srun in SLURM")


def _started() -> int:
    """How many processes this one was started with; 0 if it is on its own."""
    if "LOCAL_RANK" in os.environ:
        return int(os.environ.get("WORLD_SIZE", 0))
    tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", 1))  # of srun; a job's script and a shell are one task
    return tasks if tasks > 1 else 0


@contextmanager
def own_environment() -> Iterator[None]:
    """Take back what Fabric tells the processes that it starts, so that later ones are not taken for some of them.

    And the threads that it takes from this one, which is alone again afterwards.
    """
    before, threads = dict(os.environ), torch.get_num_threads()
    try:
        yield
    finally:
        for name in ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE", "OMP_NUM_THREADS"):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]
        torch.set_num_threads(threads)


def prefetched(batches: Callable[[int], Made], steps: range) -> Generator[Made, None, None]:
    """Yield the batch of each step while the next one is made in another thread; its errors are raised here."""
    with ThreadPoolExecutor(1, "batches") as thread:
        coming = thread.submit(batches, steps.start) if steps else None
        for step in steps:
            assert coming is not None
            batch = coming.result()
            coming = thread.submit(batches, step + 1) if step + 1 in steps else None
            yield batch


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let gradients pass through a network without computing those of its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


@contextmanager
def deferred_interrupt(first: bool = True) -> Iterator[Callable[[], bool]]:
    """Hold back Ctrl-C: the body asks whether it came, and KeyboardInterrupt is raised when the body is done.

    Of several processes only the first one hears it: a terminal sends it to all, and the others do as the first does.

    A second Ctrl-C is not held back. Nothing changes outside the main thread, where signals do not arrive,
    and where Ctrl-C is ignored.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (None, signal.SIG_IGN):
        yield lambda: False
        return
    if not first:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            yield lambda: False
        finally:
            signal.signal(signal.SIGINT, before)
        return
    came = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what DDP warns of: that its options are renamed, and that strides of one-channel weights differ."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides", UserWarning)
        yield


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Take numbers below 1e-38 as 0: a sure critic's gradients fall there, and a CPU is 5 times slower with them."""
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
            trim_threshold, mmap_threshold = -1, -3  # their numbers in malloc.h
            mallopt(mmap_threshold, 1 << 30)
            mallopt(trim_threshold, 1 << 30)
