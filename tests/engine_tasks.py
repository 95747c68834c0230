"""Work for the engines, importable by their workers."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from anonimage.errors import InputError

MARKED, BROKEN, FATAL, EXITING, SECRET = 3, 5, 7, 9, 10  # items that fare otherwise than the others


def square(item: int) -> int:
    return item * item


def fare(item: int) -> object:
    """The item's square; of the marked ones an error, a fault, a death, an exit, and what cannot be pickled."""
    if item == MARKED:
        raise InputError(f"record {item}: bad\nheader")
    if item == BROKEN:
        raise ZeroDivisionError("by nothing")
    if item == FATAL:
        os.kill(os.getpid(), signal.SIGKILL)
    if item == EXITING:
        sys.exit(4)
    if item == SECRET:
        return lambda: item
    return square(item)


def whose(item: int) -> int:
    """The process that works on an item; long enough that several are needed."""
    time.sleep(0.2)
    return os.getpid()


def backwards(item: int) -> int:
    """The sooner the item the longer it takes."""
    time.sleep(max(0, 3 - item) * 0.1)
    return item


def touch(folder: Path, item: int) -> int:
    """Leaves a file, so that others see what was begun."""
    (folder / f"{item}").touch()
    return item


def linger(folder: Path, item: int) -> None:
    """Says whose it is, starts a process of its own, and does not end."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    partial = folder / f".{item}"
    partial.write_text(f"{os.getpid()} {child.pid}")
    partial.rename(folder / f"{item}")
    time.sleep(300)


def linger_after_the_first(folder: Path, item: int) -> int:
    if item:
        linger(folder, item)
    return item


def threads(item: int) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")
