"""What `anonimage inspect` prints: a source as tables, and every problem in it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..data.pictures import describe_pictures
from ..data.series.series import describe_series
from ..data.table.columns import NUMBERS
from ..data.table.file import read_table
from ..data.table.form import TableForm
from ..data.wfdb.describe import Description, describe
from ..errors import InputError
from .kinds import check_source
from .kinds.table import as_written, patient_column
from .kinds.wfdb import label_file
from .progress import progress
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
    kind = check_source(recipe, source)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    _PRINTERS[kind.name](console, recipe, source)
    _line(console, f"(read as recipe {recipe.name} does; --recipe names another)")


def _print_wfdb(console: Console, recipe: Recipe, source: Path) -> None:
    with progress("inspect") as advance:
        found = describe(
            source,
            recipe.window,
            recipe.stride,
            recipe.leads,
            recipe.fs,
            recipe.patient,
            progress=lambda done, total: advance(done, "records", total),
            labels=label_file(recipe),
        )
    print_description(console, found, recipe.window)


def print_description(console: Console, found: Description, length: int) -> None:
    """Print a WFDB database; length is samples per window."""
    console.print(_records(found))
    console.print(_table1(found))
    console.print(_table2(found))
    _line(
        console,
        f"{len(found.rows)} records of {found.patients} patients, {found.seconds / 60:.1f} minutes, "
        f"{sum(found.class_windows.values())} windows of {length} samples",
    )
    _line(console, f"sampling rates: {_counted(found.fs, ' Hz')}")
    _line(console, f"leads: {_counted(found.leads)}")
    if any(found.dropped.values()):
        _line(console, f"windows left out: {_counted(found.dropped)}")
    _problems(console, found.problems)


def _records(found: Description) -> Table:
    table = _new("Records", ("record", "patient", "diagnosis", "class"), ("leads", "Hz", "seconds", "windows"))
    for row in found.rows:
        numbers = (str(len(row.channels)), f"{row.fs:g}", f"{row.seconds:.1f}", str(row.windows))
        table.add_row(*map(Text, (row.name, row.patient, row.diagnosis, str(row.label), *numbers)))
    return table


def _table1(found: Description) -> Table:
    """The paper's Table 1, beside the diagnoses as the headers have them."""
    table = _new(
        "Records by diagnosis (the paper's Table 1)", ("diagnostic class", "diagnoses in the headers"), ("records",)
    )
    for name, n in found.table_1.items():
        table.add_row(name, "", str(n))
    for diagnosis, n in found.diagnoses.items():
        table.add_row("", Text(diagnosis), str(n))
    return table


def _table2(found: Description) -> Table:
    """The paper's Table 2."""
    table = _new(
        "Classes (the paper's Table 2)", ("diagnostic class",), ("records", "patients", "sliced samples", "class")
    )
    for number, name in enumerate(found.classes):
        counts = (found.classes, found.class_patients, found.class_windows)
        table.add_row(name, *(str(count.get(name, 0)) for count in counts), str(number))
    return table


def _print_series(console: Console, recipe: Recipe, source: Path) -> None:
    found = describe_series(source, recipe.fs, recipe.layout, recipe.label, recipe.patient)
    what = f"{found.recordings} recordings" if found.recordings else f"{found.samples} samples of {found.length} values"
    _line(
        console, f"layout {found.layout}: {what} of {found.patients} patients, {found.seconds:.1f} s at {found.fs:g} Hz"
    )
    _line(console, f"channels: {', '.join(found.channels)}")
    if found.classes:
        _line(console, f"classes: {_counted(found.classes)}")
    _line(console, f"missing values: {found.missing}")
    _problems(console, found.problems)


def _print_pictures(console: Console, recipe: Recipe, source: Path) -> None:
    with progress("inspect") as advance:
        found = describe_pictures(source, progress=lambda done, total: advance(done, "pictures", total))
    _line(console, f"{sum(found.sizes.values())} pictures, resized to {recipe.side}×{recipe.side} for training")
    _line(console, "sizes: " + ", ".join(f"{width}×{height} ×{n}" for (width, height), n in found.sizes.items()))
    _line(console, f"modes: {_counted(found.modes)}")
    _line(console, f"files: {_counted(found.kinds)}")
    if found.classes:
        _line(console, f"classes: {_counted(found.classes)}")
    _problems(console, found.problems)


def _print_table(console: Console, recipe: Recipe, source: Path) -> None:
    file = read_table(source, recipe.missing, as_written(recipe))
    problems: list[str] = []
    kinds: dict[str, str] = {}
    options = {"binary": recipe.binary, "category": recipe.category, "drop": recipe.drop, "keep": recipe.keep}
    patient = patient_column(recipe)
    # columns are looked at one by one, so that every problem is found
    for name in file.frame.columns:
        if name in (*recipe.drop, patient):
            continue
        mine = {option: [name] if name in named else [] for option, named in options.items()}
        try:
            form = TableForm.fit(file.frame[[name]], file.name, **mine)  # type: ignore[arg-type]
            kinds[name] = form.columns[0].kind
        except InputError as error:
            if name not in recipe.keep:
                problems.append(str(error))
    table = _new(f"Columns of {file.name}", ("column", "kind", "type", "values"), ("different", "missing"))
    for name in file.frame.columns:
        column = file.frame[name]
        there = column.dropna()
        try:
            values = there.unique()
        except TypeError:  # lists in a Parquet column: among the problems already
            values = there.astype(str).unique()
        shown = f"{column.min()} to {column.max()}" if kinds.get(name) in NUMBERS else _few(values)
        kind = kinds.get(name, "left out" if name in (*recipe.drop, patient) else "")
        table.add_row(
            *map(Text, (str(name), kind, str(column.dtype), shown, str(len(values)), str(column.isna().sum())))
        )
    console.print(table)
    _line(console, f"{len(file.frame)} rows, {len(file.frame.columns)} columns")
    _problems(console, problems)


_PRINTERS = {"wfdb": _print_wfdb, "series": _print_series, "table": _print_table, "images": _print_pictures}


def _new(title: str, texts: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(*texts, title=f"\n{title}", box=None, title_justify="left")
    for column in numbers:
        table.add_column(column, justify="right")
    return table


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False)


def _problems(console: Console, problems: Sequence[str]) -> None:
    _line(console, f"problems: {len(problems) or 'none'}")
    for problem in problems:
        console.print(Text(f"  {problem}"), soft_wrap=True)


def _few(values: Iterable[object]) -> str:
    first = list(islice(values, 7))
    return ", ".join(map(str, first[:6])) + (", …" if len(first) > 6 else "")


def _counted(counts: Mapping[str, int] | Mapping[float, int], unit: str = "") -> str:
    return ", ".join(
        f"{name:g}{unit} ×{n}" if isinstance(name, float) else f"{name} ×{n}" for name, n in counts.items()
    )
