"""What a source holds, as `anonimage inspect` prints it: tables, counts, and every problem."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 120  # columns where the output is no terminal


@dataclass(frozen=True)
class Listing:
    """A table to print: columns of texts, then columns of numbers, and rows of cells for both."""

    title: str
    texts: Sequence[str]
    numbers: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Inspection:
    """What a source holds, as `anonimage inspect` prints it."""

    lines: Sequence[str]  # counts, and what they are of
    problems: Sequence[str]  # what cannot be read or learnt, a line each
    listings: Sequence[Listing] = ()  # printed before the lines


def print_inspection(inspection: Inspection, recipe: str) -> None:
    """Print what a recipe of this name would read of a source."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    for listing in inspection.listings:
        console.print(_table(listing))
    for line in inspection.lines:
        _print(console, line)
    _print(console, f"problems: {len(inspection.problems) or 'none'}")
    for line in once(inspection.problems):
        console.print(Text(f"  {line}"), soft_wrap=True)
    _print(console, f"(read as recipe {recipe} does; --recipe names another)")


def once(problems: Sequence[str]) -> Iterator[str]:
    """Problems 'RECORD: WHAT', each WHAT once: with the first record that has it, and how many more have it.

    Example:
        >>> list(once(["a: no lead 'v1'", "b: no signal file", "c: no lead 'v1'"]))
        ["a (and 1 more): no lead 'v1'", 'b: no signal file']
    """
    records: defaultdict[str, list[str]] = defaultdict(list)
    for problem in problems:
        record, colon, what = problem.partition(": ")
        records[what if colon else problem].append(record if colon else "")
    for what, (first, *more) in records.items():
        count = f" (and {len(more)} more)" if more else ""
        yield f"{first}{count}: {what}" if first else f"{what}{count}"


def counted(counts: Mapping[Any, int], unit: str = "") -> str:
    """Names or numbers, each with how often it occurs.

    Example:
        >>> counted({"i": 9, "ii": 8}), counted({1000.0: 9}, " Hz")
        ('i ×9, ii ×8', '1000 Hz ×9')
    """
    return ", ".join(f"{key:g}{unit} ×{n}" if isinstance(key, float) else f"{key} ×{n}" for key, n in counts.items())


def few(values: Iterable[object]) -> str:
    """The first of some values.

    Example:
        >>> few(range(3)), few(range(9))
        ('0, 1, 2', '0, 1, 2, 3, 4, 5, …')
    """
    first = list(islice(values, 7))
    return ", ".join(map(str, first[:6])) + (", …" if len(first) > 6 else "")


def _table(listing: Listing) -> Table:
    table = Table(*listing.texts, title=f"\n{listing.title}", box=None, title_justify="left")
    for column in listing.numbers:
        table.add_column(column, justify="right")
    for row in listing.rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    return table


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False)
