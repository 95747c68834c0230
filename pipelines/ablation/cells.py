"""One cell with one seed: a run of its own, in a folder of its own."""

from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...files import new_file
from ..evaluating import evaluate
from ..evaluation.scores import load_scores
from ..fingerprint import fingerprint
from ..generation import generate
from ..lock import locked
from ..preparation import prepare
from ..recipe import Recipe
from ..run_folder import RunFolder
from ..training import train


@dataclass(frozen=True)
class Job:
    """What it takes to run a cell with one seed, anywhere.

    Arguments:
        source: where the real data is; absolute.
        out: folder of the run; absolute.
        recipe: resolved, with the seed.
        audit: attack what was generated as well.
    """

    source: Path
    out: Path
    recipe: Recipe
    audit: bool

    @property
    def log(self) -> Path:
        """What the run said; beside its folder, which holds nothing but the run."""
        return self.out.with_name(f"{self.out.name}.log")

    @property
    def failure(self) -> Path:
        """Why it failed, if it did."""
        return self.out.with_name(f"{self.out.name}.failure.txt")


def run_cell(job: Job) -> None:
    """Make the run, or go on with it where it stopped.

    Raises:
        InputError: anything of the recipe or the source that cannot be used; another process works on the run, as a
            worker may on another machine when its ablation was killed.
    """
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with locked(job.out), job.log.open("a", encoding="utf-8", buffering=1) as log, redirect_stderr(log):
        for result in (RunFolder(job.out).scores, RunFolder(job.out).audit):  # of fewer steps, say: not this job's
            result.unlink(missing_ok=True)
        prepare(job.recipe, job.source, job.out, resume=RunFolder(job.out).recipe_file.is_file(), overwrite=False)
        train(job.out)
        generate(job.out)
        evaluate(job.out, with_audit=job.audit)


def is_finished(job: Job) -> bool:
    """Whether the run is there as the job wants it, generated and scored."""
    folder = RunFolder(job.out)
    needed = (folder.recipe_file, folder.scores, *((folder.audit,) if job.audit else ()))
    if not all(file.is_file() for file in needed):
        return False
    try:
        same = _compared(folder.recipe) == _compared(job.recipe)
        folder.generated_step()
        return same and load_scores(folder.scores).fingerprint == fingerprint(folder.synthetic)
    except InputError:  # something was deleted or edited since: the run makes it again, or says why it cannot
        return False


def remember_failure(job: Job, reason: str) -> None:
    """Write down why a run failed."""
    with new_file(job.failure) as file:
        file.write(f"{reason}\n")


def forget_failure(job: Job) -> None:
    """The run is tried again, or has succeeded."""
    job.failure.unlink(missing_ok=True)


def _compared(recipe: Recipe) -> Recipe:
    """The recipe without what training resolves by itself."""
    return recipe.changed({"precision": "auto", "device": "auto"})
