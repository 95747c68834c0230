"""One way to read and write whatever the source is: its kind decides which module does it."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ...data import CONTROL, AnyStore, Samples, Store, writer
from ...data.parallel import Spread
from ...data.series.text import NO_LABEL
from ...data.writer_set import Format, Plan, write_set
from ...errors import InputError
from ...transforms import Codec
from ..recipe import Recipe
from . import images, series, table, wfdb

# Each module has check(recipe, source), write_store(recipe, source, to, split, spread, hold), new_format(plan, codec,
# file_format, comments), read(folder, codec) and FORMATS; a codec's form says which of them its data came from.
KINDS: dict[str, ModuleType] = {"wfdb": wfdb, "series": series, "table": table, "images": images}
# What samples of each kind are called, and what their channels are
NOUNS = {
    "wfdb": ("windows", "lead"),
    "series": ("windows", "channel"),
    "table": ("rows", "features"),
    "images": ("pictures", "channel"),
}
_COLUMNS = ("binary", "category", "drop", "keep", "missing")
# Options that say nothing about a kind of data
_FOREIGN = {"wfdb": _COLUMNS, "series": _COLUMNS, "table": (), "images": ("label", *_COLUMNS)}
_WORDS = {
    "wfdb": "WFDB records",
    "series": "time series",
    "table": "a table",
    "images": "pictures, whose folders are the classes",
}
_FEWEST = 2  # control samples that a score of nearest neighbours takes


def check_source(recipe: Recipe, source: Path) -> None:
    """Refuse at once what is plainly no source of the recipe's kind, and options that say nothing about such.

    Raises:
        InputError: nothing there, nothing of that kind in it, or such an option.
    """
    _refuse_absent(source)
    kind = kind_of(recipe, source)
    if recipe.data != "signals" and recipe.leads != Recipe.model_fields["leads"].default:
        raise InputError(f"--leads {','.join(recipe.leads)}: means nothing for {_WORDS[kind]}; leave it out")
    for option in _FOREIGN[kind]:
        value = getattr(recipe, option)
        if value not in (None, NO_LABEL, ()):
            given = value if isinstance(value, str) else ",".join(value)
            raise InputError(f"--{option} {given}: means nothing for {_WORDS[kind]}; leave it out")
    KINDS[kind].check(recipe, source)


def write_store(
    recipe: Recipe, source: Path, to: Path | str, *, split: bool, spread: Spread | None = None, hold: bool = False
) -> AnyStore:
    """Read a source into a store.

    Arguments:
        recipe: what to read and how to cut it; control_share and seed for the split.
        source: as the recipe's kind of data has it.
        to: the store's folder, or an fsspec URL. Interrupted work on signals lies in a folder beside it, of this name
            with .unfinished behind, and is gone on with by the same call.
        split: set control patients apart.
        spread: who reads the records, recordings or pictures, see `data.spread`; None is this process.
        hold: see `Store.write`.

    Raises:
        InputError: the first thing that cannot be read, or too little for control.
    """
    store: AnyStore = KINDS[kind_of(recipe, source)].write_store(recipe, source, to, split, spread, hold)
    n = int((store.frame["part"] == CONTROL).sum())
    if split and n < _FEWEST:
        if hold:
            Store.discard(to)
        raise InputError(
            f"{source}: {n} of {len(store)} samples is for control, and scores need {_FEWEST}; give more data, or set "
            f"more aside than control_share = {recipe.control_share:g} does"
        )
    return store


def write_samples(
    samples: Samples,
    dest: Path,
    codec: Codec,
    file_format: str = "source",
    comments: Sequence[str] = (),
    prefix: str = "synthetic",
) -> None:
    """Write samples in their source's own format, or another that this kind of data can have.

    Arguments:
        samples: as the codec decoded them.
        dest: folder to make or to replace.
        codec: its form says what the source was.
        file_format: "source", or one of the kind's FORMATS.
        comments: lines for headers, where the format has them.
        prefix: of the names of records and files, where there are several.

    Raises:
        InputError: a format that this kind of data cannot have.
    """
    plan = Plan.of(samples, prefix)
    write_set(lambda first: [samples], dest, new_format(plan, codec, file_format, comments))


def new_format(plan: Plan, codec: Codec, file_format: str = "source", comments: Sequence[str] = ()) -> Format:
    """How `data.writer_set.write_set` writes what a codec decodes; arguments as of `write_samples`.

    Raises:
        InputError: a format that this kind of data cannot have.
    """
    kind = KINDS[codec.form["kind"]]
    if file_format not in (known := ("source", *kind.FORMATS)):
        raise InputError(f"format '{file_format}' is not for this data; choose one of {', '.join(known)}")
    form: Format = kind.new_format(plan, codec, file_format, comments)
    return form


def read_synthetic(folder: Path, codec: Codec) -> Samples:
    """Read what was written in the source's own format, as any reader finds it.

    Raises:
        InputError: not what this run makes.
    """
    return KINDS[codec.form["kind"]].read(folder, codec)


def refuse_foreign(folder: Path, form: dict[str, Any]) -> None:
    """Refuse to replace a folder in which somebody put something that is not of a generated set.

    Raises:
        InputError: names the file.
    """
    names = [str(form[key]) for key in ("file", "name") if key in form]
    formats = KINDS[form["kind"]].FORMATS if "file" in form else ()
    writer.refuse_foreign(folder, [*names, *(Path(form["file"]).with_suffix(f".{suffix}").name for suffix in formats)])


def kind_of(recipe: Recipe, source: Path) -> str:
    """The key of KINDS for what a recipe reads of a source."""
    if recipe.data != "signals":
        return recipe.data
    return "wfdb" if wfdb.is_here(source) else "series"


def recipe_for(source: Path) -> str:
    """The recipe that a source suggests by itself, for a first look at it.

    Raises:
        InputError: nothing there.
    """
    _refuse_absent(source)
    if wfdb.is_here(source):
        return "ptb-quantile"
    if source.is_dir():
        return "iris" if images.is_here(source) else "series"
    return "series" if source.suffix == ".npz" or series.looks_like(source) else "table"


def _refuse_absent(source: Path) -> None:
    if not source.exists():
        raise InputError(f"{source}: no such file or folder; check the path")
