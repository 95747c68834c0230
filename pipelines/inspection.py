"""What `anonimage inspect` prints: a source as tables, and every problem in it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .kinds import Listing, check_source
from .recipe import Recipe

WIDE = 120  # columns where the output is no terminal


def print_inspection(recipe: Recipe, source: Path) -> None:
    """Print what a recipe would read of a source.

    Arguments:
        recipe: kind of data, leads, side, stride, fs, patient, label and the options of tables.
        source: as the recipe's kind of data has it.

    Raises:
        InputError: the source is not there or holds nothing of that kind.
    """
    inspection = check_source(recipe, source).inspect(recipe, source)
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
    _print(console, f"(read as recipe {recipe.name} does; --recipe names another)")


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


def _table(listing: Listing) -> Table:
    table = Table(*listing.texts, title=f"\n{listing.title}", box=None, title_justify="left")
    for column in listing.numbers:
        table.add_column(column, justify="right")
    for row in listing.rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    return table


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False)
