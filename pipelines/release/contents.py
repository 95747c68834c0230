"""What any program could find in a file: its texts, and its numbers however they are laid out."""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from PIL import Image, ImageOps, UnidentifiedImageError

from ...data.table.columns import Number
from ...data.table.form import TableForm
from ...errors import InputError, one_line

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}
_NUMBER = re.compile(rb"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\w)")
_CELL = re.compile(r"\s*[-+]?\d*[.,]?\d+(?:[eE][-+]?\d+)?\s*")
_RAW = ("<i2", ">i2", "<i4", "<f4", "<f8")
_PRINTABLE = re.compile(rb"[\x20-\x7e]{8,}")
IN_BYTES = 6  # characters of a name that is believed in a binary file
_PIECE = 1 << 23  # bytes of a text read at a time


def texts_of(path: Path) -> Iterator[tuple[str, int]]:
    """A file's texts: its bytes as they are, a piece at a time, and what its format hides in compression.

    Returns:
        Texts, and of how many letters and digits a name in them has to be, not to be there by chance: among the bytes
        of numbers any four letters turn up.

    Raises:
        InputError: not what its name says.
    """
    text = is_text(path)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if text:
                yield _decoded(piece + file.readline()), 0
            else:
                yield "\n".join(map(bytes.decode, _PRINTABLE.findall(piece))), IN_BYTES
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            table = pa.parquet.read_table(path)
            metadata = table.schema.metadata or {}
            said = [*table.schema.names, *(_decoded(part) for pair in metadata.items() for part in pair)]
            yield "\n".join(said), 0
            for column in table.columns:
                if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                    yield "\n".join(map(str, column.to_pylist())), 0
        elif suffix in PICTURES:
            with Image.open(path) as picture:
                picture.load()
                said = [f"{key}: {value}" for key, value in (*picture.info.items(), *picture.getexif().items())]
                yield "\n".join(said), 0
        elif suffix == ".npz":
            for name, array in _arrays(path):
                yield "\n".join([name, *(map(str, array.ravel().tolist()) if array.dtype.kind in "US" else ())]), 0
    except (OSError, ValueError, zipfile.BadZipFile, UnidentifiedImageError) as error:
        raise InputError(f"{path}: cannot be looked into ({one_line(error)}); generate again") from error


def numbers_of(path: Path, strides: frozenset[int], decimal: str = ".") -> Iterator[np.ndarray]:
    """A file's numbers as sequences (n, T): rows and columns of texts and arrays, and binary files in several readings.

    Arguments:
        path: of the file.
        strides: how many signals may lie interleaved in a binary file.
        decimal: what texts write between units and tenths.

    Raises:
        InputError: not what its name says.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            yield from _parquet(path)
        elif suffix in PICTURES:
            with Image.open(path) as picture:
                levels = np.atleast_3d(np.asarray(picture))  # H, W, c
            yield levels.transpose(2, 0, 1).reshape(levels.shape[2], -1)
        elif suffix == ".npz":
            for _, array in _arrays(path):
                yield from sequences(array)
        elif suffix == ".npy":
            yield from sequences(np.load(path, mmap_mode="r", allow_pickle=False))
        elif is_text(path):
            yield from _text(path, decimal)
        else:
            yield from _raw(path, strides)
    except (OSError, ValueError, zipfile.BadZipFile, UnidentifiedImageError) as error:
        raise InputError(f"{path}: cannot be looked into ({one_line(error)}); generate again") from error


def pixels_of(path: Path) -> str:
    """SHA-256 of what a picture shows, however it was saved: size and colours, upright; "" for what is no picture."""
    try:
        with Image.open(path) as picture:
            shown = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, Image.DecompressionBombError):
        return ""
    return hashlib.sha256(repr(shown.size).encode() + shown.tobytes()).hexdigest()


def without_numbers(text: str, form: Mapping[str, Any], name: str) -> str:
    """The text of a generated file without the numbers in its columns of numbers: any of them may be like an id.

    Arguments:
        text: some of its lines.
        form: of the codec.
        name: of the file; others than those that hold generated numbers are left as they are.
    """
    if form["kind"] == "table" and name == form["file"]:
        columns = TableForm.from_state(form["table"]).columns
        here, width = {k for k, column in enumerate(columns) if isinstance(column, Number)}, len(columns)
        delimiter = form["dialect"].get("delimiter", ",")
    elif form["kind"] == "series" and name != "samples.csv":
        here, width, delimiter = None, 0, form.get("delimiter", ",")
    else:
        return text
    lines = []
    for cells in csv.reader(text.splitlines(), delimiter=delimiter):
        is_row = here is None or len(cells) == width
        kept = (c for k, c in enumerate(cells) if not (is_row and (here is None or k in here) and _CELL.fullmatch(c)))
        lines.append(delimiter.join(kept))
    return "\n".join(lines)


def sequences(array: np.ndarray) -> Iterator[np.ndarray]:
    """The lines of an array along each of its axes, (n, T) each; nothing of arrays that hold no numbers."""
    if array.dtype.kind not in "fiu" or not array.size:
        return
    for axis in range(array.ndim):
        if array.shape[axis] > 1:
            lines = np.moveaxis(array, axis, -1)
            yield lines.reshape(-1, lines.shape[-1])
    if array.ndim > 1:
        yield array.reshape(1, -1)


def is_text(path: Path) -> bool:
    """Whether a file begins as text does: no zero byte, and UTF-8."""
    with path.open("rb") as file:
        start = file.read(1 << 12)
    try:
        start[: start.rfind(b"\n") + 1 or None].decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in start


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _text(path: Path, decimal: str) -> Iterator[np.ndarray]:
    """All numbers in a row, and its columns if all lines have as many."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            piece += file.readline()
            if decimal == ",":
                piece = piece.replace(b",", b".")
            found = _NUMBER.findall(piece)
            if not found:
                continue
            numbers = np.array(found).astype(np.float64)
            yield numbers[None]
            last = piece[piece.rstrip().rfind(b"\n") + 1 :]
            width = len(_NUMBER.findall(last))
            if width > 1:
                rows = numbers[len(numbers) % width :].reshape(-1, width)  # what is over stands in a header above
                yield np.ascontiguousarray(rows.T)


def _parquet(path: Path) -> Iterator[np.ndarray]:
    for column in pa.parquet.read_table(path).combine_chunks().columns:
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            values = pa.chunked_array([chunk.flatten() for chunk in column.chunks], column.type.value_type)
            lengths = set(pa.compute.list_value_length(column).to_pylist())
            array = values.to_numpy()
            if len(lengths) == 1 and array.dtype.kind in "fiu" and array.size:
                yield from sequences(array.reshape(-1, lengths.pop()))
                continue
        else:
            array = column.to_numpy()
        yield from sequences(array)


def _arrays(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name, np.load(io.BytesIO(archive.read(name)), allow_pickle=False)


def _raw(path: Path, strides: frozenset[int]) -> Iterator[np.ndarray]:
    content = path.read_bytes()
    for dtype in map(np.dtype, _RAW):
        for shift in range(dtype.itemsize):
            whole = (len(content) - shift) // dtype.itemsize
            values = np.frombuffer(content, dtype, whole, shift)
            with np.errstate(invalid="ignore", over="ignore"):
                values = values.astype(np.float32 if dtype.kind == "f" else np.int64)
            if dtype.kind == "f":
                values = np.nan_to_num(values, nan=0, posinf=0, neginf=0)
            for stride in sorted(strides):
                full = len(values) // stride * stride
                if full:
                    yield np.ascontiguousarray(values[:full].reshape(-1, stride).T)
