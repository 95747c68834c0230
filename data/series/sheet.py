"""A text file of numbers: its dialect, its cells as a table, faults by line number; and such lines written again."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from ...errors import InputError, nearest, one_line
from .. import text
from ..recording import same_rate

_COUNTED = 50_000  # cells whose digits are counted to write numbers the same way
_MOST_DECIMALS = 12


@dataclass(frozen=True)
class Sheet:
    """A text file of numbers, cut into lines."""

    file: Path  # where it lies
    delimiter: str  # one character, or text.BLANKS
    decimal: str  # "." or ","
    comments: tuple[str, ...]  # the lines that begin with # above everything else
    header: tuple[str, ...] | None  # the names of its columns as written, or None
    lines: list[str]  # of numbers
    first_line: int  # number of the first of these in the file, from 1
    width: int  # columns

    @property
    def names(self) -> list[str]:
        """What the columns are called; column1, column2, … without a header."""
        return list(self.header) if self.header else [f"column{k}" for k in range(1, self.width + 1)]

    @property
    def dialect(self) -> dict[str, Any]:
        """What `write_lines` needs, as JSON."""
        header = list(self.header) if self.header else None
        return {"delimiter": self.delimiter, "decimal": self.decimal, "header": header}

    def position(self, column: str) -> int:
        """Position of the column of this name, or of this number, as column1; from 0."""
        number = re.fullmatch(r"column(\d+)", column)
        if column in self.names:
            return self.names.index(column)
        if number and 1 <= int(number[1]) <= self.width:
            return int(number[1]) - 1
        raise InputError(f"{self.file}: no column '{column}'{nearest(column, self.names)}")

    def cells(self, texts: Collection[int] = ()) -> pd.DataFrame:
        """All rows: float64 columns, missing ones NaN, but for the positions in `texts`, which are str."""
        self._check_widths()
        marks = {False: sorted({*text.MISSING, *text.AMONG_NUMBERS}), True: list(text.MISSING)}
        try:
            table = pd.read_csv(
                io.StringIO("\n".join(self.lines) + "\n"),
                sep=r"\s+" if self.delimiter == text.BLANKS else self.delimiter,
                header=None,
                names=list(range(self.width)),
                index_col=False,
                dtype=dict.fromkeys(texts, str),
                keep_default_na=False,
                na_values={k: marks[k in texts] for k in range(self.width)},  # type: ignore[misc]
                decimal=self.decimal,
                skipinitialspace=True,
                skip_blank_lines=False,
                low_memory=False,
            )
        except ValueError as fault:  # pandas' parser errors are among these
            raise InputError(f"{self.file}: cannot be read as columns ({one_line(fault)}); correct it") from fault
        chosen = [k for k in range(self.width) if k not in texts]
        numeric = all(table[k].dtype.kind in "iuf" for k in chosen)
        if not numeric or np.isinf(table[chosen].to_numpy()).any():
            self._refuse_words(table[chosen])
        return table.astype(dict.fromkeys(chosen, np.float64))

    def decimals(self, columns: Sequence[int], values: np.ndarray) -> list[int | None]:
        """With how many digits after the point to write each of K columns of numbers (K, T); None: as it takes."""
        rows = [text.split(line, self.delimiter) for line in self.lines[: 1 + _COUNTED // self.width] if line.strip()]
        digits: list[int | None] = []
        for column, numbers in zip(columns, values, strict=True):
            cells = [row[column] for row in rows if text.is_number(row[column], self.decimal)]
            needed = decimals_of(numbers)
            if needed is None or any("e" in cell.lower() for cell in cells):
                digits.append(None)
            else:
                digits.append(max([needed, *(len(cell.partition(self.decimal)[2]) for cell in cells)]))
        return digits

    def _refuse_words(self, table: pd.DataFrame) -> None:
        for column in table.columns.tolist():
            cells = table[column]
            name = self.names[int(column)]
            numbers = pd.to_numeric(cells, errors="coerce")
            wrong = (numbers.isna() & cells.notna()) | np.isinf(numbers) | (cells.dtype == bool)
            if wrong.any():
                row = int(np.argmax(wrong))
                raise InputError(
                    f"{self.file}: line {self.first_line + row}, {name}: '{cells.iloc[row]}' is no "
                    "finite number; correct it, or leave it empty"
                )

    def _check_widths(self) -> None:
        if self.delimiter != text.BLANKS and self.width > 1:
            counts = [line.count(self.delimiter) + 1 for line in self.lines]
        else:  # an empty line of a single column is a missing value
            counts = [len(line.split()) or int(self.width == 1) for line in self.lines]
        wrong = next((row for row, count in enumerate(counts) if count != self.width), None)
        if wrong is not None and self.lines[wrong].count('"') < 2:  # else a delimiter may stand inside quotes
            n = counts[wrong] if self.lines[wrong].strip() else 0
            raise InputError(
                f"{self.file}: line {self.first_line + wrong} has {n} columns, those before it {self.width}; "
                "correct or delete it"
            )


def read_sheet(file: Path) -> Sheet:
    """Infer how a text file of numbers is written."""
    try:
        content = text.read_text(file, "utf-8-sig", "latin-1")
    except (FileNotFoundError, IsADirectoryError) as fault:
        raise InputError(f"{file}: no such file; give a text file of numbers, or a folder of them") from fault
    if content is None:
        raise InputError(f"{file}: not a text file; give .csv, .tsv or .txt files of numbers, or .npz")
    lines = content.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    start = next((k for k, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    comments = tuple(line for line in lines[:start] if line.startswith("#"))
    if start == len(lines):
        raise InputError(f"{file}: holds no numbers; give one row a sample or a time step, or delete it")
    delimiter = text.delimiter_of("\n".join(lines[start : start + text.SAMPLED]))
    rows = [text.split(line, delimiter) for line in lines[start : start + text.SAMPLED]]
    header = tuple(rows[0]) if _is_header(rows[0], rows[1] if len(rows) > 1 else None) else None
    text.refuse_repeats(header or (), file)
    body = lines[start + bool(header) :]
    if not body:
        raise InputError(f"{file}: holds a header and no numbers; add rows, or delete the file")
    decimal = text.decimal_of(rows, delimiter)
    return Sheet(file, delimiter, decimal, comments, header, body, start + bool(header) + 1, len(rows[0]))


def write_lines(file: IO[str], dialect: dict[str, Any], rows: Iterable[Sequence[str]], *, header: bool = True) -> None:
    """Write rows of cells in the dialect of a sheet, with the names above them if it has any."""
    delimiter = dialect["delimiter"]
    named = [dialect["header"]] if header and dialect["header"] else []
    file.writelines(delimiter.join(text.quoted(cell, delimiter) for cell in row) + "\n" for row in (*named, *rows))


def number_cells(values: np.ndarray, digits: int | None, decimal: str) -> list[str]:
    """Numbers (T,) as cells with so many digits after the point; a missing one is NaN, for blanks hide empty cells."""
    written = [f"{value:.9g}" if digits is None else f"{value:.{digits}f}" for value in values.tolist()]
    cells = ["NaN" if cell == "nan" else cell for cell in written]
    return cells if decimal == "." else [cell.replace(".", decimal) for cell in cells]


def decimals_of(values: np.ndarray) -> int | None:
    """Digits after the point that tell all of these numbers apart; None: more than 12."""
    present = values[~np.isnan(values)]
    for digits in range(_MOST_DECIMALS + 1):
        if np.allclose(np.round(present, digits), present, rtol=1e-14, atol=0):
            return digits
    return None


def settled_fs(file: Path, stated: float | None, given: float | None) -> float:
    """The sampling frequency in Hz that a file states, or that the user gives; two that differ are refused."""
    fs = stated if given is None else given
    if fs is None:
        raise InputError(f"{file}: says no sampling frequency; give it in Hz with --fs")
    if not (np.isfinite(fs) and fs > 0):
        raise InputError(f"{file}: {fs:g} Hz is no sampling frequency; give Hz above 0 with --fs")
    if stated is not None and not same_rate(stated, fs):
        raise InputError(f"{file}: says {stated:g} Hz, not {fs:g} Hz; leave out --fs, or correct the file")
    return float(fs)


def _is_header(first: list[str], second: list[str] | None) -> bool:
    """Whether a first line names columns: none of its cells is a number, or they only count, as pandas writes them."""
    numbers = [cell for cell in first if text.is_number(cell) or text.is_number(cell, ",")]
    if not numbers:
        return any(cell not in text.MISSING and cell not in text.AMONG_NUMBERS for cell in first)
    counts = [str(k) for k in range(len(numbers))], [str(k) for k in range(1, len(numbers) + 1)]
    return len(numbers) > 2 and numbers in counts and second is not None and numbers != second[-len(numbers) :]
