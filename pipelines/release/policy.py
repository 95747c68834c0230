"""A policy: the limits that a release has to keep, validated, frozen, read from and written to TOML."""

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...errors import InputError, nearest
from ..evaluation.scores import score_table

Share = Annotated[float, Field(ge=0, lt=1)]
Auc = Annotated[float, Field(gt=0.5, lt=1)]
POLICIES = Path(__file__).with_name("policies")
_FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Limit(BaseModel):
    """What one score has to keep, over its whole 95 % interval."""

    model_config = _FROZEN

    at_most: float | None = Field(None, description="the largest value that may be")
    at_least: float | None = Field(None, description="the smallest value that may be")
    of: str | None = Field(None, description="the limit is this share of another score's value; absent: a value itself")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give either at_most or at_least")
        return self

    @property
    def word(self) -> str:
        """Which of both it is."""
        return "at most" if self.at_most is not None else "at least"

    @property
    def value(self) -> float:
        """The limit, or the share of another score."""
        return self.at_most if self.at_most is not None else self.at_least or 0.0


class Privacy(BaseModel):
    """Limits of the attacks: the strength that the upper end of the 95 % interval over people may have at most."""

    model_config = _FROZEN

    copy_share: Share = Field(
        0.05, description="share of samples nearer to a training sample than real people's samples are to each other's"
    )
    membership_auc: Auc = Field(
        0.6, description="probability of recognising a member among a member and a non-member; guessing: 0.5"
    )
    membership_tpr: Share = Field(
        0.05, description="share of members recognised where 1 % of non-members are wrongly suspected; guessing: 0.01"
    )
    model_auc: Auc = Field(0.6, description="as membership_auc, for an attacker who has the trained networks")
    model_tpr: Share = Field(0.05, description="as membership_tpr, for an attacker who has the trained networks")
    model: Literal["always", "with generator"] = Field(
        "always",
        description="when the limits of attacks by the trained networks apply: the discriminator never goes out, but "
        "shows overfitting long before synthetic samples do",
    )
    reidentification: Share = Field(
        0.05, description="share of samples that a verifier matches to a person in training, less that for non-members"
    )
    singling_out: Share = Field(
        0.3, description="risk that values of a synthetic row single out one training row, less for control rows"
    )
    linkability: Share = Field(
        0.3, description="risk that two halves of a training row are linked, less for control rows"
    )
    attribute_inference: Share = Field(
        0.3, description="risk that a value of a training row is guessed from the others, less for control rows"
    )
    min_training_patients: int = Field(10, ge=2, description="people in training; with fewer, each has too much weight")
    min_control_patients: int = Field(4, ge=4, description="people not used for training, to compare with")
    min_control_runs: int = Field(20, ge=1, description="runs of each of the audit's two controls")
    required: tuple[str, ...] = Field(
        ("copy_share", "membership_auc"), description="limits that at least one attack must have been held to"
    )
    allow_generator: bool = Field(
        True, description="the generator's weights may be released; no attack here analyses them"
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in self.required:
            if name not in LIMITS:
                raise ValueError(f"required: '{name}' is no limit of an attack{nearest(name, LIMITS)}")
        return self


# of attacks: every field of Privacy that is a float
LIMITS = tuple(name for name, setting in Privacy.model_fields.items() if setting.annotation is float)


class Policy(BaseModel):
    """What must hold before anything leaves; a field's description is its documentation."""

    model_config = _FROZEN

    name: str = Field(description="name of the policy")
    description: str = Field("", description="one line on whom it is for")
    require_utility: bool = Field(False, description="utility has to be measured, and to meet its limits")
    allow_not_measured: tuple[str, ...] = Field(
        (), description="scores and attacks that may be absent, by name; * stands for any text"
    )
    privacy: Privacy = Field(Privacy.model_validate({}), description="limits of the attacks")
    fidelity: dict[str, Limit] = Field({}, description="limits of scores of fidelity, by name")
    utility: dict[str, Limit] = Field({}, description="limits of scores of utility, by name")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for pattern in self.allow_not_measured:
            if unknown := score_table().unknown(pattern):
                raise ValueError(f"allow_not_measured: '{pattern}' is no score and no attack{unknown}")
        for area in ("fidelity", "utility"):
            for name, limit in getattr(self, area).items():
                if not name.strip():
                    raise ValueError(f"{area}: a limit needs the name of a score")
                if limit.of == name:
                    raise ValueError(f"{area}: '{name}' cannot be a share of itself")
                _refuse_impossible(area, name, limit)
        if not self.fidelity:
            raise ValueError("fidelity: sets no limit, so that noise would pass; give one, such as 1nnc")
        if self.require_utility and not self.utility:
            raise ValueError("require_utility needs a limit under [utility], or nothing is required")
        return self

    def tolerates(self, name: str) -> bool:
        """Whether a score or an attack of this name may be absent."""
        return any(fnmatchcase(name, pattern) for pattern in self.allow_not_measured)

    def to_toml(self) -> str:
        """The policy as TOML; limits without a value are left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def _refuse_impossible(area: str, name: str, limit: Limit) -> None:
    """Refuse a limit of a score that does not exist, or one that all of its values keep or break."""
    value = limit.value
    if limit.of is not None and value <= 0:
        raise ValueError(f"{area}: '{name}': {value:g} of {limit.of} is no share; give one above 0")
    table = score_table()
    for score in (name, *([limit.of] if limit.of else [])):
        if unknown := table.unknown(score):
            raise ValueError(f"{area}: '{score}' is no score{unknown}")
    known = table.find(name)
    ends = known.range_of(name) if known is not None else None
    if limit.of is None and ends is not None:
        low, high = ends
        possible = low <= value < high if limit.at_most is not None else low < value <= high
        if not possible:
            given = f"{limit.word.replace(' ', '_')} = {value:g}"
            raise ValueError(f"{area}: '{name}' lies between {low:g} and {high:g}: {given} decides nothing")


def policy_names() -> list[str]:
    """Names of the policies that come with the program."""
    return sorted(path.stem for path in POLICIES.glob("*.toml"))


def load_policy(name_or_path: str) -> Policy:
    """A policy of the program by its name, or of the user by the path of its TOML file.

    Raises:
        InputError: no such policy, broken TOML, an unknown key, or a threshold that cannot be.
    """
    names, own = policy_names(), Path(name_or_path)
    if name_or_path not in names and own.suffix != ".toml":
        raise InputError(f"--policy {name_or_path}: no such policy{nearest(name_or_path, names)}")
    path = POLICIES / f"{name_or_path}.toml" if name_or_path in names else own
    try:
        content = tomllib.loads(path.read_text("utf-8"))
        return Policy.model_validate({"name": path.stem, **content})
    except UnicodeDecodeError as error:
        raise InputError(f"--policy {own}: not a text file ({error.reason}); a policy is TOML") from error
    except OSError as error:
        remedy = f"name a TOML file, or {', '.join(names)}"
        raise InputError(f"--policy {own}: cannot be read ({error.strerror}); {remedy}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"--policy {own}: not valid TOML: {error}") from error
    except ValidationError as error:
        faults = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        raise InputError(f"--policy {own}: {_sentence(faults[0])}") from error


def _sentence(fault: Mapping[str, Any]) -> str:
    """What is wrong in a policy, by the first fault that pydantic names."""
    setting, *_ = names = [".".join(map(str, fault["loc"])), *map(str, fault["loc"])]
    if fault["type"] == "extra_forbidden":
        known = (Policy, Privacy, Limit)[len(names) - 2].model_fields
        return f"'{setting}' is no setting of a policy{nearest(names[-1], known)}"
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if fault["type"] != "value_error":
        return f"{setting} = {fault['input']!r} should be {message}"
    return f"{setting}: {message}" if setting and setting not in message else message
