"""Commands without a run: what would be read of a source, recipes, images without a GAN, downloads."""

from pathlib import Path
from typing import Annotated

import typer

from ..progress import progress, say
from .terminal import Changes, Source, command


@command("anonimage inspect ~/ptbdb --leads i,ii,iii")
def inspect(
    source: Source,
    changes: Changes,
    recipe: Annotated[
        str, typer.Option(help="Recipe whose reading is shown: ptb-quantile, series, table, iris, …")
    ] = "",
) -> None:
    """Show what would be read: records, patients, classes, leads, windows, columns, and every problem."""
    from ..inspection import print_inspection
    from ..kinds import check_source, recipe_for
    from ..recipe import load_recipe

    resolved = changes.of(load_recipe(recipe) if recipe else recipe_for(source))
    print_inspection(check_source(resolved, source).inspect(resolved, source), resolved.name)


@command("anonimage recipes ptb-quantile > mine.toml")
def recipes(
    name: Annotated[str | None, typer.Argument(help="Print every setting of this recipe, as TOML.")] = None,
) -> None:
    """List the recipes, or print one to start your own from."""
    from rich.console import Console
    from rich.table import Table

    from ..recipe import load_recipe, recipe_names

    if name:
        typer.echo(load_recipe(name).to_toml(explained=True), nl=False)
        return
    table = Table("recipe", "paper", "what it shows", box=None)
    for known in recipe_names():
        recipe = load_recipe(known)
        table.add_row(known, f"§{recipe.section}" if recipe.section else "", recipe.description)
    Console().print(table)


@command("anonimage encode ~/ptbdb images --leads i")
def encode(
    source: Source,
    to: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make, with the images.")],
    changes: Changes,
    recipe: Annotated[str, typer.Option(help="Recipe that says how signals become images.")] = "ptb-quantile",
) -> None:
    """Turn signals into PNG images, with codec.json and samples.parquet beside them; no GAN."""
    resolved = changes.recipe(recipe)
    from ..image_folder import encode_folder

    encode_folder(resolved, source, to)
    say(f"images:  {to}")


@command("anonimage decode images signals")
def decode(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `anonimage encode` made.")],
    to: Annotated[Path, typer.Argument(help="Folder to make, with WFDB records.")],
) -> None:
    """Turn a folder of encoded images back into WFDB records, each window with its own offset."""
    from ..image_folder import decode_folder

    decode_folder(folder, to)
    say(f"records: {to}")


@command("anonimage fetch ptbdb ~/ptbdb")
def fetch(
    database: Annotated[str, typer.Argument(help="Name of the database, such as ptbdb.")],
    dest: Annotated[Path, typer.Argument(help="Folder to download into.")],
    base_url: Annotated[str | None, typer.Option(help="A mirror laid out as PhysioNet's files/.")] = None,
) -> None:
    """Download a database from PhysioNet; resumes, and verifies the checksums."""
    from ...data.wfdb import fetch as physionet

    with progress("fetch") as advance:
        physionet.fetch(database, dest, base_url, progress=lambda done, n: advance(done, "files", n))
    say(f"database: {dest}")
