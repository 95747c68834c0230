"""The folder OUT of a run: what lies where, and whose run it is."""

import json
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import InputError
from ..files import new_file, sweep
from .recipe import Recipe, load_recipe

# Settings that may change between two calls on one folder without making it another run: more steps continue the
# training, and what is generated, evaluated or computed on does not touch what was learned.
CONTINUABLE = {"steps", "epochs", "samples", "evaluated", "device", "metrics_every", "checkpoint_every"}
PACKAGES = ("torch", "torchvision", "lightning-fabric", "numpy", "pandas", "wfdb", "zarr", "scikit-image", "neurokit2")


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
    def store(self) -> Path:
        return self.path / "store"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def synthetic(self) -> Path:
        return self.path / "synthetic"

    @property
    def scores(self) -> Path:
        return self.path / "scores.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def recipe(self) -> Recipe:
        """The run's resolved recipe."""
        return load_recipe(str(self.recipe_file))

    @property
    def is_prepared(self) -> bool:
        return self.codec_file.is_file() and self.store.is_dir()

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """A folder in which a run was begun.

        Raises:
            InputError: there is no run in it.
        """
        folder = cls(path)
        if not folder.recipe_file.is_file():
            raise InputError(
                f"{path}: no run here (no recipe.toml); begin one with `anonimage prepare RECIPE SOURCE {path}`"
            )
        return folder

    @classmethod
    def prepared(cls, path: Path) -> "RunFolder":
        """A folder whose store and codec are there.

        Raises:
            InputError: there is no run in it, or steps 1 and 2 were not completed.
        """
        folder = cls.open(path)
        if not folder.is_prepared:
            raise InputError(f"{path}: not prepared yet; run `anonimage prepare RECIPE SOURCE {path} --resume`")
        return folder

    @classmethod
    def begin(cls, path: Path, recipe: Recipe, source: Path, *, resume: bool, overwrite: bool) -> "RunFolder":
        """The folder for a run of this recipe on this source: new, emptied, or taken up again.

        Arguments:
            path: OUT.
            recipe: the resolved recipe.
            source: where the real data is.
            resume: go on with the same run.
            overwrite: delete the run that is there.

        Raises:
            InputError: the folder holds a different run, a run that was not asked to be resumed, or other files.
        """
        folder = cls(path)
        if path.is_dir() and any(path.iterdir()) and not folder.recipe_file.is_file():
            raise InputError(f"{path}: holds files but no run of anonimage; choose an empty or new folder")
        if folder.recipe_file.is_file() and overwrite:
            folder._clear()
        if folder.recipe_file.is_file():
            different = folder._differences(recipe, source)
            if different:
                raise InputError(f"{path}: holds a different run ({different}); choose another folder or --overwrite")
            if not resume:
                raise InputError(f"{path}: holds this run already; --resume goes on with it, --overwrite begins anew")
            sweep(path)
            if recipe.precision == "auto":  # as it was resolved when this run began to train
                recipe = recipe.changed({"precision": folder.recipe.precision})
        folder._write(recipe, source)
        return folder

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

    def about(self) -> dict[str, Any]:
        """Source and versions that made the run."""
        return json.loads(self.about_file.read_text("utf-8"))

    def _write(self, recipe: Recipe, source: Path) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be made ({error.strerror}); choose another folder") from error
        with new_file(self.about_file) as file:
            json.dump({"source": str(source.resolve()), "versions": versions()}, file, indent=1)
        recipe.save(self.recipe_file)

    def _differences(self, recipe: Recipe, source: Path | None) -> str:
        mine, other = self.recipe.model_dump(), recipe.model_dump()
        if "auto" in (mine["precision"], other["precision"]):  # not decided yet on one side
            mine["precision"] = other["precision"]
        keys = sorted(key for key in mine.keys() - CONTINUABLE if mine[key] != other[key])
        different = [f"{key} {mine[key]} here, {other[key]} asked" for key in keys]
        if source is not None and self.about()["source"] != str(source.resolve()):
            different.append(f"source {self.about()['source']}")
        return "; ".join(different[:3])

    def _clear(self) -> None:
        """Delete the run's own files, and nothing that somebody else put beside them."""
        sweep(self.path)
        for folder in (self.store, self.checkpoints, self.synthetic):
            shutil.rmtree(folder, ignore_errors=True)
        # recipe.toml goes last: while it is there, the folder is known as a run
        for file in (self.codec_file, self.metrics, self.scores, self.report, self.about_file, self.recipe_file):
            file.unlink(missing_ok=True)


def versions() -> dict[str, str]:
    """Versions of this program and of the packages that decide its results."""
    return {"anonimage": __version__, **{name: version(name) for name in PACKAGES}}
