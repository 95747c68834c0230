"""How a record's signal lies in a store: a zarr v3 array (T, C) of plain bytes, of which a window is one stretch."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import zarr

from ..windows import MISSING
from .storage import Piece, Place

_LONGEST = 1 << 16  # samples in a block: about a minute at 1000 Hz


def write_blocks(place: Place, key: str, values: np.ndarray, name: str) -> int:
    """Store a signal.

    Arguments:
        place: the store's.
        key: of the array in it.
        values: (C, T) int16 or float32.
        name: of the record.

    Returns:
        CRC-32 of its bytes, time by time.
    """
    stored = np.ascontiguousarray(values.T, dtype=values.dtype.newbyteorder("<"))  # T, C
    files: dict[str, Any] = {}
    array = zarr.create_array(
        files,
        shape=stored.shape,
        dtype=stored.dtype,
        chunks=(_block(len(stored)), stored.shape[1]),
        compressors=None,
        fill_value=MISSING if stored.dtype == np.int16 else np.nan,
        attributes={"record": name},
        config={"write_empty_chunks": True},
    )
    array[:] = stored
    for file in sorted(files):
        place.write(f"{key}/{file}", files[file].as_numpy_array().data)
    return zlib.crc32(stored.data)


def pieces(key: str, n_samples: int, begin: int, into: np.ndarray) -> Iterator[Piece]:
    """Where the samples from `begin` on lie.

    Arguments:
        key: of the array.
        n_samples: T of the whole signal.
        begin: the first sample wanted.
        into: (L, C) of the stored dtype, contiguous: takes as many as it has room for.
    """
    block, width = _block(n_samples), into.strides[0]  # samples, bytes a sample
    room = into.data.cast("B")
    end = begin + len(into)
    for number in range(begin // block, (end - 1) // block + 1):
        first, after = max(begin, number * block), min(end, (number + 1) * block)
        target = room[(first - begin) * width : (after - begin) * width]
        yield Piece(f"{key}/c/{number}/0", (first - number * block) * width, target)


def _block(n_samples: int) -> int:
    """Samples in each block: as many in the last one as in the others, or nearly."""
    return -(-n_samples // -(-n_samples // _LONGEST))
