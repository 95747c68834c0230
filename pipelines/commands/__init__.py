"""The commands of `anonimage`: options in, one function of the pipelines called.

What needs torch, wfdb or pandas is imported by the command that needs it, so that `--help` and bad usage answer at
once.
"""

from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option, echo

from ...errors import InputError
from ..progress import progress, say
from .terminal import (
    AGAIN,
    NOT_RELEASED,
    RESUME,
    Address,
    Changes,
    EngineName,
    Jobs,
    Out,
    Overwrite,
    PolicyName,
    RecipeName,
    Resume,
    Source,
    app,
    command,
    main,
    print_inspection,
)

__all__ = ["app", "main"]


@command(
    "anonimage run ptb-quantile ~/ptbdb out --set stride=500 --steps 1500", after_stop=RESUME, alone=True, together=True
)
def run(
    recipe: RecipeName,
    source: Source,
    out: Out,
    changes: Changes,
    resume: Resume = False,
    overwrite: Overwrite = False,
    engine: EngineName = "local",
    address: Address = None,
    jobs: Jobs = None,
    with_audit: Annotated[bool, Option("--audit/--no-audit", hidden=True)] = True,
) -> None:
    """The five steps: prepare, train, generate, evaluate and audit; synthetic data, scores and a report in OUT."""
    resolved = changes.recipe(recipe, out if resume else None)
    from .. import steps
    from ..engine import new_engine

    reader = new_engine(engine, jobs, address)
    steps.run(resolved, source, out, reader, resume=resume, overwrite=overwrite, with_audit=with_audit)
    say(f"synthetic: {out / 'synthetic'}\nreport:    {out / 'report.html'}")


@command("anonimage prepare ptb-quantile ~/ptbdb out --leads ii", after_stop=RESUME, alone=True)
def prepare(
    recipe: RecipeName,
    source: Source,
    out: Out,
    changes: Changes,
    resume: Resume = False,
    overwrite: Overwrite = False,
    engine: EngineName = "local",
    address: Address = None,
    jobs: Jobs = None,
) -> None:
    """Steps 1 and 2: read the source into OUT/store, split it by patient, fit the codec."""
    resolved = changes.recipe(recipe, out if resume else None)
    from .. import preparation
    from ..engine import new_engine

    preparation.prepare(resolved, source, out, new_engine(engine, jobs, address), resume=resume, overwrite=overwrite)


@command("anonimage train out --steps 3000", after_stop=AGAIN, alone=True, together=True)
def train(out: Out, changes: Changes) -> None:
    """Steps 3 and 4: train the GAN; goes on from the newest checkpoint, to more steps if asked."""
    from .. import training
    from ..run_folder import RunFolder

    training.train(out, changes.of(RunFolder.prepared(out).recipe))


@command("anonimage generate out -n 500 --format csv --to synthetic-csv --seed 1", after_stop=AGAIN, alone=True)
def generate(
    out: Out,
    n: Annotated[
        int | None, Option("-n", min=1, help="Windows, rows or pictures to generate; default: the recipe's.")
    ] = None,
    file_format: Annotated[
        str, Option("--format", help="source: as the source is; signals also wfdb, csv, parquet, npz.")
    ] = "source",
    to: Annotated[Path | None, Option(help="New folder; default: OUT/synthetic, or OUT/synthetic-FORMAT.")] = None,
    seed: Annotated[int | None, Option(min=0, help="Seed of the latents; default: the run's.")] = None,
    offset: Annotated[str | None, Option(help="relative, baseline or sampled; default: the recipe's.")] = None,
    label: Annotated[str | None, Option(help="Generate this class only, by its name.")] = None,
    labels_like: Annotated[
        str | None, Option(help="Shares of the classes: source or balanced; default: the recipe's.")
    ] = None,
) -> None:
    """Generate with the trained GAN and write in the source's format and units."""
    from .. import generation

    generation.generate(out, n, file_format, to, seed, offset, label, labels_like)


@command("anonimage evaluate out", alone=True)
def evaluate(out: Out) -> None:
    """Step 5: score the synthetic samples against control patients and write the report."""
    from .. import evaluating

    evaluating.evaluate(out)
    say(f"report:  {out / 'report.html'}")


@command("anonimage demo demo", after_stop=RESUME, alone=True, together=True)
def demo(out: Out, changes: Changes, overwrite: Overwrite = False, resume: Resume = False) -> None:
    """Simulate a PTB-shaped database into OUT/source and run a small recipe on it: minutes on two cores."""
    resolved = changes.recipe("demo")
    from .. import steps

    steps.demo(resolved, out, resume=resume, overwrite=overwrite)
    say(f"records: {out / 'synthetic'}\nreport:  {out / 'report.html'}")


@command(
    "anonimage ablate ~/ptbdb study --recipe ptb-quantile --vary arrangement=z,transposed,hilbert --seeds 5",
    after_stop=RESUME,
    alone=True,
)
def ablate(
    source: Source,
    out: Annotated[Path, Argument(help="Folder of the study.")],
    vary: Annotated[
        list[str],
        Option(
            metavar="KEY=VALUE,VALUE",
            help="A setting and its values, lists with +: leads=i+ii,v1; once for each setting.",
        ),
    ],
    changes: Changes,
    recipe: Annotated[str, Option(help="Recipe that all cells begin with.")] = "ptb-quantile",
    seeds: Annotated[
        int, Option(min=1, help="Runs of every cell, on the same seeds and patients; decide it before you look.")
    ] = 3,
    with_audit: Annotated[bool, Option("--audit", help="Attack the synthetic samples of every cell, too.")] = False,
    engine: EngineName = "local",
    address: Address = None,
    jobs: Jobs = None,
    resume: Resume = False,
) -> None:
    """Run a recipe with every combination of some settings, on the same seeds, and compare the scores in pairs."""
    resolved = changes.recipe(recipe)
    from .. import ablation
    from ..engine import new_engine

    executor = new_engine(engine, jobs or 1, address)
    assert executor is not None  # processes, of which one may die
    ablation.ablate(source, out, resolved, vary, seeds, executor, resume=resume, audit=with_audit)


@command("anonimage compare out-z out-hilbert --to comparison")
def compare(
    runs: Annotated[list[Path], Argument(metavar="OUT OUT …", help="Folders of finished runs.")],
    to: Annotated[Path | None, Option(help="Folder to make, with the table as CSV, Markdown and a page.")] = None,
) -> None:
    """Compare the scores of finished runs: each with its interval, differences in pairs where seeds are the same."""
    from .. import ablation

    ablation.compare(runs, to)


@command("anonimage audit out --verifier people.safetensors", alone=True)
def audit(
    out: Out,
    policy: PolicyName = "default",
    verifier: Annotated[
        Path | None, Option(help="File that `anonimage verifier` wrote; default: the recipe's, or none.")
    ] = None,
) -> None:
    """Attack the synthetic samples, and two controls that show whether the attacks can be believed."""
    from .. import evaluating

    evaluating.audit(out, policy, verifier)
    say(f"audit:   {out / 'audit.json'}\nreport:  {out / 'report.html'}")


@command("anonimage release out bundle --policy strict")
def release(
    out: Out,
    to: Annotated[Path, Argument(metavar="TO", help="Folder to make, which may leave the house.")],
    policy: PolicyName = "default",
    with_generator: Annotated[bool, Option("--with-generator", help="Put the generator's weights in as well.")] = False,
) -> None:
    """Make a bundle of what passes the policy; otherwise exit 3, and TO holds nothing but the reasons."""
    from ..release import bundle
    from ..release.policy import load_policy

    if not bundle.release(out, to, load_policy(policy), with_generator):
        say(f"refusal: {to / 'refusal.md'}")
        raise Exit(NOT_RELEASED)


@command("anonimage policies default > mine.toml")
def policies(name: Annotated[str | None, Argument(help="Print this policy's TOML.")] = None) -> None:
    """List the policies, or print one to start your own from."""
    from ..release.policy import load_policy, policy_names

    if name:
        echo(load_policy(name).to_toml(), nl=False)
        return
    for known in policy_names():
        echo(f"{known:10}{load_policy(known).description}")


@command("anonimage verifier ~/ecgiddb people.safetensors --lead i")
def verifier(
    source: Annotated[Path, Argument(help="WFDB database with several records a person, such as ECG-ID.")],
    to: Annotated[Path, Argument(metavar="FILE", help="File to write, .safetensors.")],
    lead: Annotated[str, Option(help="Lead by which persons are recognised.")] = "i",
    seconds: Annotated[float, Option(min=0.5, help="Length of the windows that it shall judge.")] = 2.0,
    also: Annotated[
        list[Path] | None, Option(help="Further databases to learn from, one record a person will do.")
    ] = None,
    seed: Annotated[int, Option(min=0, help="Of the split into people to learn from and to try it on.")] = 0,
) -> None:
    """Train a verifier of persons by their ECG, for the audit's re-identification, and say how well it does."""
    from ..evaluation.verifier import train_verifier

    if to.exists():
        raise InputError(f"{to}: exists already; name a new file")
    trained = train_verifier(source, lead, seconds, seed=seed, more=also or [])
    trained.save(to)
    for name, score in trained.errors.items():
        interval = f"95 % {score.low:.3f} to {score.high:.3f}; n {score.n} people"
        say(f"equal error rate, {name}: {score.value:.3f} ({interval})")
    say(f"0 is perfect, 0.5 guessing; use it with `anonimage audit OUT --verifier {to}`, and keep it private")
    say(f"verifier: {to}")


@command("anonimage inspect ~/ptbdb --leads i,ii,iii")
def inspect(
    source: Source,
    changes: Changes,
    recipe: Annotated[str, Option(help="Recipe whose reading is shown: ptb-quantile, series, table, iris, …")] = "",
) -> None:
    """Show what would be read: records, patients, classes, leads, windows, columns, and every problem."""
    from ..kinds import check_source, recipe_for
    from ..recipe import load_recipe

    resolved = changes.of(load_recipe(recipe) if recipe else recipe_for(source))
    print_inspection(check_source(resolved, source).inspect(resolved, source), resolved.name)


@command("anonimage recipes ptb-quantile > mine.toml")
def recipes(name: Annotated[str | None, Argument(help="Print every setting of this recipe, as TOML.")] = None) -> None:
    """List the recipes, or print one to start your own from."""
    from rich.console import Console
    from rich.table import Table

    from ..recipe import load_recipe, recipe_names

    if name:
        echo(load_recipe(name).to_toml(explained=True), nl=False)
        return
    table = Table("recipe", "paper", "what it shows", box=None)
    for known in recipe_names():
        recipe = load_recipe(known)
        table.add_row(known, f"§{recipe.section}" if recipe.section else "", recipe.description)
    Console().print(table)


@command("anonimage encode ~/ptbdb images --leads i")
def encode(
    source: Source,
    to: Annotated[Path, Argument(metavar="DIR", help="Folder to make, with the images.")],
    changes: Changes,
    recipe: Annotated[str, Option(help="Recipe that says how signals become images.")] = "ptb-quantile",
) -> None:
    """Turn signals into PNG images, with codec.json and samples.parquet beside them; no GAN."""
    resolved = changes.recipe(recipe)
    from ..image_folder import encode_folder

    encode_folder(resolved, source, to)
    say(f"images:  {to}")


@command("anonimage decode images signals")
def decode(
    folder: Annotated[Path, Argument(metavar="DIR", help="Folder that `anonimage encode` made.")],
    to: Annotated[Path, Argument(help="Folder to make, with WFDB records.")],
) -> None:
    """Turn a folder of encoded images back into WFDB records, each window with its own offset."""
    from ..image_folder import decode_folder

    decode_folder(folder, to)
    say(f"records: {to}")


@command("anonimage fetch ptbdb ~/ptbdb")
def fetch(
    database: Annotated[str, Argument(help="Name of the database, such as ptbdb.")],
    dest: Annotated[Path, Argument(help="Folder to download into.")],
    base_url: Annotated[str | None, Option(help="A mirror laid out as PhysioNet's files/.")] = None,
) -> None:
    """Download a database from PhysioNet; resumes, and verifies the checksums."""
    from ...data.wfdb import fetch as physionet

    with progress("fetch") as advance:
        physionet.fetch(database, dest, base_url, progress=lambda done, n: advance(done, "files", n))
    say(f"database: {dest}")
