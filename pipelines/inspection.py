"""What `anonimage inspect` prints: a source as tables, and every problem in it."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..data import CLASSES, Description, RecordRow, describe
from .progress import progress

WIDE = 120  # columns where the output is no terminal


def print_inspection(
    source: Path, leads: tuple[str, ...] | None, side: int, stride: int | None, fs: float, patient: str
) -> None:
    """Print records, patients, classes, leads and windows of a source.

    Arguments:
        source: WFDB database.
        leads: to read; None: all.
        side: of the image; a window has side² samples.
        stride: samples between windows; None: no overlap.
        fs: Hz that signals are brought to.
        patient: how a record tells its patient.

    Raises:
        InputError: the source is not there or has no records.
    """
    with progress("inspect") as advance:
        found = describe(
            source,
            side**2,
            stride,
            leads or (),
            fs,
            patient,
            progress=lambda done, total: advance(done, "records", total),
        )
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    print_description(console, found, side)


def print_description(console: Console, found: Description, side: int) -> None:
    """Print a description as tables."""
    console.print(_records(found.rows))
    console.print(_diagnoses(found.diagnoses))
    console.print(_classes(found))
    console.print(
        f"{len(found.rows)} records of {found.patients} patients, {found.seconds / 60:.1f} minutes, "
        f"{sum(found.class_windows.values())} windows of {side}×{side} samples",
        highlight=False,
    )
    console.print(f"sampling rates: {_counted(found.fs, ' Hz')}", highlight=False)
    console.print(f"leads: {_counted(found.leads)}", highlight=False)
    if any(found.dropped.values()):
        console.print(f"windows left out: {_counted(found.dropped)}", highlight=False)
    console.print(f"problems: {len(found.problems) or 'none'}", highlight=False)
    for problem in found.problems:
        console.print(Text(f"  {problem}"), soft_wrap=True)


def _records(rows: tuple[RecordRow, ...]) -> Table:
    table = Table("record", "patient", "diagnosis", "class", title="Records", box=None, title_justify="left")
    for column in ("leads", "Hz", "seconds", "windows"):
        table.add_column(column, justify="right")
    for row in rows:
        numbers = (str(len(row.channels)), f"{row.fs:g}", f"{row.seconds:.1f}", str(row.windows))
        table.add_row(*map(Text, (row.name, row.patient, row.diagnosis, str(row.label), *numbers)))
    return table


def _diagnoses(diagnoses: Mapping[str, int]) -> Table:
    table = Table("diagnosis in the header", title="\nDiagnoses", box=None, title_justify="left")
    table.add_column("records", justify="right")
    for diagnosis, n in diagnoses.items():
        table.add_row(Text(diagnosis), str(n))
    return table


def _classes(found: Description) -> Table:
    table = Table("class", "name", title="\nClasses", box=None, title_justify="left")
    for column in ("records", "patients", "windows"):
        table.add_column(column, justify="right")
    for number, name in enumerate(CLASSES):
        counts = (found.classes, found.class_patients, found.class_windows)
        table.add_row(str(number), name, *(str(count.get(name, 0)) for count in counts))
    return table


def _counted(counts: Mapping[str, int] | Mapping[float, int], unit: str = "") -> str:
    return ", ".join(
        f"{name:g}{unit} ×{n}" if isinstance(name, float) else f"{name} ×{n}" for name, n in counts.items()
    )
