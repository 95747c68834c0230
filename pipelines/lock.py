"""One process at a time works on a folder OUT."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import InputError
from ..files import make_folder, refuse_file
from ..launch import rank

LOCK = ".anonimage.lock"
PATIENCE_S = 1.0  # a process that is being killed needs a moment to let go


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keep other processes from OUT; inside one process it may be held several times over.

    The system lets go of it when the process ends, however that happens. Of a training in several processes the first
    holds it for all. In the end its file is deleted, and so is an OUT that was made for it and stayed empty.

    Arguments:
        out: folder of a run; made if it is not there.

    Raises:
        InputError: another process works on it, or it is a file.
    """
    if rank() > 0:
        yield
        return
    refuse_file(out)
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    make_folder(out)
    file = out.resolve() / LOCK
    lock = FileLock(file, timeout=PATIENCE_S, thread_local=False, is_singleton=True)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(f"{out}: {_holder(file)} works on it; wait for its end, or choose another folder") from error
    try:
        file.write_text(str(os.getpid()), "utf-8")
        yield
    finally:
        if lock.lock_counter == 1:  # while it is still held: nobody can hold a file that is no longer there
            file.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # filled
            for folder in made:
                folder.rmdir()


def _holder(file: Path) -> str:
    number = file.read_text("utf-8").strip() if file.is_file() else ""
    return f"process {number}" if number.isdigit() else "another process"
