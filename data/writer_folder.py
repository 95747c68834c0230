"""A folder in the making: filled in order, over several calls if one is cut short, and under its name when whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any

from ..errors import InputError
from ..files import new_file, new_folder, refuse_file

_FILES, _SPOOL, _STATE, _OLD = "files", "spool", "state.json", "old"

Placing = Callable[[], AbstractContextManager[None]]


class Making:
    """Files that are not a whole set yet. What is written counts from the next `commit` on.

    What lies here uncommitted when a process is killed is written again, under the same names, by the one that goes on.

    Arguments:
        files: the folder that becomes the set.
        spool: a folder for what its files are made of in the end; no part of the set.
        state: where commits are noted, with what is made; None: nowhere, for nobody will go on.
        request: what is made.
    """

    def __init__(self, files: Path, spool: Path, state: Path | None = None, request: object = None) -> None:
        self.files, self.spool = files, spool
        self.done = 0  # samples that are committed
        self._state, self._request = state, request
        self._sizes: dict[str, int] = {}
        self._open: dict[str, IO[bytes]] = {}
        self.placed = False  # nothing is left to write: the set has its name already

    def append(self, name: str) -> IO[bytes]:
        """A file of the set, to go on writing where the last commit left it."""
        return self._at_end(self.files / name)

    def spooled(self, name: str) -> IO[bytes]:
        """The same, of the spool; `spool / name` can be read once it is committed."""
        return self._at_end(self.spool / name)

    def commit(self, done: int) -> None:
        """From here on, so many samples are written, whatever happens."""
        for name, file in self._open.items():
            file.flush()
            if self._state is not None:
                os.fsync(file.fileno())
            self._sizes[name] = file.tell()
        if self._state is not None:
            with new_file(self._state) as state:
                json.dump({"request": self._request, "done": done, "sizes": self._sizes}, state)
        self.done = done

    def close(self) -> None:
        """Let go of the files; what was not committed may be lost."""
        for file in self._open.values():
            with suppress(OSError):  # a full disk was told of when writing failed
                file.close()
        self._open.clear()

    def go_on(self) -> None:
        """Take up what was committed, if it was of the same request; else begin."""
        saved = {} if self._state is None else _saved(self._state)
        if saved and saved["request"] == self._request:
            self.done, self._sizes = saved["done"], saved["sizes"]
        for folder in (self.files, self.spool):
            folder.mkdir(parents=True, exist_ok=True)

    def _at_end(self, path: Path) -> IO[bytes]:
        name = f"{path.parent.name}/{path.name}"
        if name not in self._open:
            file = self._open[name] = path.open("ab")
            file.truncate(self._sizes.get(name, 0))
            file.seek(0, os.SEEK_END)
        return self._open[name]


@contextmanager
def making(dest: Path, request: Mapping[str, Any] | None = None, placing: Placing = nullcontext) -> Iterator[Making]:
    """Make a folder that appears under its name only when it is whole; an existing one is replaced.

    With a request, what was committed stays beside it when the body fails or the process is killed, and whoever makes
    the same next goes on there; another request begins anew. An InputError leaves nothing.

    Arguments:
        dest: the folder.
        request: all that decides its content, as JSON; None: nothing is kept of what fails.
        placing: entered while the new folder takes the old one's place; also again by who goes on after a kill therein.

    Raises:
        InputError: there is a file of that name, or no folder can be made there.
    """
    dest = dest.resolve()  # a link to another disk stays a link
    refuse_file(dest)
    if request is None:
        with new_folder(dest) as folder:
            made = Making(folder, folder / ".spool")
            made.go_on()
            try:
                yield made
            finally:
                made.close()
            shutil.rmtree(made.spool)
        return
    place = unfinished(dest)
    made = _taken_up(place, dest, json.loads(json.dumps(request)))
    try:
        yield made
    except BaseException as error:
        made.close()
        if isinstance(error, InputError) or not made.done:
            _discard(place)
        if isinstance(error, OSError) and error.filename is None:  # a full disk does not say which file it was
            error.filename = str(dest)
        raise
    made.close()
    with placing():
        if not made.placed:
            if dest.exists():
                dest.rename(place / _OLD)
            made.files.rename(dest)
    _discard(place)


def unfinished(dest: Path) -> Path:
    """Where work on a folder waits for who goes on with it."""
    return dest.with_name(f".{dest.name}.unfinished")


def _taken_up(place: Path, dest: Path, request: Any) -> Making:
    """What was begun with this request, or a new beginning."""
    made = Making(place / _FILES, place / _SPOOL, place / _STATE, request)
    if (place / _OLD).is_dir():  # killed between two renames, or after them
        if dest.exists():
            shutil.rmtree(place / _OLD)
        else:
            (place / _OLD).rename(dest)
    same = _saved(place / _STATE).get("request") == request
    made.placed = same and dest.is_dir() and not made.files.is_dir()
    if not made.placed:
        if not (same and made.files.is_dir()):
            _discard(place)
        try:
            made.go_on()
        except OSError as error:
            raise InputError(f"{dest.parent}: cannot be made ({error.strerror}); choose another folder") from error
    return made


def _discard(place: Path) -> None:
    (place / _STATE).unlink(missing_ok=True)  # first: without it, the rest is nothing
    shutil.rmtree(place, ignore_errors=True)


def _saved(state: Path) -> dict[str, Any]:
    """What was committed last; {} if nothing was."""
    try:
        saved = json.loads(state.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    whole = isinstance(saved, dict) and saved.keys() == {"request", "done", "sizes"}
    return saved if whole else {}
