"""Kinds of data: what is asked of each is said in `kind`, and answered in a module for each; and codecs of any kind."""

from collections.abc import Mapping
from pathlib import Path

from ...data.store.store import Store
from ...errors import InputError
from ...files import new_file
from ...transforms import Codec
from ..classes import Classes
from ..recipe import Recipe, load_recipe
from .images import Images
from .kind import Kind, SampleInfo
from .series import OtherSeries
from .signals import WfdbRecords
from .table import Table

# In the order in which a source is asked what it is; of the kinds that a recipe calls the same, the last takes what is
# left.
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (WfdbRecords(), Images(), OtherSeries(), Table())}


def kind_of_codec(codec: Codec) -> Kind:
    """The kind of data that a codec was fitted on."""
    return KINDS[codec.form["kind"]]


def kind_of_recipe(recipe: Recipe) -> Kind:
    """The kind of data that a recipe reads; as far as only the source tells more, the first of them."""
    return _kinds_of(recipe)[0]


def check_source(recipe: Recipe, source: Path) -> Kind:
    """The kind that a recipe reads of a source; refuses what is plainly none of it, and options that mean nothing."""
    _refuse_absent(source)
    *first, last = _kinds_of(recipe)
    kind = next((kind for kind in first if kind.recognises(source)), last)
    kind.check(recipe, source)
    return kind


def recipe_for(source: Path) -> Recipe:
    """The recipe that a source suggests by itself, for a first look at it."""
    _refuse_absent(source)
    kind = next(kind for kind in KINDS.values() if kind.recognises(source))
    return load_recipe(kind.first_recipe).changed(kind.first_settings)


def fit_codec(recipe: Recipe, store: Store, part: str | None = "train") -> Codec:
    """Steps 1 and 2, fitted on the samples of one part ("train"; None: all of them)."""
    classes = Classes.of(store, part) if recipe.conditional else Classes((), ())
    form = store.form | classes.to_form()
    info = SampleInfo(store.channels, store.units, store.fs, store.step, store.length, store.gains, form)
    codec = kind_of_recipe(recipe).new_codec(recipe, info)
    return codec.fit(lambda: store.iter_windows(part))


def save_codec(codec: Codec, path: Path) -> None:
    """Write codec.json."""
    with new_file(path) as file:
        file.write(codec.to_json())


def load_codec(path: Path) -> Codec:
    """Read codec.json; refused if it is absent, edited, or of another version."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise InputError(f"{path}: not there; it is written by `anonimage prepare` and `anonimage encode`") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file; restore it, or prepare it anew") from error
    return Codec.from_json(text, str(path))


def _kinds_of(recipe: Recipe) -> list[Kind]:
    return [kind for kind in KINDS.values() if kind.data == recipe.data.kind]


def _refuse_absent(source: Path) -> None:
    if not source.exists():
        raise InputError(f"{source}: no such file or folder; check the path")
