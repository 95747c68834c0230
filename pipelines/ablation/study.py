"""A study: every cell run with every seed in a folder OUT, or finished runs by name; then one table of either."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ...errors import InputError
from ...files import is_unfinished, locked, new_file, refuse_file, refuse_used
from ...gan.training.runtime import make_fabric
from ...parallel import Failure, ParallelMap, map_over
from ..engine import ProcessMap
from ..evaluation.verifier import Verifier
from ..kinds import check_source
from ..progress import progress, say
from ..recipe import SETTINGS, Recipe, load_recipe
from ..run_folder import RunFolder
from ..training import with_hardware
from .cells import Cell, Job, grid, run_cell, run_cells
from .page import NAMES, Table
from .summary import Replicate, read_replicate, summarize

CELLS = "cells"


def ablate(
    source: Path,
    out: Path,
    recipe: Recipe,
    vary: Sequence[str],
    seeds: int,
    engine: ParallelMap,
    resume: bool,
    audit: bool = False,
) -> None:
    """Run every combination of what is varied with the same seeds, and write OUT/ablation.html, .md and .csv.

    Every cell has the same patients split in the same ways, so that cells are compared in pairs. A run that fails stops
    no other one.

    Arguments:
        source: what the recipe's kind of data is read from.
        out: folder of the ablation; a run of its own for each cell and seed lies in OUT/cells.
        recipe: what the cells have in common.
        vary: texts "key=value,value,…", one a key; items of a list are joined by +, as in leads=i+ii,v1.
        seeds: how many: the recipe's seed, and those after it.
        engine: the machines on which the runs are made; each has a process of its own.
        resume: continue the ablation in OUT; finished runs are kept, failed ones are tried again. Seeds and values may
            be added.
        audit: attack the synthetic samples of each run as well.

    Raises:
        InputError: before anything runs, what cannot be used; after the tables are written, that some run failed.
    """
    if seeds < 1:
        raise InputError(f"--seeds {seeds}: at least 1; 3 or more for intervals that tell something")
    cells = grid(_settled(recipe, out, audit), vary)
    if isinstance(engine, ProcessMap) and any(cell.recipe.train.device == "cuda" for cell in cells):
        make_fabric("cuda", "32")  # refused once, not in every run; the machines of a cluster may have one
    jobs = {}
    for number in range(seeds):  # outermost: what is stopped early has all cells for the first seeds
        for cell in cells:
            seeded = cell.with_seed(number)
            run = out / CELLS / cell.slug / f"seed-{seeded.seed}"
            jobs[Job(source.resolve(), run.resolve(), seeded, audit)] = cell
    with locked(out):
        _claim(out, source, list(jobs), resume)
        failures = _run(jobs, engine)
        done = [read_replicate(job.out, cell.settings) for job, cell in jobs.items() if job not in failures]
        reasons = {_name(job, jobs[job]): reason for job, reason in failures.items()}
        if done:
            Table("ablation", summarize(done, [cell.settings for cell in cells]), done, reasons, recipe).write(out)
    if reasons:
        name, reason = next(iter(reasons.items()))
        where = f"{len(reasons)} of {len(jobs)} runs failed, the first is {name}"
        raise InputError(f"{out}: {where} ({reason}); once that is mended, --resume tries them again")


def compare(runs: Sequence[Path], out: Path | None) -> None:
    """Print the table of finished runs as Markdown, and write it with its page to a folder.

    Recipes that differ are the cells; runs that differ only in the seed repeat one.

    Arguments:
        runs: folders of two runs or more, evaluated; the others are compared with the first.
        out: new folder for comparison.html, .md and .csv; None: only printed.

    Raises:
        InputError: fewer than two runs, a run that is not evaluated, or two with the same settings and seed.
    """
    if len({run.resolve() for run in runs}) < 2:
        raise InputError(f"{' '.join(map(str, runs)) or 'no run'}: name two different runs at least")
    if out is not None:
        refuse_used(out)
    folders = [RunFolder.prepared(run) for run in runs]
    choices = [  # what decides a run's result, but for the seed
        {"source": str(folder.about()["source"])}
        | {key: _text(value) for key, value in folder.recipe.settings().items() if not SETTINGS[key].silent}
        for folder in folders
    ]
    differing = [key for key in choices[0] if len({choice[key] for choice in choices}) > 1]
    done: dict[tuple[object, int], Replicate] = {}
    for folder, choice in zip(folders, choices, strict=True):
        run = read_replicate(folder.path, tuple((key, choice[key]) for key in differing))
        same = done.setdefault((run.settings, run.seed), run)
        if same is not run:
            raise InputError(f"{run.path}: has the settings and the seed of {same.path}; name only one of them")
    replicates = list(done.values())
    summary = summarize(replicates, list(dict.fromkeys(run.settings for run in replicates)))
    table = Table("comparison", summary, replicates, {}, folders[0].recipe)
    sys.stdout.write(table.markdown())
    if out is not None:
        table.write(out)


def _text(value: object) -> str:
    """A setting as a user would write it."""
    if isinstance(value, tuple):
        return "+".join(map(str, value)) or "all"
    return "none" if value is None else str(value)


def _settled(recipe: Recipe, out: Path, audit: bool) -> Recipe:
    """The recipe with what has to be the same in all cells, whatever machine and folder they are made in."""
    if recipe.evaluate.verifier is not None and audit:
        Verifier.load(Path(recipe.evaluate.verifier))  # refused at once
        recipe = recipe.changed({"verifier": str(Path(recipe.evaluate.verifier).resolve())})
    known = next(iter(sorted(out.glob(f"{CELLS}/*/*/recipe.toml"))), None)
    if recipe.train.precision == "auto" and known is not None:  # as it was measured when the study began
        recipe = recipe.changed({"precision": load_recipe(str(known)).train.precision})
    return with_hardware(recipe)


def _name(job: Job, cell: Cell) -> str:
    return f"{cell.name}, seed {job.recipe.seed}"


def _claim(out: Path, source: Path, jobs: Sequence[Job], resume: bool) -> None:
    """Refuse at once what no run could be made of, and a folder that holds something else."""
    check_source(jobs[0].recipe, source)
    refuse_file(out)
    known = {CELLS, *(f"ablation{suffix}" for suffix in NAMES)}
    for path in out.iterdir() if out.is_dir() else ():
        if not (path.name in known or path.name.startswith(".") or is_unfinished(path)):
            raise InputError(f"{out}: holds files but no ablation ({path.name}); choose an empty or new folder")
    if (out / CELLS).is_dir() and not resume:
        raise InputError(f"{out}: holds an ablation already; --resume goes on with it, or choose another folder")
    for job in jobs:
        try:
            RunFolder.claim(job.out, job.recipe, source, resume=True, overwrite=False)
        except InputError as error:  # runs alone can be begun anew: the others would not fit any more
            raise InputError(str(error).removesuffix(" or --overwrite")) from error


def _run(jobs: Mapping[Job, Cell], engine: ParallelMap) -> dict[Job, str]:
    """Make the runs that are not complete; which failed, and why."""
    pending = [job for job in jobs if not job.is_finished()]
    kept = f", {len(jobs) - len(pending)} of them done already" if len(pending) < len(jobs) else ""
    cells = len(set(jobs.values()))
    seeds = len(jobs) // cells
    say(f"ablate: {cells} cells × {seeds} seed{'s' * (seeds > 1)} = {len(jobs)} runs{kept}")
    for job in jobs:
        job.beside(".failure.txt").unlink(missing_ok=True)
    failures = {}
    with progress("ablate", len(pending)) as advance:
        for done, (job, reason) in enumerate(_ended(pending, engine), start=1):
            if reason is not None:
                failures[job] = reason
                with new_file(job.beside(".failure.txt")) as file:
                    file.write(f"{reason}\n")
                say(f"failed: {_name(job, jobs[job])}: {reason}")
            advance(done, _name(job, jobs[job]))
    return failures


def _ended(jobs: Sequence[Job], engine: ParallelMap) -> Iterator[tuple[Job, str | None]]:
    """The jobs when they have ended, and why they failed."""
    if isinstance(engine, ProcessMap):
        yield from run_cells(jobs, engine.jobs)
    else:
        with map_over(engine, run_cell, jobs) as outcomes:
            for job, outcome in zip(jobs, outcomes, strict=True):
                yield job, outcome.reason if isinstance(outcome, Failure) else None
