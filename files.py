"""Files and folders that appear under their name only when they are complete, and locks that keep others from them.

One protocol for all of them, whoever is killed meanwhile. What is being written lies beside its target under a hidden
name; a rename is the last step. Work of seconds (`new_file`, `new_folder`) is deleted when it fails, and swept when its
process was killed. Work of hours (`staged_folder`) has a manifest that says of what it is made: whoever asks for the
same continues it.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from glob import escape
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .errors import InputError, ResumableError
from .launch import rank

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK = ".anonimage.lock"
_ATTEMPTS = 5
_PATIENCE_S = 1.0  # a process that is being killed needs a moment to let go
_PARTIAL, _OLD, _STAGED = ".partial-", "-old", ".unfinished"
_FILES, _SCRATCH, _MANIFEST = "files", "scratch", "manifest.json"  # in a staged folder
_in_use: set[Path] = set()  # partial files and folders of this process


@contextmanager
def new_file(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that appears under its name only when it is complete.

    Arguments:
        path: of the file; an existing one is replaced in one step.
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
    with staged_folder(path) as staged:
        yield staged.files


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder inside `parent` for work in progress; deleted afterwards, with a `parent` that was made only for it."""
    with _removed_if_empty(parent), _partial(parent / "scratch") as scratch:
        scratch.mkdir()
        yield scratch


class StagedFolder:
    """A folder that is being filled, over several calls if one is cut short.

    Files opened by `append` count up to their length at the last `commit`; what was written later is written again.

    Attributes:
        files: the folder that will take the target's name.
        scratch: a folder for intermediate data, deleted in the end.
        state: what the last `commit` was given; {} at the beginning.
    """

    def __init__(self, root: Path, target: Path, stamp: Any) -> None:
        self.files, self.scratch = root / _FILES, root / _SCRATCH
        self.state: dict[str, Any] = {}
        self._root, self._target, self._stamp = root, target, stamp
        self._sizes: dict[str, int] = {}
        self._open: dict[Path, IO[bytes]] = {}

    def append(self, path: Path) -> IO[bytes]:
        """A file below `files` or `scratch`, open at the end of what was committed of it.

        Raises:
            InputError: something else has cut it short.
        """
        if path not in self._open:
            file, committed = path.open("ab"), self._sizes.get(self._name(path), 0)
            if file.tell() < committed:  # more would be zeros
                file.close()
                raise InputError(f"{path}: was cut short since it was written; run it again, which begins anew")
            file.truncate(committed)
            file.seek(committed)
            self._open[path] = file
        return self._open[path]

    def commit(self, **state: Any) -> None:
        """Let a repeated call continue from here; nothing is lost after this."""
        for path, file in self._open.items():
            file.flush()
            if self._stamp is not None:
                os.fsync(file.fileno())
            self._sizes[self._name(path)] = file.tell()
        if self._stamp is not None:
            with new_file(self._root / _MANIFEST) as manifest:
                json.dump({"stamp": self._stamp, "state": state, "sizes": self._sizes}, manifest)
        self.state = state

    def publish(self) -> None:
        """Give the folder its name, unless that was done; at the latest, this happens when the context ends."""
        self._close()
        if self.files.is_dir():
            _replace(self._target, self.files)

    def _begin(self) -> None:
        """Continue what was committed under the same stamp, or begin anew."""
        try:
            saved = json.loads((self._root / _MANIFEST).read_text("utf-8"))
            stamp, state, sizes = saved["stamp"], saved["state"], saved["sizes"]
        except (OSError, ValueError, KeyError, TypeError):  # nothing was committed
            stamp, state, sizes = self, {}, {}
        if stamp == self._stamp and (self.files.is_dir() or self._target.is_dir()):
            self.state, self._sizes = state, sizes
            if not self.files.is_dir():  # placed, but what follows was cut short
                self._target.rename(self.files)
        else:
            _discard(self._root)
        for folder in (self.files, self.scratch):
            _make_folder(folder)

    def _close(self) -> None:
        for file in self._open.values():
            with suppress(OSError):  # a full disk was reported when writing failed
                file.close()
        self._open.clear()

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


@contextmanager
def staged_folder(path: Path, stamp: Any = None) -> Iterator[StagedFolder]:
    """Fill a folder that appears under its name only when it is complete; an existing one is replaced.

    With a stamp, what was committed stays beside it when the body fails or the process is killed, and a call with the
    same stamp continues it; another stamp begins anew. An InputError leaves nothing, unless it is a ResumableError.

    Arguments:
        path: of the folder.
        stamp: all that decides its content, as JSON; None: nothing is kept of what fails.

    Raises:
        InputError: there is a file of that name, or no folder can be made there.
    """
    path = path.resolve()  # a link to another disk stays a link
    refuse_file(path)
    place = _partial(path) if stamp is None else nullcontext(staging_of(path))
    with _removed_if_empty(path.parent), naming(path), place as root:
        sweep(path.parent, path.name)
        staged = StagedFolder(root, path, json.loads(json.dumps(stamp)))
        staged._begin()
        try:
            yield staged
        except BaseException as error:
            staged._close()
            if not staged.state or (isinstance(error, InputError) and not isinstance(error, ResumableError)):
                _discard(root)
            raise
        staged.publish()
        _discard(root)


def staging_of(path: Path) -> Path:
    """Where unfinished work on a folder waits for whoever continues it."""
    return path.with_name(f".{path.name}{_STAGED}")


def discard_staged(path: Path) -> None:
    """Delete unfinished work on a folder; the folder itself stays."""
    _discard(staging_of(path.resolve()))


def refuse_file(folder: Path) -> None:
    """Refuse a file where a folder shall be.

    Raises:
        InputError: there is a file of that name.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; name a folder")


def refuse_used(folder: Path) -> None:
    """Refuse a folder in which something of the user's would be replaced.

    Raises:
        InputError: there is a file of that name, or a folder that is not empty.
    """
    refuse_file(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder}: holds files already; choose an empty or new folder")


def is_unfinished(path: Path) -> bool:
    """Whether this is something that a process is writing, or was when it was killed."""
    return path.name.startswith(".") and (_PARTIAL in path.name or path.name.endswith(_STAGED))


def sweep(folder: Path, name: str = "*") -> None:
    """Delete what killed processes left unfinished directly in a folder; what they were replacing comes back.

    Arguments:
        folder: where to look.
        name: of what they were writing; "*" is anything.
    """
    for leftover in folder.glob(f".{name if name == '*' else escape(name)}{_PARTIAL}*"):
        target, _, process = leftover.name[1:].rpartition(_PARTIAL)
        process = process.removesuffix(_OLD)
        own = process == str(os.getpid())  # or of a dead process of that number, as in containers
        if leftover.absolute() in _in_use if own else _is_alive(process):
            continue
        if leftover.name.endswith(_OLD) and not folder.joinpath(target).exists():  # killed between two renames
            leftover.rename(folder / target)
        else:
            _delete(leftover)


@contextmanager
def locked(folder: Path, *, beside: bool = False) -> Iterator[None]:
    """Keep other processes from a folder; inside one process it may be held several times.

    The system lets go of it when the process ends, however that happens. Of a training in several processes the first
    holds it for all. In the end its file is deleted, and so is a folder that was made for it and stayed empty.

    Arguments:
        folder: of a run; made if it does not exist.
        beside: the lock lies beside the folder, which is not made, and not in it.

    Raises:
        InputError: another process works on it, or it is a file.
    """
    from filelock import FileLock, Timeout  # brings asyncio, which most processes never need

    if rank() > 0:
        yield
        return
    refuse_file(folder)
    parent, name = (folder.resolve().parent, f".{folder.resolve().name}{LOCK}") if beside else (folder, LOCK)
    new = [missing for missing in (parent, *parent.parents) if not missing.exists()]
    file = parent.resolve() / name
    lock = FileLock(file, timeout=_PATIENCE_S, thread_local=False, is_singleton=True)
    try:
        _acquire(lock, parent)
    except Timeout as error:
        number = file.read_text("utf-8").strip() if file.is_file() else ""
        holder = f"process {number}" if number.isdigit() else "another process"
        raise InputError(f"{folder}: {holder} works on it; wait for its end, or choose another folder") from error
    try:
        file.write_text(str(os.getpid()), "utf-8")
        yield
    finally:
        if lock.lock_counter == 1:  # while it is still held: nobody can hold a file that is gone
            file.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # filled
            for made in new:
                made.rmdir()


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Have errors name a file: a full disk does not say which one it was, and the user wants to know."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """A temporary name beside a path; whatever still has it in the end is deleted."""
    path = path.absolute()
    _make_folder(path.parent)
    sweep(path.parent, path.name)
    partial = path.with_name(f".{path.name}{_PARTIAL}{os.getpid()}")
    _in_use.add(partial)
    try:
        with naming(path):
            yield partial
    finally:
        _delete(partial)
        _in_use.discard(partial)


def _replace(target: Path, new: Path) -> None:
    """Give a folder its name; the one that has it is deleted, and comes back when this fails or is killed."""
    if not target.exists():
        new.rename(target)
        return
    old = target.with_name(f".{target.name}{_PARTIAL}{os.getpid()}{_OLD}")
    _in_use.add(old)
    try:
        target.rename(old)
        try:
            new.rename(target)
        except BaseException:
            old.rename(target)
            raise
        shutil.rmtree(old)
    finally:
        _in_use.discard(old)


@contextmanager
def _removed_if_empty(parent: Path) -> Iterator[None]:
    """A folder that does not exist before and is empty afterwards is removed."""
    existed = parent.exists()
    try:
        yield
    finally:
        if not existed and parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()


def _discard(root: Path) -> None:
    with suppress(NotADirectoryError):  # one of its parents is a file: there is nothing to discard
        (root / _MANIFEST).unlink(missing_ok=True)  # first: without it, the rest is nothing
    shutil.rmtree(root, ignore_errors=True)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from error


def _acquire(lock: "BaseFileLock", folder: Path) -> None:
    """Take the lock, in a folder that a holder who ends just now may take with it."""
    for attempt in range(_ATTEMPTS):
        _make_folder(folder)
        try:
            lock.acquire()
            return
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True
