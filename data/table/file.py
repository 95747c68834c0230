"""Tables on disk: any text with delimiters, or Parquet, in and out again the way the source wrote it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype, is_object_dtype, is_string_dtype

from ...errors import InputError, one_line
from ...files import new_file
from .. import text

PARQUET = (".parquet", ".pq")
_SEPARATOR = "\x1f"  # stands in no table
_IN_QUOTES = re.compile(r'"((?:[^"]|"")*)"')


@dataclass(frozen=True)
class TableFile:
    """A table as it was read."""

    name: str  # of the file, with its suffix
    frame: pd.DataFrame  # its rows; dtypes as pandas finds them
    dialect: dict[str, Any]  # how the source wrote it, for `table_lines` and `write_parquet`; JSON


def read_table(
    path: Path,
    missing: Sequence[str] = (),
    as_text: Collection[str] = (),
    dialect: Mapping[str, Any] | None = None,
    names: Sequence[str] = (),
) -> TableFile:
    """Read a table.

    Delimiter (`,` `;` tab `|` or blanks), decimal comma, header row and quotes are found. A first row of numbers is
    data; the columns are then column1…columnN. Blanks around cells are not kept. Numbers with leading zeros are text.

    Arguments:
        path: Parquet by its suffix, else text in UTF-8.
        missing: marks for a missing value beside the usual ones (empty, ?, NA, NaN, null …; see `data.text`).
        as_text: columns whose cells are kept as written, so that numbers may stand among text in them.
        dialect: with which it was written, which is then not found anew; its mark alone means a missing value.
        names: of the columns, for those that the text does not name; () counts them.

    Raises:
        InputError: no such file, no table, no rows, a broken row, columns of one name, numbers among text.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a table (CSV, TSV, other text with delimiters, or Parquet)")
    if path.suffix in PARQUET:
        frame, written = _read_parquet(path, missing)
    else:
        parsed = _parse(path, {dialect["missing"]} if dialect else {*text.MISSING, *missing}, dialect, names)
        frame, written = _typed(parsed, path, as_text), parsed.dialect
    if not len(frame):
        raise InputError(f"{path}: the table has no rows")
    if not len(frame.columns):
        raise InputError(f"{path}: the table has no columns")
    return TableFile(path.name, frame, written)


def write_parquet(frame: pd.DataFrame, path: Path, dialect: dict[str, Any]) -> None:
    """Write rows with the index of a Parquet table that was read; the file appears when it is complete."""
    index = [name for name in dialect["index"] if name in frame]
    with new_file(path, "wb") as file:
        (frame.set_index(index) if index else frame).to_parquet(file, index=bool(index))


def table_lines(frame: pd.DataFrame, dialect: dict[str, Any], *, header: bool = True) -> Iterator[str]:
    """The lines of a text with delimiters, in the dialect of a table; with the names above them if that had any."""
    delimiter = dialect["delimiter"]
    if header and dialect["header"]:
        names = ["" if name in dialect["unnamed"] else str(name) for name in frame.columns]
        yield delimiter.join(text.quoted(name, delimiter, dialect["quote_names"]) for name in names) + "\n"
    for row in zip(*(_cells(frame[name], dialect) for name in frame.columns), strict=True):
        yield (delimiter.join(row) or '""') + "\n"  # an empty line is no row


@dataclass(frozen=True)
class _Text:
    """A text with delimiters, taken apart."""

    cells: pd.DataFrame  # without blanks around them; a column each, by name
    lines: list[int]  # number of the line on which each row begins, from 1
    marks: dict[str, set[str]]  # which cells of each column mean no value
    dialect: dict[str, Any]  # how it is written


def _parse(path: Path, marks: Collection[str], dialect: Mapping[str, Any] | None, names: Sequence[str]) -> _Text:
    """Take a text apart: by its dialect and column names if these are settled, else by what it looks like."""
    content = text.read_text(path, "utf-8-sig")
    if content is None:
        raise InputError(f"{path}: is not a text file in UTF-8; save the table as CSV in UTF-8, or as Parquet")
    delimiter = dialect["delimiter"] if dialect else text.delimiter_of(content)
    try:
        numbered = list(text.numbered_rows(content, delimiter))
        numbered = numbered if dialect else text.without_last_empty(numbered)
    except csv.Error as fault:
        raise InputError(f"{path}: {fault}; mend or delete this line") from fault
    if not numbered:
        raise InputError(f"{path}: the table has no rows")
    rows = [row for _, row in numbered]
    decimal = dialect["decimal"] if dialect else text.decimal_of(rows, delimiter)
    header = dialect["header"] if dialect else _is_header(rows, marks, decimal)
    width = len(rows[0]) if header else text.usual_width(rows)
    numbered = [(line, _fitted(row, width, line, path)) for line, row in numbered]
    written = numbered.pop(0)[1] if header else []
    if len(names) != width:
        names = [f"Unnamed: {k}" if header else f"column{k + 1}" for k in range(width)]
    names = [name or names[k] for k, name in enumerate(written)] or list(names)
    text.refuse_repeats(names, path)
    rows = [row for _, row in numbered]
    cells = pd.DataFrame(rows, columns=pd.Index(names), dtype=object)
    absent = {name: set(marks) if dialect else text.missing_marks(cells[name], marks, decimal) for name in names}
    used = Counter(cell for row in rows for cell in row if cell in marks)
    sample = "".join(islice(StringIO(content, newline=""), text.SAMPLED))
    in_quotes = {cell.replace('""', '"').strip() for cell in _IN_QUOTES.findall(sample)}
    first = [cell for row in rows[: text.SAMPLED - 1] for cell in row]
    words = {cell for cell in first if cell not in marks and not text.is_number(cell, decimal)}
    return _Text(
        cells,
        [line for line, _ in numbered],
        absent,
        {
            "kind": "text",
            "delimiter": delimiter,
            "decimal": decimal,
            "header": header,
            "unnamed": [name for name, cell in zip(names, written, strict=False) if not cell],
            # the mark that is used most; two blanks in a row look like one
            "missing": used.most_common(1)[0][0] if used else "NA" if delimiter == text.BLANKS else "",
            "quote_names": any(written) and in_quotes.issuperset(filter(None, written)),
            "quote_text": bool(words) and in_quotes.issuperset(words),
            "truth": {},
        },
    )


def _typed(parsed: _Text, path: Path, as_text: Collection[str]) -> pd.DataFrame:
    """The columns as pandas types them. The dialect's `truth` is set to how the text spells true and false."""
    cells, decimal = parsed.cells, parsed.dialect["decimal"]
    names = list(cells.columns)
    kept = {name for name in names if name in as_text or cells[name].str.fullmatch(r"0\d+").any()}  # codes such as 007
    plain = StringIO(newline="")  # the rows without the source's peculiarities
    csv.writer(plain, delimiter=_SEPARATOR).writerows(cells.itertuples(index=False))
    plain.seek(0)
    frame = pd.read_csv(
        plain,
        sep=_SEPARATOR,
        header=None,
        names=names,
        index_col=False,
        dtype=dict.fromkeys(kept, str),
        keep_default_na=False,
        na_values={name: sorted(marks) for name, marks in parsed.marks.items()},
        decimal=decimal,
        float_precision="round_trip",  # the default may be off in the last bit
        low_memory=False,  # else long columns are typed piece by piece
        skip_blank_lines=False,
    )
    for name in names:
        if name not in as_text:
            _refuse_mixed(frame[name], parsed, path)
    truths = [name for name in names if pd.api.types.infer_dtype(frame[name]) == "boolean"]
    spelt = {cell.lower(): cell for name in truths for cell in cells[name].unique() if cell not in parsed.marks[name]}
    parsed.dialect["truth"].update(spelt)
    return frame


def _read_parquet(path: Path, missing: Sequence[str]) -> tuple[pd.DataFrame, dict[str, Any]]:
    try:
        frame = pd.read_parquet(path)
    except Exception as fault:  # whatever pyarrow finds in the file
        raise InputError(f"{path}: is not readable as Parquet ({one_line(fault)})") from fault
    index = [] if isinstance(frame.index, pd.RangeIndex) else [name for name in frame.index.names if name is not None]
    frame = frame.reset_index(drop=not index)
    text.refuse_repeats(map(str, frame.columns), path)
    marks = [*missing, *(float(mark) for mark in missing if text.is_number(mark))]
    for name in frame.columns:
        marked = frame[name].isin(marks)
        if marked.any():
            frame[name] = frame[name].mask(marked)
    return frame, {"kind": "parquet", "index": index}


def _is_header(rows: list[list[str]], marks: Collection[str], decimal: str) -> bool:
    """Whether the first row holds names: no value of a column is its name, and no name is a number with a fraction."""
    first = [(k, cell) for k, cell in enumerate(rows[0]) if cell not in marks]
    names = [(k, cell) for k, cell in first if not text.is_number(cell, decimal)]
    if not names or any(decimal in cell for _, cell in set(first) - set(names)):
        return False
    return not any(len(row) > k and row[k] == cell for k, cell in names for row in rows[1:])


def _fitted(row: list[str], width: int, line: int, path: Path) -> list[str]:
    if len(row) == width:
        return row
    if len(row) > width and not any(row[width:]):
        return row[:width]
    fields = f"{len(row)} field{'s' * (len(row) != 1)}"
    raise InputError(f"{path}: line {line} has {fields}, the table {width}; mend or delete this line")


def _refuse_mixed(column: pd.Series, parsed: _Text, path: Path) -> None:
    """Refuse numbers among text, and text among numbers."""
    if not (is_object_dtype(column.dtype) or is_string_dtype(column.dtype)):
        return
    cells, present = parsed.cells[column.name], column.notna()
    numbers = pd.to_numeric(cells.where(present).str.replace(parsed.dialect["decimal"], "."), errors="coerce")
    numeric = present & numbers.notna()
    n_numbers, n_present = int(numeric.sum()), int(present.sum())
    if n_numbers in (0, n_present):
        return
    few_numbers = 2 * n_numbers < n_present
    odd = int(np.argmax((numeric if few_numbers else present & ~numeric).to_numpy()))
    what = "a number among text" if few_numbers else "text among numbers"
    raise InputError(
        f"{path}: line {parsed.lines[odd]}: '{cells[odd]}' in column '{column.name}' is {what}; if it means no value "
        f"use --missing {cells[odd]}, if all are names use --category {column.name}"
    )


def _cells(column: pd.Series, dialect: dict[str, Any]) -> list[str]:
    missing = column.isna().to_numpy()
    if is_float_dtype(column.dtype):
        texts = [repr(float(value)).replace(".", dialect["decimal"]) for value in column.where(~missing, 0.0)]
    else:
        texts = [_cell(value, dialect) for value in column.tolist()]
    return [dialect["missing"] if absent else cell for cell, absent in zip(texts, missing, strict=True)]


def _cell(value: object, dialect: dict[str, Any]) -> str:
    if isinstance(value, (bool, np.bool_)):
        return str(dialect["truth"].get(str(value).lower(), str(value)))
    return text.quoted(value, dialect["delimiter"], dialect["quote_text"]) if isinstance(value, str) else str(value)
