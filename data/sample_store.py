"""A store of whole samples: rows of a table, pictures, series that come one sample a row; nothing is cut from them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError, one_line
from ..files import new_folder
from .samples import Samples
from .split import TRAIN
from .store import Store

VERSION = 1
ABOUT = "about.json"
_VALUES = "values.npy"
_FRAME = "samples.parquet"
_LEVELS = 65535  # a range in 16 bit
_VALUES_AT_ONCE = 1 << 24  # 64 MiB of float32: the most that is read in one piece


class SampleStore:
    """Samples as they were given, all with the same channels, units, fs and length; values are read when asked for.

    Attributes:
        path: its folder.
        frame: one row a sample; `part` is "" where nobody split them.
        channels, units: C names and physical units.
        fs: Hz, or None.
        length: values per channel in one sample.
        step: resolution of the values: the range of the training samples, or of all where nobody split them, in 16 bit.
        gains: None; these samples came from no ADC.
        dropped: what was left out, by reason.
        problems: one line for each thing the user should know.
        form: how samples become the source's own format again.
        classes: names of the labels; () where there are none.
    """

    gains: None = None

    def __init__(self, path: Path, about: dict[str, Any], frame: pd.DataFrame, values: np.ndarray) -> None:
        self.path = path
        self.frame = frame
        self.channels: tuple[str, ...] = tuple(about["channels"])
        self.units: tuple[str, ...] = tuple(about["units"])
        self.fs: float | None = about["fs"]
        self.length: int = about["shape"][2]
        self.step: float = about["step"]
        self.dropped: dict[str, int] = about["dropped"]
        self.problems: list[str] = about["problems"]
        self.form: dict[str, Any] = about["form"]
        self.classes: tuple[str, ...] = tuple(about["classes"])
        self._checksum: int = about["checksum"]
        self._values = values
        self._is_checked = False

    @staticmethod
    def write(
        path: Path,
        samples: Samples,
        form: Mapping[str, Any],
        classes: Sequence[str] = (),
        dropped: Mapping[str, int] | None = None,
        problems: Sequence[str] = (),
    ) -> SampleStore:
        """Store samples; the folder appears when all is written, or not at all.

        Arguments:
            path: the folder; an existing one is replaced.
            samples: at least one.
            form: JSON.
            classes: names of the labels 0…K−1.
            dropped: how many samples were left out, by reason.
            problems: one line each.

        Raises:
            InputError: no samples.
        """
        if not len(samples):
            raise InputError(f"{path}: there is no sample to store; give a source with samples")
        frame = samples.frame if "part" in samples.frame else samples.frame.assign(part="")
        values = np.ascontiguousarray(samples.values)
        learnt = (frame["part"] == TRAIN).to_numpy()
        with new_folder(Path(path)) as folder:
            np.save(folder / _VALUES, values)
            frame.to_parquet(folder / _FRAME, index=False)
            about = {
                "version": VERSION,
                "shape": list(values.shape),
                "channels": list(samples.channels),
                "units": list(samples.units),
                "fs": samples.fs,
                "step": _step(values[learnt] if learnt.any() else values),
                "dropped": dict(dropped or {}),
                "problems": list(problems),
                "form": dict(form),
                "classes": list(classes),
                "checksum": zlib.crc32(values.data),
                "frame_checksum": zlib.crc32((folder / _FRAME).read_bytes()),
            }
            sealed = {**about, "about_checksum": _seal(about)}
            (folder / ABOUT).write_text(json.dumps(sealed, indent=1, allow_nan=False), encoding="utf-8")
        return SampleStore.open(path)

    @staticmethod
    def open(path: Path) -> SampleStore:
        """Open a store; values stay on disk until asked for.

        Raises:
            InputError: no store there, only half of one, or one that somebody edited.
        """
        path = Path(path)
        if not (path / ABOUT).is_file():
            raise InputError(f"{path}: no store in this folder; make it with `prepare`")
        try:
            about = json.loads((path / ABOUT).read_text(encoding="utf-8"))
            if about["version"] != VERSION:
                raise InputError(f"{path}: store of version {about['version']}, this is {VERSION}; run `prepare` again")
            if about.pop("about_checksum") != _seal(about):
                raise ValueError(f"{ABOUT} is not what was written")
            if zlib.crc32((path / _FRAME).read_bytes()) != about["frame_checksum"]:
                raise ValueError(f"{_FRAME} is not what was written")
            frame = pd.read_parquet(path / _FRAME)
            values = np.load(path / _VALUES, mmap_mode="r", allow_pickle=False)
            if list(values.shape) != about["shape"] or values.dtype != np.float32 or len(frame) != len(values):
                raise ValueError(f"{_VALUES} is not what was written")
            return SampleStore(path, about, frame, values)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as fault:
            raise InputError(f"{path}: only part of a store ({one_line(fault)}); run `prepare` again") from fault

    def __len__(self) -> int:
        return len(self.frame)

    def values(self, rows: np.ndarray | Sequence[int]) -> np.ndarray:
        """The samples at these positions of the frame: (n, C, L) float32, a copy.

        Raises:
            InputError: the file is not what was written.
        """
        self._check()
        return np.array(self._values[np.asarray(rows, dtype=np.int64)])

    def samples(self, rows: np.ndarray | None = None) -> Samples:
        """All samples, or those at a boolean mask or at positions."""
        rows = np.arange(len(self)) if rows is None else np.asarray(rows)
        positions = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        return Samples(self.values(positions), self.frame.iloc[positions], self.channels, self.units, self.fs)

    def iter_windows(self, part: str | None = "train", chunk: int = 4096) -> Iterator[np.ndarray]:
        """All samples of one part, in the order of the frame, in pieces that fit in memory.

        Arguments:
            part: "train", "control", or None for all.
            chunk: the most samples in a piece; fewer where samples are large.

        Yields:
            (n, C, L) float32.
        """
        here = np.ones(len(self), bool) if part is None else (self.frame["part"] == part).to_numpy()
        positions = np.flatnonzero(here)
        n = _at_once(self._values, chunk)
        for first in range(0, len(positions), n):
            yield self.values(positions[first : first + n])

    def _check(self) -> None:
        """Read everything once; later calls trust what they find."""
        if self._is_checked:
            return
        checksum, n = 0, _at_once(self._values, len(self))
        for first in range(0, len(self), n):
            checksum = zlib.crc32(np.ascontiguousarray(self._values[first : first + n]).data, checksum)
        if checksum != self._checksum:
            raise InputError(f"{self.path / _VALUES}: damaged (not what was written); run `prepare` again")
        self._is_checked = True


AnyStore = Store | SampleStore


def open_store(path: Path) -> AnyStore:
    """Open what `prepare` left in a folder: windows of records, or whole samples.

    Raises:
        InputError: no store there, or only half of one.
    """
    return SampleStore.open(path) if (Path(path) / ABOUT).is_file() else Store.open(path)


def _step(values: np.ndarray) -> float:
    """The range in 16 bit; values that are all the same, or all missing, have the range 1."""
    finite = values[np.isfinite(values)].astype(np.float64)
    extent = float(np.ptp(finite)) if finite.size else 0.0
    return (extent or 1.0) / _LEVELS


def _at_once(values: np.ndarray, chunk: int) -> int:
    return max(1, min(chunk, _VALUES_AT_ONCE // max(1, values.shape[1] * values.shape[2])))


def _seal(about: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(about, sort_keys=True).encode())
