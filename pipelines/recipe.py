"""A recipe: every choice of the five steps, validated, frozen, read from and written to TOML."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import InputError, nearest
from ..files import new_file

PositiveInt = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Recipe(BaseModel):
    """All that decides what a run makes; the resolved recipe is saved beside every result.

    The fields follow the five steps of Piacentino et al., section 4; a field's description is its documentation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(description="name of the recipe")
    section: str = Field("", description="section of the source paper that it follows")
    description: str = Field("", description="one line on what it shows")

    # What is read
    leads: tuple[str, ...] = Field(("i",), min_length=1, description="leads to read, by name, in this order")
    fs: float = Field(1000.0, gt=0, description="sampling rate in Hz; other rates are resampled to it")
    side: int = Field(45, ge=2, le=300, description="side of the image; a window has side² samples")
    stride: PositiveInt | None = Field(None, description="samples from one window to the next; absent: no overlap")
    starts: Literal["grid", "random"] = Field("grid", description="training windows on the grid, or cut anywhere")
    patient: str = Field(
        "auto",
        description="auto, folder, record, a pattern with one group over record names, or a CSV file",
    )
    control_share: Share = Field(0.2, description="share of patients that training never sees")

    # Step 1, standardize
    standardizer: Literal["minmax", "adapted", "quantile"] = Field(
        "quantile", description="minmax: eq. 2; adapted: eq. 3; quantile: quantile bounds, then eq. 3 (section 4.1)"
    )
    quantile_low: Share = Field(0.01, description="lower bound; values below saturate")
    quantile_high: Share = Field(0.99, description="upper bound; values above saturate")
    quantile_of: Literal["windows", "values"] = Field(
        "windows", description="quantiles of window minima and maxima, or of all values"
    )
    width: Annotated[float, Field(gt=0)] | Literal["fitted"] = Field(
        2.5, description="range of eq. 3 in the source's units, or fitted to the training windows"
    )
    rounding: Literal["nearest", "ceil"] = Field("nearest", description="ceil is the paper's, nearest has no bias")
    null_level: int = Field(0, ge=0, le=254, description="a of eq. 2 and 3; 1 keeps grey level 0 for missing values")
    offset: Literal["relative", "baseline", "sampled"] = Field(
        "sampled", description="offset of a generated window: minimum at 0, median at 0, or drawn from the fitted law"
    )

    # Step 2, arrange
    arrangement: str = Field("z", description="where each sample of a window stands in the image")

    # Step 3, architecture
    widths: tuple[PositiveInt, ...] = Field((64, 128, 256), min_length=1, description="channels of the hidden layers")
    latent_dim: PositiveInt = Field(100, description="length of the noise vector")

    # Step 4, training
    batch: int = Field(30, ge=2, description="images per step")
    epochs: PositiveInt = Field(200, description="passes over the training windows")
    steps: PositiveInt | None = Field(None, description="training steps; overrides epochs")
    learning_rate: float = Field(2e-4, gt=0, description="Adam's")
    real_label: float = Field(0.9, gt=0.5, le=1, description="one-sided label smoothing: target of real images")
    ema_decay: float = Field(0.999, ge=0, lt=1, description="averaging of the generator's weights; 0: none")
    precision: Literal["auto", "32", "bf16"] = Field(
        "auto", description="auto: bf16 where the processor has units for it"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: cuda where there is one")
    metrics_every: PositiveInt = Field(25, description="steps from one row of metrics.csv to the next")
    checkpoint_every: PositiveInt = Field(250, description="steps from one checkpoint to the next")

    # Step 5, evaluate and decode
    samples: PositiveInt = Field(500, description="synthetic windows to write")
    evaluated: int = Field(1000, ge=10, description="windows of each kind that the scores compare, at most")
    seed: int = Field(0, ge=0, description="the same seed gives the same files")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.quantile_low >= self.quantile_high:
            raise ValueError(f"quantile_low {self.quantile_low} is not below quantile_high {self.quantile_high}")
        if len({lead.lower() for lead in self.leads}) < len(self.leads):
            raise ValueError(f"a lead is named twice in {', '.join(self.leads)}")
        return self

    @property
    def length(self) -> int:
        """Samples per window."""
        return self.side**2

    @property
    def step_between_windows(self) -> int:
        """The stride in samples, resolved."""
        return self.stride or self.length

    def total_steps(self, n_windows: int) -> int:
        """Training steps for so many training windows."""
        return self.steps or self.epochs * max(1, n_windows // self.batch)

    def changed(self, settings: dict[str, Any], origin: str = "--set") -> "Recipe":
        """A copy with other values.

        Arguments:
            settings: values by field; text is read as the field's type, a comma-separated text as a list.
            origin: what an error message names as the place of the mistake.

        Raises:
            InputError: an unknown field (the nearest is offered) or a value that does not fit.
        """
        return _validated({**self.model_dump(exclude_none=True), **_parsed(settings, origin)}, origin)

    def to_toml(self) -> str:
        """The recipe as TOML; fields without a value are left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))

    def save(self, path: Path) -> None:
        """Write the recipe's TOML."""
        with new_file(path) as file:
            file.write(self.to_toml())


def recipe_names() -> list[str]:
    """Names of the recipes that come with the program."""
    folder = resources.files(__package__).joinpath("recipes")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe of the program by its name, or of the user by the path of its TOML file.

    Raises:
        InputError: no such recipe, broken TOML, an unknown field or a value of the wrong type.
    """
    if name_or_path in recipe_names():
        text = resources.files(__package__).joinpath("recipes", f"{name_or_path}.toml").read_text("utf-8")
        return _from_toml(text, name_or_path)
    path = Path(name_or_path)
    if path.suffix != ".toml":
        raise InputError(f"recipe '{name_or_path}' is not known{nearest(name_or_path, recipe_names())}")
    if not path.is_file():
        raise InputError(f"{path}: no such recipe file; `anonimage recipes` lists the ones that come with the program")
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file ({error.reason} at byte {error.start}); a recipe is TOML") from error
    return _from_toml(text, str(path))


def _from_toml(text: str, origin: str) -> Recipe:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{origin}: not valid TOML: {error}") from error
    for key in content:
        _check_key(key, origin)
    return _validated({"name": Path(origin).stem, **content}, origin)


def _validated(content: dict[str, Any], origin: str) -> Recipe:
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = str(first["loc"][0]) if first["loc"] else ""
        same = [found["msg"] for found in error.errors() if found["loc"][:1] == first["loc"][:1]]
        message = " or ".join(text.removeprefix("Value error, ").removeprefix("Input should be ") for text in same)
        given = f"{place} = {first['input']!r} should be " if place else ""
        raise InputError(f"{origin}: {given}{message}") from error


def _check_key(key: str, origin: str) -> None:
    if key not in Recipe.model_fields:
        raise InputError(f"{origin}: '{key}' is not a setting{nearest(key, Recipe.model_fields)}")


def _parsed(settings: dict[str, Any], origin: str) -> dict[str, Any]:
    """Texts of the command line as values that the model can check: lists split, `none` for absent."""
    values: dict[str, Any] = {}
    for key, value in settings.items():
        _check_key(key, origin)
        if isinstance(value, str) and value.lower() == "none":
            value = None
        elif isinstance(value, str) and isinstance(Recipe.model_fields[key].get_default(), tuple):
            value = [part.strip() for part in value.split(",") if part.strip()]
        values[key] = value
    return values
