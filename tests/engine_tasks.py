"""Work for the engines, importable by their workers."""

import os
import signal
import sys
import time
from pathlib import Path

from anonimage.errors import InputError

MARKED, BROKEN, FATAL, EXITING = 3, 5, 7, 9  # items that fare differently from the rest


def square(item: int) -> int:
    return item * item


def fare(item: int) -> object:
    """The item's square; of the marked ones an error, a fault, a death and an exit."""
    if item == MARKED:
        raise InputError(f"record {item}: bad\nheader")
    if item == BROKEN:
        raise ZeroDivisionError("by nothing")
    if item == FATAL:
        os.kill(os.getpid(), signal.SIGKILL)
    if item == EXITING:
        sys.exit(4)
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
    """Says whose it is, and does not end."""
    partial = folder / f".{item}"
    partial.write_text(f"{os.getpid()}")
    partial.rename(folder / f"{item}")
    time.sleep(300)


def threads(item: int) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")
