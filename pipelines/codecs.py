"""The codec of a run, steps 1 and 2 in one: fitted as its recipe says, and its file."""

from dataclasses import replace
from pathlib import Path

from ..data.store.store import Store
from ..errors import InputError
from ..files import new_file
from ..transforms import Codec
from .classes import Classes
from .kinds import SampleInfo, kind_of_recipe
from .recipe import Recipe


def fit_codec(recipe: Recipe, store: Store, part: str | None = "train") -> Codec:
    """Steps 1 and 2, fitted on the samples of one part ("train"; None: all of them)."""
    classes = Classes.of(store, part) if recipe.conditional else Classes((), ())
    info = SampleInfo.of(store)
    codec = kind_of_recipe(recipe).new_codec(recipe, replace(info, form=info.form | classes.to_form()))
    return codec.fit(lambda: store.iter_windows(part))


def save_codec(codec: Codec, path: Path) -> None:
    """Write codec.json."""
    with new_file(path) as file:
        file.write(codec.to_json())


def load_codec(path: Path) -> Codec:
    """Read codec.json.

    Raises:
        InputError: absent, edited, or of another version.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise InputError(f"{path}: not there; it is written by `anonimage prepare` and `anonimage encode`") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file; restore it, or prepare it anew") from error
    return Codec.from_json(text, str(path))
