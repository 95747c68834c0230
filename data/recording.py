"""What a store is made from: sources of one recording each, known by name before they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .wfdb.signals import Recording


class Source(Protocol):
    """One recording that has not been read; can be pickled."""

    @property
    def name(self) -> str:
        """What its recording is called; of all sources of a store, each has its own."""

    @property
    def stamp(self) -> str:
        """Another one as soon as its files are others, or as something else is read of them; see `stamp_of`."""

    def read(self) -> Recording:
        """Read it.

        Raises:
            InputError: it cannot be used.
        """


def stamp_of(files: Iterable[Path], *what: Any) -> str:
    """A digest of files by name, size and time of change, and of what is read of them, by its repr."""
    digest = hashlib.sha256(repr(what).encode())
    for file in files:
        try:
            stat = file.stat()
            digest.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
        except OSError:
            digest.update(f"{file} cannot be seen\n".encode())
    return digest.hexdigest()
