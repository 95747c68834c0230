"""One process at a time works on a folder OUT."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from ..errors import InputError
from ..files import make_folder, refuse_file
from ..launch import rank

LOCK = ".anonimage.lock"
_ATTEMPTS = 5
PATIENCE_S = 1.0  # a process that is being killed needs a moment to let go


@contextmanager
def locked(out: Path, file: Path | None = None) -> Iterator[None]:
    """Keep other processes from OUT; inside one process it may be held several times.

    The system lets go of it when the process ends, however that happens. Of a training in several processes the first
    holds it for all. In the end its file is deleted, and so is an OUT that was made for it and stayed empty.

    Arguments:
        out: folder of a run; made if it does not exist.
        file: the lock, if it shall not lie in OUT, whose folder is then made instead.

    Raises:
        InputError: another process works on it, or it is a file.
    """
    if rank() > 0:
        yield
        return
    refuse_file(out)
    folder = out if file is None else file.parent
    new = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    file = folder.resolve() / (LOCK if file is None else file.name)
    lock = FileLock(file, timeout=PATIENCE_S, thread_local=False, is_singleton=True)
    try:
        _acquire(lock, folder)
    except Timeout as error:
        raise InputError(f"{out}: {_holder(file)} works on it; wait for its end, or choose another folder") from error
    try:
        file.write_text(str(os.getpid()), "utf-8")
        yield
    finally:
        if lock.lock_counter == 1:  # while it is still held: nobody can hold a file that is gone
            file.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # filled
            for parent in new:
                parent.rmdir()


def locked_beside(folder: Path) -> AbstractContextManager[None]:
    """Keep other processes from a folder that is none of a run's, by a lock that does not lie in it."""
    folder = folder.resolve()
    return locked(folder, folder.with_name(f".{folder.name}{LOCK}"))


def _acquire(lock: BaseFileLock, folder: Path) -> None:
    """Take the lock, in a folder that a holder who ends just now may take with it."""
    for attempt in range(_ATTEMPTS):
        make_folder(folder)
        try:
            lock.acquire()
            return
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise


def _holder(file: Path) -> str:
    number = file.read_text("utf-8").strip() if file.is_file() else ""
    return f"process {number}" if number.isdigit() else "another process"
