"""Writing so that a reader never sees half a file: a temporary name beside the target, then a rename."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_MARK = ".partial-"


@contextmanager
def new_file(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that appears under its name only when it is complete.

    Arguments:
        path: where it shall be; an existing file is replaced in one step.
        mode: "w" or "wb".
    """
    partial = _partial(path)
    try:
        text = "b" not in mode
        with partial.open(mode, encoding="utf-8" if text else None, newline="" if text else None) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder that appears under its name only when it is complete; an existing one is replaced."""
    partial = _partial(path)
    try:
        partial.mkdir(parents=True)
        yield partial
        if path.exists():
            old = path.with_name(f"{partial.name}-old")
            path.rename(old)
            partial.rename(path)
            shutil.rmtree(old)
        else:
            partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def sweep(folder: Path) -> None:
    """Delete what a killed process left unfinished directly in a folder."""
    for leftover in folder.glob(f".*{_MARK}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}{_MARK}{os.getpid()}")
