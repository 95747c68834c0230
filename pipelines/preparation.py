"""Steps 1 and 2 on a folder OUT: read the source into a store, set control patients apart, fit the codec."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from ..data.split import CONTROL, TRAIN
from ..data.store.sample_store import AnyStore, open_store
from ..data.store.storage import Folder, place_at
from ..data.store.store import Store
from ..data.store.writing import BadSourceError
from ..errors import InputError
from ..files import make_folder
from ..transforms import Codec
from .batches import training_labels, training_rows
from .classes import Classes, check_classes
from .codecs import fit_codec, load_codec, save_codec
from .engines import Engine
from .kinds import check_source, kind_of_codec
from .lock import locked_beside
from .progress import say
from .recipe import Recipe
from .run_folder import STORE, RunFolder
from .training import objective_of


def prepare(
    recipe: Recipe, source: Path, out: Path, engine: Engine | None = None, *, resume: bool, overwrite: bool
) -> None:
    """Steps 1 and 2: store the signals, set control patients apart, fit the codec on the others.

    What is in OUT stays as it is until all of that has succeeded.

    Arguments:
        recipe: the resolved recipe.
        source: what the recipe's kind of data is read from.
        out: folder of the run.
        engine: what reads the records; None: threads of this process.
        resume: go on with the run that is there.
        overwrite: delete the run that is there.
    """
    kind = check_source(recipe, source)
    kind.check_layout(recipe)
    objective_of(recipe)  # refuses a head that does not go with it: rather now than after hours
    recipe = _with_whole_path(recipe, source, out)
    folder = RunFolder.claim(out, recipe, source, resume=resume, overwrite=overwrite)
    place = recipe.data.store or folder.work / STORE
    with _alone_at(recipe.data.store):
        if resume and not overwrite and _is_whole(folder):
            Store.settle(place)
            shutil.rmtree(folder.work, ignore_errors=True)
            folder.go_on(recipe)
            return
        if not (resume or overwrite):
            _refuse_used_store(recipe)
        with _work_folder(folder, place) as work:
            spread = None if engine is None else engine.map
            store = kind.ingest(recipe, source, place, split=True, spread=spread, hold=True)
            try:
                codec = _fitted(recipe, store)
            except InputError:
                Store.discard(place)
                raise
            save_codec(codec, work / folder.codec_file.name)
            folder.begin(work, recipe, source, keep_training=resume and not overwrite)
            Store.settle(place)
    for problem in store.problems:
        say(f"left out: {problem}")
    say(f"prepared: {_counts(store, codec, recipe)}")


def _fitted(recipe: Recipe, store: AnyStore) -> Codec:
    """The codec; refuses samples that could not be trained on, before anything is kept."""
    if recipe.conditional:
        check_classes(store)
    if recipe.data.starts == "grid":
        training_rows(training_labels(store), recipe)
    return fit_codec(recipe, store)


def _alone_at(store: str | None) -> AbstractContextManager[None]:
    """Runs with folders of their own may name one folder for their samples."""
    if store is None or "://" in store:
        return nullcontext()
    return locked_beside(Path(store))


@contextmanager
def _work_folder(folder: RunFolder, place: Path | str) -> Iterator[Path]:
    """Where steps 1 and 2 are done; stays after an interruption or a bad record, so that the next call goes on."""
    work, existed = folder.work, folder.path.exists()
    make_folder(work)
    try:
        yield work
        shutil.rmtree(work)
    except BaseException as fault:
        if not Store.is_begun(place):
            shutil.rmtree(work, ignore_errors=True)
            if not existed:
                with suppress(OSError):  # holds the lock
                    folder.path.rmdir()
        elif isinstance(fault, BadSourceError):
            raise InputError(f"{fault}; what was read so far is kept, and the same command goes on") from fault
        raise


def _with_whole_path(recipe: Recipe, source: Path, out: Path) -> Recipe:
    """The recipe whose store is found from any folder, and in whose place nothing else is."""
    place = None if recipe.data.store is None else place_at(recipe.data.store)
    if not isinstance(place, Folder):
        return recipe
    path = place.path.expanduser().resolve()
    for taken, what in ((out, "the run's folder"), (source, "the source")):
        if path.is_relative_to(taken.resolve()):
            raise InputError(f"store {recipe.data.store}: lies in {what} {taken}; leave it out, or name another place")
    return recipe.changed({"store": str(path)})


def _refuse_used_store(recipe: Recipe) -> None:
    if recipe.data.store is None or Store.is_held(recipe.data.store):  # whose run was stopped before it began
        return
    try:
        open_store(recipe.data.store)
    except InputError:  # nothing there, or half of one
        return
    raise InputError(
        f"store {recipe.data.store}: holds prepared samples already; --overwrite replaces them, or name another"
    )


def _counts(store: AnyStore, codec: Codec, recipe: Recipe) -> str:
    """What was prepared, in a line."""
    parts = store.frame["part"].value_counts()
    kind = kind_of_codec(codec)
    classes = Classes.from_form(codec.form)
    counts = (
        f"{parts.get(TRAIN, 0)} training {kind.nouns}, {parts.get(CONTROL, 0)} control {kind.nouns}, "
        f"{kind.channels_noun} {_few(store.channels)}"
    )
    if len(classes.names) < 2:
        return counts
    drawn = {"undersample": f", undersampled to {min(classes.counts)} each", "weighted": ", drawn equally often"}
    named = ", ".join(map("{} ({})".format, classes.names, classes.counts))
    return f"{counts}; training classes: {named}{drawn.get(recipe.train.balance, '')}"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{len(names)}: {', '.join(names[:5])}, …"


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
