"""Where a store lies: a folder of this machine, or any place that fsspec has a protocol for."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import fsspec
import pandas as pd

from ...errors import InputError, one_line

_AHEAD = 64  # pieces that a disk is asked for at once


class Piece(NamedTuple):
    """Some bytes of a file, from `begin` on, and where in memory they go."""

    name: str
    begin: int
    into: memoryview


class BrokenFileError(Exception):
    """A file of which a piece cannot be read.

    Arguments:
        name: of the file, below its place.
        why: one line.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name, self.why = name, why


class Place(Protocol):
    """Files below one root, named by paths with slashes."""

    def below(self, name: str) -> Place:
        """A place inside this one."""

    def read(self, name: str) -> bytes:
        """All of a file; FileNotFoundError if there is none."""

    def write(self, name: str, *parts: Any) -> None:
        """A file of these bytes that appears whole or not at all."""

    def fill(self, pieces: Sequence[Piece]) -> None:
        """Read parts of files; BrokenFileError if one is not there, or ends before its piece does."""

    def read_table(self, name: str) -> pd.DataFrame:
        """A Parquet file."""

    def names(self) -> set[str]:
        """What lies directly in it; none where there is nothing."""

    def remove(self, name: str = "") -> None:
        """A file, or a folder with all that is in it; the place itself without a name. It need not be there."""


def place_at(path: Path | str) -> Place:
    """The place of a path, or of an fsspec URL such as s3://bucket/store.

    Raises:
        InputError: a protocol that is not known, or whose package is not installed.
    """
    if isinstance(path, Path) or "://" not in path:
        return Folder(Path(path))
    try:
        system, root = fsspec.core.url_to_fs(path)
    except ImportError as fault:
        raise InputError(f"{path}: its protocol is in a package of its own ({one_line(fault)})") from fault
    except ValueError as fault:
        raise InputError(f"{path}: {one_line(fault)}; give a folder, or a URL that fsspec knows") from fault
    return Folder(Path(root)) if "file" in system.protocol else Remote(system, root.rstrip("/"), path.split("://")[0])


@dataclass(frozen=True)
class Folder:
    """A folder of this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def below(self, name: str) -> Folder:
        return Folder(self.path / name)

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def write(self, name: str, *parts: Any) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}.partial-{os.getpid()}")
        try:
            with partial.open("wb") as opened:
                opened.writelines(parts)
            partial.replace(file)
        except OSError as error:
            partial.unlink(missing_ok=True)
            error.filename = error.filename or str(file)  # a full disk does not say which file it was
            raise

    def fill(self, pieces: Sequence[Piece]) -> None:
        for first in range(0, len(pieces), _AHEAD):
            some = pieces[first : first + _AHEAD]
            with ExitStack() as opened:
                files = {name: opened.enter_context(self._open(name)) for name in {piece.name for piece in some}}
                if hasattr(os, "posix_fadvise"):  # the disk fetches all of them while the first is copied
                    for name, begin, into in some:
                        os.posix_fadvise(files[name].fileno(), begin, len(into), os.POSIX_FADV_WILLNEED)
                for piece in some:
                    _fill(files[piece.name], piece)

    def _open(self, name: str) -> FileIO:
        try:
            return FileIO(self.path / name)
        except OSError as fault:
            raise BrokenFileError(name, _why(fault)) from fault

    def read_table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.path / name)

    def names(self) -> set[str]:
        return {path.name for path in self.path.iterdir()} if self.path.is_dir() else set()

    def remove(self, name: str = "") -> None:
        path = self.path / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Remote:
    """A place that fsspec reaches.

    Arguments:
        system: fsspec's file system.
        root: in its own terms.
        protocol: of its URLs.
    """

    system: Any
    root: str
    protocol: str

    def __str__(self) -> str:
        return f"{self.protocol}://{self.root.lstrip('/')}"

    def below(self, name: str) -> Remote:
        return Remote(self.system, f"{self.root}/{name}", self.protocol)

    def read(self, name: str) -> bytes:
        return self.system.cat_file(f"{self.root}/{name}")

    def write(self, name: str, *parts: Any) -> None:
        path = f"{self.root}/{name}"
        self.system.makedirs(path.rpartition("/")[0], exist_ok=True)
        self.system.pipe_file(path, b"".join(parts))

    def fill(self, pieces: Sequence[Piece]) -> None:
        paths = [f"{self.root}/{piece.name}" for piece in pieces]
        ends = [piece.begin + len(piece.into) for piece in pieces]
        found = self.system.cat_ranges(paths, [piece.begin for piece in pieces], ends, on_error="return")
        for piece, content in zip(pieces, found, strict=True):
            if isinstance(content, BaseException):
                raise BrokenFileError(piece.name, _why(content))
            if len(content) != len(piece.into):
                raise BrokenFileError(piece.name, "a block is cut short")
            piece.into[:] = content

    def read_table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(io.BytesIO(self.read(name)))

    def names(self) -> set[str]:
        self.system.invalidate_cache(self.root)
        try:
            return {path.rstrip("/").rpartition("/")[2] for path in self.system.ls(self.root, detail=False)}
        except FileNotFoundError:
            return set()

    def remove(self, name: str = "") -> None:
        path = f"{self.root}/{name}".rstrip("/")
        if self.system.exists(path):
            self.system.rm(path, recursive=True)


def _fill(file: FileIO, piece: Piece) -> None:
    done = 0
    try:
        file.seek(piece.begin)
        while done < len(piece.into):  # one call may give less than it is asked for
            n = file.readinto(piece.into[done:])
            if not n:
                raise BrokenFileError(piece.name, "a block is cut short")
            done += n
    except OSError as fault:
        raise BrokenFileError(piece.name, _why(fault)) from fault


def _why(fault: BaseException) -> str:
    return "a block is missing" if isinstance(fault, FileNotFoundError) else one_line(fault)
