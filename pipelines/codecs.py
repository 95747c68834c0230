"""Steps 1 and 2 as a recipe says them: the codec for each kind of data, and its file."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..data import AnyStore, TableForm, limb_relations
from ..data.table.column import NUMBERS
from ..errors import InputError, nearest
from ..files import new_file
from ..transforms import (
    TABLE_GRIDS,
    AdaptedRange,
    ByChannel,
    Codec,
    Colours,
    Compose,
    Equalize,
    GreyLevels,
    MinMax,
    QuantileBounds,
    Transform,
    arrangement,
    table_grid,
)
from .classes import Classes
from .recipe import Recipe


def fit_codec(recipe: Recipe, store: AnyStore, part: str | None = "train") -> Codec:
    """Steps 1 and 2, fitted on the samples of one part ("train"; None: all of them)."""
    classes = Classes.of(store, part) if recipe.conditional else Classes((), ())
    form = store.form | classes.to_form()
    codec = new_codec(recipe, store.channels, store.units, store.fs, store.step, store.length, store.gains, form)
    return codec.fit(lambda: store.iter_windows(part))


def new_codec(
    recipe: Recipe,
    channels: Sequence[str],
    units: Sequence[str],
    fs: float | None,
    step: float,
    length: int,
    gains: Sequence[float] | None = None,
    form: dict[str, Any] | None = None,
) -> Codec:
    """Steps 1 and 2 as the recipe says, not yet fitted.

    Arguments:
        recipe: standardizer, arrangement, colours and side.
        channels, units: (C,) of the samples.
        fs: Hz; None for tables and pictures.
        step: resolution of the values in their units.
        length: L, values per channel.
        gains: digital steps per unit that decoded windows are written with; None: not known.
        form: how samples become the source's own format again.
    """
    standardizer, table, colours = _BUILDERS[recipe.data](recipe, len(channels), length, step, form or {})
    relations = limb_relations(channels) if recipe.data == "signals" else None
    return Codec(standardizer, table, channels, units, fs, relations, gains, colours, form)


def _signals(recipe: Recipe, channels: int, length: int, step: float, form: dict[str, Any]) -> tuple:
    colours = None if recipe.colours == "none" else Colours(recipe.colours)
    if colours is not None and channels != 3:
        raise InputError(
            f"colours '{recipe.colours}': needs three leads, there are {channels}; name three with --leads"
        )
    planes = channels if colours is None else colours.channels
    # rgb is z of three channels; in another colour space there may be four
    name = "z" if colours is not None and recipe.arrangement == "rgb" else recipe.arrangement
    return _new_standardizer(recipe, step), arrangement(name, planes, length, recipe.seed), colours


def _table(recipe: Recipe, channels: int, length: int, step: float, form: dict[str, Any]) -> tuple:
    kinds = TableForm.from_state(form["table"]).kinds
    numbers = [k for k, kind in enumerate(kinds) if kind in NUMBERS]
    others = [k for k, kind in enumerate(kinds) if kind not in NUMBERS]
    learnt: Transform = MinMax(a=1) if recipe.standardizer == "minmax" else Equalize(a=1)
    parts = [(group, part) for group, part in ((numbers, learnt), (others, MinMax(a=1))) if group]
    standardizer = ByChannel([group for group, _ in parts], [part for _, part in parts])
    side = None if recipe.side == "auto" else recipe.side
    return standardizer, table_grid(recipe.arrangement, kinds, side, recipe.seed), None


def _images(recipe: Recipe, channels: int, length: int, step: float, form: dict[str, Any]) -> tuple:
    return GreyLevels(), arrangement(recipe.arrangement, channels, length, recipe.seed), None


_BUILDERS: dict[str, Callable[[Recipe, int, int, float, dict[str, Any]], tuple]] = {
    "signals": _signals,
    "table": _table,
    "images": _images,
}


def _new_standardizer(recipe: Recipe, step: float) -> Transform:
    """Step 1 of signals, not yet fitted; step is the source's ADC step in physical units."""
    if recipe.standardizer == "minmax":
        return MinMax(a=recipe.null_level)
    if recipe.standardizer == "equalize":
        return Equalize(a=recipe.null_level, step=step)
    width = None if recipe.width == "fitted" else recipe.width
    adapted = AdaptedRange(width, recipe.rounding, recipe.null_level, step=step)
    if recipe.standardizer == "adapted":
        return adapted
    return Compose(QuantileBounds(recipe.quantile_low, recipe.quantile_high, recipe.quantile_of, step=step), adapted)


def refuse_impossible(recipe: Recipe) -> None:
    """Refuse an arrangement that no run can have, as far as one can tell without the source.

    Raises:
        InputError: it is unknown, cannot hold such samples, or cannot be decoded.
    """
    if recipe.data == "table":
        if recipe.arrangement not in TABLE_GRIDS:
            raise InputError(f"unknown table grid '{recipe.arrangement}'{nearest(recipe.arrangement, TABLE_GRIDS)}")
        return
    of_signals = recipe.data == "signals"
    length = recipe.window if of_signals else int(recipe.side) ** 2
    leads = len(recipe.leads) if of_signals else 0
    faults = []
    for channels in (leads,) if leads else (1, 3):  # where the source decides how many there are
        try:
            codec = new_codec(recipe, [f"{k}" for k in range(channels)], [""] * channels, recipe.fs, 0.001, length)
        except InputError as error:
            faults.append(error)
            continue
        if not codec.invertible:
            raise InputError(f"{recipe.arrangement}: has no inverse, so nothing that is generated could be decoded")
        return
    raise faults[0]


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
