"""Tables that grow with training: CSV files whose rows a resumed or returned run takes up where it goes on."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, get_type_hints

from ...errors import InputError
from ...files import new_file
from . import checkpoint


class _HasStep(Protocol):
    @property
    def step(self) -> int: ...


Row = TypeVar("Row", bound=_HasStep)


class Rows(Generic[Row]):
    """A CSV file of one row type.

    Rows that can carry a `detour` stay when training went back and took another course: they tell how it came to that.

    Arguments:
        path: the file, with a header row.
        kind: a dataclass of int, float, str and float | None; one field for each column, `step` among them.
        formats: how floats are written, by column; others with 9 digits, which is all of a float32.
    """

    def __init__(self, path: Path, kind: type[Row], formats: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.kind = kind
        self.formats = formats or {}
        self.header = header(kind)
        self._types = get_type_hints(kind)

    def rewind(self, step: int, detour: int = 0) -> list[Row]:
        """Drop the rows that training will write again, and a last row that was cut; return the others.

        Arguments:
            step: where training goes on.
            detour: on which course.

        Raises:
            InputError: the file is not such a table, or cannot be written.
        """
        rows = [row for row in self._read() if _stays(row, step, detour)]
        with checkpoint.writing(self.path), new_file(self.path) as file:
            file.writelines([",".join(self.header) + "\n", *map(self._line, rows)])
        return rows

    def as_written(self, row: Row) -> Row:
        """Return the row as a resumed run will read it, with the digits that are written."""
        return self._row(self._line(row).rstrip("\n"))

    def append(self, row: Row) -> None:
        """Write one more row."""
        with checkpoint.writing(self.path), self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(self._line(row))

    def _read(self) -> list[Row]:
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):  # cut by a kill in the middle of writing
            lines.pop()
        if not lines:
            return []
        if tuple(lines[0].rstrip("\n").split(",")) != self.header:
            raise InputError(f"{self.path}: line 1 is not {','.join(self.header)!r}; rename or delete this file")
        return [self._row(line.rstrip("\n")) for line in lines[1:]]

    def _row(self, line: str) -> Row:
        try:
            words = zip(self.header, line.split(","), strict=True)
            return self.kind(**{name: _value(word, self._types[name]) for name, word in words})
        except ValueError:
            raise InputError(f"{self.path}: {line!r} is not a row of this file; rename or delete this file") from None

    def _line(self, row: Row) -> str:
        return ",".join(_word(getattr(row, name), self.formats.get(name, ".9g")) for name in self.header) + "\n"


def header(kind: type) -> tuple[str, ...]:
    """Return the columns of a row type."""
    return tuple(field.name for field in fields(kind))


def _stays(row: Any, step: int, detour: int) -> bool:
    its_course = getattr(row, "detour", detour)
    return its_course < detour or (its_course == detour and row.step <= step)


def _word(value: Any, digits: str) -> str:
    if value is None:
        return ""
    return format(value, digits) if isinstance(value, float) else str(value)


def _value(word: str, kind: Any) -> Any:
    if kind is int:
        return int(word)
    if kind is str:
        return word
    if kind is not float and not word:
        return None
    return float(word)
