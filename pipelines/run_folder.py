"""The folder OUT of a run: what lies where, and whose run it is."""

import json
import re
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .. import __version__
from ..data.store.store import store_mark
from ..data.write import FORMATS
from ..errors import InputError
from ..files import is_unfinished, new_file, refuse_file
from .lock import LOCK
from .recipe import SETTINGS, Recipe, load_recipe

STORE = "store"
PACKAGES = ("torch", "torchvision", "lightning-fabric", "numpy", "pandas", "wfdb", "scikit-image")


@dataclass(frozen=True)
class RunFolder:
    """Paths inside OUT; the files themselves are written by the steps."""

    path: Path

    @property
    def recipe_file(self) -> Path:
        return self.path / "recipe.toml"

    @property
    def about_file(self) -> Path:
        return self.path / "run.json"

    @property
    def codec_file(self) -> Path:
        return self.path / "codec.json"

    @property
    def store(self) -> Path | str:
        """Where the samples lie: in OUT, or in the folder or at the URL that the recipe names."""
        elsewhere = self.recipe.data.store if self.recipe_file.is_file() else None
        return elsewhere or self.path / STORE

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def monitor(self) -> Path:
        return self.path / "monitor.csv"

    @property
    def evolution(self) -> Path:
        return self.path / "evolution"

    @property
    def best(self) -> Path:
        return self.path / "best"

    @property
    def against(self) -> Path:
        return self.path / "against"

    @property
    def generated(self) -> Path:
        return self.path / "generated.json"

    @property
    def synthetic(self) -> Path:
        return self.path / "synthetic"

    def synthetic_of(self, file_format: str, label: str | None = None) -> Path:
        """Where synthetic samples of a format, and of one class, lie if the user names no place."""
        if label is not None:
            of_class = re.sub(r"\W+", "-", label)
            return self.path / (f"synthetic-{of_class}" + (f"-{file_format}" if file_format != "source" else ""))
        return self.synthetic if file_format == "source" else self.path / f"synthetic-{file_format}"

    @property
    def scores(self) -> Path:
        return self.path / "scores.json"

    @property
    def evidence(self) -> Path:
        return self.path / "evidence.json"

    @property
    def audit(self) -> Path:
        return self.path / "audit.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def recipe(self) -> Recipe:
        """The run's resolved recipe."""
        return load_recipe(str(self.recipe_file))

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """A folder in which a run was begun.

        Raises:
            InputError: there is no run in it.
        """
        folder = cls(path)
        if folder.about_file.is_file() and not folder.recipe_file.is_file():
            raise InputError(f"{path}: preparing was interrupted; run `anonimage prepare RECIPE SOURCE {path}` again")
        if not folder.recipe_file.is_file():
            raise InputError(
                f"{path}: no run here (no recipe.toml); begin one with `anonimage prepare RECIPE SOURCE {path}`"
            )
        return folder

    @classmethod
    def prepared(cls, path: Path) -> "RunFolder":
        """A folder whose store and codec are there.

        Raises:
            InputError: there is no run in it, or steps 1 and 2 were not completed; its store was replaced.
        """
        folder = cls.open(path)
        if not (folder.codec_file.is_file() and (folder.recipe.data.store or (path / STORE).is_dir())):
            raise InputError(f"{path}: not prepared yet; run `anonimage prepare RECIPE SOURCE {path} --resume`")
        folder.refuse_other_store()
        return folder

    @classmethod
    def claim(cls, path: Path, recipe: Recipe, source: Path, *, resume: bool, overwrite: bool) -> "RunFolder":
        """The folder for a run of this recipe on this source; nothing in it is touched yet.

        Arguments:
            path: OUT.
            recipe: the resolved recipe.
            source: where the real data is.
            resume: go on with the same run.
            overwrite: a run that is there may be deleted.

        Raises:
            InputError: the folder is the source or lies in it, holds a different run, a run that was not asked to be
                resumed, or other files.
        """
        folder = cls(path)
        place = path.resolve()
        if source.is_dir() and (place == source.resolve() or source.resolve() in place.parents):
            raise InputError(f"{path}: lies in the source {source}; choose a folder outside of it")
        refuse_file(path)
        others = [there for there in path.iterdir() if there.resolve() != source.resolve()] if path.is_dir() else []
        if not folder.about_file.is_file() and any(not is_unfinished(there) and there.name != LOCK for there in others):
            raise InputError(f"{path}: holds files but no run of anonimage; choose an empty or new folder")
        if folder.recipe_file.is_file() and not overwrite:
            different = folder._differences(recipe, source)
            if different:
                raise InputError(f"{path}: holds a different run ({different}); choose another folder or --overwrite")
            if not resume:
                raise InputError(f"{path}: holds this run already; --resume goes on with it, --overwrite begins anew")
        return folder

    def begin(self, recipe: Recipe, source: Path, mark: str, *, keep_training: bool) -> None:
        """Make room for a run whose store and codec are about to be placed; `go_on` is the last step of that.

        Arguments:
            recipe: of the run.
            source: where the real data is.
            mark: of the store; see `store_mark`.
            keep_training: only the store and the codec are replaced.
        """
        about = {
            "source": str(source.resolve()),
            "versions": versions(),
            "store": None if recipe.data.store is None else mark,
        }
        if not keep_training:
            self._clear()
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
        """Refuse samples that another run left where this one's were: other people may be in training there.

        Raises:
            InputError: they are not those that this run was prepared with, or not there.
        """
        elsewhere = self.recipe.data.store
        if elsewhere is not None and store_mark(elsewhere) != self.about()["store"]:
            raise InputError(
                f"{elsewhere}: holds other samples than {self.path} was prepared with; run `anonimage prepare RECIPE "
                f"SOURCE {self.path} --overwrite --set store=…` with a place of its own"
            )

    def refuse_other(self, recipe: Recipe) -> None:
        """Refuse a recipe that is not this run's, continued.

        Raises:
            InputError: a setting changed that decides what was prepared or learned.
        """
        different = self._differences(recipe, None)
        if different:
            raise InputError(
                f"{self.path}: this run was prepared otherwise ({different}); begin another in a new folder"
            )

    def generated_step(self, n: int | None = None) -> int:
        """The step of the network that generated OUT/synthetic.

        Arguments:
            n: how many samples there are; None: not looked at.

        Raises:
            InputError: generated.json is missing, is not what was written, or speaks of another number of samples.
        """
        try:
            generated = json.loads(self.generated.read_text("utf-8"))
            step, written = int(generated["step"]), int(generated["n"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.generated}: missing or edited; generate again") from error
        if n is not None and written != n:
            raise InputError(f"{self.generated}: speaks of {written} samples, there are {n}; generate again")
        return step

    def about(self) -> dict[str, Any]:
        """Source and versions that made the run, and the mark of a store that lies elsewhere.

        Raises:
            InputError: run.json is missing or is not what was written.
        """
        try:
            about = json.loads(self.about_file.read_text("utf-8"))
            return {"source": about["source"], "versions": dict(about["versions"]), "store": about.get("store")}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.about_file}: missing or edited; begin the run anew with --overwrite") from error

    def _differences(self, recipe: Recipe, source: Path | None) -> str:
        mine, other = self.recipe.settings(), recipe.settings()
        if "auto" in (mine["precision"], other["precision"]):  # not decided yet on one side
            mine["precision"] = other["precision"]
        keys = sorted(key for key, value in mine.items() if not SETTINGS[key].may_change and value != other[key])
        different = [f"{key} {mine[key]} here, {other[key]} asked" for key in keys]
        if source is not None and self.about()["source"] != str(source.resolve()):
            different.append(f"source {self.about()['source']}")
        return "; ".join(different[:3])

    def _clear(self) -> None:
        """Delete the run's own files, and nothing that somebody else put beside them."""
        self.recipe_file.unlink(missing_ok=True)
        folders = (self.path / STORE, self.checkpoints, self.best, self.evolution, self.against, self.synthetic)
        unfinished = self.path.glob(f".{self.synthetic.name}*.unfinished")
        for folder in (*folders, *map(self.synthetic_of, FORMATS), *unfinished):
            shutil.rmtree(folder, ignore_errors=True)
        files = (
            self.best.with_suffix(".csv"),
            self.codec_file,
            self.metrics,
            self.monitor,
            self.generated,
            self.scores,
            self.evidence,
            self.audit,
            self.report,
        )
        for file in files:
            file.unlink(missing_ok=True)


def versions() -> dict[str, str]:
    """Versions of this program and of the packages that decide its results."""
    return {"anonimage": __version__, **{name: version(name) for name in PACKAGES}}


def chosen_checkpoint(folder: RunFolder) -> Path:
    """The checkpoint to sample from: the best one where a stopping score chose one, else the newest.

    Raises:
        InputError: not trained yet.
    """
    from ..gan import latest  # commands that only look at a folder need no networks

    best = latest(folder.best) if folder.recipe.train.stop_score != "none" else None
    chosen = best or latest(folder.checkpoints)
    if chosen is None:
        path = folder.path
        raise InputError(
            f"{path}: not trained yet (no checkpoint in {folder.checkpoints}); run `anonimage train {path}`"
        )
    return chosen
