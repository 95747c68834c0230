"""The cells of a study: every combination of what is varied, and with each seed a run in a process of its own."""

import hashlib
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from joblib import cpu_count

from ...errors import InputError
from ...files import locked
from ...launch import LEASH
from ..evaluation.scores import load_scores
from ..kinds import kind_of_recipe
from ..recipe import SETTINGS, Recipe
from ..run_folder import RunFolder, fingerprint

PACKAGE = Path(__file__).resolve().parents[2]
SYNTAX = "--vary key=value,value,… (items of a list joined by +, as in leads=i+ii,v1)"
SPEED = "changes nothing but how fast it goes; share the work out with --jobs or --engine ray"
# Decided by an ablation itself: each cell has its own samples and one process
DECIDED = {"store": "changes nothing but where the samples lie", "devices": SPEED, "nodes": SPEED}
# What cannot be varied, and why
FIXED = {
    **DECIDED,
    **dict.fromkeys(("name", "section", "description"), "changes nothing"),
    "seed": "is the same in every cell, so that cells can be compared in pairs; say how many with --seeds",
    "against": "changes nothing here; the cells are compared with each other",
}
LONGEST = 80  # characters of a folder's name


@dataclass(frozen=True)
class Cell:
    """One combination."""

    settings: tuple[tuple[str, str], ...]  # key and value as text, in the order in which they are varied
    recipe: Recipe  # the resolved recipe, with the first seed

    @property
    def name(self) -> str:
        """For readers: "arrangement=z, standardizer=minmax"."""
        return ", ".join(f"{key}={value}" for key, value in self.settings)

    @property
    def slug(self) -> str:
        """For a folder's name; different settings have different ones."""
        text = "_".join(f"{key}-{value}" for key, value in self.settings)
        plain = re.sub(r"[^\w.+-]", "-", text, flags=re.ASCII)
        if plain == text and len(plain) <= LONGEST:
            return plain
        return f"{plain[:LONGEST]}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def with_seed(self, number: int) -> Recipe:
        """The recipe with the n-th seed, counted from 0."""
        return self.recipe.changed({"seed": self.recipe.seed + number})


def grid(recipe: Recipe, vary: Sequence[str]) -> list[Cell]:
    """All combinations; the first has the first value of each key.

    Arguments:
        recipe: what the cells have in common.
        vary: texts "key=value,value,…", one a key.

    Raises:
        InputError: no such key, a value that does not fit, one value or the same one twice, a key given twice, or
            a setting that an ablation cannot have.
    """
    for key, reason in DECIDED.items():
        value = recipe.settings()[key]
        if value != SETTINGS[key].default:
            raise InputError(f"{key} = {value}: not in an ablation, it {reason}; leave it out")
    recipe = recipe.changed({"against": None})
    axes: dict[str, list[str]] = {}
    for text in vary:
        key, values = _axis(recipe, text)
        if key in axes:
            raise InputError(f"--vary {text}: {key} is varied already; name all its values at once")
        axes[key] = values
    if not axes:
        raise InputError(f"nothing is varied; name at least one setting with {SYNTAX}")
    return [_cell(recipe, tuple(zip(axes, values, strict=True))) for values in itertools.product(*axes.values())]


def _axis(recipe: Recipe, text: str) -> tuple[str, list[str]]:
    """A key and its values, each of which fits by itself."""
    key, equals, listed = (part.strip() for part in text.partition("="))
    origin = f"--vary {text}"
    if not equals or not key:
        raise InputError(f"{origin}: is not of the form {SYNTAX}")
    if key in FIXED:
        raise InputError(f"{origin}: {key} {FIXED[key]}")
    values = [value.strip() for value in listed.split(",")]
    recipe.changed({key: _value(key, values[0])}, origin)  # an unknown key is refused before any of its values
    if not all(values):
        raise InputError(f"{origin}: a value is missing; {SYNTAX}")
    if len(values) < 2:
        raise InputError(f"{origin}: is one value, and there is nothing to compare; name two or more, or use --set")
    known: dict[object, str] = {}
    for value in values:
        fitted = recipe.changed({key: _value(key, value)}, origin).settings()[key]
        if fitted in known:
            raise InputError(f"{origin}: {value} is the same as {known[fitted]}; name each value once")
        known[fitted] = value
    return key, values


def _value(key: str, text: str) -> str:
    """As `Recipe.changed` takes it: lists have commas there, which separate values here."""
    is_list = key in SETTINGS and isinstance(SETTINGS[key].default, tuple)
    return text.replace("+", ",") if is_list else text


def _cell(recipe: Recipe, settings: tuple[tuple[str, str], ...]) -> Cell:
    origin = "--vary " + " ".join(f"{key}={value}" for key, value in settings)
    cell = Cell(settings, recipe.changed({key: _value(key, value) for key, value in settings}, origin))
    try:
        kind_of_recipe(cell.recipe).check_layout(cell.recipe)
    except InputError as error:
        raise InputError(f"{origin}: {error}") from error
    return cell


@dataclass(frozen=True)
class Job:
    """What it takes to run a cell with one seed, anywhere."""

    source: Path  # the real data; absolute
    out: Path  # folder of the run; absolute. Beside it, with other endings, lie its recipe, log and failure.
    recipe: Recipe  # resolved, with the seed
    audit: bool  # attack the synthetic samples as well

    def beside(self, ending: str) -> Path:
        """A file of this job that is no part of the run: ".toml", ".log" or ".failure.txt"."""
        return self.out.with_name(f"{self.out.name}{ending}")

    @property
    def arguments(self) -> list[str]:
        """Of the command `anonimage` that makes the run, or continues it."""
        places = [str(self.beside(".toml")), str(self.source), str(self.out)]
        return ["run", *places, "--resume", *([] if self.audit else ["--no-audit"])]

    def begin(self) -> None:
        """Prepare for the command: write the recipe, and delete results that another recipe (fewer steps) gave."""
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.recipe.save(self.beside(".toml"))
        with locked(self.out):
            folder = RunFolder(self.out)
            for result in (folder.scores, folder.audit):
                result.unlink(missing_ok=True)
            if folder.recipe_file.is_file():
                folder.go_on(self.recipe)

    def is_finished(self) -> bool:
        """Whether the run is complete as the job asks for: its scores say of which samples they are."""
        folder = RunFolder(self.out)
        asked = {"precision": "auto", "device": "auto"}  # training resolves these by itself
        try:
            scored = load_scores(folder.scores).fingerprint
            folder.generated_step()
            same = folder.recipe.changed(asked) == self.recipe.changed(asked)
            return same and (folder.audit.is_file() or not self.audit) and scored == fingerprint(folder.synthetic)
        except InputError:  # not made yet, deleted or edited since: the run makes it, or says why it cannot
            return False


def run_cell(job: Job) -> None:
    """Make the run of a job, or continue it, in a process of its own; an InputError says why that failed."""
    # finished: joblib repeats the jobs of a batch in which a worker died
    for _, reason in run_cells([] if job.is_finished() else [job], 1):
        if reason is not None:
            raise InputError(reason)


def run_cells(jobs: Sequence[Job], at_once: int) -> Iterator[tuple[Job, str | None]]:
    """Make several runs at once; when this is left, none of their processes goes on.

    Arguments:
        jobs: begun in this order.
        at_once: processes at most; they share the cores, unless OMP_NUM_THREADS says otherwise.

    Yields:
        Per job, when it ends, and why it failed; None: it is complete.
    """
    environment = {"OMP_NUM_THREADS": str(max(1, cpu_count() // max(1, min(at_once, len(jobs)))))} | os.environ
    waiting, running = list(jobs), dict[subprocess.Popen[bytes], tuple[Job, int]]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                job = waiting.pop(0)
                try:
                    job.begin()
                except InputError as error:
                    yield job, str(error)
                    continue
                process, logged = _started(job, environment)
                running[process] = (job, logged)
            for process in [process for process in running if process.poll() is not None]:
                job, logged = running.pop(process)
                yield job, _reason(process.returncode, job.beside(".log"), logged)
            time.sleep(0.05)
    finally:
        for process in running:
            with suppress(ProcessLookupError):  # and its own processes
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _started(job: Job, environment: Mapping[str, str]) -> "tuple[subprocess.Popen[bytes], int]":
    """The process of a job, and where in the log what it says begins."""
    path = os.pathsep.join(filter(None, [str(PACKAGE.parent), environment.get("PYTHONPATH")]))
    with job.beside(".log").open("ab") as log:
        begin = log.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", PACKAGE.name, *job.arguments],
            stdin=subprocess.PIPE,  # the leash
            stdout=log,
            stderr=log,
            env={**environment, "PYTHONPATH": path, LEASH: "stdin"},
            start_new_session=True,  # Ctrl-C reaches this process alone, which then kills the others
        )
        return process, begin


def _reason(code: int, log: Path, begin: int) -> str | None:
    """Why a process failed: the line in its log that says so."""
    if code == 0:
        return None
    if code < 0:
        return f"its process died by signal {-code} (killed, out of memory, or a crash in native code)"
    with log.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode("utf-8", "replace").splitlines()
    prefix = f"{PACKAGE.name}: "
    said = next((line.removeprefix(prefix) for line in reversed(lines) if line.startswith(prefix)), "")
    return said if code == 2 and said else f"it ended with code {code}, see {log}"
