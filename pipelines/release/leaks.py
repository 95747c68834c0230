"""A last look at a finished bundle: it holds only files that were written for it, and nothing of the source.

Searched are the samples and the generator's weights, read as any reader would, for stretches of recordings at any shift
and on any offset, rows and pictures; and all texts for ids, names, header texts, rows, signals and offsets. The
datasheet says what could not be searched for. Not searched for: samples that were scaled, resampled to another rate, or
blurred. An audit detects those.
"""

import csv
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import safetensors.numpy
from PIL import Image

from ...data.samples import Samples
from ...errors import InputError, one_line
from ...transforms import Codec
from ..kinds import kind_of_codec
from ..kinds.kind import Kind
from .source_index import PICTURE, ROW, STRETCH, SourceIndex, pixels_of

DOCUMENTS = ("datasheet.md", "codec.json", "policy.toml", "audit.json", "SHA256SUMS", "generator/architecture.json")
WEIGHTS = "generator/weights.safetensors"
COLUMNS = {"record", "seed", "number", "step", "label", "diagnosis"}  # of samples.csv
TABLE = "samples.csv"
_NAME = re.compile(r"(.+/)?synthetic\d+(\.\w+)?")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\w)")
_CELL = re.compile(r"\s*[-+]?\d*[.,]?\d+(?:[eE][-+]?\d+)?\s*")
_TEXTS = (".md", ".json", ".toml", "", ".csv", ".tsv", ".txt", ".data", ".hea")
_AT_ONCE = 4096  # samples


@dataclass(frozen=True, order=True)
class Finding:
    """Something of the source in a bundle; what exactly is not said, for refusals are shown around."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: holds {self.what}"


def find_leaks(bundle: Path, index: SourceIndex, codec: Codec) -> list[Finding]:
    """All that a bundle holds of the source, at most once a file and kind; of foreign files only where they are.

    Samples are read by the run's codec. An InputError says that a file is not what its name says.
    """
    kind = kind_of_codec(codec)
    foreign = list(_foreign(bundle, kind, codec))
    if foreign:
        return foreign
    found = [*_table(bundle / "synthetic" / TABLE), *_samples(bundle / "synthetic", index, codec, kind)]
    for path in sorted(path for path in bundle.rglob("*") if path.is_file()):
        name = path.relative_to(bundle).as_posix()
        try:
            found += [Finding(name, what) for what in _in_file(path, name, index, codec)]
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: cannot be read ({one_line(error)}); generate again") from error
    if (bundle / "codec.json").read_text("utf-8") != codec.to_json():
        found.append(Finding("codec.json", "something else than the run's codec"))
    return sorted(set(found))


def _foreign(bundle: Path, kind: Kind, codec: Codec) -> Iterator[Finding]:
    """Files that no bundle has, and links."""
    generated = re.compile(kind.file_names(codec))
    for path in sorted(bundle.rglob("*")):
        name = path.relative_to(bundle).as_posix()
        top, _, below = name.partition("/")
        is_known = name in (*DOCUMENTS, WEIGHTS) or (top == "synthetic" and generated.fullmatch(below))
        if path.is_symlink():
            yield Finding(name, "a link, not a file")
        elif path.is_file() and not is_known:
            yield Finding(name, "something that was not written for it")


def _table(path: Path) -> Iterator[Finding]:
    """Columns and names of samples.csv that no generated sample has."""
    if not path.is_file():
        return
    try:
        table = pd.read_csv(path, dtype=str)
    except ValueError as error:  # pandas' parser errors are among these
        raise InputError(f"{path}: cannot be read ({one_line(error)}); generate again") from error
    name = f"synthetic/{TABLE}"
    if not set(table.columns) <= COLUMNS:
        yield Finding(name, "a column that no generated sample has")
    if "record" in table and not table["record"].map(lambda record: bool(_NAME.fullmatch(str(record)))).all():
        yield Finding(name, "a name that no generated sample has")


def _samples(folder: Path, index: SourceIndex, codec: Codec, kind: Kind) -> Iterator[Finding]:
    """Synthetic samples that are, or hold a part of, real ones."""
    samples = kind.read_back(folder, codec)
    if kind.tabular:
        keys = pd.util.hash_pandas_object(kind.rows(codec, samples), index=False)
        if set(keys.tolist()) & index.rows:
            yield Finding(f"synthetic/{codec.form['file']}", ROW)
        return
    n, channels, length = samples.values.shape
    yield from _unlisted(folder, samples)
    names = samples.frame["record"] if "record" in samples.frame else [codec.form.get("file", "")] * n
    for first in range(0, n, _AT_ONCE):
        lines = samples.values[first : first + _AT_ONCE].reshape(-1, length)
        for row in sorted({first + line // channels for line in index.stretches(lines).tolist()}):
            yield Finding(f"synthetic/{names[row]}", STRETCH)


def _unlisted(folder: Path, samples: Samples) -> Iterator[Finding]:
    """Signal files of no listed record, or larger than their samples: readers pass over what these hold."""
    _, channels, length = samples.values.shape
    for path in sorted(folder.rglob("*.dat")) + sorted(folder.rglob("*.hea")):
        name = path.relative_to(folder).as_posix()
        is_listed = name.rpartition(".")[0] in set(samples.frame.get("record", ()))
        if not is_listed or (path.suffix == ".dat" and path.stat().st_size != 2 * channels * length):
            yield Finding(f"synthetic/{name}", "something that was not written for it")


def _in_file(path: Path, name: str, index: SourceIndex, codec: Codec) -> set[str]:
    """What of the source a file holds, but for its samples."""
    if name == WEIGHTS:
        weights = path.read_bytes()
        header = weights[8 : 8 + int.from_bytes(weights[:8], "little")].decode()
        numbers = (lines for tensor in safetensors.numpy.load(weights).values() for lines in _sequences(tensor))
        return index.in_text(header) | {what for lines in numbers for what in index.in_numbers(lines)}
    if name in DOCUMENTS:
        text = path.read_text("utf-8")
        return index.in_text(text) | {what for lines in _numbers(text) for what in index.in_numbers(lines)}
    found = {PICTURE} if index.pictures and pixels_of(path) in index.pictures else set()
    is_body = path.suffix.lower() in _TEXTS and path.suffix != ".hea" and path.name != TABLE
    for text in _texts(path):
        # what is beside the samples: all of a header, and the comments above a body of numbers
        beside = "\n".join(line for line in text.splitlines() if not is_body or line.startswith("#"))
        found |= index.in_text(_without_numbers(text, codec) if is_body else text) | index.in_text(beside)
        if path.suffix.lower() in _TEXTS:
            found |= {what for lines in _numbers(beside) for what in index.in_numbers(lines)}
    return found


def _texts(path: Path) -> Iterator[str]:
    """The texts of a generated file; its numbers were looked at as samples."""
    if path.suffix.lower() == ".parquet":
        table = pa.parquet.read_table(path)
        metadata = table.schema.metadata or {}
        yield "\n".join(
            [*table.schema.names, *(part.decode("utf-8", "replace") for p in metadata.items() for part in p)]
        )
        for column in table.columns:
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                yield "\n".join(map(str, column.to_pylist()))
    elif path.suffix.lower() == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            for name, array in arrays.items():
                yield "\n".join([name, *(map(str, array.ravel().tolist()) if array.dtype.kind in "US" else ())])
    elif path.suffix.lower() in _TEXTS:
        yield path.read_text("utf-8", "replace")
    elif path.suffix != ".dat":
        with Image.open(path) as picture:
            picture.load()
            yield "\n".join(f"{key}: {value}" for key, value in (*picture.info.items(), *picture.getexif().items()))


def _without_numbers(text: str, codec: Codec) -> str:
    """The text without cells that are numbers: any generated number may be like an id."""
    delimiter = codec.form.get("dialect", codec.form).get("delimiter") or ","
    rows = csv.reader(text.splitlines(), delimiter=delimiter)
    return "\n".join(delimiter.join(cell for cell in row if not _CELL.fullmatch(cell)) for row in rows)


def _numbers(text: str) -> Iterator[np.ndarray]:
    """The numbers of a text as sequences (n, T): all in a row, and in columns as many as its last line has."""
    numbers = np.array(_NUMBER.findall(text), np.float64)
    width = len(_NUMBER.findall(text.rstrip().rpartition("\n")[2]))
    if len(numbers):
        yield numbers[None]
    if width > 1:
        yield np.ascontiguousarray(numbers[len(numbers) % width :].reshape(-1, width).T)


def _sequences(array: np.ndarray) -> Iterator[np.ndarray]:
    """The lines of an array along each of its axes, (n, T) each, and all of it in a row."""
    for axis in range(array.ndim):
        lines = np.moveaxis(array, axis, -1)
        yield lines.reshape(-1, lines.shape[-1])
    if array.ndim != 1:
        yield array.reshape(1, -1)
