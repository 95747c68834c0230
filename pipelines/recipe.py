"""A recipe: every choice of the five steps, validated, frozen, read from and written to TOML."""

import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from ..errors import InputError, nearest
from ..files import new_file
from .settings import Data, Evaluate, Gan, Images, Section, Setting, Train, setting, settings_of

RECIPES = Path(__file__).parent / "recipes"


class Recipe(Section, silent=True):
    """All that decides what a run makes; the resolved recipe is saved beside every result.

    The sections follow the five steps of Piacentino et al., section 4; a setting's description is its documentation.
    """

    name: str = setting(..., "name of the recipe")
    section: str = setting("", "section of the source paper that it follows", may_change=True)
    description: str = setting("", "one line on what it shows", may_change=True)
    seed: int = setting(0, "the same seed gives the same files", ge=0, shared=True)
    against: str | None = setting(None, "recipe to run beside this one and to compare its scores with", may_change=True)
    data: Data = Field(default_factory=Data)
    images: Images = Field(default_factory=Images)
    gan: Gan = Field(default_factory=Gan)
    train: Train = Field(default_factory=Train)
    evaluate: Evaluate = Field(default_factory=Evaluate)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Settings that contradict each other."""
        data, images, gan = self.data, self.images, self.gan
        if images.quantile_low >= images.quantile_high:
            raise ValueError(f"quantile_low {images.quantile_low} is not below quantile_high {images.quantile_high}")
        if len({lead.lower() for lead in data.leads}) < len(data.leads):
            raise ValueError(f"a lead is named twice in {', '.join(data.leads)}")
        if data.length is not None and images.side != "auto" and data.length > images.side**2:
            least = math.isqrt(data.length - 1) + 1
            raise ValueError(f"{data.length} samples make an image of side {least} at least, not {images.side}")
        if data.starts == "random" and self.train.balance == "undersample":
            raise ValueError("starts = 'random' draws windows anew at each step; balance them with 'weighted'")
        if self.train.stop_score == "accuracy" and gan.head != "auxiliary":
            raise ValueError("stop_score = 'accuracy' needs a critic that classifies: head = 'auxiliary'")
        return self

    @property
    def window(self) -> int:
        """Samples per window of a signal.

        Raises:
            InputError: neither length nor side says how many.
        """
        length, side = self.data.length, self.images.side
        if length is None and side == "auto":
            how = "give a length in samples, or a side (length = side²)"
            raise InputError(f"recipe {self.name}: say how long a window is: {how}")
        return length or int(side) ** 2

    @property
    def label(self) -> str | None:
        """Where the classes are: a column, a key, or a file; None where there are none."""
        return None if self.data.label == "none" else self.data.label

    @property
    def class_head(self) -> str:
        """The head, resolved."""
        automatic = "none" if self.label is None else "projection"
        return automatic if self.gan.head == "auto" else self.gan.head

    @property
    def conditional(self) -> bool:
        """Whether the networks know classes."""
        return self.class_head != "none"

    def settings(self) -> dict[str, Any]:
        """The values by setting, without their sections."""
        dumped = self.model_dump()
        return {one.name: (dumped[one.section] if one.section else dumped)[one.name] for one in SETTINGS.values()}

    def changed(
        self, settings: Mapping[str, Any], origin: str = "--set", origins: Mapping[str, str] | None = None
    ) -> "Recipe":
        """A copy with new values, which are checked together.

        Arguments:
            settings: values by setting; text is read as the setting's type, a comma-separated text as a list. Of side
                and length, one that is given alone decides on both.
            origin: what an error message names as the source of the mistake.
            origins: the same by setting, where it is another one.

        Raises:
            InputError: an unknown setting (the nearest is offered) or a value that does not fit.
        """
        origins = dict.fromkeys(settings, origin) | dict(origins or {})
        values = {key: _parsed(key, value, origins[key]) for key, value in settings.items()}
        if values.get("length") is not None:
            values.setdefault("side", "auto")
        elif values.get("side", "auto") != "auto":
            values.setdefault("length", None)
        content: dict[str, Any] = {section: {} for section in SECTIONS}
        for key, value in (self.settings() | values).items():
            section = SETTINGS[key].section
            (content[section] if section else content)[key] = value
        return _validated(content, " ".join(dict.fromkeys(origins.values())), origins)

    def to_toml(self, *, explained: bool = False) -> str:
        """The recipe as TOML.

        Arguments:
            explained: with its description beside each setting, and those without a value as comments; else these are
                left out.
        """
        values, lines, section = self.settings(), list[str](), ""
        for one in SETTINGS.values():
            value = values[one.name]
            if one.section != section:
                section = one.section
                lines += ["", f"[{section}]"]
            # the JSON of a text, a number, a boolean or a list of them is TOML, too
            line = f"# {one.name} =" if value is None else f"{one.name} = {json.dumps(value, ensure_ascii=False)}"
            if explained:
                lines.append(f"{line}  # {one.description}")
            elif value is not None:
                lines.append(line)
        return "\n".join(lines) + "\n"

    def save(self, path: Path) -> None:
        """Write the recipe's TOML."""
        with new_file(path) as file:
            file.write(self.to_toml())


SETTINGS: dict[str, Setting] = {one.name: one for one in settings_of(Recipe)}
SECTIONS = tuple(dict.fromkeys(one.section for one in SETTINGS.values() if one.section))


def recipe_names() -> list[str]:
    """Names of the recipes that come with the program."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe of the program by its name, or of the user by the path of its TOML file.

    Raises:
        InputError: no such recipe, broken TOML, an unknown setting or a value of the wrong type.
    """
    origin, names = name_or_path, recipe_names()
    path = RECIPES / f"{origin}.toml" if origin in names else Path(origin)
    if path.suffix != ".toml":
        raise InputError(f"recipe '{origin}' is not known{nearest(origin, names)}")
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        known = "`anonimage recipes` lists the ones that come with the program"
        raise InputError(f"{path}: no such recipe file; {known}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file ({error.reason} at byte {error.start}); a recipe is TOML") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{origin}: not valid TOML: {error}") from error
    for key, value in content.items():
        if key not in SECTIONS:
            _check_key(key, "", origin)
        elif not isinstance(value, dict):
            inside = ", ".join(one.name for one in SETTINGS.values() if one.section == key)
            usual = f"its settings stand under a line [{key}]: {inside}"
            example = "the kind of data is `kind` under a line [data]" if key == "data" else usual
            raise InputError(f"{origin}: '{key}' is a section; {example}")
        else:
            for inner in value:
                _check_key(inner, key, origin)
    return _validated({"name": Path(origin).stem, **content}, origin)


def _check_key(key: str, section: str | None, origin: str) -> None:
    """Refuse an unknown setting, or one that stands in another section; None: it stands in no file."""
    if key not in SETTINGS:
        raise InputError(f"{origin}: '{key}' is not a setting{nearest(key, SETTINGS)}")
    right = SETTINGS[key].section
    if section is not None and section != right:
        where = f"in [{section}]" if section else "at the top"
        raise InputError(
            f"{origin}: '{key}' stands {where} and belongs "
            + (f"in section [{right}]; put it under a line [{right}]" if right else "at the top, before all sections")
        )


def _validated(content: dict[str, Any], origin: str, origins: Mapping[str, str] | None = None) -> Recipe:
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        at = 2 if first["loc"][:1] and first["loc"][0] in SECTIONS else 1  # of the setting in a fault's location
        about = [fault for fault in error.errors() if fault["loc"][:at] == first["loc"][:at]]
        depth = max(len(fault["loc"]) for fault in about)  # of a list, what is wrong inside it says more than the rest
        same = [fault["msg"] for fault in about if len(fault["loc"]) == depth]
        message = " or ".join(text.removeprefix("Value error, ").removeprefix("Input should be ") for text in same)
        key = str(first["loc"][at - 1]) if first["loc"] else ""
        given = f"{key} = {first['input']!r} should be " if key else ""
        raise InputError(f"{(origins or {}).get(key, origin)}: {given}{message}") from error


def _parsed(key: str, value: Any, origin: str) -> Any:
    """A text of the command line as a value that the model can check: lists split, `none` for absent.

    A label of `none` stays: it also says that a column which looks like classes holds values.
    """
    _check_key(key, None, origin)
    default = SETTINGS[key].default
    if default is None and isinstance(value, str) and value.lower() == "none":
        return "none" if key == "label" else None
    if isinstance(value, str) and isinstance(default, tuple):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value
