"""Steps 1 and 2 on a folder OUT: read the source into a store, set control patients apart, fit the codec."""

from contextlib import nullcontext
from pathlib import Path

from ..data.patients import CONTROL, TRAIN
from ..data.store.ingest import discard_unfinished
from ..data.store.storage import Storage
from ..data.store.store import Store, open_store, store_mark
from ..errors import InputError, ResumableError
from ..files import locked
from ..parallel import ParallelMap
from ..transforms import Codec
from .batches import training_labels, training_rows
from .classes import Classes, check_classes
from .kinds import check_source, fit_codec, kind_of_codec, load_codec, save_codec
from .progress import say
from .recipe import Recipe
from .run_folder import STORE, RunFolder
from .training import objective_of

_FEWEST = 2  # control samples that a score of nearest neighbours takes


def prepare(
    recipe: Recipe, source: Path, out: Path, parallel: ParallelMap | None = None, *, resume: bool, overwrite: bool
) -> None:
    """Steps 1 and 2: store the signals, set control patients apart, fit the codec on the others.

    What is in OUT stays as it is until all of that has succeeded.

    Arguments:
        recipe: the resolved recipe.
        source: what the recipe's kind of data is read from.
        out: folder of the run.
        parallel: who reads the records; None: threads of this process.
        resume: go on with the run in OUT.
        overwrite: delete the run in OUT.
    """
    kind = check_source(recipe, source)
    kind.check_layout(recipe)
    objective_of(recipe)  # refuses a head that does not go with it: rather now than after hours
    recipe = _with_whole_path(recipe, source, out)
    folder = RunFolder.claim(out, recipe, source, resume=resume, overwrite=overwrite)
    elsewhere = recipe.data.store
    store = elsewhere or folder.path / STORE
    # runs with folders of their own may name one folder for their samples
    with nullcontext() if elsewhere is None or "://" in elsewhere else locked(Path(elsewhere), beside=True):
        if resume and not overwrite and _is_whole(folder):
            discard_unfinished(store)
            folder.go_on(recipe)
            return
        if not (resume or overwrite):
            _refuse_used_store(folder, recipe)
        try:
            # an interruption leaves what was read, a refusal nothing
            with kind.ingest(recipe, source, store, split=True, parallel=parallel) as staged:
                _refuse_few_control(recipe, source, staged.store)
                codec = fitted(recipe, staged.store)
                folder.begin(recipe, source, staged.store.mark, keep_training=resume and not overwrite)
                staged.publish()
                save_codec(codec, folder.codec_file)
                folder.go_on(recipe)
        except ResumableError as fault:
            raise InputError(f"{fault}; what was read so far is kept, and the same command goes on") from fault
    for problem in staged.store.problems:
        say(f"left out: {problem}")
    say(f"prepared: {_counts(staged.store, codec, recipe)}")


def _refuse_few_control(recipe: Recipe, source: Path, store: Store) -> None:
    n = int((store.frame["part"] == CONTROL).sum())
    if n < _FEWEST:
        raise InputError(
            f"{source}: {n} of {len(store)} samples is for control, and scores need {_FEWEST}; give more data, or set "
            f"more aside than control_share = {recipe.data.control_share:g} does"
        )


def fitted(recipe: Recipe, store: Store) -> Codec:
    """The codec; refuses samples that could not be trained on, before anything is kept."""
    if recipe.conditional:
        check_classes(store)
    if recipe.data.starts == "grid":
        training_rows(training_labels(store), recipe)
    return fit_codec(recipe, store)


def _with_whole_path(recipe: Recipe, source: Path, out: Path) -> Recipe:
    """The recipe whose store is found from any folder, and in whose place nothing else is."""
    folder = None if recipe.data.store is None else Storage.at(recipe.data.store).folder
    if folder is None:
        return recipe
    path = folder.expanduser().resolve()
    for taken, what in ((out, "the run's folder"), (source, "the source")):
        if path.is_relative_to(taken.resolve()):
            raise InputError(f"store {recipe.data.store}: lies in {what} {taken}; leave it out, or name another place")
    return recipe.changed({"store": str(path)})


def _refuse_used_store(folder: RunFolder, recipe: Recipe) -> None:
    if recipe.data.store is None:
        return
    try:
        mark = store_mark(recipe.data.store)
    except InputError:  # nothing there, or half of one
        return
    if folder.about_file.is_file() and folder.about()["store"] == mark:  # of this run, which was stopped as it began
        return
    raise InputError(
        f"store {recipe.data.store}: holds prepared samples already; --overwrite replaces them, or name another"
    )


def _counts(store: Store, codec: Codec, recipe: Recipe) -> str:
    """What was prepared, in a line."""
    parts, kind, channels = store.frame["part"].value_counts(), kind_of_codec(codec), store.channels
    few = ", ".join(channels) if len(channels) <= 6 else f"{len(channels)}: {', '.join(channels[:5])}, …"
    classes = Classes.from_form(codec.form)
    counts = (
        f"{parts.get(TRAIN, 0)} training {kind.nouns}, {parts.get(CONTROL, 0)} control {kind.nouns}, "
        f"{kind.channels_noun} {few}"
    )
    if len(classes.names) < 2:
        return counts
    drawn = {"undersample": f", undersampled to {min(classes.counts)} each", "weighted": ", drawn equally often"}
    named = ", ".join(map("{} ({})".format, classes.names, classes.counts))
    return f"{counts}; training classes: {named}{drawn.get(recipe.train.balance, '')}"


def _is_whole(folder: RunFolder) -> bool:
    """Whether what was prepared can be used; if not, it is prepared again."""
    if not folder.recipe_file.is_file():
        return False
    try:
        open_store(folder.store)
        load_codec(folder.codec_file)
    except InputError as error:
        say(f"prepared again: {error}")
        return False
    folder.refuse_other_store()
    return True
