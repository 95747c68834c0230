"""What a source holds, as `anonimage inspect` prints it: tables, counts, and every problem."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


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
        console = Console(width=120)
    for listing in inspection.listings:
        table = Table(*listing.texts, title=f"\n{listing.title}", box=None, title_justify="left")
        for column in listing.numbers:
            table.add_column(column, justify="right")
        for row in listing.rows:
            table.add_row(*(Text(str(cell)) for cell in row))
        console.print(table)
    for line in (*inspection.lines, f"problems: {len(inspection.problems) or 'none'}"):
        console.print(Text(line))
    for line in once(inspection.problems):
        console.print(Text(f"  {line}"), soft_wrap=True)
    console.print(Text(f"(read as recipe {recipe} does; --recipe names another)"))


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
