"""The rows of a text with delimiters, as text, and how it was written: found from the text itself."""

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

from ...errors import InputError, one_line

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
