"""Every setting of a recipe, in sections: its values, default, description, and the rules that follow from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

PositiveInt = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Names = tuple[str, ...]

# Settings that have an option of their own, by command
_READING = ("leads", "fs", "patient", "label", "binary", "category", "drop", "keep", "missing")
_PREPARING = (*_READING, "skip_bad", "seed", "steps")
OPTIONS = {
    "inspect": (*_READING, "stride", "side"),
    "prepare": _PREPARING,
    "run": (*_PREPARING, "precision", "device", "devices"),
    "ablate": (*_PREPARING, "precision", "device"),
    "encode": (*_READING, "skip_bad"),
    "demo": ("seed", "steps"),
    "train": ("steps", "precision", "device", "devices", "nodes"),
}


@dataclass(frozen=True)
class Setting:
    """What is known of a setting besides its value."""

    name: str  # the key after --set, unique among all sections
    section: str  # table of the TOML file; empty: none, it stands at the top
    field: FieldInfo  # type, default and description
    may_change: bool = False  # between two calls on one run, which it does not make another run
    shared: bool = False  # a run and the one that it is compared with (`against`) have it in common
    silent: bool = False  # changes no result, or is reported apart: no difference between two runs that are compared
    option: str = ""  # of the commands in OPTIONS

    @property
    def commands(self) -> list[str]:
        """Commands that have it as an option."""
        return [command for command, names in OPTIONS.items() if self.name in names]

    @property
    def default(self) -> Any:
        """The value of a recipe that does not name it."""
        return self.field.get_default()

    @property
    def description(self) -> str:
        """One line."""
        return self.field.description or ""

    @property
    def metavar(self) -> str:
        """What it takes, on a command line."""
        if get_origin(self.field.annotation) is Literal:
            return "|".join(get_args(self.field.annotation))
        return "TEXT,TEXT" if isinstance(self.default, tuple) else "VALUE"


def setting(default: Any, description: str, *, ge: float | None = None, gt: float | None = None, **known: Any) -> Any:
    """A field with its description; `known` are fields of Setting."""
    return Field(default, ge=ge, gt=gt, description=description, json_schema_extra=known)


class Section(BaseModel):
    """A table of the TOML file; keywords beside its base are marks of all its settings that do not say otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    marks: ClassVar[dict[str, bool]] = {}

    def __init_subclass__(cls, **marks: bool) -> None:
        super().__init_subclass__()
        cls.marks = marks


class Data(Section, shared=True):
    """What is read, and who is who."""

    kind: Literal["signals", "table", "images"] = setting(
        "signals", "signals: WFDB, CSV or npz; table: CSV or Parquet; images: a folder of pictures"
    )
    leads: Names = setting(("i",), "leads to read, by name, in this order; none named: all")
    fs: float | None = setting(
        None, "Hz; WFDB records are resampled to it (absent: as recorded), CSV and npz are taken at it", gt=0
    )
    length: PositiveInt | None = setting(None, "samples of a window; absent: side²")
    stride: PositiveInt | None = setting(None, "samples from one window to the next; absent: no overlap")
    starts: Literal["grid", "random"] = setting("grid", "training windows on the grid, or cut anywhere")
    patient: str = setting(
        "auto",
        "whose is what: auto, folder, record, a pattern with one group over names, a CSV file, time (blocks of one "
        "recording); for tables the column that names the person",
    )
    control_share: Share = setting(0.2, "share of patients that training never sees")
    label: str | None = setting(
        None, "the class: a column of a table or of a series file; a CSV file (record, label) for WFDB"
    )
    layout: Literal["auto", "columns", "rows"] = setting(
        "auto", "text files of signals: a column per channel, or a row per sample"
    )
    binary: Names = setting((), "columns of a table to be taken as binary", shared=False)
    category: Names = setting((), "columns of a table to be taken as categories", shared=False)
    drop: Names = setting((), "columns of a table to leave out", shared=False)
    keep: Names = setting((), "columns of one value to copy into every synthetic row of a table", shared=False)
    missing: Names = setting((), "texts that stand for a missing value, besides the usual ones", shared=False)
    skip_bad: bool = setting(
        False,
        "leave out records that cannot be read, and say which; else the first one ends it",
        shared=False,
        may_change=True,
        silent=True,
    )
    store: str | None = setting(
        None,
        "where the prepared samples lie: a folder or a URL (s3://…); absent: in the run's folder",
        shared=False,
        silent=True,
    )


class Images(Section):
    """Steps 1 and 2: values to levels, levels to images."""

    standardizer: Literal["minmax", "adapted", "quantile", "equalize"] = setting(
        "quantile",
        "minmax: eq. 2; adapted: eq. 3; quantile: quantile bounds, then eq. 3 (section 4.1); equalize: histogram "
        "equalisation. Tables: minmax or equalize, for numbers; pictures are grey levels already",
    )
    quantile_low: Share = setting(0.01, "lower bound; values below saturate")
    quantile_high: Share = setting(0.99, "upper bound; values above saturate")
    quantile_of: Literal["windows", "values"] = setting(
        "windows", "quantiles of window minima and maxima, or of all values"
    )
    width: Annotated[float, Field(gt=0)] | Literal["fitted"] = setting(
        2.5, "range of eq. 3 in the source's units, or fitted to the training windows"
    )
    rounding: Literal["nearest", "ceil"] = setting("nearest", "ceil is the paper's, nearest has no bias")
    null_level: Annotated[int, Field(ge=0, le=254)] = setting(
        0, "a of eq. 2 and 3; 1 keeps grey level 0 for missing values"
    )
    offset: Literal["relative", "baseline", "sampled"] = setting(
        "sampled", "offset of a synthetic window: minimum at 0, median at 0, or drawn from the fitted distribution"
    )
    arrangement: str = setting("z", "position of each sample of a window, or column of a table, in the image")
    side: Annotated[int, Field(ge=2, le=300)] | Literal["auto"] = setting(
        "auto",
        "side of the image; auto: the smallest that holds a sample; without a length, windows have side² samples",
        shared=True,
    )
    colours: Literal["none", "hsv", "lab", "cmyk"] = setting(
        "none", "three leads as red, green, blue, turned into another colour space"
    )


class Gan(Section):
    """Step 3: the networks and what they optimise."""

    family: Literal["convolutional", "connected"] = setting("convolutional", "DCGAN, or fully connected")
    activation: Literal["relu", "linear"] = setting("relu", "of a connected network's hidden layers")
    widths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = setting(
        (64, 128, 256), "channels of the hidden layers; nodes of connected ones"
    )
    latent_dim: PositiveInt = setting(100, "length of the latent vector")
    output: Literal["tanh", "clip"] = setting(
        "tanh", "of the generator: tanh, or cut off, which gives exactly 0 and 255 to NULL and binary columns"
    )
    sharp_null: bool = setting(False, "the critic sees NULL pixels ten times as large; for tables")
    moments: bool = setting(False, "the critic sees mean and spread of each pixel over the batch; for tables")
    head: Literal["none", "auto", "auxiliary", "projection"] = setting(
        "none",
        "classes: none; ACGAN's class head (section 4.6); projection discriminator; auto: projection where a label is "
        "named",
    )
    objective: Literal["auto", "cross_entropy", "acgan", "hinge", "least_squares", "wasserstein"] = setting(
        "auto",
        "losses: cross-entropy; ACGAN's; hinge; least squares (LSGAN); wasserstein with gradient penalty (WGAN-GP); "
        "auto: acgan for the head auxiliary, else cross_entropy",
    )
    real_label: Annotated[float, Field(gt=0.5, le=1)] = setting(
        0.9, "cross_entropy, acgan: one-sided label smoothing, target of real images"
    )
    gradient_penalty: float = setting(10.0, "wasserstein: weight of the gradient penalty", gt=0)
    critic_steps: PositiveInt = setting(5, "wasserstein: updates of the critic for each of the generator")


class Train(Section):
    """Step 4: how long, on what, and what is watched."""

    batch: Annotated[int, Field(ge=2)] = setting(30, "images per step, of all processes together")
    balance: Literal["none", "undersample", "weighted"] = setting(
        "none", "classes in training: as they are; cut to the smallest (section 4.6); drawn equally often"
    )
    epochs: PositiveInt = setting(200, "passes over the training windows", may_change=True, shared=True)
    steps: PositiveInt | None = setting(None, "training steps; overrides epochs", may_change=True, shared=True)
    learning_rate: float = setting(2e-4, "Adam's", gt=0)
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = setting(0.999, "averaging of the generator's weights; 0: none")
    precision: Literal["auto", "32", "bf16"] = setting(
        "auto", "auto: bf16 where it is measured to be faster", shared=True
    )
    device: Literal["auto", "cpu", "cuda"] = setting(
        "auto", "auto: cuda where there is one", may_change=True, shared=True, silent=True
    )
    devices: PositiveInt = setting(
        1, "processes (CPU) or GPUs a machine; they share each step's batch", may_change=True, silent=True
    )
    nodes: PositiveInt = setting(
        1, "machines, as torchrun or SLURM starts them", may_change=True, silent=True, option="--num-nodes"
    )
    on_trouble: Literal["go_on", "stop", "rollback"] = setting(
        "go_on", "collapse, a critic that has won, …: go on, stop, or back to the last healthy state", may_change=True
    )
    stop_score: Literal["none", "1nnc", "accuracy"] = setting(
        "none", "what decides on the best checkpoint: 1NNC to training windows, class accuracy (section 4.7)"
    )
    score_every: PositiveInt = setting(250, "steps from one look at stop_score to the next", may_change=True)
    patience: PositiveInt = setting(5, "training ends after so many looks without a better stop_score", may_change=True)
    metrics_every: PositiveInt = setting(
        25, "steps from one row of metrics.csv to the next", may_change=True, shared=True, silent=True
    )
    checkpoint_every: PositiveInt = setting(
        250, "steps from one checkpoint to the next", may_change=True, shared=True, silent=True
    )


class Evaluate(Section, may_change=True):
    """Step 5: what is generated, compared and attacked."""

    samples: PositiveInt = setting(500, "synthetic windows, rows or pictures to write", shared=True)
    labels: Literal["source", "balanced"] = setting("source", "shares of the classes in what is generated")
    evaluated: Annotated[int, Field(ge=10)] = setting(
        1000, "windows of each set that the scores compare, at most", shared=True
    )
    judge_steps: PositiveInt = setting(
        300, "training steps of the networks that evaluate and audit train: encoder and classifier"
    )
    control_runs: PositiveInt = setting(
        20, "runs of each of the audit's two controls; a release asks for 20 at least", silent=True
    )
    verifier: str | None = setting(
        None, "file that `anonimage verifier` wrote; absent: re-identification is not measured", silent=True
    )


def settings_of(model: type[Section], section: str = "") -> Iterator[Setting]:
    """The settings of a model and of its sections, in the order of the file."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from settings_of(field.annotation, name)
        else:
            marks: dict[str, Any] = {"option": f"--{name.replace('_', '-')}", **model.marks}
            yield Setting(name, section, field, **marks | dict(field.json_schema_extra or {}))  # type: ignore[arg-type]
