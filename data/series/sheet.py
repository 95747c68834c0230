"""A text file of numbers: its delimiter, comments and header found, its cells as a table, faults with line numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ...errors import InputError, nearest, one_line

BLANKS = ""  # the delimiter of columns that are set apart by any number of blanks
_MISSING = ("", "?", "nan", "na", "n/a", "null", "none", "-nan")
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")
_SAMPLED = 50_000  # cells whose digits are counted to write numbers the same way
_MOST_DECIMALS = 12
_SAME_RATE = 1e-3  # clocks are rounded
NO_LABEL = "none"


@dataclass(frozen=True)
class Sheet:
    """A text file of numbers, cut into lines.

    Arguments:
        file: where it lies.
        delimiter: one character, or BLANKS.
        decimal: "." or ",".
        comments: the lines that begin with # above everything else.
        header: the names of its columns as written, or None.
        lines: of numbers.
        first_line: number of the first of these in the file, from 1.
        width: columns.
    """

    file: Path
    delimiter: str
    decimal: str
    comments: tuple[str, ...]
    header: tuple[str, ...] | None
    lines: list[str]
    first_line: int
    width: int

    @property
    def names(self) -> list[str]:
        """What the columns are called; column1, column2, … without a header."""
        return list(self.header) if self.header else [f"column{k}" for k in range(1, self.width + 1)]

    def position(self, column: str) -> int:
        """Where the column of this name is, or of this number, as column1; from 0.

        Raises:
            InputError: there is none.
        """
        number = re.fullmatch(r"column(\d+)", column)
        if column in self.names:
            return self.names.index(column)
        if number and 1 <= int(number[1]) <= self.width:
            return int(number[1]) - 1
        raise InputError(f"{self.file}: no column '{column}'{nearest(column, self.names)}")

    def cells(self, texts: Collection[int] = ()) -> pd.DataFrame:
        """All rows: float64 columns, missing ones NaN, but for the positions in `texts`, which are str.

        Raises:
            InputError: a row with more or fewer cells than the first, or a cell that is no finite number.
        """
        self._check_widths()
        try:
            table = pd.read_csv(
                io.StringIO("\n".join(self.lines) + "\n"),
                sep=self.delimiter or r"\s+",
                header=None,
                names=list(range(self.width)),
                index_col=False,
                dtype=dict.fromkeys(texts, str),
                na_values=[word for mark in _MISSING for word in (mark, mark.upper(), mark.capitalize())],
                decimal=self.decimal,
                skipinitialspace=True,
                skip_blank_lines=False,
                low_memory=False,
            )
        except ValueError as fault:  # pandas' parser errors are among these
            raise InputError(f"{self.file}: cannot be read as columns ({one_line(fault)}); correct it") from fault
        wordy = [k for k in table.columns if table[k].dtype.kind not in "iuf"]
        chosen = [k for k in range(self.width) if k not in texts]
        if not set(wordy) & set(chosen) and not np.isinf(table[chosen].to_numpy()).any():
            return table.astype(dict.fromkeys(chosen, np.float64))
        for column in chosen:
            numbers = pd.to_numeric(table[column], errors="coerce")
            wrong = (numbers.isna() & table[column].notna()) | np.isinf(numbers) | (table[column].dtype == bool)
            if wrong.any():
                row = int(np.argmax(wrong))
                raise InputError(
                    f"{self.file}: line {self.first_line + row}, {self.names[column]}: "
                    f"'{table[column].iloc[row]}' is no finite number; correct it, or leave it empty"
                )
            table[column] = numbers.astype(np.float64)
        return table

    def decimals(self, columns: Sequence[int], values: np.ndarray) -> list[int | None]:
        """With how many digits after the point to write each column; None: as many as it takes.

        Arguments:
            columns: their K positions.
            values: (K, T) their numbers.
        """
        rows = [split(line, self.delimiter) for line in self.lines[: 1 + _SAMPLED // self.width] if line.strip()]
        digits: list[int | None] = []
        for column, numbers in zip(columns, values, strict=True):
            cells = [row[column] for row in rows if _is_number(row[column])]
            needed = decimals_of(numbers)
            if needed is None or any("e" in cell.lower() for cell in cells):
                digits.append(None)
            else:
                digits.append(max([needed, *(len(cell.partition(self.decimal)[2]) for cell in cells)]))
        return digits

    def _check_widths(self) -> None:
        if self.delimiter and self.width > 1:
            counts = [line.count(self.delimiter) + 1 for line in self.lines]
        elif self.width > 1:
            counts = [len(line.split()) for line in self.lines]
        else:  # an empty line is a missing value
            counts = [len(line.split()) or 1 for line in self.lines]
        wrong = next((row for row, count in enumerate(counts) if count != self.width), None)
        if wrong is not None and self.lines[wrong].count('"') < 2:  # else a delimiter may stand inside quotes
            n = counts[wrong] if self.lines[wrong].strip() else 0
            raise InputError(
                f"{self.file}: line {self.first_line + wrong} has {n} columns, those before it {self.width}; "
                "correct or delete it"
            )


def read_sheet(file: Path) -> Sheet:
    """Find out how a text file of numbers is written.

    Raises:
        InputError: no such file, no text, no numbers.
    """
    try:
        raw = file.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as fault:
        raise InputError(f"{file}: no such file; give a text file of numbers, or a folder of them") from fault
    if b"\0" in raw:
        raise InputError(f"{file}: not a text file; give .csv, .tsv or .txt files of numbers, or .npz")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    start = next((k for k, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    comments = tuple(line for line in lines[:start] if line.startswith("#"))
    if start == len(lines):
        raise InputError(f"{file}: holds no numbers; give one row a sample or a time step, or delete it")
    delimiter = _delimiter(lines[start : start + 20])
    head, *after = (split(line, delimiter) for line in lines[start : start + 2])
    header = tuple(head) if _is_header(head, after[0] if after else None) else None
    if header and len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise InputError(f"{file}: two columns are called '{twice}'; give each its own name")
    body = lines[start + bool(header) :]
    if not body:
        raise InputError(f"{file}: holds a header and no numbers; add rows, or delete the file")
    comma = delimiter not in (",", BLANKS) and any(re.search(r"\d,\d", line) for line in body[:20])
    return Sheet(file, delimiter, "," if comma else ".", comments, header, body, start + bool(header) + 1, len(head))


def split(line: str, delimiter: str) -> list[str]:
    """The cells of one line, without the blanks around them."""
    if delimiter == BLANKS:
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [""])]


def decimals_of(values: np.ndarray) -> int | None:
    """Digits after the point that tell all of these numbers; None: more than 12."""
    known = values[~np.isnan(values)]
    for digits in range(_MOST_DECIMALS + 1):
        if np.allclose(np.round(known, digits), known, rtol=1e-14, atol=0):
            return digits
    return None


def _delimiter(lines: Sequence[str]) -> str:
    filled = [line for line in lines if line.strip()]
    for delimiter in ("\t", ";", ",", "|"):
        if 2 * sum(delimiter in line for line in filled) > len(filled):  # broken lines are told later
            return delimiter
    return BLANKS


def _is_header(first: list[str], second: list[str] | None) -> bool:
    """Whether a first line names columns: none of its cells is a number, or they only count, as pandas writes them."""
    numbers = [cell for cell in first if _is_number(cell)]
    if not numbers:
        return any(cell.lower() not in _MISSING for cell in first)
    counts = [str(k) for k in range(len(numbers))], [str(k) for k in range(1, len(numbers) + 1)]
    return len(numbers) > 2 and numbers in counts and second is not None and numbers != second[-len(numbers) :]


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def label_position(sheet: Sheet, label: str | None) -> int | None:
    """Where the column with the class is; None if there is none."""
    return None if label in (None, NO_LABEL) else sheet.position(str(label))


def settled_fs(file: Path, stated: float | None, given: float | None) -> float:
    """The sampling frequency in Hz that a file states, or that the user gives.

    Raises:
        InputError: neither, no frequency, or two that differ.
    """
    fs = stated if given is None else given
    if fs is None:
        raise InputError(f"{file}: says no sampling frequency; give it in Hz with --fs")
    if not (np.isfinite(fs) and fs > 0):
        raise InputError(f"{file}: {fs:g} Hz is no sampling frequency; give Hz above 0 with --fs")
    if stated is not None and abs(fs / stated - 1) > _SAME_RATE:
        raise InputError(f"{file}: says {stated:g} Hz, not {fs:g} Hz; leave out --fs, or correct the file")
    return float(fs)
