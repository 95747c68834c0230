"""A recipe: every choice of the five steps, validated, frozen, read from and written to TOML."""

import math
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
    data: Literal["signals", "table", "images"] = Field(
        "signals", description="signals: WFDB, CSV or npz; table: CSV or Parquet; images: a folder of pictures"
    )
    leads: tuple[str, ...] = Field(("i",), description="leads to read, by name, in this order; none named: all")
    fs: float | None = Field(
        None,
        gt=0,
        description="Hz; WFDB records are resampled to it (absent: as recorded), CSV and npz are taken at it",
    )
    side: Annotated[int, Field(ge=2, le=300)] | Literal["auto"] = Field(
        45, description="side of the image; a window has side² samples. auto: the smallest that holds a sample"
    )
    length: PositiveInt | None = Field(None, description="samples of a window, if not side²; the rest is NULL")
    stride: PositiveInt | None = Field(None, description="samples from one window to the next; absent: no overlap")
    starts: Literal["grid", "random"] = Field("grid", description="training windows on the grid, or cut anywhere")
    patient: str = Field(
        "auto",
        description="whose is what: auto, folder, record, a pattern with one group over names, a CSV file, time "
        "(blocks of one recording); for tables the column that tells",
    )
    control_share: Share = Field(0.2, description="share of patients that training never sees")
    label: str | None = Field(
        None, description="the class: a column of a table or of a series file; a CSV file (record, label) for WFDB"
    )
    layout: Literal["auto", "columns", "rows"] = Field(
        "auto", description="text files of signals: a column per channel, or a row per sample"
    )
    binary: tuple[str, ...] = Field((), description="columns of a table to be taken as binary")
    category: tuple[str, ...] = Field((), description="columns of a table to be taken as categories")
    drop: tuple[str, ...] = Field((), description="columns of a table to leave out")
    keep: tuple[str, ...] = Field((), description="columns of one value to copy into every synthetic row")
    missing: tuple[str, ...] = Field((), description="texts that stand for a missing value, besides the usual ones")

    skip_bad: bool = Field(False, description="leave out records that cannot be read, and say which; else they end it")
    store: str | None = Field(
        None, description="where the prepared samples lie: a folder or a URL (s3://…); absent: in the run's folder"
    )

    # Step 1, standardize
    standardizer: Literal["minmax", "adapted", "quantile", "equalize"] = Field(
        "quantile",
        description="minmax: eq. 2; adapted: eq. 3; quantile: quantile bounds, then eq. 3 (section 4.1); equalize: "
        "histogram equalisation. Tables: minmax or equalize, for numbers; pictures are grey levels already",
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
    arrangement: str = Field(
        "z", description="where each sample of a window, or column of a table, stands in the image"
    )
    colours: Literal["none", "hsv", "lab", "cmyk"] = Field(
        "none", description="three leads as red, green, blue, turned into another colour space"
    )

    # Step 3, architecture
    family: Literal["convolutional", "connected"] = Field("convolutional", description="DCGAN, or fully connected")
    activation: Literal["relu", "linear"] = Field("relu", description="of a connected network's hidden layers")
    widths: tuple[PositiveInt, ...] = Field(
        (64, 128, 256), min_length=1, description="channels of the hidden layers; nodes of connected ones"
    )
    latent_dim: PositiveInt = Field(100, description="length of the noise vector")
    output: Literal["tanh", "clip"] = Field(
        "tanh",
        description="of the generator: tanh, or cut off, which gives exactly 0 and 255 to NULL and binary columns",
    )
    sharp_null: bool = Field(False, description="the discriminator sees NULL pixels ten times as large; for tables")
    moments: bool = Field(
        False, description="the discriminator sees mean and spread of each pixel over the batch; for tables"
    )
    head: Literal["none", "auto", "auxiliary", "projection"] = Field(
        "none",
        description="classes: none; ACGAN's class head (section 4.6); projection discriminator; auto: projection where "
        "a label is named",
    )

    # Step 4, training
    batch: int = Field(30, ge=2, description="images per step, of all processes together")
    balance: Literal["none", "undersample", "weighted"] = Field(
        "none", description="classes in training: as they are; cut to the smallest (section 4.6); drawn equally often"
    )
    epochs: PositiveInt = Field(200, description="passes over the training windows")
    steps: PositiveInt | None = Field(None, description="training steps; overrides epochs")
    learning_rate: float = Field(2e-4, gt=0, description="Adam's")
    real_label: float = Field(0.9, gt=0.5, le=1, description="one-sided label smoothing: target of real images")
    ema_decay: float = Field(0.999, ge=0, lt=1, description="averaging of the generator's weights; 0: none")
    precision: Literal["auto", "32", "bf16"] = Field(
        "auto", description="auto: bf16 where the processor has units for it"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: cuda where there is one")
    devices: PositiveInt = Field(1, description="processes (CPU) or GPUs a machine; they share each step's batch")
    nodes: PositiveInt = Field(1, description="machines, as torchrun or SLURM starts them")
    on_trouble: Literal["go_on", "stop", "rollback"] = Field(
        "go_on", description="collapse, a discriminator that has won, …: go on, stop, or back to the last healthy state"
    )
    stop_score: Literal["none", "1nnc", "accuracy"] = Field(
        "none",
        description="what decides on the best checkpoint: 1NNC to training windows, class accuracy (section 4.7)",
    )
    score_every: PositiveInt = Field(250, description="steps from one look at stop_score to the next")
    patience: PositiveInt = Field(5, description="training ends after so many looks without a better stop_score")
    metrics_every: PositiveInt = Field(25, description="steps from one row of metrics.csv to the next")
    checkpoint_every: PositiveInt = Field(250, description="steps from one checkpoint to the next")

    # Step 5, evaluate and decode
    samples: PositiveInt = Field(500, description="synthetic windows, rows or pictures to write")
    labels: Literal["source", "balanced"] = Field("source", description="shares of the classes in what is generated")
    evaluated: int = Field(1000, ge=10, description="windows of each kind that the scores compare, at most")
    judge_steps: PositiveInt = Field(
        300, description="training steps of the networks that evaluate and audit train: encoder and classifier"
    )
    control_runs: PositiveInt = Field(
        20, description="runs of each of the audit's two controls; a release asks for 20 at least"
    )
    verifier: str | None = Field(
        None,
        description="file that `anonimage verifier` wrote; absent: re-identification is not measured",
    )
    seed: int = Field(0, ge=0, description="the same seed gives the same files")
    against: str | None = Field(None, description="recipe to run beside this one and to compare its scores with")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.quantile_low >= self.quantile_high:
            raise ValueError(f"quantile_low {self.quantile_low} is not below quantile_high {self.quantile_high}")
        if len({lead.lower() for lead in self.leads}) < len(self.leads):
            raise ValueError(f"a lead is named twice in {', '.join(self.leads)}")
        if self.data == "signals" and self.side == "auto" and self.length is None:
            raise ValueError("side = 'auto' needs a length: say how many samples a window has, or give a side")
        if self.data == "images" and self.side == "auto":
            raise ValueError("side = 'auto' means nothing for pictures; give the side that they are resized to")
        if self.data == "table" and self.standardizer not in ("minmax", "equalize"):
            raise ValueError(f"standardizer '{self.standardizer}' is for signals; tables take minmax or equalize")
        if (
            isinstance(self.side, int)
            and self.length is not None
            and not (self.side - 1) ** 2 < self.length <= self.side**2
        ):
            side = math.isqrt(self.length - 1) + 1
            raise ValueError(
                f"{self.length} samples make an image of side {side}, not {self.side}; set side to {side} or auto"
            )
        if self.starts == "random" and self.balance == "undersample":
            raise ValueError("starts = 'random' draws windows anew at each step; balance them with 'weighted'")
        if self.data == "table" and self.head in ("auxiliary", "projection") and self.label is None:
            raise ValueError(f"head = '{self.head}' needs classes; name the column that has them with label")
        if self.stop_score == "accuracy" and self.head != "auxiliary":
            raise ValueError("stop_score = 'accuracy' needs a discriminator that tells classes: head = 'auxiliary'")
        return self

    @property
    def window(self) -> int:
        """Samples per window of a signal."""
        assert self.length is not None or isinstance(self.side, int)
        return self.length or self.side**2  # type: ignore[operator]

    @property
    def step_between_windows(self) -> int:
        """The stride in samples, resolved."""
        return self.stride or self.window

    @property
    def class_head(self) -> str:
        """The head, resolved."""
        if self.head == "auto":
            return "none" if self.label in (None, "none") else "projection"
        return self.head

    @property
    def conditional(self) -> bool:
        """Whether the networks know classes."""
        return self.class_head != "none"

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
        about = [found for found in error.errors() if found["loc"][:1] == first["loc"][:1]]
        depth = max(len(found["loc"]) for found in about)  # of a list, what is wrong inside it says more than the rest
        same = [found["msg"] for found in about if len(found["loc"]) == depth]
        message = " or ".join(text.removeprefix("Value error, ").removeprefix("Input should be ") for text in same)
        given = f"{place} = {first['input']!r} should be " if place else ""
        raise InputError(f"{origin}: {given}{message}") from error


def _check_key(key: str, origin: str) -> None:
    if key not in Recipe.model_fields:
        raise InputError(f"{origin}: '{key}' is not a setting{nearest(key, Recipe.model_fields)}")


def _parsed(settings: dict[str, Any], origin: str) -> dict[str, Any]:
    """Texts of the command line as values that the model can check: lists split, `none` for absent.

    A label of `none` stays: it also says that a column which looks like classes holds values.
    """
    values: dict[str, Any] = {}
    for key, value in settings.items():
        _check_key(key, origin)
        default = Recipe.model_fields[key].get_default()
        if default is None and isinstance(value, str) and value.lower() == "none":
            value = "none" if key == "label" else None
        elif isinstance(value, str) and isinstance(default, tuple):
            value = [part.strip() for part in value.split(",") if part.strip()]
        values[key] = value
    return values
