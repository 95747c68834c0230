"""Steps 1 and 2 on a folder OUT: read the source into a store, set control patients apart, fit the codec."""

from collections.abc import Sequence
from pathlib import Path

from ..data import CONTROL, TRAIN, AnyStore, open_store
from ..errors import InputError
from ..files import scratch_folder
from ..transforms import Codec
from .batches import training_labels, training_rows
from .classes import Classes, refuse_lonely
from .codecs import fit_codec, load_codec, save_codec
from .progress import say
from .recipe import Recipe
from .run_folder import RunFolder
from .sources import NOUNS, check_source, write_store


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
