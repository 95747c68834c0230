"""Results of an audit, as plain records that go to audit.json and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Self

from ....errors import InputError
from ....files import new_file
from ..scores import Score, read_json

ALPHA = 0.01  # family-wise: the probability that any attack of a battery succeeds where nothing leaks


@dataclass(frozen=True)
class Attack:
    """One attack on what was generated."""

    name: str  # such as "membership: density ratio, patient"
    limit: str  # which limit of a policy it is held to, such as "membership_auc"
    question: str  # what the attacker wants to know, in plain words
    # strength of the attack; interval over people; baseline: the attack on people that training never saw, or guessing;
    # n: how many people, or rows, it rests on
    score: Score
    p_value: float  # probability of such a strength if the people of training and the others were exchangeable
    # members, non_members: people of training, and people that it never saw
    members: int
    non_members: int
    # strength against the "positive" and the "negative" control, means over their runs; absent where the attack has
    # none
    controls: Mapping[str, Score] = field(default_factory=dict)
    # (false positive rate, true positive rate) points by "synthetic", "positive", "negative"; may be empty
    roc: Mapping[str, list[tuple[float, float]]] = field(default_factory=dict)
    # where the score is a difference of rates, what it is made of: success on "training" samples and of a "naive
    # guess", each with success on control samples as baseline
    rates: Mapping[str, Score] = field(default_factory=dict)


@dataclass
class Findings:
    """Attacks on one set of samples."""

    attacks: list[Attack] = field(default_factory=list)  # those that were made
    not_measured: dict[str, str] = field(default_factory=dict)  # attacks that could not be made, and why


@dataclass(frozen=True)
class Control:
    """A control run several times."""

    # "positive": replays training windows with small noise and shifts, some attack has to succeed; "negative": real
    # windows of other people, none may
    kind: Literal["positive", "negative"]
    right: int  # runs in which the battery came out right
    runs: int  # number of runs
    needed: int  # how often it has to
    samples: int = 0  # in the smallest run: fewer than synthetic ones where non-members have no more

    @property
    def passed(self) -> bool:
        """Whether it came out right often enough."""
        return self.right >= self.needed


@dataclass(frozen=True)
class Audit:
    """All results of a battery on one set of synthetic samples."""

    attacks: tuple[Attack, ...]  # in the order in which they are reported
    controls: tuple[Control, ...]  # the positive and the negative one; none where no battery could be run
    not_measured: Mapping[str, str]  # attacks that could not be made, and why
    fingerprint: str  # of the synthetic files that were audited
    counts: Mapping[str, int]  # numbers of synthetic, training and control samples, and of people
    # attacks that have no meaning for such data, and why
    not_applicable: Mapping[str, str] = field(default_factory=dict)

    @property
    def conclusive(self) -> bool:
        """Whether both controls were run and came out as they have to."""
        return {control.kind for control in self.controls if control.passed} == {"positive", "negative"}

    @property
    def successful(self) -> tuple[Attack, ...]:
        """The attacks that succeeded, at a probability of ALPHA that any of them seems to where none does."""
        return successful(self.attacks)

    def save(self, path: Path) -> None:
        """Write audit.json."""
        with new_file(path) as file:
            json.dump(asdict(self), file, indent=1)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; an InputError says that it is missing or edited."""
        if not path.exists():
            raise InputError(f"{path}: not there yet; run `anonimage audit {path.parent}`")
        return read_json(cls, path, "audit")


def successful(attacks: Sequence[Attack], family: int = 0) -> tuple[Attack, ...]:
    """Which attacks on a set succeeded, by Holm's step-down procedure at ALPHA.

    A family is the number of attacks that are judged, if more: a control that lacks some is held to as many.
    """
    rejected, size = [], max(family, len(attacks))
    for k, attack in enumerate(sorted(attacks, key=lambda attack: attack.p_value)):
        if attack.p_value > ALPHA / (size - k):
            break
        rejected.append(attack)
    return tuple(rejected)
