"""From a source to what training needs: the store of its signals, and the codec fitted on them."""

from collections.abc import Sequence
from pathlib import Path

from ..data import Store, find_records, limb_relations, read_heads, read_records, split_patients
from ..errors import InputError
from ..files import new_file
from ..transforms import AdaptedRange, Codec, Compose, MinMax, QuantileBounds, Transform, arrangement
from .progress import progress
from .recipe import Recipe


def write_store(recipe: Recipe, source: Path, to: Path, *, split: bool) -> Store:
    """Read the recipe's leads of every record into a store, cut into windows.

    Arguments:
        recipe: leads, fs, side, stride, patient; control_share and seed for the split.
        source: WFDB database.
        to: the store's folder.
        split: set control patients apart.

    Raises:
        InputError: the first thing that cannot be read, by record.
    """
    heads = read_heads(find_records(source, recipe.patient))
    recordings = read_records(heads, recipe.leads, recipe.fs)
    with progress("read", len(heads)) as advance:
        return Store.write(
            to,
            recordings,
            recipe.length,
            recipe.step_between_windows,
            split=(lambda frame: split_patients(frame, recipe.control_share, recipe.seed)) if split else None,
            total=len(heads),
            progress=lambda done, _: advance(done, "records"),
        )


def new_standardizer(recipe: Recipe, step: float) -> Transform:
    """Step 1 as the recipe says, not yet fitted; step is the source's ADC step in physical units."""
    if recipe.standardizer == "minmax":
        return MinMax(a=recipe.null_level)
    width = None if recipe.width == "fitted" else recipe.width
    adapted = AdaptedRange(width, recipe.rounding, recipe.null_level, step=step)
    if recipe.standardizer == "adapted":
        return adapted
    return Compose(QuantileBounds(recipe.quantile_low, recipe.quantile_high, recipe.quantile_of, step=step), adapted)


def new_codec(
    recipe: Recipe,
    channels: Sequence[str],
    units: Sequence[str],
    fs: float | None,
    step: float,
    gains: Sequence[float] | None = None,
) -> Codec:
    """Steps 1 and 2 as the recipe says, not yet fitted.

    Arguments:
        recipe: standardizer, arrangement and side.
        channels, units: (C,) of the windows.
        fs: Hz.
        step: resolution of the values in their units.
        gains: digital steps per unit that decoded windows are written with; None: not known.
    """
    table = arrangement(recipe.arrangement, len(channels), recipe.length)
    return Codec(new_standardizer(recipe, step), table, channels, units, fs, limb_relations(channels), gains)


def fit_codec(recipe: Recipe, store: Store, part: str | None = "train") -> Codec:
    """Steps 1 and 2, fitted on the windows of one part ("train"; None: all of them)."""
    codec = new_codec(recipe, store.channels, store.units, store.fs, store.step, store.gains)
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
