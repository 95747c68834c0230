"""Attacks on tables: singling out, linkability, attribute inference and copied rows, on training rows and on others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ....data.samples import Samples
from ....data.table.form import TableForm
from ..score import Score
from .findings import Attack
from .row_neighbours import Hits, look_up, own_copies, telling_columns
from .row_risk import Rate, by_person, chance_of_largest, risk
from .row_singling import guessed_predicates, several_column_predicates, single_column_predicates, single_out
from .row_space import RowSpace, persons_of

TARGETS = 1000  # real rows of each kind that are attacked
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
LIMITS = {"singling out": "singling_out", "linkability": "linkability", "attribute inference": "attribute_inference"}


@dataclass(frozen=True)
class People:
    """Whose rows they are: of training and of control.

    Arguments:
        codes: (N,) the person of each row, 0 … P−1; training rows come first.
        member: (P,) whether the person was in training.
    """

    codes: np.ndarray
    member: np.ndarray

    @staticmethod
    def of(training: Samples, control: Samples) -> People:
        """Nobody is in both; equal names of unnamed rows are different people."""
        (ours, first), (others, second) = (np.unique(persons_of(p), return_inverse=True) for p in (training, control))
        return People(np.concatenate([first, len(ours) + second]), np.arange(len(ours) + len(others)) < len(ours))

    @property
    def numbers(self) -> tuple[int, int]:
        """People of training, and of control."""
        return int(self.member.sum()), int((~self.member).sum())


@dataclass
class RowFindings:
    """What the attacks on a table's rows found.

    Arguments:
        attacks: each with its risk, (main − control) / (1 − control), as score; baseline: 0, nothing gained.
        not_measured: attacks that could not be made, and why.
    """

    attacks: list[Attack] = field(default_factory=list)
    not_measured: dict[str, str] = field(default_factory=dict)


def attack_rows(synthetic: Samples, training: Samples, control: Samples, form: TableForm, seed: int) -> RowFindings:
    """Attack training rows and control rows with the synthetic ones.

    Whatever works on control rows as well, such as a row that many people share, is no leak: only what works better on
    training rows counts.

    Arguments:
        synthetic: rows as they would be released, with labels if the table has any.
        training, control: all real rows; nobody is in both.
        form: of the table.
        seed: of all draws.

    Source: Giomi et al. 2022, "A unified framework for quantifying privacy risk in synthetic data", section 4; p-values
    by random labels instead of its intervals, so that they hold for few people and for several rows of one.
    """
    findings = RowFindings()
    people = People.of(training, control)
    space = RowSpace.fit(form, training, control)
    reason = _hindrance(people.numbers, len(synthetic), space)
    if reason:
        findings.not_measured = dict.fromkeys(QUESTIONS, reason)
        return findings
    ours, rows = space.cells(synthetic), np.concatenate([space.cells(part) for part in (training, control)])
    _single_out(findings, ours, rows, people, space, seed)
    rng = np.random.default_rng([seed, 1])
    each = (np.arange(len(training)), len(training) + np.arange(len(control)))
    targets = np.concatenate([rng.permutation(side)[:TARGETS] for side in each])
    hits = look_up(rows[targets], ours, space, seed)
    _near(
        findings, hits, telling_columns(rows[targets], space), People(people.codes[targets], people.member), space, seed
    )
    _copied(
        findings,
        ours,
        rows,
        people,
        by_person(hits.copied[:, None].astype(float), people.codes[targets], len(people.member)),
        seed,
    )
    return findings


def _hindrance(people: tuple[int, int], n_synthetic: int, space: RowSpace) -> str:
    if min(people) < MIN_PEOPLE:
        return f"{people[0]} people of training and {people[1]} of control; {MIN_PEOPLE} of each are needed"
    if not n_synthetic:
        return "there are no synthetic rows"
    if len(space.columns) < 2:
        return f"the table has {len(space.columns)} column that varies; 2 are needed"
    return ""


def _single_out(
    findings: RowFindings, ours: np.ndarray, rows: np.ndarray, people: People, space: RowSpace, seed: int
) -> None:
    for several, make in ((False, single_column_predicates), (True, several_column_predicates)):
        name = f"singling out: {'several columns' if several else 'one column'}"
        rng = np.random.default_rng([seed, 2, several])
        predicates = make(ours, space, rng)
        if not predicates:
            findings.not_measured[name] = "no synthetic row has a value, or a few of them, that no other has"
            continue
        counts = single_out(predicates, rows, people.codes, len(people.member))
        main, control = _singled(counts, people.member, len(predicates))
        guesses = guessed_predicates(ours, space, rng, several)
        naive, _ = _singled(single_out(guesses, rows, people.codes, len(people.member)), people.member, len(guesses))
        p_value = chance_of_largest(counts[:, None].astype(float), people.member, seed)
        rates = _rates(main, naive, control)
        _add(findings, name, risk(main, control), p_value, people.numbers, len(predicates), rates)


def _singled(counts: np.ndarray, member: np.ndarray, n: int) -> tuple[Rate, Rate]:
    """Share of n predicates that single out a person of training, and one of as many others."""
    rates = []
    for group in (counts[member], counts[~member]):
        n_independent = min(n, len(group))  # where nobody, or everybody, was singled out and so nothing varies
        rates.append(Rate.of(float(group.sum() / n), n_independent, float(group.var() * len(group) / n**2)))
    return rates[0], rates[1].times(member.sum() / (~member).sum())


def _near(findings: RowFindings, hits: Hits, telling: np.ndarray, people: People, space: RowSpace, seed: int) -> None:
    """What rests on one success rate a person."""

    def per_person(values: np.ndarray) -> np.ndarray:
        return by_person(values.reshape(len(people.codes), -1).astype(float), people.codes, len(people.member))

    def attack(name: str, values: np.ndarray, naive: np.ndarray) -> None:
        """(N, J): the riskiest of J figures of each row; NaN where there is nothing to attack."""
        figures, blind = per_person(values), per_person(naive)
        there = ~np.isnan(figures).any(axis=1)
        sides = (there & people.member, there & ~people.member)
        numbers = (int(sides[0].sum()), int(sides[1].sum()))
        if min(numbers) < MIN_PEOPLE:
            findings.not_measured[name] = (
                f"{numbers[0]} people of training and {numbers[1]} of control have what is attacked; "
                f"{MIN_PEOPLE} of each are needed"
            )
            return
        mains, controls, naives = (_means(part) for part in (figures[sides[0]], figures[sides[1]], blind[sides[0]]))
        risks = np.array([risk(main, control) for main, control in zip(mains, controls, strict=True)])  # (J, 3)
        worst = int(risks[:, 0].argmax())
        ends = (risks[worst, 0], risks[:, 1].max(), risks[:, 2].max())
        about = f", '{space.columns[np.flatnonzero(telling)[worst]].name}'?" if name.endswith("worst column") else ""
        p_value = chance_of_largest(figures[there], people.member[there], seed)
        rates = _rates(mains[worst], naives[worst], controls[worst])
        _add(findings, name, ends, p_value, numbers, sum(numbers), rates, about)

    attack("linkability", hits.linked, np.full(len(hits.linked), hits.naive_linked))
    attack("attribute inference: mean", hits.guessed.mean(axis=1), hits.naive_guessed.mean(axis=1))
    if telling.any():
        attack("attribute inference: worst column", hits.guessed[:, telling], hits.naive_guessed[:, telling])
    else:
        findings.not_measured["attribute inference: worst column"] = "every column is nearly the same in all rows"
    only = _mean_where(hits.unusual)
    attack("attribute inference: unusual values", only(hits.guessed), only(hits.naive_guessed))


def _copied(
    findings: RowFindings, ours: np.ndarray, rows: np.ndarray, people: People, figures: np.ndarray, seed: int
) -> None:
    """Share of synthetic rows: one of training rows would shrink with the release, however much of it is copied.

    Arguments:
        figures: (P, 1) share of a person's rows that came out, NaN where none was looked for.
    """
    n, n_strangers = len(ours), people.numbers[1]
    copied, place, of_strangers = own_copies(ours, rows, people.codes, people.member)
    times = np.bincount(place[copied])  # copies of one row come together
    main = Rate.of(float(copied.mean()), n, float(np.square(times).sum() / n**2))
    theirs = people.codes[~people.member[people.codes]] - people.numbers[0]
    (control,) = _means(by_person(of_strangers[:, None].astype(float), theirs, n_strangers))
    there = ~np.isnan(figures[:, 0])
    p_value = chance_of_largest(figures[there], people.member[there], seed)
    rates = _rates(main, Rate.of(0.0, n), control)
    _add(findings, "copied rows", risk(main, control), p_value, people.numbers, n, rates)


def _means(figures: np.ndarray) -> list[Rate]:
    """(P, J) shares, one row a person → J rates, whose intervals hold for all J at the same time."""
    people, several = figures.shape
    # shares between 0 and 1 vary at most as much as successes and failures do
    return [Rate.of(float(column.mean()), people, float(column.var() / people), several) for column in figures.T]


def _mean_where(chosen: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    counts = chosen.sum(axis=1)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.divide((values * chosen).sum(axis=1), counts, out=np.full(len(counts), np.nan), where=counts > 0)

    return mean


def _add(
    findings: RowFindings,
    name: str,
    ends: tuple[float, float, float],
    p_value: float,
    numbers: tuple[int, int],
    n: int,
    rates: dict[str, Score],
    about: str = "",
) -> None:
    limit = LIMITS.get(name.split(":")[0], "copy_share")
    score = Score(float(ends[0]), float(ends[1]), float(ends[2]), 0.0, n)
    findings.attacks.append(Attack(name, limit, QUESTIONS[name] + about, score, p_value, *numbers, {}, {}, rates))


def _rates(main: Rate, naive: Rate, control: Rate) -> dict[str, Score]:
    """What a risk is made of: success on training rows and of a naive guess, beside success on control rows."""
    return {
        name: Score(rate.value, rate.low, rate.high, control.value, round(rate.n))
        for name, rate in (("training", main), ("naive guess", naive))
    }
