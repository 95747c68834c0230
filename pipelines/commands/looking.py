"""Commands that look before a run: what would be read, and which recipes there are."""

from typing import Annotated

import typer

from .options import Binary, Category, Drop, Fs, Keep, Label, Leads, Missing, Patient, Set, Source, changed
from .terminal import command


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
    from ..inspection import print_inspection
    from ..kinds import recipe_for
    from ..recipe import load_recipe

    columns = {"binary": binary, "category": category, "drop": drop, "keep": keep, "missing": missing}
    read = {"fs": fs, "patient": patient, "label": label, "side": side, "stride": stride}
    basis = load_recipe(recipe) if recipe else recipe_for(source)
    print_inspection(changed(basis, settings, **read, **columns, leads=leads), source)


@command("anonimage recipes ptb-quantile > mine.toml")
def recipes(name: Annotated[str | None, typer.Argument(help="Print this recipe's TOML.")] = None) -> None:
    """List the recipes, or print one to start your own from."""
    from rich.console import Console
    from rich.table import Table

    from ..recipe import load_recipe, recipe_names

    if name:
        typer.echo(load_recipe(name).to_toml(), nl=False)
        return
    table = Table("recipe", "paper", "what it shows", box=None)
    for known in recipe_names():
        recipe = load_recipe(known)
        table.add_row(known, f"§{recipe.section}" if recipe.section else "", recipe.description)
    Console().print(table)
