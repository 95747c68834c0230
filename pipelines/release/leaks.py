"""A last look at a finished bundle: nothing in it may be of the source.

Looked for, in every file, whatever its name: stretches of any recording at any shift, on any offset, at the source's
and at the written resolution, as it was prepared and as it was recorded; pictures, however they are saved; rows of a
table; windows' own minima; ids, names and header texts; files of the source. What could not be looked for is told in
the datasheet. Not looked for: what was encrypted, scaled, resampled to another rate, or blurred. That is what an
audit is for.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from ...data.table.form import TableForm
from ...data.wfdb.writer import FOLDERS
from ...errors import InputError, one_line
from ...transforms import Codec
from ..kinds import kind_of_codec
from .contents import PICTURES, is_text, numbers_of, pixels_of, texts_of, without_numbers
from .private import Private, form_decimal
from .traces import bits, on_grid
from .words import words_of

BUNDLE = ("synthetic", "datasheet.md", "codec.json", "policy.toml", "audit.json", "SHA256SUMS", "generator")
GENERATOR = ("weights.safetensors", "architecture.json")
COLUMNS = {"record", "seed", "number", "step", "label", "diagnosis"}  # of samples.csv
_NAME = re.compile(r"(.+/)?synthetic\d+(\.\w+)?")
_TOKEN = re.compile(r"[^\W_]+")
_NEAR_OFFSET = re.compile(r"(?:offset|minimum|minima)[^\d\n-]{0,20}(-?\d+\.\d+)", re.IGNORECASE)
_LONG = re.compile(r"(?<![\w.])-?\d+\.\d{11,}(?:[eE][-+]?\d+)?")
_AT_ONCE = 256  # records
STRETCH, OFFSETS = "a stretch of a real sample", "patients' own offsets"


@dataclass(frozen=True)
class Finding:
    """Something of the source in a bundle; what exactly is not said, for refusals are shown around."""

    file: str
    kind: str

    def __str__(self) -> str:
        return f"{self.file}: holds {self.kind}"


def find_leaks(bundle: Path, private: Private, codec: Codec) -> list[Finding]:
    """All that a bundle holds of the source, at most once a file and kind.

    Arguments:
        bundle: the finished folder.
        private: what to look for.
        codec: of the run, by which the synthetic files are read.
    """
    files = sorted(path for path in bundle.rglob("*") if path.is_file() or path.is_symlink())
    found = [*_shape(bundle, files, codec), *_rows(bundle, private, codec)]
    decimal = form_decimal(codec.form)
    found += _records(bundle, private, codec)
    for path in files:
        name = path.relative_to(bundle).as_posix()
        if path.is_symlink():
            continue  # told of by its shape
        kinds = _names(name, private)
        if private.is_a_file_of_the_source(path):
            kinds.add("a file of the source")
        if private.pictures and path.suffix.lower() in PICTURES and pixels_of(path) in private.pictures:
            kinds.add("a picture of the source")
        for text, shortest in texts_of(path):
            if _is_outside(path, bundle):
                kinds.update(_row_words(text, private))
            else:
                text = without_numbers(text, codec.form, path.name)
            kinds.update(_texts(text, private, shortest))
        if not _is_record(path, bundle, codec):
            for lines in numbers_of(path, private.strides, decimal):
                kinds.update(_numbers(lines, private, is_table_row=_is_outside(path, bundle) and is_text(path)))
        found += [Finding(name, kind) for kind in kinds]
    return sorted(set(found), key=lambda finding: (finding.file, finding.kind))


def _shape(bundle: Path, files: Sequence[Path], codec: Codec) -> Iterator[Finding]:
    """Files, folders, columns and entries that no bundle has."""
    try:
        kind_of_codec(codec).refuse_foreign(bundle / "synthetic", codec.form)
    except InputError as error:
        path = Path(str(error).partition(": is not of")[0])
        yield Finding(path.relative_to(bundle).as_posix(), "a file that was not generated")
    is_wfdb, is_images = codec.form["kind"] == "wfdb", codec.form["kind"] == "images"
    classes = {*codec.form.get("classes", ())} if is_images else set()
    for path in files:
        name = path.relative_to(bundle)
        top, *below = name.parts
        in_folder = len(below) == 2 and (below[0] in classes or (is_wfdb and FOLDERS.fullmatch(below[0])))
        fits = {"synthetic": len(below) == 1 or in_folder}
        fits["generator"] = len(below) == 1 and below[0] in GENERATOR
        if path.is_symlink():
            yield Finding(name.as_posix(), "a link, not a file")
        elif top not in BUNDLE or not fits.get(top, not below):
            yield Finding(name.as_posix(), "something that is no part of a bundle")
        elif path.name == "samples.csv":
            yield from (Finding(name.as_posix(), kind) for kind in _columns(path))
    if (bundle / "codec.json").read_text("utf-8") != codec.to_json():
        yield Finding("codec.json", "something else than the run's codec")


def _columns(path: Path) -> Iterator[str]:
    try:
        table = pd.read_csv(path, dtype=str)
    except ValueError as error:  # pandas' parser errors are among these
        raise InputError(f"{path}: cannot be read ({one_line(error)}); generate again") from error
    if not set(table.columns) <= COLUMNS:
        yield "a column that no generated sample has"
    if "record" in table and not table["record"].map(lambda name: bool(_NAME.fullmatch(str(name)))).all():
        yield "a name that no generated sample has"


def _rows(bundle: Path, private: Private, codec: Codec) -> Iterator[Finding]:
    """Synthetic rows that are a row of training, value for value."""
    if codec.form["kind"] != "table" or not private.rows:
        return
    frame = TableForm.from_state(codec.form["table"]).to_frame(
        kind_of_codec(codec).read_back(bundle / "synthetic", codec)
    )
    if set(pd.util.hash_pandas_object(frame, index=False).tolist()) & private.rows:
        yield Finding(f"synthetic/{codec.form['file']}", "a row of the real table")


def _is_record(path: Path, bundle: Path, codec: Codec) -> bool:
    """Whether a file is a WFDB signal file of the size that a synthetic record has."""
    size = 2 * len(codec.channels) * codec.arrangement.length
    inside = bundle / "synthetic" in path.parents and path.suffix == ".dat"
    return inside and codec.form["kind"] == "wfdb" and path.stat().st_size == size


def _records(bundle: Path, private: Private, codec: Codec) -> Iterator[Finding]:
    """Synthetic WFDB records, many at a time: there are tens of thousands of them."""
    paths = [path for path in sorted((bundle / "synthetic").rglob("*.dat")) if _is_record(path, bundle, codec)]
    shape = (-1, codec.arrangement.length, len(codec.channels))
    for _, group in groupby(enumerate(paths), lambda pair: pair[0] // _AT_ONCE):
        names = [path for _, path in group]
        digital = np.frombuffer(b"".join(path.read_bytes() for path in names), "<i2").reshape(shape)
        lines = digital.transpose(0, 2, 1).reshape(-1, shape[1]).astype(np.int64)
        at = 0
        while private.traces is not None and (hit := private.traces.find(lines[at:])) is not None:
            row = (at + hit) // shape[2]
            yield Finding(names[row].relative_to(bundle).as_posix(), STRETCH)
            at = (row + 1) * shape[2]


def _numbers(lines: np.ndarray, private: Private, *, is_table_row: bool) -> Iterator[str]:
    """Kinds of what sequences (n, T) of numbers hold of the source."""
    whole = lines.dtype.kind in "iu" or bool((np.rint(lines) == lines).all())
    if private.traces is not None:
        # as they are stored, or in physical units
        readings = [np.where(np.abs(lines) < 2**52, lines, 0).astype(np.int64)] if whole else []
        readings += [on_grid(lines, gain) for gain in private.gains] if lines.dtype.kind == "f" else []
        if any(private.traces.find(reading) is not None for reading in readings):
            yield STRETCH
    if lines.dtype.kind == "f" and private.offsets is not None and private.offsets.find(bits(lines)) is not None:
        yield OFFSETS
    if is_table_row and private.row_numbers is not None and private.row_numbers.find(bits(lines)) is not None:
        yield "a row of the real table"


def _texts(text: str, private: Private, shortest: int = 0) -> set[str]:
    """Kinds of what a text holds of the source; names of fewer characters than `shortest` are not looked for."""
    kinds = set()
    folded = text.casefold()
    for anchor in private.anchors.keys() & set(_TOKEN.findall(folded)):
        for words, kind in private.anchors[anchor]:
            if (
                kind not in kinds
                and len("".join(words)) >= shortest
                and _has(folded, words, private.literal.get(words))
            ):
                kinds.add(kind)
    exact = map(float, _LONG.findall(text))
    near = (number for number in _NEAR_OFFSET.findall(text) if len(number.strip("-0.").replace(".", "")) >= 3)
    if not private.offset_values.isdisjoint([*exact, *(float(np.float32(number)) for number in near)]):
        kinds.add(OFFSETS)
    return kinds


def _row_words(text: str, private: Private) -> set[str]:
    """Whether a line of a text is a row of the table, however its cells are set apart."""
    is_row = private.row_words and not private.row_words.isdisjoint(map(words_of, text.splitlines()))
    return {"a row of the real table"} if is_row else set()


def _names(name: str, private: Private) -> set[str]:
    """Kinds of what the name of a file and its folders tell."""
    kinds = _texts(name, private)
    parts = [part.casefold() for part in Path(name).parts]
    stems = {*parts, *(part.partition(".")[0] for part in parts)}
    return kinds | ({"the name of a patient or a record, as a file's name"} if stems & private.ids else set())


def _has(text: str, words: tuple[str, ...], literal: str | None) -> bool:
    """Whether words stand in a text one after the other, with nothing but signs and blanks between them."""
    pattern = r"[\W_]+".join(map(re.escape, words)) if literal is None else re.escape(literal)
    no_decimals = r"(?<!\d\.)" if all(map(str.isdecimal, words)) else ""
    return re.search(rf"(?<![^\W_]){no_decimals}{pattern}(?![^\W_])", text) is not None


def _is_outside(path: Path, bundle: Path) -> bool:
    return bundle / "synthetic" not in path.parents
