"""The cells of an ablation: every combination of what is varied."""

import hashlib
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import InputError
from ..kinds import kind_of_recipe
from ..recipe import SETTINGS, Recipe

SYNTAX = "--vary key=value,value,… (items of a list joined by +, as in leads=i+ii,v1)"
# What cannot be varied, and why
FIXED = {
    "seed": "is the same in every cell, so that cells can be compared in pairs; say how many with --seeds",
    "name": "changes nothing",
    "section": "changes nothing",
    "description": "changes nothing",
    "against": "changes nothing here; the cells are compared with each other",
    "store": "changes nothing but where the samples lie",
    "devices": "changes nothing but how fast it goes; share the work out with --jobs or --engine ray",
    "nodes": "changes nothing but how fast it goes; share the work out with --jobs or --engine ray",
}
DECIDED = ("store", "devices", "nodes")  # by an ablation itself: each cell has its own samples and one process
LONGEST = 80  # characters of a folder's name


@dataclass(frozen=True)
class Cell:
    """One combination."""

    settings: tuple[tuple[str, str], ...]  # key and value as text, in the order in which they are varied
    recipe: Recipe  # the resolved recipe, with the first seed

    @property
    def name(self) -> str:
        """For readers: "arrangement=z, standardizer=minmax"."""
        return ", ".join(f"{key}={value}" for key, value in self.settings)

    @property
    def slug(self) -> str:
        """For a folder's name; different settings have different ones."""
        text = "_".join(f"{key}-{value}" for key, value in self.settings)
        plain = re.sub(r"[^\w.+-]", "-", text, flags=re.ASCII)
        if plain == text and len(plain) <= LONGEST:
            return plain
        return f"{plain[:LONGEST]}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def with_seed(self, number: int) -> Recipe:
        """The recipe with the n-th seed, counted from 0."""
        return self.recipe.changed({"seed": self.recipe.seed + number})


def grid(recipe: Recipe, vary: Sequence[str]) -> list[Cell]:
    """All combinations; the first has the first value of each key.

    Arguments:
        recipe: what the cells have in common.
        vary: texts "key=value,value,…", one a key.

    Raises:
        InputError: no such key, a value that does not fit, one value or the same one twice, a key given twice, or
            a setting that an ablation cannot have.
    """
    for key in DECIDED:
        value = recipe.settings()[key]
        if value != SETTINGS[key].default:
            raise InputError(f"{key} = {value}: not in an ablation, it {FIXED[key]}; leave it out")
    recipe = recipe.changed({"against": None})
    axes: dict[str, list[str]] = {}
    for text in vary:
        key, values = _axis(recipe, text)
        if key in axes:
            raise InputError(f"--vary {text}: {key} is varied already; name all its values at once")
        axes[key] = values
    if not axes:
        raise InputError(f"nothing is varied; name at least one setting with {SYNTAX}")
    return [_cell(recipe, tuple(zip(axes, values, strict=True))) for values in itertools.product(*axes.values())]


def _axis(recipe: Recipe, text: str) -> tuple[str, list[str]]:
    """A key and its values, each of which fits by itself."""
    key, equals, listed = (part.strip() for part in text.partition("="))
    origin = f"--vary {text}"
    if not equals or not key:
        raise InputError(f"{origin}: is not of the form {SYNTAX}")
    if key in FIXED:
        raise InputError(f"{origin}: {key} {FIXED[key]}")
    values = [value.strip() for value in listed.split(",")]
    recipe.changed({key: _value(key, values[0])}, origin)  # an unknown key is refused before any of its values
    if not all(values):
        raise InputError(f"{origin}: a value is missing; {SYNTAX}")
    if len(values) < 2:
        raise InputError(f"{origin}: is one value, and there is nothing to compare; name two or more, or use --set")
    known: dict[object, str] = {}
    for value in values:
        fitted = recipe.changed({key: _value(key, value)}, origin).settings()[key]
        if fitted in known:
            raise InputError(f"{origin}: {value} is the same as {known[fitted]}; name each value once")
        known[fitted] = value
    return key, values


def _value(key: str, text: str) -> str:
    """As `Recipe.changed` takes it: lists have commas there, which separate values here."""
    is_list = key in SETTINGS and isinstance(SETTINGS[key].default, tuple)
    return text.replace("+", ",") if is_list else text


def _cell(recipe: Recipe, settings: tuple[tuple[str, str], ...]) -> Cell:
    origin = "--vary " + " ".join(f"{key}={value}" for key, value in settings)
    cell = Cell(settings, recipe.changed({key: _value(key, value) for key, value in settings}, origin))
    try:
        kind_of_recipe(cell.recipe).check_layout(cell.recipe)
    except InputError as error:
        raise InputError(f"{origin}: {error}") from error
    return cell
