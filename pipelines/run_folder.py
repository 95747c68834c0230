"""The folder OUT of a run: what lies where, and whose run it is."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .. import __version__
from ..data.formats import FORMATS
from ..data.store.store import store_mark
from ..errors import InputError
from ..files import LOCK, is_unfinished, new_file, refuse_file
from .recipe import SETTINGS, Recipe, load_recipe

STORE = "store"


class Entry:
    """The path of a file or folder of a run, below OUT."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, folder: "RunFolder", owner: type) -> Path:
        return folder.path / self.name


@dataclass(frozen=True)
class RunFolder:
    """Paths inside OUT; the files themselves are written by the steps."""

    path: Path

    recipe_file = Entry("recipe.toml")
    about_file = Entry("run.json")  # source, versions, mark of a store that lies elsewhere
    codec_file = Entry("codec.json")
    checkpoints = Entry("checkpoints")
    metrics = Entry("metrics.csv")
    monitor = Entry("monitor.csv")
    evolution = Entry("evolution")  # images of the same latents at several steps
    best = Entry("best")  # checkpoint that the stopping score chose
    best_scores = Entry("best.csv")
    against = Entry("against")  # run of the recipe that this one is compared with
    generated = Entry("generated.json")
    synthetic = Entry("synthetic")
    scores = Entry("scores.json")
    evidence = Entry("evidence.json")
    audit = Entry("audit.json")
    report = Entry("report.html")

    @property
    def store(self) -> Path | str:
        """Where the samples lie: in OUT, or in the folder or at the URL that the recipe names."""
        elsewhere = self.recipe.data.store if self.recipe_file.is_file() else None
        return elsewhere or self.path / STORE

    @property
    def recipe(self) -> Recipe:
        """The run's resolved recipe."""
        return load_recipe(str(self.recipe_file))

    def synthetic_of(self, file_format: str, label: str | None = None) -> Path:
        """Where synthetic samples of a format, and of one class, lie by default."""
        of_class = [] if label is None else [re.sub(r"\W+", "-", label)]
        return self.path / "-".join(["synthetic", *of_class, *([file_format] if file_format != "source" else [])])

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """A folder in which a run was begun.

        Raises:
            InputError: no run in it.
        """
        folder, command = cls(path), f"`anonimage prepare RECIPE SOURCE {path}`"
        if folder.recipe_file.is_file():
            return folder
        if folder.about_file.is_file():
            raise InputError(f"{path}: preparing was interrupted; run {command} again")
        raise InputError(f"{path}: no run here (no recipe.toml); begin one with {command}")

    @classmethod
    def prepared(cls, path: Path) -> "RunFolder":
        """A folder whose store and codec are there.

        Raises:
            InputError: no run in it, steps 1 and 2 not completed, or its store replaced.
        """
        folder = cls.open(path)
        if not (folder.codec_file.is_file() and (folder.recipe.data.store or (path / STORE).is_dir())):
            raise InputError(f"{path}: not prepared yet; run `anonimage prepare RECIPE SOURCE {path} --resume`")
        folder.refuse_other_store()
        return folder

    @classmethod
    def claim(cls, path: Path, recipe: Recipe, source: Path, *, resume: bool, overwrite: bool) -> "RunFolder":
        """The folder for a run of this resolved recipe on this source; nothing in it is touched yet.

        Raises:
            InputError: the folder is the source or lies in it, holds a different run, a run that was not asked to be
                resumed, or other files.
        """
        folder, within = cls(path), source.resolve()
        if source.is_dir() and within in (path.resolve(), *path.resolve().parents):
            raise InputError(f"{path}: lies in the source {source}; choose a folder outside of it")
        refuse_file(path)
        names = [one for one in path.iterdir() if one.resolve() != within] if path.is_dir() else []
        if not folder.about_file.is_file() and any(not is_unfinished(one) and one.name != LOCK for one in names):
            raise InputError(f"{path}: holds files but no run of anonimage; choose an empty or new folder")
        if folder.recipe_file.is_file() and not overwrite:
            if different := folder._differences(recipe, source):
                raise InputError(f"{path}: holds a different run ({different}); choose another folder or --overwrite")
            if not resume:
                raise InputError(f"{path}: holds this run already; --resume goes on with it, --overwrite begins anew")
        return folder

    def begin(self, recipe: Recipe, source: Path, mark: str, *, keep_training: bool) -> None:
        """Make room for a run whose store and codec are about to be placed; `go_on` is the last step of that.

        Arguments:
            recipe, source: of the run.
            mark: of the store; see `store_mark`.
            keep_training: only store and codec are replaced; else all of the run's own files are deleted, and nothing
                that somebody put beside them.
        """
        store = None if recipe.data.store is None else mark
        about = {"source": str(source.resolve()), "versions": versions(), "store": store}
        if not keep_training:
            self.recipe_file.unlink(missing_ok=True)
            entries = (getattr(self, name) for name, entry in vars(RunFolder).items() if isinstance(entry, Entry))
            unfinished = self.path.glob(f".{self.synthetic.name}*.unfinished")
            for path in (*entries, self.path / STORE, *map(self.synthetic_of, FORMATS), *unfinished):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                elif path != self.about_file:
                    path.unlink(missing_ok=True)
        # run.json comes first and recipe.toml last: between the two, the folder is known as a run that may begin anew
        with new_file(self.about_file) as file:
            json.dump(about, file, indent=1)
        if recipe.data.store is not None:
            shutil.rmtree(self.path / STORE, ignore_errors=True)

    def go_on(self, recipe: Recipe) -> None:
        """Save the recipe with which this run goes on."""
        if recipe.train.precision == "auto" and self.recipe_file.is_file():  # as it was resolved when training began
            recipe = recipe.changed({"precision": self.recipe.train.precision})
        recipe.save(self.recipe_file)

    def refuse_other_store(self) -> None:
        """Refuse a store that is absent, or that another run replaced: its training samples may be of other people."""
        elsewhere = self.recipe.data.store
        if elsewhere is not None and store_mark(elsewhere) != self.about()["store"]:
            raise InputError(
                f"{elsewhere}: holds other samples than {self.path} was prepared with; run `anonimage prepare RECIPE "
                f"SOURCE {self.path} --overwrite --set store=…` with a folder of its own"
            )

    def refuse_other(self, recipe: Recipe) -> None:
        """Refuse a recipe that is not this run's, continued: of other settings that decide what was learned."""
        if other := self._differences(recipe):
            raise InputError(f"{self.path}: this run was prepared otherwise ({other}); begin another in a new folder")

    def generated_step(self, n: int | None = None) -> int:
        """The step of the network that generated OUT/synthetic.

        Arguments:
            n: samples in OUT/synthetic; None: not compared.

        Raises:
            InputError: generated.json is missing, was edited, or records another number of samples.
        """
        generated = _read(self.generated, {"step": int, "n": int}, "generate again")
        if n is not None and generated["n"] != n:
            raise InputError(f"{self.generated}: records {generated['n']} samples, found {n}; generate again")
        return generated["step"]

    def about(self) -> dict[str, Any]:
        """Source and versions that made the run, and the mark of a store that lies elsewhere.

        Raises:
            InputError: run.json is missing or is not what was written.
        """
        kinds: dict[str, Callable[[Any], Any]] = {"source": str, "versions": dict, "store": lambda mark: mark}
        return _read(self.about_file, kinds, "begin the run anew with --overwrite")

    def _differences(self, recipe: Recipe, source: Path | None = None) -> str:
        """What makes a recipe, and a source, another run than this one: in a few words, empty if nothing does."""
        here, asked = self.recipe.settings(), recipe.settings()
        if "auto" in (here["precision"], asked["precision"]):  # not decided yet on one side
            here["precision"] = asked["precision"]
        keys = sorted(key for key, value in here.items() if not SETTINGS[key].may_change and value != asked[key])
        different = [f"{key} {here[key]} here, {asked[key]} asked" for key in keys]
        if source is not None and self.about()["source"] != str(source.resolve()):
            different.append(f"source {self.about()['source']}")
        return "; ".join(different[:3])


def _read(path: Path, kinds: Mapping[str, Callable[[Any], Any]], remedy: str) -> dict[str, Any]:
    """The values of a JSON file that this program wrote, each as its kind; one line of error for any other file."""
    try:
        written = json.loads(path.read_text("utf-8"))
        return {key: kind(written[key]) for key, kind in kinds.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: missing or edited; {remedy}") from error


def versions() -> dict[str, str]:
    """Versions of this program and of the packages that decide its results."""
    packages = ("torch", "torchvision", "lightning-fabric", "numpy", "pandas", "wfdb", "scikit-image")
    return {"anonimage": __version__} | {name: version(name) for name in packages}


def fingerprint(folder: Path) -> str:
    """SHA-256 over names and contents of all files in a folder, by which others than those scored are not released.

    Raises:
        InputError: the folder is not there, or holds no file.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    if not names:
        raise InputError(f"{folder}: holds no file; run `anonimage generate {folder.parent}`")
    whole = hashlib.sha256()
    for name in names:
        whole.update(f"{name}\0{sha256(folder / name)}\n".encode())
    return whole.hexdigest()


def sha256(path: Path) -> str:
    """Of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def chosen_checkpoint(folder: RunFolder) -> Path:
    """The checkpoint to sample from: the best one where a stopping score chose one, else the newest.

    Raises:
        InputError: not trained yet.
    """
    from ..gan.training.checkpoint import latest

    best = latest(folder.best) if folder.recipe.train.stop_score != "none" else None
    chosen = best or latest(folder.checkpoints)
    if chosen is None:
        where = f"no checkpoint in {folder.checkpoints}"
        raise InputError(f"{folder.path}: not trained yet ({where}); run `anonimage train {folder.path}`")
    return chosen
