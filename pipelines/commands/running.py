"""Commands of a run: the five steps, together and one by one."""

from pathlib import Path
from typing import Annotated

import typer

from ..progress import say
from .options import (
    Address,
    Binary,
    Category,
    Device,
    Devices,
    Drop,
    EngineName,
    Fs,
    Jobs,
    Keep,
    Label,
    Leads,
    Missing,
    Nodes,
    Out,
    Overwrite,
    Patient,
    Precision,
    RecipeName,
    Resume,
    Seed,
    Set,
    SkipBad,
    Source,
    Steps,
    changed,
    resolve,
)
from .terminal import AGAIN, RESUME, command


@command(
    "anonimage run ptb-quantile ~/ptbdb out --set stride=500 --steps 1500", after_stop=RESUME, alone=True, together=True
)
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
    devices: Devices = None,
    precision: Precision = None,
    skip_bad: SkipBad = False,
    engine: EngineName = "local",
    address: Address = None,
    jobs: Jobs = None,
) -> None:
    """The five steps: prepare, train, generate, evaluate and audit; synthetic data, scores and a report in OUT."""
    read = {"leads": leads, "fs": fs, "patient": patient, "label": label}
    columns = {"binary": binary, "category": category, "drop": drop, "keep": keep, "missing": missing}
    training = {"steps": steps, "seed": seed, "device": device, "devices": devices, "precision": precision}
    resolved = resolve(
        recipe, settings, out if resume else None, **read, **columns, **training, skip_bad=skip_bad or None
    )
    from .. import steps as five
    from ..engines import new_engine

    five.run(resolved, source, out, new_engine(engine, jobs, address), resume=resume, overwrite=overwrite)
    say(f"synthetic: {out / 'synthetic'}\nreport:    {out / 'report.html'}")


@command("anonimage prepare ptb-quantile ~/ptbdb out --leads ii", after_stop=RESUME, alone=True)
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
    skip_bad: SkipBad = False,
    engine: EngineName = "local",
    address: Address = None,
    jobs: Jobs = None,
) -> None:
    """Steps 1 and 2: read the source into OUT/store, split it by patient, fit the codec."""
    read = {"leads": leads, "fs": fs, "patient": patient, "label": label}
    columns = {"binary": binary, "category": category, "drop": drop, "keep": keep, "missing": missing}
    others = {"steps": steps, "seed": seed, "skip_bad": skip_bad or None}
    resolved = resolve(recipe, settings, out if resume else None, **read, **columns, **others)
    from .. import steps as five
    from ..engines import new_engine

    five.prepare(resolved, source, out, new_engine(engine, jobs, address), resume=resume, overwrite=overwrite)


@command("anonimage train out --steps 3000", after_stop=AGAIN, alone=True, together=True)
def train(
    out: Out,
    settings: Set = None,
    steps: Steps = None,
    device: Device = None,
    devices: Devices = None,
    nodes: Nodes = None,
    precision: Precision = None,
) -> None:
    """Steps 3 and 4: train the GAN; goes on from the newest checkpoint, to more steps if asked."""
    from .. import steps as five
    from ..run_folder import RunFolder

    recipe = RunFolder.prepared(out).recipe
    hardware = {"device": device, "devices": devices, "nodes": nodes, "precision": precision}
    five.train(out, changed(recipe, settings, steps=steps, **hardware))


@command("anonimage generate out -n 500 --format csv --to synthetic-csv --seed 1", after_stop=AGAIN, alone=True)
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
    from .. import steps as five

    five.generate(out, n, file_format, to, seed, offset, label, labels_like)


@command("anonimage evaluate out", alone=True)
def evaluate(out: Out) -> None:
    """Step 5: score the synthetic samples against control patients and write the report."""
    from ..evaluating import evaluate as score

    score(out)
    say(f"report:  {out / 'report.html'}")


@command("anonimage demo demo", after_stop=RESUME, alone=True, together=True)
def demo(
    out: Out,
    steps: Steps = None,
    seed: Seed = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
) -> None:
    """Simulate a PTB-shaped database into OUT/source and run a small recipe on it: minutes on two cores."""
    resolved = resolve("demo", None, steps=steps, seed=seed)
    from .. import steps as five

    five.demo(resolved, out, resume=resume, overwrite=overwrite)
    say(f"records: {out / 'synthetic'}\nreport:  {out / 'report.html'}")
