"""The commands of `anonimage`: options in, one function of the pipelines called.

Only typer and rich are imported here; what needs torch, wfdb or pandas is imported by the command that needs it, so
that `--help` and bad usage answer at once.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InputError
from .progress import say
from .terminal import NOT_RELEASED, app, command, main

__all__ = ["app", "main"]

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
PolicyName = Annotated[str, typer.Option("--policy", help="default, strict, or the path of a TOML file.")]
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
    """The five steps: prepare, train, generate, evaluate and audit; synthetic data, scores and a report in OUT."""
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
    """Step 5: score the synthetic samples against control patients and write the report."""
    from .evaluation.run import evaluate as score

    score(out)
    say(f"report:  {out / 'report.html'}")


@command("anonimage audit out --verifier people.safetensors")
def audit(
    out: Out,
    policy: PolicyName = "default",
    verifier: Annotated[
        Path | None, typer.Option(help="File that `anonimage verifier` wrote; default: the recipe's, or none.")
    ] = None,
) -> None:
    """Attack the synthetic samples, and two controls that show whether the attacks can be believed."""
    from .evaluation.run import audit as attack

    attack(out, policy, verifier)
    say(f"audit:   {out / 'audit.json'}\nreport:  {out / 'report.html'}")


@command("anonimage release out bundle --policy strict")
def release(
    out: Out,
    to: Annotated[Path, typer.Argument(metavar="TO", help="Folder to make, which may leave the house.")],
    policy: PolicyName = "default",
    with_generator: Annotated[
        bool, typer.Option("--with-generator", help="Put the generator's weights in as well.")
    ] = False,
) -> None:
    """Make a bundle of what passes the policy; otherwise exit 3, and TO holds nothing but the reasons."""
    from .release.bundle import release as hand_out
    from .release.policy import load_policy

    if not hand_out(out, to, load_policy(policy), with_generator):
        say(f"refusal: {to / 'refusal.md'}")
        raise typer.Exit(NOT_RELEASED)


@command("anonimage policies default > mine.toml")
def policies(name: Annotated[str | None, typer.Argument(help="Print this policy's TOML.")] = None) -> None:
    """List the policies, or print one to start your own from."""
    from .release.policy import load_policy, policy_names

    if name:
        typer.echo(load_policy(name).to_toml(), nl=False)
        return
    for known in policy_names():
        typer.echo(f"{known:10}{load_policy(known).description}")


@command("anonimage verifier ~/ecgiddb people.safetensors --lead i")
def verifier(
    source: Annotated[Path, typer.Argument(help="WFDB database with several records a person, such as ECG-ID.")],
    to: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, .safetensors.")],
    lead: Annotated[str, typer.Option(help="Lead that people are told apart by.")] = "i",
    seconds: Annotated[float, typer.Option(min=0.5, help="Length of the windows that it shall judge.")] = 2.0,
    also: Annotated[
        list[Path] | None, typer.Option(help="Further databases to learn from, one record a person will do.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the split into people to learn from and to try it on.")] = 0,
) -> None:
    """Train what tells people apart by their ECG, for the audit's re-identification, and say how well it does."""
    from .evaluation.verification import train_verifier

    if to.exists():
        raise InputError(f"{to}: is there already; name a new file")
    trained = train_verifier(source, lead, seconds, seed=seed, more=also or [])
    trained.save(to)
    for name, score in trained.errors.items():
        interval = f"95 % {score.low:.3f} to {score.high:.3f}; n {score.n} people"
        say(f"equal error rate, {name}: {score.value:.3f} ({interval})")
    say(f"0 is perfect, 0.5 guessing; use it with `anonimage audit OUT --verifier {to}`, and keep it private")
    say(f"verifier: {to}")


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
