"""Arguments and options that several commands share, and the recipe that they make."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ...errors import InputError

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
PolicyName = Annotated[str, typer.Option("--policy", help="default, strict, or the path of a TOML file.")]
Precision = Annotated[str | None, typer.Option(help="32, bf16 or auto.")]
Devices = Annotated[
    int | None, typer.Option(min=1, help="GPUs, or on CPU processes, that share each step's batch; default: one.")
]
Nodes = Annotated[int | None, typer.Option("--num-nodes", min=1, help="Machines, as torchrun or SLURM starts them.")]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out records that cannot be read, and say which; else they end it.")
]
EngineName = Annotated[
    Literal["local", "ray"],
    typer.Option("--engine", help="local: processes of this machine; ray: a Ray cluster, or one begun here."),
]
Address = Annotated[str | None, typer.Option(help="Of the Ray cluster, as `ray start --head` prints it.")]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, help="How many at a time, in processes; default: records in threads on all cores, cells one."),
]


def resolve(name: str, settings: list[str] | None, resumed: Path | None = None, **options: Any) -> Any:
    """The recipe of that name with the options; of a run that is resumed, as it was resolved then."""
    from ..recipe import load_recipe
    from ..run_folder import RunFolder

    recipe = load_recipe(name)
    if resumed is not None and RunFolder(resumed).recipe_file.is_file():
        before = RunFolder(resumed).recipe
        recipe = before if before.name == recipe.name else recipe
    return changed(recipe, settings, **options)


def changed(recipe: Any, settings: list[str] | None, **options: Any) -> Any:
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
