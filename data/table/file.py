"""Tables on disk: any text with delimiters, or Parquet, in and out again the way the source wrote it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype

from ...errors import InputError, one_line
from ...files import new_file

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


DELIMITERS = ("\t", ";", ",", "|")
_SOME = 100  # lines from which the delimiter is found
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]?inf", re.IGNORECASE)
_IN_QUOTES = re.compile(r'"((?:[^"]|"")*)"')


@dataclass(frozen=True)
class Text:
    """A text with delimiters, taken apart.

    Arguments:
        names: of the columns.
        rows: cells without blanks around them, as many in each row as there are names.
        lines: number of the line on which each row begins, from 1.
        delimiter: " " is any number of blanks.
        decimal: "." or ",".
        header: the first row held the names.
        unnamed: those of `names` that were empty in the text.
        quote_names, quote_text: the text has quotes around all names, around all cells that are no numbers.
    """

    names: list[str]
    rows: list[list[str]]
    lines: list[int]
    delimiter: str
    decimal: str
    header: bool
    unnamed: list[str]
    quote_names: bool
    quote_text: bool


def parse(
    content: str,
    path: Path,
    marks: Collection[str],
    dialect: Mapping[str, Any] | None = None,
    names: Sequence[str] = (),
) -> Text:
    """Take a text apart.

    Arguments:
        content: the text.
        path: its file, for errors.
        marks: cells that mean no value.
        dialect: delimiter, decimal and header, where they are settled; None finds them.
        names: of columns that the text does not name, where they are settled.

    Raises:
        InputError: no rows, a row with too many or too few fields, columns of one name.
    """
    sample = "".join(islice(StringIO(content, newline=""), _SOME))
    delimiter = dialect["delimiter"] if dialect else _delimiter_of(sample)
    try:
        numbered = list(_rows(content, delimiter))
        numbered = numbered if dialect else _without_last_empty(numbered)
    except csv.Error as fault:
        raise InputError(f"{path}: {fault}; mend or delete this line") from fault
    if not numbered:
        raise InputError(f"{path}: the table has no rows")
    rows = [row for _, row in numbered]
    decimal = dialect["decimal"] if dialect else _decimal_of(rows, delimiter)
    header = dialect["header"] if dialect else _is_header(rows, marks, decimal)
    width = len(rows[0]) if header else _usual_length(rows)
    numbered = [(line, _fitted(row, width, line, path)) for line, row in numbered]
    written = numbered.pop(0)[1] if header else []
    if len(names) != width:
        names = [f"Unnamed: {k}" if header else f"column{k + 1}" for k in range(width)]
    names = [name or names[k] for k, name in enumerate(written)] or list(names)
    _refuse_repeats(names, path)
    lines, rows = [line for line, _ in numbered], [row for _, row in numbered]
    quoted = {cell.replace('""', '"').strip() for cell in _IN_QUOTES.findall(sample)}
    some = {cell for row in rows[: _SOME - 1] for cell in row if cell not in marks and not is_number(cell, decimal)}
    return Text(
        names=names,
        rows=rows,
        lines=lines,
        delimiter=delimiter,
        decimal=decimal,
        header=header,
        unnamed=[name for name, text in zip(names, written, strict=False) if not text],
        quote_names=any(written) and quoted.issuperset(filter(None, written)),
        quote_text=bool(some) and quoted.issuperset(some),
    )


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell is written as a number."""
    return _NUMBER.fullmatch(cell.replace(decimal, ".")) is not None


def _rows(content: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its first line; empty lines are left out."""
    last = [""]

    def lines() -> Iterator[str]:
        for text in StringIO(content, newline=""):
            last[0] = text
            yield text

    # strict: an open quote would else swallow what follows it
    reader = csv.reader(lines(), delimiter=delimiter, skipinitialspace=True, strict=True)
    line = 1
    try:
        for row in reader:
            if len(row) > 1 or last[0].strip(" \r\n"):
                yield line, [cell.strip() for cell in row]
            line = reader.line_num + 1
    except csv.Error as fault:
        raise csv.Error(f"line {line}: {one_line(fault)}") from fault


def _delimiter_of(sample: str) -> str:
    """The one that cuts most rows into the same number of fields, and then into most fields; blanks if none does."""

    def score(delimiter: str) -> tuple[float, int, bool]:
        rows: list[tuple[int, list[str]]] = []
        with suppress(csv.Error):  # the sample may end within quotes
            rows.extend(_rows(sample, delimiter))
        lengths = [len(row) for _, row in _without_last_empty(rows)]
        length, n = Counter(lengths).most_common(1)[0] if lengths else (0, 0)
        return (n / len(lengths) if length > 1 else 0.0), length, lengths[:1] == [length]

    scores = {delimiter: score(delimiter) for delimiter in (*DELIMITERS, " ")}
    blanks = scores.pop(" ")
    best = max(scores, key=lambda delimiter: scores[delimiter][:2])
    if scores[best][0] >= 0.5:
        return best
    return " " if blanks[0] >= 0.5 and blanks[2] else ","


def _without_last_empty(numbered: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Rows without the empty field that a delimiter at the end of every line makes."""
    while numbered:
        length = _usual_length([row for _, row in numbered])
        if length < 2 or any(row[-1] for _, row in numbered if len(row) == length):
            break
        # a shorter row that ends in a delimiter as well is one that lacks a field, not one with a missing value
        numbered = [(line, row[:-1] if len(row) <= length and not row[-1] else row) for line, row in numbered]
    return numbered


def _usual_length(rows: list[list[str]]) -> int:
    return Counter(map(len, rows)).most_common(1)[0][0]


def _decimal_of(rows: list[list[str]], delimiter: str) -> str:
    """A comma, where numbers have one and none has a point."""
    if delimiter == ",":
        return "."
    comma = False
    for row in rows:
        for cell in row:
            if "." in cell and is_number(cell):
                return "."
            comma = comma or ("," in cell and is_number(cell, ","))
    return "," if comma else "."


def _is_header(rows: list[list[str]], marks: Collection[str], decimal: str) -> bool:
    """Whether the first row holds names: no value of a column is its name, and no name is a number with a fraction."""
    first = [(k, cell) for k, cell in enumerate(rows[0]) if cell not in marks]
    names = [(k, cell) for k, cell in first if not is_number(cell, decimal)]
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


def _refuse_repeats(names: list[str], path: Path) -> None:
    for name, n in Counter(names).items():
        if n > 1:
            raise InputError(f"{path}: {n} columns are called '{name}'; give each its own name")
