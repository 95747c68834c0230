"""The folder in which a store is made: what is done lies there until all is, whoever is killed in between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ...errors import InputError
from ...files import make_folder, refuse_file
from .ingest import Note, key_of
from .storage import Folder, Place, place_at

ABOUT = "zarr.json"
WINDOWS = "samples.parquet"
SPANS = "spans.parquet"
ABOUT_SAMPLES = "about.json"

_UNFINISHED = ".unfinished"  # behind the store's name: the folder beside it
_REPLACED, _PLACED = "replaced", "placed"  # in that folder: the store that stood there, and that the new one stands now
_OURS = re.compile(r"r\d{6,}|(zarr|about)\.json|(samples|spans)\.parquet|values\.npy")  # all that stores are made of


class Work:
    """The work on one store: notes, one a source that is done, and the store as far as it is.

    Of a folder, the store stands among the work and moves to its place when it is whole. Elsewhere files cannot move:
    there it stands in its place at once, and is a store as soon as it has zarr.json or about.json, which comes last.
    """

    def __init__(self, path: Path | str) -> None:
        place = place_at(path)
        self.target: Path | None = None
        self.folder: Place
        self.store: Place
        if isinstance(place, Folder):
            self.target = place.path.resolve()  # a link to another disk stays a link
            self.folder = Folder(self.target.with_name(self.target.name + _UNFINISHED))
            self.store = self.folder.below("store")
        else:
            self.folder = place_at(str(path).rstrip("/") + _UNFINISHED)
            self.store = place
        self.place = place
        self.notes = self.folder.below("notes")

    def begin(self) -> None:
        """Make room, and see to it that nobody takes half a store for a whole one; what was placed is work again.

        Raises:
            InputError: in the store's place are files that are not a store's, or no folder can be made there.
        """
        if self.target is not None:
            refuse_file(self.target)
            make_folder(self.target.parent)
        self._take_back()
        if foreign := sorted(name for name in self.place.names() if not _OURS.fullmatch(name)):
            raise InputError(f"{self.place}: holds '{foreign[0]}', which is no part of a store; choose another place")
        self._break()

    def still_holding(self, stamps: Sequence[str]) -> dict[int, Note]:
        """Notes of earlier calls about sources that are the same today and whose signals are there, by position."""
        listed, stored = self.notes.names(), self.store.names()
        found: dict[int, Note] = {}
        for position, stamp in enumerate(stamps):
            name = f"{key_of(position)}.json"
            note = Note.from_json(self.notes.read(name)) if name in listed else None
            if note is not None and note.stamp == stamp and (note.record is None or note.record.key in stored):
                found[position] = note
        return found

    def finish(self, files: dict[str, bytes], kept: set[str], *, hold: bool) -> None:
        """Write the last files, delete what is left of others, and move the store to its place.

        Arguments:
            files: by name; the last one makes it a store.
            kept: names of what stays of all that was written before.
            hold: the work stays until `settle` or `discard`.
        """
        for name in self.store.names() - kept:
            self.store.remove(name)
        self.folder.write(_PLACED)
        for name, content in files.items():
            self.store.write(name, content)
        if self.target is not None:
            if self.target.exists():
                self.folder.remove(_REPLACED)
                self.target.rename(str(self.folder.below(_REPLACED)))
            Path(str(self.store)).rename(self.target)
        if not hold:
            self.settle()

    def is_placed(self) -> bool:
        """Whether what stands in the store's place was put there by this work."""
        return _PLACED in self.folder.names()

    def settle(self) -> None:
        """Delete the work; the store in its place stays."""
        self.folder.remove(_PLACED)  # first: what is left by a kill after that is never put back
        self.folder.remove()

    def discard(self) -> None:
        """Delete the work, and what of it stands in the store's place; another store there stays, or comes back."""
        if self.target is None and self.is_placed():
            self._break()
        self._take_back()
        self.folder.remove()
        names = self.place.names()
        if self.target is None and not names & {ABOUT, ABOUT_SAMPLES}:
            for name in filter(_OURS.fullmatch, names):
                self.place.remove(name)

    def _take_back(self) -> None:
        """What was placed and not settled is work again, and what stood there before stands there."""
        if self.target is not None:
            made, replaced = Path(str(self.store)), Path(str(self.folder.below(_REPLACED)))
            if self.is_placed() and not made.exists() and self.target.exists():
                self.target.rename(made)
            if replaced.exists() and not self.target.exists():
                replaced.rename(self.target)
        self.folder.remove(_PLACED)

    def _break(self) -> None:
        for name in (ABOUT, ABOUT_SAMPLES):
            self.store.remove(name)
