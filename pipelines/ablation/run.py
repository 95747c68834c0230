"""An ablation on a folder OUT: every cell with every seed, then the table of what made a difference."""

from collections.abc import Sequence
from pathlib import Path

from ...data.parallel import Failure, ParallelMap, map_over
from ...errors import InputError
from ...files import is_unfinished, refuse_file
from ...gan import make_fabric
from ..engine import ProcessMap
from ..evaluation.verifier import Verifier
from ..kinds import check_source
from ..lock import locked
from ..progress import progress, say
from ..recipe import Recipe
from ..run_folder import RunFolder
from ..training import with_hardware
from .cells import Job, forget_failure, is_finished, remember_failure, run_cell
from .grid import Cell, grid
from .page import NAMES, write_tables
from .results import Replicate, read_replicate
from .summary import summarize

CELLS = "cells"
TITLE = "ablation"


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

    Every cell sees the same patients split in the same ways, so that cells are compared in pairs. A run that fails is
    told of and stops no other.

    Arguments:
        source: what the recipe's kind of data is read from.
        out: folder of the ablation; a run of its own for each cell and seed lies in OUT/cells.
        recipe: what the cells have in common.
        vary: texts "key=value,value,…", one a key; items of a list are joined by +, as in leads=i+ii,v1.
        seeds: how many: the recipe's seed, and those after it.
        engine: where the runs are made: in processes of their own, of which one may die (one job: isolated).
        resume: go on with the ablation that is there; finished runs are kept, failed ones are tried again. Seeds and
            values may be added.
        audit: attack what each run generated as well.

    Raises:
        InputError: before anything runs, what cannot be used; after the tables are written, that some run failed.
    """
    if seeds < 1:
        raise InputError(f"--seeds {seeds}: at least 1; 3 or more for intervals that tell something")
    # resolved here, because cells made by different machines have to be of one precision
    cells = grid(with_hardware(_with_verifier(recipe, audit)), vary)
    if isinstance(engine, ProcessMap) and any(cell.recipe.train.device == "cuda" for cell in cells):
        make_fabric("cuda", "32")  # refused once, not in every run; the machines of a cluster may have one
    jobs = {
        (cell, seed): Job(source.resolve(), place(out, cell, seed).resolve(), cell.with_seed(seed), audit)
        for seed in range(seeds)  # outermost: what is stopped early has all cells for the first seeds
        for cell in cells
    }
    with locked(out):
        _claim(out, source, list(jobs.values()), resume)
        failures = _run(jobs, engine, len(cells), seeds)
        done = [_read(out, cell, seed) for cell, seed in jobs if (cell, seed) not in failures]
        told = {_name(cell, seed): reason for (cell, seed), reason in failures.items()}
        if done:
            write_tables(out, TITLE, summarize(done, [cell.settings for cell in cells]), done, told, recipe)
    if told:
        name, reason = next(iter(told.items()))
        where = f"{len(told)} of {len(jobs)} runs failed, the first is {name}"
        raise InputError(f"{out}: {where} ({reason}); once that is mended, --resume tries them again")


def place(out: Path, cell: Cell, seed: int) -> Path:
    """Where the run of a cell with its n-th seed, counted from 0, lies."""
    return out / CELLS / cell.slug / f"seed-{cell.recipe.seed + seed}"


def _with_verifier(recipe: Recipe, audit: bool) -> Recipe:
    """The recipe with a verifier that is known to be one, and found from any folder."""
    if recipe.evaluate.verifier is None or not audit:
        return recipe
    Verifier.load(Path(recipe.evaluate.verifier))
    return recipe.changed({"verifier": str(Path(recipe.evaluate.verifier).resolve())})


def _claim(out: Path, source: Path, jobs: Sequence[Job], resume: bool) -> None:
    """Refuse at once what no run could be made of, and a folder that holds something else."""
    check_source(jobs[0].recipe, source)
    refuse_file(out)
    ours = {CELLS, *(f"{TITLE}{suffix}" for suffix in NAMES)}
    others = [there for there in (out.iterdir() if out.is_dir() else ()) if not is_unfinished(there)]
    foreign = [there.name for there in others if there.name not in ours and not there.name.startswith(".")]
    if foreign:
        raise InputError(f"{out}: holds files but no ablation ({foreign[0]}); choose an empty or new folder")
    if (out / CELLS).is_dir() and not resume:
        raise InputError(f"{out}: holds an ablation already; --resume goes on with it, or choose another folder")
    for job in jobs:
        try:
            RunFolder.claim(job.out, job.recipe, source, resume=True, overwrite=False)
        except InputError as error:  # runs alone can be begun anew: the others would not fit any more
            raise InputError(str(error).removesuffix(" or --overwrite")) from error


def _run(jobs: dict[tuple[Cell, int], Job], engine: ParallelMap, cells: int, seeds: int) -> dict[tuple[Cell, int], str]:
    """Make the runs that are not there yet; which failed, and why."""
    pending = {key: job for key, job in jobs.items() if not is_finished(job)}
    kept = f", {len(jobs) - len(pending)} of them done already" if len(pending) < len(jobs) else ""
    say(f"ablate: {cells} cells × {seeds} seed{'s' * (seeds > 1)} = {len(jobs)} runs{kept}")
    for job in jobs.values():
        forget_failure(job)
    failures = {}
    with (
        progress("ablate", len(pending)) as advance,
        map_over(engine, run_cell, list(pending.values())) as outcomes,
    ):
        for done, ((key, job), outcome) in enumerate(zip(pending.items(), outcomes, strict=True), start=1):
            if isinstance(outcome, Failure):
                failures[key] = outcome.reason
                remember_failure(job, outcome.reason)
                say(f"failed: {_name(*key)}: {outcome.reason}")
            advance(done, _name(*key))
    return failures


def _read(out: Path, cell: Cell, seed: int) -> Replicate:
    return read_replicate(place(out, cell, seed), cell.settings)


def _name(cell: Cell, seed: int) -> str:
    return f"{cell.name}, seed {cell.recipe.seed + seed}"
