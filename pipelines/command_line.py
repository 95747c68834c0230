"""The command `anonimage`: options in, one function of the pipelines called, errors as one line.

Only typer and rich are imported here; what needs torch, wfdb or pandas is imported by the command that needs it, so
that `--help` and bad usage answer at once.
"""

import errno
import functools
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InputError, one_line
from .progress import say

OURS, BAD_INPUT, INTERRUPTED = 1, 2, 130
REMEDIES = {
    errno.ENOSPC: "disk full; free some space and run the same command again",
    errno.EDQUOT: "disk quota reached; free some space and run the same command again",
    errno.EFBIG: "file size limit reached; raise it and run the same command again",
    errno.EACCES: "no permission; choose a folder that you may read or write",
    errno.EPERM: "not permitted; choose a folder that you may read or write",
    errno.EROFS: "read-only place; choose another folder",
    errno.ENOTDIR: "a part of this path is a file; choose another folder",
    errno.EISDIR: "this is a folder; name a file",
    errno.EEXIST: "exists already; choose another name",
    errno.ENOENT: "not there, or gone while it was needed; check the path and run the same command again",
    errno.ENAMETOOLONG: "name too long; choose a shorter one",
}

app = typer.Typer(
    name="anonimage",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Turn private ECGs, time series, tables and pictures into images, train a GAN on them, decode what it "
    "generates, and measure the result.\n\n"
    "Begin with [bold]anonimage demo OUT[/bold], then [bold]anonimage inspect[/bold] your own data.",
)


def command(example: str, resumable: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command whose errors of input become one line and exit code 2.

    Arguments:
        example: stands at the end of its help.
        resumable: a stopped one goes on with --resume.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> None:
            try:
                function(*args, **kwargs)
            except InputError as error:
                _fail(str(error), BAD_INPUT)
            except OSError as error:
                if error.errno not in REMEDIES:
                    raise
                _fail(f"{error.filename or 'writing'}: {REMEDIES[error.errno]}", BAD_INPUT)
            except KeyboardInterrupt:
                go_on = "; what is complete was kept, and --resume (or `anonimage train OUT`) goes on"
                _fail(f"stopped{go_on if resumable else ''}", INTERRUPTED)

        return app.command(epilog=f"Example:  [bold]{example}[/bold]")(guarded)

    return register


def _fail(line: str, code: int) -> None:
    typer.echo(f"anonimage: {one_line(line)}", err=True)
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the command; bad usage is one line, an error of ours shows its traceback and exits 1."""
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except Exception as error:  # the outermost boundary: whatever it is must not look like the user's mistake
        if type(error).__name__ == "Abort":  # Ctrl-C before a command took over
            sys.exit(INTERRUPTED)
        if hasattr(error, "format_message"):  # typer's usage errors, which have no public base class
            typer.echo(f"anonimage: {one_line(error.format_message())} See `anonimage --help`.", err=True)
            sys.exit(BAD_INPUT)
        traceback.print_exc()
        typer.echo("anonimage: this is an error of ours, not yours; please report it with the lines above", err=True)
        sys.exit(OURS)
    sys.exit(code)


def _version(asked: bool) -> None:
    if asked:
        from .. import __version__

        typer.echo(f"anonimage {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    pass


# Arguments and options that several commands share
Source = Annotated[
    Path,
    typer.Argument(
        help="What to read: a WFDB database (RECORDS, or any tree of .hea files), a table (CSV, Parquet), signals as "
        "CSV or npz, or a folder of pictures; the recipe says which."
    ),
]
Out = Annotated[Path, typer.Argument(help="Folder of the run.")]
RecipeName = Annotated[str, typer.Argument(help="Name of a recipe (see `anonimage recipes`) or path of a TOML file.")]
Leads = Annotated[str | None, typer.Option(help="Leads to read, by name: i,ii,iii.")]
Patient = Annotated[
    str | None,
    typer.Option(help="Whose is what. Tables: a column. Else auto, folder, record, a pattern over names, a CSV file."),
]
Label = Annotated[
    str | None, typer.Option(help="The class: a column of a table or series; a CSV file record,label for WFDB.")
]
Fs = Annotated[float | None, typer.Option(min=0.001, help="Sampling rate in Hz: of CSV and npz; of WFDB, to resample.")]
Binary = Annotated[str | None, typer.Option(help="Columns to take as binary: name,name.")]
Category = Annotated[str | None, typer.Option(help="Columns to take as categories: name,name.")]
Drop = Annotated[str | None, typer.Option(help="Columns to leave out: name,name.")]
Keep = Annotated[str | None, typer.Option(help="Columns of one value to copy into every synthetic row: name,name.")]
Missing = Annotated[str | None, typer.Option(help="Texts that stand for a missing value: text,text.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the recipe.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Training steps, instead of the recipe's epochs.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of everything random: same seed, same files.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run that is in OUT.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Delete the run that is in OUT and begin anew.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or auto.")]
Precision = Annotated[str | None, typer.Option(help="32, bf16 or auto.")]


@command("anonimage inspect ~/ptbdb --leads i,ii,iii")
def inspect(
    source: Source,
    recipe: Annotated[
        str, typer.Option(help="Recipe whose reading is shown: ptb-quantile, series, table, iris, …")
    ] = "",
    settings: Set = None,
    leads: Leads = None,
    side: Annotated[int | None, typer.Option(min=2, max=300, help="Side of the image.")] = None,
    stride: Annotated[int | None, typer.Option(min=1, help="Samples between windows; default: no overlap.")] = None,
    fs: Fs = None,
    patient: Patient = None,
    label: Label = None,
    binary: Binary = None,
    category: Category = None,
    drop: Drop = None,
    keep: Keep = None,
    missing: Missing = None,
) -> None:
    """Show what would be read: records, patients, classes, leads, windows, columns, and every problem found."""
    from .inspection import print_inspection
    from .sources import recipe_for

    columns = {"binary": binary, "category": category, "drop": drop, "keep": keep, "missing": missing}
    read = {"fs": fs, "patient": patient, "label": label, "side": side, "stride": stride}
    resolved = _recipe(recipe or recipe_for(source), settings, None, **read, **columns)
    if not recipe and resolved.data == "signals":  # without a recipe nothing says which leads are wanted
        resolved = resolved.changed({"leads": ()})
    print_inspection(_changed(resolved, None, leads=leads), source)


@command("anonimage recipes ptb-quantile > mine.toml")
def recipes(name: Annotated[str | None, typer.Argument(help="Print this recipe's TOML.")] = None) -> None:
    """List the recipes, or print one to start your own from."""
    from rich.console import Console
    from rich.table import Table

    from .recipe import load_recipe, recipe_names

    if name:
        typer.echo(load_recipe(name).to_toml(), nl=False)
        return
    table = Table("recipe", "paper", "what it shows", box=None)
    for known in recipe_names():
        recipe = load_recipe(known)
        table.add_row(known, f"§{recipe.section}" if recipe.section else "", recipe.description)
    Console().print(table)


@command("anonimage run ptb-quantile ~/ptbdb out --set stride=500 --steps 1500", resumable=True)
def run(
    recipe: RecipeName,
    source: Source,
    out: Out,
    settings: Set = None,
    leads: Leads = None,
    fs: Fs = None,
    patient: Patient = None,
    label: Label = None,
    binary: Binary = None,
    category: Category = None,
    drop: Drop = None,
    keep: Keep = None,
    missing: Missing = None,
    steps: Steps = None,
    seed: Seed = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    device: Device = None,
    precision: Precision = None,
) -> None:
    """The five steps: prepare, train, generate, evaluate; synthetic data, scores and a report in OUT."""
    read = {"leads": leads, "fs": fs, "patient": patient, "label": label}
    columns = {"binary": binary, "category": category, "drop": drop, "keep": keep, "missing": missing}
    training = {"steps": steps, "seed": seed, "device": device, "precision": precision}
    resolved = _recipe(recipe, settings, out if resume else None, **read, **columns, **training)
    from . import steps as five

    five.run(resolved, source, out, resume=resume, overwrite=overwrite)
    say(f"synthetic: {out / 'synthetic'}\nreport:    {out / 'report.html'}")


@command("anonimage prepare ptb-quantile ~/ptbdb out --leads ii", resumable=True)
def prepare(
    recipe: RecipeName,
    source: Source,
    out: Out,
    settings: Set = None,
    leads: Leads = None,
    fs: Fs = None,
    patient: Patient = None,
    label: Label = None,
    binary: Binary = None,
    category: Category = None,
    drop: Drop = None,
    keep: Keep = None,
    missing: Missing = None,
    steps: Steps = None,
    seed: Seed = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """Steps 1 and 2: read the source into OUT/store, split it by patient, fit the codec."""
    read = {"leads": leads, "fs": fs, "patient": patient, "label": label}
    columns = {"binary": binary, "category": category, "drop": drop, "keep": keep, "missing": missing}
    resolved = _recipe(recipe, settings, out if resume else None, **read, **columns, steps=steps, seed=seed)
    from . import steps as five

    five.prepare(resolved, source, out, resume=resume, overwrite=overwrite)


@command("anonimage train out --steps 3000", resumable=True)
def train(
    out: Out, settings: Set = None, steps: Steps = None, device: Device = None, precision: Precision = None
) -> None:
    """Steps 3 and 4: train the GAN; goes on from the newest checkpoint, to more steps if asked."""
    from . import steps as five
    from .run_folder import RunFolder

    recipe = RunFolder.prepared(out).recipe
    five.train(out, _changed(recipe, settings, steps=steps, device=device, precision=precision))


@command("anonimage generate out -n 500 --format csv --to synthetic-csv --seed 1")
def generate(
    out: Out,
    n: Annotated[
        int | None, typer.Option("-n", min=1, help="Windows, rows or pictures to generate; default: the recipe's.")
    ] = None,
    file_format: Annotated[
        str, typer.Option("--format", help="source: as the source is; signals also wfdb, csv, parquet, npz.")
    ] = "source",
    to: Annotated[
        Path | None, typer.Option(help="New folder; default: OUT/synthetic, or OUT/synthetic-FORMAT.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the noise; default: the run's.")] = None,
    offset: Annotated[str | None, typer.Option(help="relative, baseline or sampled; default: the recipe's.")] = None,
    label: Annotated[str | None, typer.Option(help="Generate this class only, by its name.")] = None,
    labels_like: Annotated[
        str | None, typer.Option(help="Shares of the classes: source or balanced; default: the recipe's.")
    ] = None,
) -> None:
    """Generate with the trained GAN and write in the source's format and units."""
    from . import steps as five

    five.generate(out, n, file_format, to, seed, offset, label, labels_like)


@command("anonimage evaluate out")
def evaluate(out: Out) -> None:
    """Step 5: score the synthetic records against control patients and write the report."""
    from .evaluation.run import evaluate as score

    score(out)
    say(f"report:  {out / 'report.html'}")


@command("anonimage encode ~/ptbdb images --leads i")
def encode(
    source: Source,
    to: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make, with the images.")],
    recipe: Annotated[str, typer.Option(help="Recipe that says how signals become images.")] = "ptb-quantile",
    leads: Leads = None,
    settings: Set = None,
) -> None:
    """Turn signals into PNG images, with codec.json and samples.parquet beside them; no GAN."""
    resolved = _recipe(recipe, settings, leads=leads)
    from .image_folder import encode_folder

    encode_folder(resolved, source, to)
    say(f"images:  {to}")


@command("anonimage decode images signals")
def decode(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `anonimage encode` made.")],
    to: Annotated[Path, typer.Argument(help="Folder to make, with WFDB records.")],
) -> None:
    """Turn a folder of encoded images back into WFDB records, each window with its own offset."""
    from .image_folder import decode_folder

    decode_folder(folder, to)
    say(f"records: {to}")


@command("anonimage fetch ptbdb ~/ptbdb")
def fetch(
    database: Annotated[str, typer.Argument(help="Name of the database, such as ptbdb.")],
    dest: Annotated[Path, typer.Argument(help="Folder to download into.")],
    base_url: Annotated[str | None, typer.Option(help="A mirror laid out as PhysioNet's files/.")] = None,
) -> None:
    """Download a database from PhysioNet; resumes, and verifies the checksums."""
    from ..data.fetch import fetch as fetch_database
    from .progress import progress

    with progress("fetch") as advance:
        fetch_database(database, dest, base_url, progress=lambda done, n: advance(done, "files", n))
    say(f"database: {dest}")


@command("anonimage demo demo", resumable=True)
def demo(
    out: Out,
    steps: Steps = None,
    seed: Seed = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
) -> None:
    """Simulate a PTB-shaped database into OUT/source and run a small recipe on it: minutes on two cores."""
    resolved = _recipe("demo", None, steps=steps, seed=seed)
    from . import steps as five

    five.demo(resolved, out, resume=resume, overwrite=overwrite)
    say(f"records: {out / 'synthetic'}\nreport:  {out / 'report.html'}")


def _recipe(name: str, settings: list[str] | None, resumed: Path | None = None, **options: Any) -> Any:
    """The recipe of that name with the options; of a run that is resumed, as it was resolved then."""
    from .recipe import load_recipe
    from .run_folder import RunFolder

    recipe = load_recipe(name)
    if resumed is not None and RunFolder(resumed).recipe_file.is_file():
        before = RunFolder(resumed).recipe
        recipe = before if before.name == recipe.name else recipe
    return _changed(recipe, settings, **options)


def _changed(recipe: Any, settings: list[str] | None, **options: Any) -> Any:
    """The recipe with `--set key=value` texts and the named options, which win and are named in errors."""
    changes = {}
    for text in settings or []:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--set {text}: should be key=value, for example --set stride=500")
        changes[key.strip()] = value.strip()
    recipe = recipe.changed(changes)
    for key, value in options.items():
        if value is not None:
            recipe = recipe.changed({key: value}, f"--{key}")
    return recipe
