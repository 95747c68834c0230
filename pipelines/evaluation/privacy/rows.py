"""Attacks on tables: singling out, linkability, attribute inference and copied rows, on training rows and on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import sqrt

import numpy as np
from scipy.stats import norm

from ....data.samples import Samples
from ....data.table.form import TableForm
from ..scores import Score
from . import row_attacks
from .findings import Attack, Findings
from .permutation import largest_p_value
from .pool import owners
from .row_space import RowSpace

TARGETS = 1000  # real rows of each kind that are attacked
CONFIDENCE = 0.95
MIN_PEOPLE = 10  # of each kind
QUESTIONS = {
    "singling out: one column": "Does one unusual value point at exactly one person of the training?",
    "singling out: several columns": "Do a few properties together point at exactly one person of the training?",
    "linkability": "Do synthetic rows tell which two halves of the columns belong to the same person?",
    "attribute inference: mean": "Can who knows a person's other columns read the missing one off a synthetic row?",
    "attribute inference: worst column": "Can who knows the other columns read off the one that gives most away",
    "attribute inference: unusual values": "Can who knows the other columns read off a value that few people have?",
    "copied rows": "How many synthetic rows are the whole row of a person of training, and of nobody else?",
}
WORST = "attribute inference: worst column"
LIMITS = {"singling out": "singling_out", "linkability": "linkability", "attribute inference": "attribute_inference"}


@dataclass(frozen=True)
class People:
    """Whose rows they are: of training and of control."""

    codes: np.ndarray  # (N,) the person of each row, 0 … P−1; training rows come first
    member: np.ndarray  # (P,) whether the person was in training

    @staticmethod
    def of(training: Samples, control: Samples) -> People:
        """Nobody is in both; equal names of unnamed rows are different people."""
        (members, first), (others, second) = (
            np.unique(owners(part, ""), return_inverse=True) for part in (training, control)
        )
        codes = np.concatenate([first, len(members) + second])
        return People(codes, np.arange(len(members) + len(others)) < len(members))

    def means(self, values: np.ndarray) -> np.ndarray:
        """(P, J) mean over each person's rows of values (N,) or (N, J)."""
        return by_person(values.reshape(len(self.codes), -1).astype(float), self.codes, len(self.member))

    @property
    def numbers(self) -> tuple[int, int]:
        """People of training, and of control."""
        return int(self.member.sum()), int((~self.member).sum())


def attack_rows(form: TableForm, synthetic: Samples, training: Samples, control: Samples, seed: int) -> Findings:
    """Attack training rows and control rows with the synthetic ones, as they would be released, labels among them.

    Whatever works on control rows as well, such as a row that many people share, is no leak: only what works better on
    training rows counts.

    Source: Giomi et al. 2022, "A unified framework for quantifying privacy risk in synthetic data", section 4; p-values
    by random labels instead of its intervals, so that they hold for few people and for several rows of one.
    """
    people, space = People.of(training, control), RowSpace.fit(form, training, control)
    rows = np.concatenate([space.cells(part) for part in (training, control)])
    audit = _RowAudit(space.cells(synthetic), rows, people, space, seed)
    if reason := audit.hindrance():
        return Findings(not_measured=dict.fromkeys(QUESTIONS, reason))
    audit.single_out()
    rng = np.random.default_rng([seed, 1])
    each = (np.arange(len(training)), len(training) + np.arange(len(control)))
    targets = np.concatenate([rng.permutation(side)[:TARGETS] for side in each])
    hits = row_attacks.look_up(rows[targets], audit.synthetic, space, seed)
    attacked = People(people.codes[targets], people.member)
    audit.infer(hits, row_attacks.telling_columns(rows[targets], space), attacked)
    audit.count_copies(attacked.means(hits.copied))
    return audit.findings


@dataclass(frozen=True)
class _RowAudit:
    """Attacks on one set of synthetic rows."""

    synthetic: np.ndarray  # (M, K) cells of the synthetic rows
    rows: np.ndarray  # (N, K) cells of all real rows
    people: People  # whose those are
    space: RowSpace  # of the table
    seed: int  # of all draws
    findings: Findings = field(default_factory=Findings)

    def hindrance(self) -> str:
        numbers = self.people.numbers
        if min(numbers) < MIN_PEOPLE:
            return f"{numbers[0]} people of training and {numbers[1]} of control; {MIN_PEOPLE} of each are needed"
        if not len(self.synthetic):
            return "there are no synthetic rows"
        if len(self.space.columns) < 2:
            return f"the table has {len(self.space.columns)} column that varies; 2 are needed"
        return ""

    def single_out(self) -> None:
        for several, make in (
            (False, row_attacks.single_column_predicates),
            (True, row_attacks.several_column_predicates),
        ):
            name = f"singling out: {'several columns' if several else 'one column'}"
            rng = np.random.default_rng([self.seed, 2, several])
            predicates = make(self.synthetic, self.space, rng)
            if not predicates:
                self.findings.not_measured[name] = "no synthetic row has a value, or a few of them, that no other has"
                continue
            guesses = row_attacks.guessed_predicates(self.synthetic, self.space, rng, several)
            people = self.people
            counts, guessed = (
                row_attacks.single_out(each, self.rows, people.codes, len(people.member))
                for each in (predicates, guesses)
            )
            main, control = _singled(counts, people.member, len(predicates))
            naive, _ = _singled(guessed, people.member, len(guesses))
            self._add(name, counts[:, None].astype(float), (main, naive, control), len(predicates))

    def infer(self, hits: row_attacks.Hits, telling: np.ndarray, people: People) -> None:
        """What rests on one success rate a person; `telling` are columns that are worth guessing."""
        mean = "attribute inference: mean"
        self._riskiest("linkability", people, hits.linked, np.full(len(hits.linked), hits.naive_linked))
        self._riskiest(mean, people, hits.guessed.mean(axis=1), hits.naive_guessed.mean(axis=1))
        if telling.any():
            names = [self.space.columns[k].name for k in np.flatnonzero(telling)]
            self._riskiest(WORST, people, hits.guessed[:, telling], hits.naive_guessed[:, telling], names)
        else:
            self.findings.not_measured[WORST] = "every column is nearly the same in all rows"
        counts = hits.unusual.sum(axis=1)
        guessed, naive = (
            np.divide((each * hits.unusual).sum(axis=1), counts, out=np.full(len(counts), np.nan), where=counts > 0)
            for each in (hits.guessed, hits.naive_guessed)
        )
        self._riskiest("attribute inference: unusual values", people, guessed, naive)

    def _riskiest(
        self, name: str, people: People, values: np.ndarray, naive: np.ndarray, columns: Sequence[str] = ()
    ) -> None:
        """(N, J): the riskiest of J figures of each row, whose columns may have names; NaN: nothing to attack."""
        figures, blind = people.means(values), people.means(naive)
        known = ~np.isnan(figures).any(axis=1)
        members, others = known & people.member, known & ~people.member
        numbers = (int(members.sum()), int(others.sum()))
        if min(numbers) < MIN_PEOPLE:
            self.findings.not_measured[name] = (
                f"{numbers[0]} people of training and {numbers[1]} of control have what is attacked; "
                f"{MIN_PEOPLE} of each are needed"
            )
            return
        mains, controls, naives = (_rates(part) for part in (figures[members], figures[others], blind[members]))
        risks = np.array([risk(main, control) for main, control in zip(mains, controls, strict=True)])  # (J, 3)
        worst = int(risks[:, 0].argmax())
        most = (risks[worst, 0], risks[:, 1].max(), risks[:, 2].max())
        about = f", '{columns[worst]}'?" if columns else ""
        self._add(name, figures, (mains[worst], naives[worst], controls[worst]), sum(numbers), most, about)

    def count_copies(self, figures: np.ndarray) -> None:
        """Share of synthetic rows: one of training rows would shrink with the release, however much of it is copied.

        Takes the share (P, 1) of a person's rows that came out, NaN where none was looked for.
        """
        n, people = len(self.synthetic), self.people
        copied, numbers, of_others = row_attacks.own_copies(self.synthetic, self.rows, people.codes, people.member)
        times = np.bincount(numbers[copied])  # copies of one row come together
        main = rate(float(copied.mean()), n, float(np.square(times).sum() / n**2))
        codes = people.codes[~people.member[people.codes]] - people.numbers[0]
        (control,) = _rates(by_person(of_others[:, None].astype(float), codes, people.numbers[1]))
        self._add("copied rows", figures, (main, rate(0.0, n), control), n, numbers=people.numbers)

    def _add(
        self,
        name: str,
        figures: np.ndarray,
        rates: tuple[Score, Score, Score],
        n: int,
        risks: tuple[float, float, float] | None = None,
        about: str = "",
        numbers: tuple[int, int] | None = None,
    ) -> None:
        """Add an attack with rates (main, naive, control); figures (P, J) a person, NaN where nothing was attacked."""
        known, member = ~np.isnan(figures).any(axis=1), self.people.member
        p_value = largest_p_value(figures[known], member[known], self.seed)
        main, naive, control = rates
        parts = {
            "training": replace(main, baseline=control.value),
            "naive guess": replace(naive, baseline=control.value),
        }
        limit = LIMITS.get(name.split(":")[0], "copy_share")
        numbers = numbers or (int((known & member).sum()), int((known & ~member).sum()))
        value, low, high = map(float, risks or risk(main, control))
        score = Score(value, low, high, 0.0, n)
        attack = Attack(name, limit, QUESTIONS[name] + about, score, p_value, *numbers, rates=parts)
        self.findings.attacks.append(attack)


def _singled(counts: np.ndarray, member: np.ndarray, n: int) -> tuple[Score, Score]:
    """Share of n predicates that single out a person of training, and one of as many others."""
    main, control = (
        # at most this many independent ones, which counts where nobody, or everybody, was singled out: nothing varies
        rate(float(group.sum() / n), min(n, len(group)), float(group.var() * len(group) / n**2))
        for group in (counts[member], counts[~member])
    )
    factor = member.sum() / (~member).sum()
    value, low, high = (float(min(1.0, factor * part)) for part in (control.value, control.low, control.high))
    return main, replace(control, value=value, low=low, high=high)


def _rates(figures: np.ndarray) -> list[Score]:
    """(P, J) shares, one row a person → J rates, whose intervals hold for all J at the same time."""
    people, several = figures.shape
    # shares between 0 and 1 vary at most as much as successes and failures do
    return [rate(float(column.mean()), people, float(column.var() / people), several) for column in figures.T]


def rate(value: float, n: float, variance: float = 0.0, comparisons: int = 1) -> Score:
    """A success rate with Wilson's interval, and so many independent successes and failures as it is worth.

    Arguments:
        value: share of successes.
        n: people, or attacks.
        variance: of the rate, as far as it is known; 0: that of n independent successes and failures.
        comparisons: how many intervals hold at the same time.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if 0 < value < 1 and variance > 0:
        n = value * (1 - value) / variance
    z = norm.ppf(1 - (1 - CONFIDENCE) / 2 / comparisons)
    middle = (value + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * sqrt(value * (1 - value) / n + z**2 / (4 * n**2))
    low, high = float(max(0.0, min(value, middle - half))), float(min(1.0, max(value, middle + half)))
    return Score(value, low, high, None, round(n))


def risk(main: Score, control: Score) -> tuple[float, float, float]:
    """What the attack gains on people of training: (main − control) / (1 − control), and its interval, none below −1.

    The interval is that of a ratio of failures. Where the attack always succeeds on others nothing can be gained: 0,
    and the interval says nothing (−1 to 1).

    Source: Giomi et al. 2022, "A unified framework for quantifying privacy risk in synthetic data", eq. 2; Donner and
    Zou 2012, "Closed-form confidence intervals for functions of the normal mean and standard deviation" (ratios).
    """
    if control.value >= 1:
        return 0.0, -1.0, 1.0
    a, low_a, high_a = 1 - main.value, 1 - main.high, 1 - main.low
    b, low_b, high_b = 1 - control.value, 1 - control.high, 1 - control.low
    # the lower end is the book's, times its conjugate: 2b − high_b may be 0
    # equal numbers can differ by a last digit, and a root's argument be a little below 0
    root = sqrt(max(0.0, (a * b) ** 2 - low_a * high_b * (2 * a - low_a) * (2 * b - high_b)))
    smallest = low_a * (2 * a - low_a) / (a * b + root) if a > 0 else 0.0
    root = sqrt(max(0.0, (a * b) ** 2 - high_a * low_b * (2 * a - high_a) * (2 * b - low_b)))
    largest = (a * b + root) / (low_b * (2 * b - low_b)) if low_b > 0 else np.inf
    value = 1 - a / b
    ends = (value, min(value, 1 - largest), max(value, 1 - smallest))
    return tuple(float(max(-1.0, end)) for end in ends)  # type: ignore[return-value]


def by_person(values: np.ndarray, codes: np.ndarray, people: int) -> np.ndarray:
    """Mean over each person's rows, so that everybody counts alike: (N, J) → (P, J); NaN without any."""
    sums = np.stack([np.bincount(codes, weights=np.nan_to_num(column), minlength=people) for column in values.T], 1)
    known = np.stack([np.bincount(codes, weights=~np.isnan(column), minlength=people) for column in values.T], 1)
    return np.divide(sums, known, out=np.full(sums.shape, np.nan), where=known > 0)
