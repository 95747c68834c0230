"""`numpy.savez` of an array that is too large for memory."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from .writer_folder import Making

VALUES = "values"  # what they are called in the spool


@dataclass(frozen=True)
class Spooled:
    """An array in a file of nothing but its numbers, in C order."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def spool_values(values: np.ndarray, made: Making) -> None:
    """Put the values of some samples aside until all are there."""
    made.spooled(VALUES).write(np.ascontiguousarray(values).data)


def spooled_values(shape: tuple[int, ...], dtype: np.dtype[Any], made: Making) -> Spooled:
    """All values that were put aside."""
    return Spooled(made.spool / VALUES, shape, dtype)


def save_npz(path: Path, arrays: Mapping[str, np.ndarray | Spooled]) -> None:
    """Write arrays, byte for byte as `numpy.savez` does.

    Arguments:
        path: an existing file is replaced.
        arrays: by key; what is spooled is copied in pieces.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for key, array in arrays.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as file:
                _write(file, array)


def _write(file: IO[bytes], array: np.ndarray | Spooled) -> None:
    if not isinstance(array, Spooled):
        np.lib.format.write_array(file, array, allow_pickle=False)
        return
    descr = np.lib.format.dtype_to_descr(array.dtype)
    described = {"descr": descr, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(file, described)
    with array.path.open("rb") as numbers:
        shutil.copyfileobj(numbers, file, 2**20)
