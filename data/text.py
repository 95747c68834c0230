"""Delimited text, as series and tables come in: encoding, delimiter, decimal mark, quotes, marks for missing values.

Sniffers of the libraries (csv.Sniffer behind `pandas.read_csv(sep=None)`, clevercsv) know neither columns set apart by
any number of blanks nor decimal commas, so the rules are our own.

A missing value is written as one of MISSING. Among numbers, and only there, other spellings of them and `none` mean the
same (AMONG_NUMBERS): in a column of words, `none` may be a category and `Na` sodium.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from io import StringIO
from itertools import islice
from pathlib import Path

from ..errors import InputError, one_line

BLANKS = " "  # as a delimiter: any number of blanks
DELIMITERS = ("\t", ";", ",", "|")
SAMPLED = 100  # lines from which the delimiter is inferred
MISSING = ("", "?", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null")
_WORDS = ("na", "n/a", "<na>", "nan", "-nan", "null", "none", "#n/a", "#na", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan")
AMONG_NUMBERS = frozenset(mark for word in _WORDS for mark in (word, word.upper(), word.capitalize())) | {"-NaN"}
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]?inf", re.IGNORECASE)


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell is written as a number."""
    return _NUMBER.fullmatch(cell.replace(decimal, ".")) is not None


def missing_marks(cells: Iterable[str], marks: Collection[str], decimal: str = ".") -> set[str]:
    """Which cells of one column mean no value: those among the marks, and AMONG_NUMBERS where the rest are numbers."""
    different = set(cells)
    words = (different & AMONG_NUMBERS).difference(marks)
    numbers = different.difference(marks, words)
    is_numeric = bool(numbers) and all(is_number(cell, decimal) for cell in numbers)
    return different.intersection(marks) | (words if is_numeric else set())


def read_text(path: Path, *encodings: str) -> str | None:
    """The text of a file in the first of these encodings that fits; None if none does or it holds a NUL."""
    raw = path.read_bytes()
    for encoding in encodings:
        with suppress(UnicodeDecodeError):
            return None if b"\0" in raw else raw.decode(encoding)
    return None


def split(line: str, delimiter: str) -> list[str]:
    """The cells of one line, without the blanks around them."""
    if delimiter == BLANKS:
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [""])]


def numbered_rows(content: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The number of each row's first line, and its cells without blanks around them; csv.Error at an open quote."""
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


def delimiter_of(content: str) -> str:
    """The delimiter that cuts most of the first rows into the same number of fields, and then into most fields.

    Blanks if no other does. A comma gives way to another delimiter that cuts as well if all commas are then decimal.
    """
    sample = "".join(islice(StringIO(content, newline=""), SAMPLED))
    cuts = {delimiter: _cut(sample, delimiter) for delimiter in (*DELIMITERS, BLANKS)}
    shares = {delimiter: _regularity(rows) for delimiter, rows in cuts.items()}
    best = max(DELIMITERS, key=lambda delimiter: shares[delimiter])
    if shares[best][0] < 0.5:
        rows, (share, width) = cuts[BLANKS], shares[BLANKS]
        return BLANKS if share >= 0.5 and len(rows[0]) == width else ","
    if best == ",":
        rivals = (rival for rival in ("\t", ";", "|") if shares[rival][0] == shares[best][0])
        best = next((rival for rival in rivals if _commas_are_decimal(cuts[rival])), best)
    return best


def decimal_of(rows: Iterable[Sequence[str]], delimiter: str) -> str:
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


def without_last_empty(rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Numbered rows without the empty field that a delimiter at the end of every line makes."""
    while rows:
        width = usual_width(row for _, row in rows)
        if width < 2 or any(row[-1] for _, row in rows if len(row) == width):
            break
        # a shorter row that ends in a delimiter as well is one that lacks a field, not one with a missing value
        rows = [(line, row[:-1] if len(row) <= width and not row[-1] else row) for line, row in rows]
    return rows


def usual_width(rows: Iterable[Sequence[str]]) -> int:
    """The commonest number of fields."""
    return Counter(map(len, rows)).most_common(1)[0][0]


def quoted(text: str, delimiter: str, always: bool = False) -> str:
    """A cell as it is written: in quotes where it holds what would else end it, or always unless it is empty."""
    needed = any(mark in text for mark in (delimiter, '"', "\n", "\r"))
    return '"' + text.replace('"', '""') + '"' if (always and text) or needed else text


def refuse_repeats(names: Iterable[str], where: Path | str) -> None:
    """Refuse columns of the same name."""
    for name, n in Counter(names).items():
        if n > 1:
            raise InputError(f"{where}: {n} columns are called '{name}'; give each its own name")


def _cut(sample: str, delimiter: str) -> list[list[str]]:
    rows: list[tuple[int, list[str]]] = []
    with suppress(csv.Error):  # the sample may end within quotes
        rows.extend(numbered_rows(sample, delimiter))
    return [row for _, row in without_last_empty(rows)]


def _regularity(rows: list[list[str]]) -> tuple[float, int]:
    """Share of the rows that have the commonest number of fields, 0 if that is one; and that number."""
    width = usual_width(rows) if rows else 0
    return (sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0), width


def _commas_are_decimal(rows: list[list[str]]) -> bool:
    return all(re.fullmatch(r"[-+]?\d+,\d+(e[-+]?\d+)?", cell, re.I) for row in rows for cell in row if "," in cell)
