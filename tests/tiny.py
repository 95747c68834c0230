"""A database of a few seconds and a recipe of a few steps: the whole job in a second or two."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
from anonimage.data.wfdb.writer import write_record
from anonimage.pipelines.commands import app, terminal
from anonimage.pipelines.recipe import load_recipe
from typer.testing import CliRunner, Result

FS, SECONDS, GAIN = 100, 12, 1000.0
DIAGNOSES = ("Myocardial infarction", "Bundle branch block", "Healthy control")
TINY = {"fs": FS, "side": 9, "batch": 8, "steps": 6, "widths": "4,8", "latent_dim": 5, "samples": 20, "evaluated": 30}
TINY |= {"metrics_every": 2, "checkpoint_every": 2, "precision": "32", "device": "cpu"}
TINY |= {"judge_steps": 2, "control_runs": 2}
BRIEF = ("batch", "steps", "samples", "evaluated", "precision", "device", "judge_steps", "control_runs")


def beats(patient: int, seconds: float = SECONDS) -> np.ndarray:
    """Leads i, ii, iii = ii − i of one patient, (3, T) in mV: spikes at the patient's own rate, with some noise."""
    rng = np.random.default_rng(patient)
    time = np.arange(round(seconds * FS)) / FS
    phase = (time * (0.9 + 0.1 * patient)) % 1
    spikes = np.exp(-(((phase - 0.5) / 0.04) ** 2))
    i, ii = (a * spikes + rng.normal(0, 0.02, len(time)) + 0.1 * patient for a in (0.8, 1.1))
    i, ii = np.rint(GAIN * i), np.rint(GAIN * ii)
    return np.stack([i, ii, ii - i]) / GAIN


def write_patient(folder: Path, patient: int, signals: np.ndarray | None = None, fs: float = FS) -> str:
    """One record in PTB's layout; returns its name as RECORDS lists it."""
    name = f"patient{patient:03d}/s{patient:04d}_re"
    signals = beats(patient) if signals is None else signals
    digital = np.where(np.isnan(signals), -32768, np.rint(GAIN * signals)).astype(np.int16)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    comments = [f"Reason for admission: {DIAGNOSES[patient % 3]}"]
    leads = ("i", "ii", "iii")[: len(signals)]
    place, record = (folder / name).parent, (folder / name).name
    write_record(place / record, digital, fs, [GAIN] * len(leads), ["mV"] * len(leads), leads, comments)
    return name


def write_database(folder: Path, patients: int = 9) -> Path:
    """A database of so many patients, three to a class."""
    names = [write_patient(folder, patient) for patient in range(1, patients + 1)]
    (folder / "RECORDS").write_text("".join(f"{name}\n" for name in names))
    return folder


def sets(**changes: object) -> list[str]:
    """The tiny recipe's settings as command line options."""
    return [part for key, value in (TINY | changes).items() for part in ("--set", f"{key}={value}")]


def anonimage(*arguments: object) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def quick(recipe: str, source: object, out: object, *options: object, verb: str = "run", **settings: object) -> Result:
    """Run a recipe on any source with the tiny recipe's lengths, and otherwise as it is."""
    brief = {key: TINY[key] for key in BRIEF}
    given = [part for key, value in (brief | settings).items() for part in ("--set", f"{key}={value}")]
    return anonimage(verb, recipe, source, out, *options, *given)


def begin_small(monkeypatch: pytest.MonkeyPatch, **settings: object) -> None:
    """Let recipes begin small, for commands that name no settings.

    Networks that judge learn next to nothing, each control runs twice, and the settings given hold.
    """
    begun = {"judge_steps": 2, "control_runs": 2} | settings
    monkeypatch.setattr(terminal, "load_recipe", lambda name: load_recipe(name).changed(begun))


def refused(result: Result, *words: str) -> str:
    """Check that a command ended with exit code 2 and one line that has these words; returns the line."""
    assert result.exit_code == 2, (result.exit_code, result.output, result.exception)
    lines = [line for line in result.stderr.splitlines() if line.startswith("anonimage: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.output
    for word in words:
        assert word in lines[0], lines[0]
    return lines[0]


def files(folder: Path) -> dict[str, str]:
    """A digest of every file below a folder, by name."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def nothing_left(out: Path) -> None:
    """A refused command leaves no folder behind."""
    assert not out.exists(), list(out.iterdir())


def only_work_left(out: Path) -> None:
    """A refused command leaves what it read until then, with which the next call goes on, and nothing else."""
    assert [path.name for path in out.iterdir()] == [".store.unfinished"]


def command(*arguments: object) -> list[str]:
    """The command as a process of its own."""
    return [sys.executable, "-m", "anonimage", *map(str, arguments)]
