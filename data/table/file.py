"""Tables on disk: any text with delimiters, or Parquet, in and out again the way the source wrote it."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype

from ...errors import InputError, one_line
from ...files import new_file
from .text import Text, is_number, parse

MISSING_MARKS = ("", "?", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null")
PARQUET = (".parquet", ".pq")
_SEPARATOR = "\x1f"  # stands in no table


@dataclass(frozen=True)
class TableFile:
    """A table as it was read.

    Arguments:
        name: of the file, with its suffix.
        frame: its rows; dtypes as pandas finds them.
        dialect: JSON that tells `write_table` how the source wrote it.
    """

    name: str
    frame: pd.DataFrame
    dialect: dict[str, Any]


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
        missing: marks for a missing value beside the usual ones (empty, ?, NA, NaN, null …).
        as_text: columns whose cells are kept as written, so that numbers may stand among text in them.
        dialect: with which `write_table` wrote it, which is then not found anew; its mark alone means a missing value.
        names: of the columns, for those that the text does not name; () counts them.

    Raises:
        InputError: no such file, no table, no rows, a broken row, columns of one name, numbers among text.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a table (CSV, TSV, other text with delimiters, or Parquet)")
    if path.suffix in PARQUET:
        frame, found = _read_parquet(path, missing)
    else:
        frame, found = _read_text(path, missing, as_text, dialect, names)
    if not len(frame):
        raise InputError(f"{path}: the table has no rows")
    if not len(frame.columns):
        raise InputError(f"{path}: the table has no columns")
    return TableFile(path.name, frame, found)


def write_table(frame: pd.DataFrame, path: Path, dialect: dict[str, Any]) -> None:
    """Write rows in the way of the table that the dialect is from; the file appears when it is complete.

    Arguments:
        frame: the rows.
        path: an existing file is replaced.
        dialect: of `read_table`.
    """
    if dialect["kind"] == "parquet":
        index = [name for name in dialect["index"] if name in frame]
        with new_file(Path(path), "wb") as file:
            (frame.set_index(index) if index else frame).to_parquet(file, index=bool(index))
        return
    with new_file(Path(path)) as file:
        file.writelines(table_lines(frame, dialect))


def table_lines(frame: pd.DataFrame, dialect: dict[str, Any], *, header: bool = True) -> Iterator[str]:
    """The lines of a text with delimiters, in the way of the table that the dialect is from.

    Arguments:
        frame: the rows.
        dialect: of `read_table`.
        header: the names above the rows, where that table had them.
    """
    delimiter = dialect["delimiter"]
    if header and dialect["header"]:
        names = ["" if name in dialect["unnamed"] else str(name) for name in frame.columns]
        yield delimiter.join(_quoted(name, delimiter, dialect["quote_names"]) for name in names) + "\n"
    for row in zip(*(_cells(frame[name], dialect) for name in frame.columns), strict=True):
        yield (delimiter.join(row) or '""') + "\n"  # an empty line is no row


def _read_text(
    path: Path,
    missing: Sequence[str],
    as_text: Collection[str],
    dialect: Mapping[str, Any] | None,
    names: Sequence[str],
) -> tuple[pd.DataFrame, dict[str, Any]]:
    marks = {dialect["missing"]} if dialect else {*MISSING_MARKS, *missing}
    try:
        raw = path.read_bytes()
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = "\0"
    if "\0" in content:
        raise InputError(f"{path}: is not a text file in UTF-8; save the table as CSV in UTF-8, or as Parquet")
    text = parse(content, path, marks, dialect, names)
    cells = pd.DataFrame(text.rows, columns=pd.Index(text.names), dtype=object)
    kept = {name for name in text.names if name in as_text or _has_leading_zeros(cells[name])}
    frame = pd.read_csv(
        _lines(text),
        sep=_SEPARATOR,
        header=None,
        names=text.names,
        index_col=False,
        dtype=dict.fromkeys(kept, object),
        keep_default_na=False,
        na_values=sorted(marks),
        decimal=text.decimal,
        float_precision="round_trip",  # the default may be off in the last bit
        low_memory=False,  # else long columns are typed piece by piece
        skip_blank_lines=False,
    )
    for name in text.names:
        if name not in as_text:
            _refuse_mixed(frame[name], cells[name], text, path)
    truths = [name for name in text.names if pd.api.types.infer_dtype(frame[name]) == "boolean"]
    words = {word.lower(): word for name in truths for word in cells[name].unique() if word not in marks}
    return frame, {
        "kind": "text",
        "delimiter": text.delimiter,
        "decimal": text.decimal,
        "header": text.header,
        "unnamed": text.unnamed,
        "missing": _usual_mark(text, marks),
        "quote_names": text.quote_names,
        "quote_text": text.quote_text,
        "truth": words,
    }


def _read_parquet(path: Path, missing: Sequence[str]) -> tuple[pd.DataFrame, dict[str, Any]]:
    try:
        frame = pd.read_parquet(path)
    except Exception as fault:  # whatever pyarrow finds in the file
        raise InputError(f"{path}: is not readable as Parquet ({one_line(fault)})") from fault
    index = [] if isinstance(frame.index, pd.RangeIndex) else [name for name in frame.index.names if name is not None]
    frame = frame.reset_index(drop=not index)
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise InputError(f"{path}: two columns are called '{repeated[0]}'; give each its own name")
    marks = [*missing, *(float(mark) for mark in missing if is_number(mark))]
    for name in frame.columns:
        marked = frame[name].isin(marks)
        if marked.any():
            frame[name] = frame[name].mask(marked)
    return frame, {"kind": "parquet", "index": index}


def _lines(text: Text) -> StringIO:
    """The rows without the source's peculiarities."""
    lines = StringIO(newline="")
    csv.writer(lines, delimiter=_SEPARATOR).writerows(text.rows)
    lines.seek(0)
    return lines


def _has_leading_zeros(cells: pd.Series) -> bool:
    """Codes such as 007 would lose their zeros as numbers."""
    return bool(cells.str.fullmatch(r"0\d+").any())


def _refuse_mixed(column: pd.Series, cells: pd.Series, text: Text, path: Path) -> None:
    if column.dtype != object:
        return
    there = column.notna()
    numeric = there & pd.to_numeric(cells.where(there).str.replace(text.decimal, "."), errors="coerce").notna()
    n_numbers, n_there = int(numeric.sum()), int(there.sum())
    if n_numbers in (0, n_there):
        return
    few_numbers = 2 * n_numbers < n_there
    odd = int(np.argmax((numeric if few_numbers else there & ~numeric).to_numpy()))
    what = "a number among text" if few_numbers else "text among numbers"
    raise InputError(
        f"{path}: line {text.lines[odd]}: '{cells[odd]}' in column '{column.name}' is {what}; if it means no value "
        f"use --missing {cells[odd]}, if all are names use --category {column.name}"
    )


def _usual_mark(text: Text, marks: Collection[str]) -> str:
    """The mark for a missing value that the source uses most."""
    used = Counter(cell for row in text.rows for cell in row if cell in marks)
    if used:
        return used.most_common(1)[0][0]
    return "NA" if text.delimiter == " " else ""  # two blanks in a row look like one


def _cells(column: pd.Series, dialect: dict[str, Any]) -> list[str]:
    missing = column.isna().to_numpy()
    if is_float_dtype(column.dtype):
        texts = [repr(float(value)).replace(".", dialect["decimal"]) for value in column.where(~missing, 0.0)]
    else:
        texts = [_text(value, dialect) for value in column.tolist()]
    return [dialect["missing"] if absent else text for text, absent in zip(texts, missing, strict=True)]


def _text(value: Any, dialect: dict[str, Any]) -> str:
    if isinstance(value, (bool, np.bool_)):
        return str(dialect["truth"].get(str(value).lower(), str(value)))
    return _quoted(value, dialect["delimiter"], dialect["quote_text"]) if isinstance(value, str) else str(value)


def _quoted(text: str, delimiter: str, always: bool) -> str:
    needed = any(mark in text for mark in (delimiter, '"', "\n", "\r"))
    return '"' + text.replace('"', '""') + '"' if (always and text) or needed else text
