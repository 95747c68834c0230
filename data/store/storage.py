"""Where a store lies: a folder of this machine, or any URL that fsspec has a protocol for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
from fsspec.implementations.local import LocalFileSystem

from ...errors import InputError, one_line
from ...files import naming

_AHEAD = 64  # byte ranges that a disk is asked for at once


class ByteRange(NamedTuple):
    """Some bytes of a file, from `begin` on, and where in memory they go."""

    name: str
    begin: int
    into: memoryview


class DamagedFileError(Exception):
    """A file of which a byte range cannot be read."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name, self.why = name, why  # below its storage; in one line


@dataclass(frozen=True)
class Storage:
    """Files below one root, named by paths with slashes."""

    system: Any  # fsspec's file system
    root: str  # in its own terms
    protocol: str = ""  # of its URLs; "" for folders of this machine

    @classmethod
    def at(cls, path: Path | str) -> Storage:
        """The storage of a path, or of an fsspec URL such as s3://bucket/store.

        Raises:
            InputError: a protocol that is not known, or whose package is not installed.
        """
        if isinstance(path, Path) or "://" not in path:
            return cls(LocalFileSystem(), str(Path(path).absolute()))
        try:
            system, root = fsspec.core.url_to_fs(path)
        except ImportError as fault:
            raise InputError(f"{path}: its protocol is in a package of its own ({one_line(fault)})") from fault
        except ValueError as fault:
            raise InputError(f"{path}: {one_line(fault)}; give a folder, or a URL that fsspec knows") from fault
        protocol = "" if "file" in system.protocol else path.split("://")[0]
        return cls(system, root.rstrip("/"), protocol)

    @property
    def folder(self) -> Path | None:
        """The folder of this machine; None elsewhere."""
        return None if self.protocol else Path(self.root)

    def beside(self, suffix: str) -> Storage:
        """The storage of the same name with a suffix."""
        return Storage(self.system, self.root + suffix, self.protocol)

    def sizes(self) -> dict[str, int]:
        """Bytes of what lies directly in it, 0 for folders; {} where there is nothing."""
        self.system.invalidate_cache(self.root)
        try:
            listed = self.system.ls(self.root, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return {entry["name"].rstrip("/").rpartition("/")[2]: entry["size"] or 0 for entry in listed}

    def read(self, name: str) -> bytes:
        """All of a file; FileNotFoundError if there is none."""
        content: bytes = self.system.cat_file(f"{self.root}/{name}")
        return content

    def write(self, name: str, parts: Iterable[Any]) -> None:
        """A file of these bytes, buffer after buffer."""
        path = f"{self.root}/{name}"
        self.system.makedirs(path.rpartition("/")[0], exist_ok=True)
        with naming(path), self.system.open(path, "wb") as file:
            for some in parts:
                file.write(some)

    def read_ranges(self, ranges: Sequence[ByteRange]) -> None:
        """Read parts of files; a DamagedFileError says which one is missing, or ends before its range does."""
        if self.folder is not None:
            for first in range(0, len(ranges), _AHEAD):
                _read_local(self.folder, ranges[first : first + _AHEAD])
            return
        paths = [f"{self.root}/{wanted.name}" for wanted in ranges]
        ends = [wanted.begin + len(wanted.into) for wanted in ranges]
        contents = self.system.cat_ranges(paths, [wanted.begin for wanted in ranges], ends, on_error="return")
        for wanted, content in zip(ranges, contents, strict=True):
            if isinstance(content, BaseException):
                raise DamagedFileError(wanted.name, _why(content))
            if len(content) != len(wanted.into):
                raise DamagedFileError(wanted.name, "it is cut short")
            wanted.into[:] = content

    def remove(self, name: str = "") -> None:
        """A file, or a folder with all that is in it; the root itself without a name. It need not exist."""
        path = f"{self.root}/{name}".rstrip("/")
        if self.system.exists(path):
            self.system.rm(path, recursive=True)


def _read_local(folder: Path, ranges: Sequence[ByteRange]) -> None:
    """Positional reads: mapped files would count as this process's memory, and grow to the size of the store."""
    with ExitStack() as opened:
        files: dict[str, FileIO] = {}
        for name in dict.fromkeys(wanted.name for wanted in ranges):
            try:
                files[name] = opened.enter_context(FileIO(folder / name))
            except OSError as fault:
                raise DamagedFileError(name, _why(fault)) from fault
        if hasattr(os, "posix_fadvise"):  # the disk fetches all of them while the first is copied
            for name, begin, into in ranges:
                os.posix_fadvise(files[name].fileno(), begin, len(into), os.POSIX_FADV_WILLNEED)
        for name, begin, into in ranges:
            _fill(files[name], name, begin, into)


def _fill(file: FileIO, name: str, begin: int, into: memoryview) -> None:
    done = 0
    try:
        file.seek(begin)
        while done < len(into):  # one call may give less than it is asked for
            n = file.readinto(into[done:])
            if not n:
                raise DamagedFileError(name, "it is cut short")
            done += n
    except OSError as fault:
        raise DamagedFileError(name, _why(fault)) from fault


def _why(fault: BaseException) -> str:
    return "it is missing" if isinstance(fault, FileNotFoundError) else one_line(fault)
