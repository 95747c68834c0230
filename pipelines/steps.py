"""The five steps on a folder OUT: each can be run alone, and `run` is all of them."""

import shutil
from pathlib import Path

from .. import __version__
from ..data import CONTROL, TRAIN, Samples, Store, find_records
from ..data.simulate import simulate_database
from ..data.writer import refuse_foreign, write_samples
from ..errors import InputError
from ..files import refuse_used, scratch_folder
from .anonymizer import Anonymizer
from .batches import store_batches
from .evaluation.run import evaluate
from .progress import progress, say
from .recipe import Recipe
from .run_folder import RunFolder
from .sources import fit_codec, load_codec, save_codec, write_store
from .training import callbacks_of, new_trainer, resume, with_hardware


def run(recipe: Recipe, source: Path, out: Path, *, resume: bool, overwrite: bool) -> None:
    """All five steps.

    Arguments:
        recipe: the resolved recipe.
        source: WFDB database.
        out: folder of the run.
        resume: go on with the same run where it stopped.
        overwrite: delete the run that is there.

    Raises:
        InputError: anything of the user's that cannot be used, in one line.
    """
    prepare(recipe, source, out, resume=resume, overwrite=overwrite)
    train(out)
    generate(out)
    evaluate(out)


def prepare(recipe: Recipe, source: Path, out: Path, *, resume: bool, overwrite: bool) -> None:
    """Steps 1 and 2: store the signals, set control patients apart, fit the codec on the others.

    What is in OUT stays as it is until all of that has succeeded.
    """
    find_records(source, recipe.patient)
    folder = RunFolder.claim(out, recipe, source, resume=resume, overwrite=overwrite)
    if resume and not overwrite and _is_whole(folder):
        folder.go_on(recipe)
        return
    with scratch_folder(out) as scratch:
        store = write_store(recipe, source, scratch / folder.store.name, split=True)
        save_codec(fit_codec(recipe, store), scratch / folder.codec_file.name)
        folder.begin(scratch, recipe, source, keep_training=resume and not overwrite)
    for problem in store.problems:
        say(f"skipped: {problem}")
    parts = store.frame["part"].value_counts()
    say(
        f"prepared: {parts.get(TRAIN, 0)} training windows, {parts.get(CONTROL, 0)} control windows, "
        f"lead {', '.join(store.channels)}"
    )


def _is_whole(folder: RunFolder) -> bool:
    """Whether what was prepared can be used; if not, it is prepared again."""
    if not (folder.recipe_file.is_file() and folder.store.is_dir()):
        return False
    try:
        Store.open(folder.store)
        load_codec(folder.codec_file)
    except InputError as error:
        say(f"prepared again: {error}")
        return False
    return True


def train(out: Path, recipe: Recipe | None = None) -> None:
    """Steps 3 and 4: train from the newest checkpoint, or from the start, to the recipe's number of steps.

    Arguments:
        out: folder of a prepared run.
        recipe: the run's own, with other steps, device, checkpoint_every, …; None: just the run's own.
    """
    folder = RunFolder.prepared(out)
    recipe = with_hardware(recipe or folder.recipe)
    folder.refuse_other(recipe)
    store, codec = Store.open(folder.store), load_codec(folder.codec_file)
    steps = recipe.total_steps(int((store.frame["part"] == TRAIN).sum()))
    batches = store_batches(store, codec, recipe)
    with progress("train", steps) as advance:
        callbacks = callbacks_of(recipe, folder.checkpoints, folder.metrics, advance)
        trainer = new_trainer(recipe, codec.image_shape, batches, callbacks)
        resume(trainer, folder.checkpoints)
        if trainer.step > steps:
            raise InputError(f"{out}: trained to step {trainer.step} already; ask for more than that with --steps")
        recipe.save(folder.recipe_file)  # only now: a device that is not there, say, must not be remembered
        advance(trainer.step, "")
        trainer.train(steps)
    say(f"trained: {trainer.step} steps, precision {recipe.precision}, on {trainer.fabric.device}")


def generate(
    out: Path,
    n: int | None = None,
    file_format: str = "wfdb",
    to: Path | None = None,
    seed: int | None = None,
    offset: str | None = None,
) -> None:
    """Generate windows and write them in the source's units.

    Arguments:
        out: folder of a trained run.
        n: how many; None: the recipe's samples.
        file_format: one of data.writer.FORMATS.
        to: new folder to write; None: OUT/synthetic for wfdb, OUT/synthetic-FORMAT else, which are replaced.
        seed: of the noise; None: the recipe's.
        offset: of the windows; None: the recipe's.
    """
    anonymizer = Anonymizer.load(out)
    recipe = anonymizer.recipe
    if offset is not None:
        recipe = anonymizer.recipe = recipe.changed({"offset": offset}, "--offset")
    if to is None:
        to = RunFolder(out).synthetic_of(file_format)
        refuse_foreign(to)
    else:
        refuse_used(to)
    n = n or recipe.samples
    with progress("generate", n) as advance:
        parts = []
        for part in anonymizer.iter_samples(n, seed):
            parts.append(part)
            advance(sum(map(len, parts)), "windows")
    comments = (
        "synthetic: generated by a network, not recorded from a person",
        f"anonimage {__version__}, recipe {recipe.name}, step {anonymizer.snapshot.step}, offset {recipe.offset}",
    )
    write_samples(Samples.concatenate(parts), to, file_format, gain=anonymizer.codec.gains, comments=comments)
    say(f"generated: {n} windows in {to}")


def demo(recipe: Recipe, out: Path, *, resume: bool, overwrite: bool) -> None:
    """Simulate a database into OUT/source and run the recipe on it."""
    source = out / "source"
    folder = RunFolder.claim(out, recipe, source, resume=resume, overwrite=overwrite)
    if overwrite and folder.recipe_file.is_file() and folder.about()["source"] == str(source.resolve()):
        shutil.rmtree(source, ignore_errors=True)
    if not (source / "RECORDS").is_file():
        with progress("simulate") as advance:
            simulate_database(source, seed=recipe.seed, progress=lambda done, n: advance(done, "patients", n))
    run(recipe, source, out, resume=resume, overwrite=overwrite)
