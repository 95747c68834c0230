"""Writing so that a reader never sees half a file: a temporary name beside the target, then a rename."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .errors import InputError

_MARK = ".partial-"
_at_work: set[Path] = set()  # unfinished things of this process


@contextmanager
def new_file(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that appears under its name only when it is complete.

    Arguments:
        path: where it shall be; an existing file is replaced in one step.
        mode: "w" or "wb".
    """
    text = "b" not in mode
    with _partial(path) as partial:
        with partial.open(mode, encoding="utf-8" if text else None, newline="" if text else None) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder that appears under its name only when it is complete; an existing one is replaced.

    Raises:
        InputError: there is a file of that name.
    """
    path = path.resolve()  # a link to another disk stays a link
    refuse_file(path)
    with _partial(path) as partial:
        partial.mkdir()
        yield partial
        if path.exists():
            old = partial.with_name(f"{partial.name}-old")
            path.rename(old)
            partial.rename(path)
            shutil.rmtree(old)
        else:
            partial.rename(path)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder inside `parent` for work in progress; gone afterwards, as is a `parent` that was made only for it."""
    existed = parent.exists()
    try:
        with _partial(parent / "scratch") as scratch:
            scratch.mkdir()
            yield scratch
    finally:
        if not existed and parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()


def make_folder(folder: Path) -> None:
    """Make a folder and those that it lies in, unless they are there.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from error


def refuse_file(folder: Path) -> None:
    """Refuse a file where a folder shall be.

    Raises:
        InputError: there is a file of that name.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; name a folder")


def refuse_used(folder: Path) -> None:
    """Refuse a place where something of the user's would be replaced.

    Raises:
        InputError: there is a file of that name, or a folder that is not empty.
    """
    refuse_file(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder}: holds files already; choose an empty or new folder")


def is_unfinished(path: Path) -> bool:
    """Whether this is something that a process is writing, or was when it was killed."""
    return path.name.startswith(".") and _MARK in path.name


def sweep(folder: Path, name: str = "*") -> None:
    """Delete what killed processes left unfinished directly in a folder.

    Arguments:
        folder: where to look.
        name: of what they were writing; "*" is anything.
    """
    for leftover in folder.glob(f".{name}{_MARK}*"):
        process = leftover.name.rpartition(_MARK)[2].removesuffix("-old")
        mine = process == str(os.getpid())  # or of a dead process of that number, as in containers
        if not (leftover.absolute() in _at_work if mine else _is_alive(process)):
            _delete(leftover)


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """A temporary name beside a path; whatever still has it in the end is deleted."""
    path = path.absolute()
    make_folder(path.parent)
    sweep(path.parent, path.name)
    partial = path.with_name(f".{path.name}{_MARK}{os.getpid()}")
    _at_work.add(partial)
    try:
        yield partial
    except OSError as error:
        if error.filename is None:  # a full disk does not say which file it was; the user wants to know
            error.filename = str(path)
        raise
    finally:
        _delete(partial)
        _at_work.discard(partial)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True
