"""Commands over several runs."""

from pathlib import Path
from typing import Annotated

import typer

from .options import (
    Address,
    Device,
    EngineName,
    Fs,
    Jobs,
    Label,
    Leads,
    Patient,
    Precision,
    Resume,
    Seed,
    Set,
    Source,
    Steps,
    resolve,
)
from .terminal import RESUME, command


@command(
    "anonimage ablate ~/ptbdb study --recipe ptb-quantile --vary arrangement=z,transposed,hilbert --seeds 5",
    after_stop=RESUME,
    alone=True,
)
def ablate(
    source: Source,
    out: Annotated[Path, typer.Argument(help="Folder of the study.")],
    vary: Annotated[
        list[str],
        typer.Option(
            metavar="KEY=VALUE,VALUE",
            help="A setting and its values, lists with +: leads=i+ii,v1; once for each setting.",
        ),
    ],
    recipe: Annotated[str, typer.Option(help="Recipe that all cells begin with.")] = "ptb-quantile",
    seeds: Annotated[
        int, typer.Option(min=1, help="Runs of every cell, on the same seeds and patients; decide it before you look.")
    ] = 3,
    settings: Set = None,
    leads: Leads = None,
    fs: Fs = None,
    patient: Patient = None,
    label: Label = None,
    steps: Steps = None,
    seed: Seed = None,
    device: Device = None,
    precision: Precision = None,
    with_audit: Annotated[
        bool, typer.Option("--audit", help="Attack the synthetic samples of every cell, too.")
    ] = False,
    engine: EngineName = "local",
    address: Address = None,
    jobs: Jobs = None,
    resume: Resume = False,
) -> None:
    """Run a recipe with every combination of some settings, on the same seeds, and compare the scores in pairs."""
    read = {"leads": leads, "fs": fs, "patient": patient, "label": label}
    training = {"steps": steps, "seed": seed, "device": device, "precision": precision}
    resolved = resolve(recipe, settings, None, **read, **training)
    from ..ablation import ablate as study
    from ..engines import new_engine

    study(
        source,
        out,
        resolved,
        vary,
        seeds,
        new_engine(engine, jobs or 1, address),
        resume=resume,
        audit=with_audit,
    )


@command("anonimage compare out-z out-hilbert --to comparison")
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="OUT OUT …", help="Folders of finished runs.")],
    to: Annotated[Path | None, typer.Option(help="Folder to make, with the table as CSV, Markdown and a page.")] = None,
) -> None:
    """Compare the scores of finished runs: each with its interval, differences in pairs where seeds are the same."""
    from ..ablation import compare as beside

    beside(runs, to)
