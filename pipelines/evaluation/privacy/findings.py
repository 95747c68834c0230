"""Results of an audit, as plain records that go to audit.json and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from ....errors import InputError
from ....files import new_file
from ..scores import Score

ALPHA = 0.01  # family-wise: the probability that any attack of a battery succeeds where nothing leaks


@dataclass(frozen=True)
class Attack:
    """One attack on what was generated.

    Arguments:
        name: such as "membership: density ratio, patient".
        limit: which limit of a policy it is held to, such as "membership_auc".
        question: what the attacker wants to know, in plain words.
        score: strength of the attack; interval over people; baseline: the attack on people that training never saw, or
            guessing; n: how many people, or rows, it rests on.
        p_value: probability of such a strength if the people of training and the others were exchangeable.
        members, non_members: people of training, and people that it never saw.
        controls: strength against the "positive" and the "negative" control, means over their runs; absent where the
            attack has none.
        roc: (false positive rate, true positive rate) points by "synthetic", "positive", "negative"; may be empty.
        rates: where the score is a difference of rates, what it is made of: success on "training" samples and of a
            "naive guess", each with success on control samples as baseline.
    """

    name: str
    limit: str
    question: str
    score: Score
    p_value: float
    members: int
    non_members: int
    controls: Mapping[str, Score] = field(default_factory=dict)
    roc: Mapping[str, list[tuple[float, float]]] = field(default_factory=dict)
    rates: Mapping[str, Score] = field(default_factory=dict)


@dataclass
class Findings:
    """Attacks on one set of samples.

    Arguments:
        attacks: those that were made.
        not_measured: attacks that could not be made, and why.
    """

    attacks: list[Attack] = field(default_factory=list)
    not_measured: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Control:
    """A control run several times.

    Arguments:
        kind: "positive": replays training windows with small noise and shifts, some attack has to succeed; "negative":
            real windows of other people, none may.
        right: runs in which the battery came out right.
        runs: number of runs.
        needed: how often it has to.
        samples: in the smallest run; fewer than the synthetic set has where non-members have no more, since none is
            drawn twice. 0: an older audit, which does not say.
    """

    kind: Literal["positive", "negative"]
    right: int
    runs: int
    needed: int
    samples: int = 0

    @property
    def passed(self) -> bool:
        """Whether it came out right often enough."""
        return self.right >= self.needed


@dataclass(frozen=True)
class Audit:
    """All results of a battery on one set of synthetic samples.

    Arguments:
        attacks: in the order in which they are reported.
        controls: the positive and the negative one; none where no battery could be run.
        not_measured: attacks that could not be made, and why.
        fingerprint: of the synthetic files that were audited.
        counts: numbers of synthetic, training and control samples, and of people.
        not_applicable: attacks that have no meaning for such data, and why.
    """

    attacks: tuple[Attack, ...]
    controls: tuple[Control, ...]
    not_measured: Mapping[str, str]
    fingerprint: str
    counts: Mapping[str, int]
    not_applicable: Mapping[str, str] = field(default_factory=dict)

    @property
    def conclusive(self) -> bool:
        """Whether both controls were run and came out as they have to."""
        return {control.kind for control in self.controls if control.passed} == {"positive", "negative"}

    @property
    def successful(self) -> tuple[Attack, ...]:
        """The attacks that succeeded, at a probability of ALPHA that any of them seems to where none does."""
        return successful(self.attacks)

    def save(self, path: Path, **beside: Any) -> None:
        """Write audit.json; `beside` are further entries, such as the policy's verdict."""
        with new_file(path) as file:
            json.dump(asdict(self) | beside, file, indent=1)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            InputError: missing or edited.
        """
        if not path.exists():
            raise InputError(f"{path}: not there yet; run `anonimage audit {path.parent}`")
        try:
            state = json.loads(path.read_text("utf-8"))
            attacks = tuple(_attack(attack) for attack in state["attacks"])
            controls = tuple(Control(**control) for control in state["controls"])
            named = (state["not_measured"], state["fingerprint"], state["counts"], state.get("not_applicable", {}))
            return cls(attacks, controls, *named)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(f"{path}: missing or edited; run `anonimage audit {path.parent}`") from error


def successful(attacks: Sequence[Attack], family: int = 0) -> tuple[Attack, ...]:
    """Which attacks succeeded, by Holm's step-down procedure at ALPHA.

    Arguments:
        attacks: on one set of samples.
        family: number of attacks that are judged, if more than these: a control, which lacks some of them, is held to
            as many as the synthetic set.
    """
    rejected, size = [], max(family, len(attacks))
    for k, attack in enumerate(sorted(attacks, key=lambda attack: attack.p_value)):
        if attack.p_value > ALPHA / (size - k):
            break
        rejected.append(attack)
    return tuple(rejected)


def _attack(state: Mapping[str, Any]) -> Attack:
    families = {name: _scores(state[name]) for name in ("controls", "rates")}
    return Attack(**{**state, **families, "score": Score(**state["score"])})


def _scores(state: Mapping[str, Any]) -> dict[str, Score]:
    return {name: Score(**fields) for name, fields in state.items()}
