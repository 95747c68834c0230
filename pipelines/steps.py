"""The five steps on a folder OUT: each can be run alone, and `run` is all of them."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import __version__
from ..data import CONTROL, TRAIN, AnyStore, Samples, open_store
from ..data.simulate import simulate_database
from ..errors import InputError
from ..files import new_file, refuse_used, scratch_folder
from ..transforms import Codec
from .anonymizer import Anonymizer
from .batches import REFERENCE, n_training, store_batches, training_labels, training_rows
from .classes import Classes, refuse_lonely
from .codecs import fit_codec, load_codec, save_codec
from .evaluation.run import evaluate, evaluate_and_audit
from .evaluation.verification import Verifier
from .progress import progress, say
from .recipe import Recipe, load_recipe, recipe_names
from .run_folder import RunFolder
from .sources import check_source, refuse_foreign, write_samples, write_store
from .training import callbacks_of, new_trainer, with_hardware
from .training import resume as resume_training

# What a run and the one that it is compared with have in common
SHARED = (
    *("data", "leads", "fs", "side", "length", "stride", "starts", "patient", "control_share", "label", "layout"),
    *("steps", "epochs", "seed", "samples", "evaluated", "metrics_every", "checkpoint_every", "device", "precision"),
)
# What samples of each kind are called, and what their channels are
NOUNS = {
    "wfdb": ("windows", "lead"),
    "series": ("windows", "channel"),
    "table": ("rows", "features"),
    "images": ("pictures", "channel"),
}


def run(recipe: Recipe, source: Path, out: Path, *, resume: bool, overwrite: bool) -> None:
    """All five steps.

    Arguments:
        recipe: the resolved recipe.
        source: what the recipe's kind of data is read from.
        out: folder of the run.
        resume: go on with the same run where it stopped.
        overwrite: delete the run that is there.

    Raises:
        InputError: anything of the user's that cannot be used, in one line.
    """
    if recipe.verifier is not None:  # rather now than after hours
        Verifier.load(Path(recipe.verifier))
        recipe = recipe.changed({"verifier": str(Path(recipe.verifier).resolve())})
    other = None if recipe.against is None else counterpart(recipe)
    _make(recipe, source, out, resume=resume, overwrite=overwrite)
    if other is not None:
        place = RunFolder(out).against
        say(f"against: {recipe.against}, in {place}")
        _make(other, source, place, resume=RunFolder(place).recipe_file.is_file(), overwrite=False)
        evaluate(place)
    evaluate_and_audit(out)


def _make(recipe: Recipe, source: Path, out: Path, *, resume: bool, overwrite: bool) -> None:
    """The steps before the last one."""
    prepare(recipe, source, out, resume=resume, overwrite=overwrite)
    train(out)
    generate(out)


def counterpart(recipe: Recipe) -> Recipe:
    """The recipe that a run is compared with, with the same changes of settings that this one had."""
    assert recipe.against is not None
    other, ours = load_recipe(recipe.against), recipe.model_dump()
    if recipe.name in recipe_names():
        original = load_recipe(recipe.name).model_dump()
        changes = {key: value for key, value in ours.items() if value != original[key]}
    else:  # a user's own: what it reads and how long it trains
        changes = {key: ours[key] for key in SHARED}
    return other.changed({key: value for key, value in changes.items() if key != "name"} | {"against": None})


def prepare(recipe: Recipe, source: Path, out: Path, *, resume: bool, overwrite: bool) -> None:
    """Steps 1 and 2: store the signals, set control patients apart, fit the codec on the others.

    What is in OUT stays as it is until all of that has succeeded.
    """
    check_source(recipe, source)
    folder = RunFolder.claim(out, recipe, source, resume=resume, overwrite=overwrite)
    if resume and not overwrite and _is_whole(folder):
        folder.go_on(recipe)
        return
    with scratch_folder(out) as scratch:
        store = write_store(recipe, source, scratch / folder.store.name, split=True)
        if recipe.conditional:
            refuse_lonely(store)
        if recipe.starts == "grid":  # a batch that cannot be filled is known before anything is kept
            training_rows(training_labels(store), recipe)
        codec = fit_codec(recipe, store)
        save_codec(codec, scratch / folder.codec_file.name)
        folder.begin(scratch, recipe, source, keep_training=resume and not overwrite)
    for problem in store.problems:
        say(f"left out: {problem}")
    say(f"prepared: {_counts(store, codec, recipe)}")


def _counts(store: AnyStore, codec: Codec, recipe: Recipe) -> str:
    """What was prepared, in a line."""
    parts = store.frame["part"].value_counts()
    what, of = NOUNS[codec.form["kind"]]
    classes = Classes.from_form(codec.form)
    counts = (
        f"{parts.get(TRAIN, 0)} training {what}, {parts.get(CONTROL, 0)} control {what}, {of} {_few(store.channels)}"
    )
    if len(classes.names) < 2:
        return counts
    drawn = {"undersample": f", undersampled to {min(classes.counts)} each", "weighted": ", drawn equally often"}
    named = ", ".join(map("{} ({})".format, classes.names, classes.counts))
    return f"{counts}; training classes: {named}{drawn.get(recipe.balance, '')}"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{len(names)}: {', '.join(names[:5])}, …"


def _is_whole(folder: RunFolder) -> bool:
    """Whether what was prepared can be used; if not, it is prepared again."""
    if not (folder.recipe_file.is_file() and folder.store.is_dir()):
        return False
    try:
        open_store(folder.store)
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
    store, codec = open_store(folder.store), load_codec(folder.codec_file)
    classes = Classes.from_form(codec.form)
    training = np.flatnonzero(store.frame["part"] == TRAIN)
    steps = recipe.total_steps(n_training(training_labels(store), recipe))
    batches = store_batches(store, codec, recipe)

    def reference() -> np.ndarray:
        few = np.random.default_rng(recipe.seed).permutation(training)[:REFERENCE]
        return codec.encode(store.values(few))

    with progress("train", steps) as advance:
        trainer = new_trainer(recipe, codec.image_shape, classes, batches, codec.arrangement.null)
        trainer.callbacks = callbacks_of(recipe, folder, trainer, steps, classes, reference, advance)
        resume_training(trainer, folder.checkpoints)
        if trainer.step > steps:
            raise InputError(f"{out}: trained to step {trainer.step} already; ask for more than that with --steps")
        recipe.save(folder.recipe_file)  # only now: a device that is not there, say, must not be remembered
        advance(trainer.step, "")
        trainer.train(steps)
    ended = f"; ended early: {trainer.finished}" if trainer.finished else ""
    say(f"trained: {trainer.step} steps, precision {recipe.precision}, on {trainer.fabric.device}{ended}")


def generate(
    out: Path,
    n: int | None = None,
    file_format: str = "source",
    to: Path | None = None,
    seed: int | None = None,
    offset: str | None = None,
    label: str | None = None,
    labels_like: str | None = None,
) -> None:
    """Generate samples and write them in the source's format and units.

    Arguments:
        out: folder of a trained run.
        n: how many; None: the recipe's samples.
        file_format: "source", or another that this kind of data can have.
        to: new folder to write; None: OUT/synthetic, with format and label in its name if given, which is replaced.
        seed: of the noise; None: the recipe's.
        offset: of the windows; None: the recipe's.
        label: the one class to generate; None: all.
        labels_like: shares of the classes, "source" or "balanced"; None: the recipe's.
    """
    folder = RunFolder(out)
    anonymizer = Anonymizer.load(out)
    recipe, codec = anonymizer.recipe, anonymizer.codec
    if labels_like is not None and (label is not None or not recipe.conditional):
        why = "does not go with --label" if label is not None else f"recipe {recipe.name} knows no classes"
        raise InputError(f"--labels-like {labels_like}: {why}; leave it out")
    changes = {"offset": offset, "labels": labels_like}
    for key, value in changes.items():
        if value is not None:
            recipe = anonymizer.recipe = recipe.changed(
                {key: value}, "--labels-like" if key == "labels" else f"--{key}"
            )
    n = n or recipe.samples
    labels = None if label is None else np.full(n, anonymizer.classes.number(label))
    dest = to or folder.synthetic_of(file_format, label)
    if to is None:
        refuse_foreign(dest, codec.form)
    else:
        refuse_used(to)
    what, _ = NOUNS[codec.form["kind"]]
    with progress("generate", n) as advance:
        parts = []
        for part in anonymizer.iter_samples(n, labels, seed):
            parts.append(part)
            advance(sum(map(len, parts)), what)
    comments = (
        "synthetic: generated by a network, not recorded from a person",
        f"anonimage {__version__}, recipe {recipe.name}, step {anonymizer.snapshot.step}, offset {recipe.offset}",
    )
    write_samples(Samples.concatenate(parts), dest, codec, file_format, comments)
    if dest == folder.synthetic:
        with new_file(folder.generated) as file:
            about = {"n": n, "step": anonymizer.snapshot.step, "seed": recipe.seed if seed is None else seed}
            json.dump(about | {"labels": recipe.labels}, file, indent=1)
    say(f"generated: {n} {what} in {dest}")


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
