"""The five steps on a folder OUT: each can be run alone, and `run` is all of them."""

import shutil
from pathlib import Path

from ..data.wfdb.simulate import simulate_database
from ..parallel import ParallelMap
from .evaluating import evaluate
from .evaluation.verifier import Verifier
from .generation import generate
from .preparation import prepare
from .progress import progress, say
from .recipe import SETTINGS, Recipe, load_recipe, recipe_names
from .run_folder import RunFolder
from .training import helped_run, train


def run(
    recipe: Recipe,
    source: Path,
    out: Path,
    parallel: ParallelMap | None = None,
    *,
    resume: bool,
    overwrite: bool,
    with_audit: bool = True,
) -> None:
    """All five steps.

    Arguments:
        recipe, source, out, parallel, resume, overwrite: see `prepare`.
        with_audit: attack the synthetic samples as well.

    Raises:
        InputError: anything of the user's that cannot be used, in one line.
    """
    if (helped := helped_run()) is not None:  # the first process started this one for its training
        train(helped)
        return
    if recipe.evaluate.verifier is not None:  # rather now than after hours
        Verifier.load(Path(recipe.evaluate.verifier))
        recipe = recipe.changed({"verifier": str(Path(recipe.evaluate.verifier).resolve())})
    second = None if recipe.against is None else _counterpart(recipe)
    prepare(recipe, source, out, parallel, resume=resume, overwrite=overwrite)
    train(out)
    generate(out)
    if second is not None:
        against = RunFolder(out).against
        say(f"against: {recipe.against}, in {against}")
        prepare(second, source, against, parallel, resume=RunFolder(against).recipe_file.is_file(), overwrite=False)
        train(against, RunFolder(against).recipe.changed({"precision": RunFolder(out).recipe.train.precision}))
        generate(against)
        evaluate(against)
    evaluate(out, with_audit=with_audit)


def _counterpart(recipe: Recipe) -> Recipe:
    """The recipe that a run is compared with, with the same changes of settings that this one had."""
    assert recipe.against is not None
    chosen = recipe.settings()
    if recipe.name in recipe_names():
        original = load_recipe(recipe.name).settings()
        changes = {key: value for key, value in chosen.items() if value != original[key]}
    else:  # a user's own: what it reads and how long it trains
        changes = {key: value for key, value in chosen.items() if SETTINGS[key].shared}
    changes = {key: value for key, value in changes.items() if key not in ("name", "store")}
    return load_recipe(recipe.against).changed(changes | {"against": None})


def demo(recipe: Recipe, out: Path, *, resume: bool, overwrite: bool) -> None:
    """Simulate a database into OUT/source and run the recipe on it."""
    if (helped := helped_run()) is not None:
        train(helped)
        return
    source = out / "source"
    folder = RunFolder.claim(out, recipe, source, resume=resume, overwrite=overwrite)
    if overwrite and folder.recipe_file.is_file() and folder.about()["source"] == str(source.resolve()):
        shutil.rmtree(source, ignore_errors=True)
    if not (source / "RECORDS").is_file():
        with progress("simulate") as advance:
            simulate_database(source, seed=recipe.seed, progress=lambda done, n: advance(done, "patients", n))
    run(recipe, source, out, resume=resume, overwrite=overwrite)
