"""What a policy says about a run: a verdict for each area, and why."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ..evaluation.privacy.findings import Attack, Audit
from ..evaluation.scores import Score, score_table
from .policy import LIMITS, Limit, Policy

Verdict = Literal["pass", "fail", "undecided", "inconclusive", "not measured", "not judged"]
AUDIT = "run `anonimage audit OUT`"
EVALUATE = "run `anonimage evaluate OUT`"
NO_LIMIT = "the policy sets no limit"
# The worst first: what an area is if its parts are not all of one verdict
_ORDER: tuple[Verdict, ...] = ("fail", "undecided", "inconclusive", "not measured", "not judged", "pass")


@dataclass(frozen=True)
class LimitCheck:
    """A score or an attack that was held to a limit."""

    name: str  # of the score or the attack
    score: Score  # what was measured
    limit: float  # in the score's unit
    verdict: Verdict  # on it alone


@dataclass(frozen=True)
class Area:
    """One of the three questions, answered."""

    name: Literal["fidelity", "utility", "privacy"]  # what is asked about
    # "undecided": too few people to say; "inconclusive": the audit's own controls failed, or were run too seldom; "not
    # judged": measured, but the policy sets no limit
    verdict: Verdict
    reasons: tuple[str, ...]  # for each thing that keeps the verdict from "pass", or that the policy tolerates
    checks: tuple[LimitCheck, ...] = ()  # everything that was held to a limit


def judge(
    audit: Audit | None,
    scores: Mapping[str, Score],
    policy: Policy,
    not_measured: Mapping[str, str] | None = None,
    *,
    with_generator: bool = False,
) -> list[Area]:
    """Hold a run to a policy.

    Arguments:
        audit: None: not made.
        scores: of fidelity and utility, by name.
        policy: the limits.
        not_measured: scores that could not be had, and why.
        with_generator: the generator shall go out, too.

    Returns:
        Fidelity, utility and privacy, in this order.
    """
    why = not_measured or {}
    return [
        _scored("fidelity", scores, policy.fidelity, policy, why),
        _scored("utility", scores, policy.utility, policy, why),
        _privacy(audit, policy, with_generator or policy.privacy.model == "always"),
    ]


def passes(areas: Iterable[Area], policy: Policy) -> bool:
    """Whether everything may go out; utility may be unmeasured, or unjudged, where the policy does not require it."""
    optional = {"utility"} if not policy.require_utility else set()
    open_ = ("not measured", "not judged")
    return all(area.verdict == "pass" or (area.verdict in open_ and area.name in optional) for area in areas)


def people_needed(people: int, value: float, high: float, limit: float) -> int | None:
    """How many people would bring an interval's upper end down to a limit, if the value stays; None: no number would.

    The half-width of an interval shrinks with the square root of the number of people.
    """
    if not value < limit or not math.isfinite(high):
        return None
    return math.ceil(round(people * ((high - value) / (limit - value)) ** 2, 6))  # 90.0000001 are 90


def _scored(
    name: Literal["fidelity", "utility"],
    scores: Mapping[str, Score],
    limits: Mapping[str, Limit],
    policy: Policy,
    why: Mapping[str, str],
) -> Area:
    if not limits:
        return _unlimited(name, scores, why)
    checks: list[LimitCheck] = []
    judged: list[tuple[Verdict, str]] = []
    for key, limit in limits.items():
        missing = [one for one in (key, limit.of) if one is not None and one not in scores]
        if missing:
            tolerated = policy.tolerates(key)
            # an older run lacks newer scores; but data of another kind never have some of them
            unknown = "this run has no such score" if tolerated else f"not among the scores; {EVALUATE}"
            judged.append(_not_measured(missing[0], _why(missing[0], name, why) or unknown, tolerated))
            continue
        score, bound = scores[key], limit.value * (1 if limit.of is None else scores[limit.of].value)
        verdict = _held(score, bound, limit.at_most is not None)
        checks.append(LimitCheck(key, score, bound, verdict))
        fault = f"{key}: {_figures(score)}; has to be {limit.word} {bound:.3g} over the whole interval"
        judged.append((verdict, "" if verdict == "pass" else fault))
    if not checks:  # nothing was held to anything: that is no pass
        judged.append(("not measured", ""))
    return _area(name, judged, checks)


def _not_measured(name: str, why: str, tolerated: bool) -> tuple[Verdict, str]:
    reason = f"{name}: not measured ({why})" + (", which the policy tolerates" * tolerated)
    return "pass" if tolerated else "not measured", reason


def _unlimited(name: Literal["fidelity", "utility"], scores: Mapping[str, Score], why: Mapping[str, str]) -> Area:
    """An area that the policy sets no limit for; only utility may be one."""
    known = (score_table().find(score) for score in scores)
    if any(each is not None and each.part == name and not each.extra for each in known):
        return Area(name, "not judged", (f"measured, but {NO_LIMIT}",))
    reason = _why(name, name, why)
    return Area(name, "not measured", (NO_LIMIT if reason is None else f"not measured ({reason}); {NO_LIMIT}",))


def _why(name: str, area: str, why: Mapping[str, str]) -> str | None:
    """Why a score is missing: by itself, with its family, or with all of utility."""
    keys = (name, name.partition(":")[0], *(["utility"] if area == "utility" else []))
    return next((why[key] for key in keys if key in why), None)


def _privacy(audit: Audit | None, policy: Policy, networks: bool) -> Area:
    if audit is None:
        return Area("privacy", "not measured", (f"no audit was made; {AUDIT}",))
    checks: list[LimitCheck] = []
    judged: list[tuple[Verdict, str]] = [("undecided", reason) for reason in _few_people(audit, policy)]
    works = {id(attack) for attack in audit.successful}
    for attack in audit.attacks:
        if attack.limit not in LIMITS:
            judged.append(("not measured", f"{attack.name}: its limit '{attack.limit}' is unknown; {AUDIT}"))
        elif attack.limit.startswith("model_") and not networks:
            reason = f"{attack.name}: {_figures(attack.score)}; held to no limit, since no network goes out"
            judged.append(("pass", reason))
        else:
            limit = float(getattr(policy.privacy, attack.limit))
            verdict, reason = _withstood(attack, limit, id(attack) in works)
            checks.append(LimitCheck(attack.name, attack.score, limit, verdict))
            judged.append((verdict, reason))
    for name in policy.privacy.required:
        if all(attack.limit != name for attack in audit.attacks):
            judged.append(("not measured", f"{name}: no attack of this kind was made, and the policy requires one"))
    for name, why in audit.not_measured.items():
        judged.append(_not_measured(name, why, policy.tolerates(name)))
    judged.sort(key=lambda each: _ORDER.index(each[0]))  # what decides comes first
    area = _area("privacy", judged, checks)
    if doubts := _doubts(audit, policy):
        return replace(area, verdict="inconclusive", reasons=(*doubts, *area.reasons))
    return area


def _area(
    name: Literal["fidelity", "utility", "privacy"], judged: list[tuple[Verdict, str]], checks: list[LimitCheck]
) -> Area:
    """Of the worst verdict, with the reasons that there are."""
    verdicts = {verdict for verdict, _ in judged}
    worst: Verdict = next((verdict for verdict in _ORDER if verdict in verdicts), "pass")
    return Area(name, worst, tuple(reason for _, reason in judged if reason), tuple(checks))


def _few_people(audit: Audit, policy: Policy) -> Iterator[str]:
    for part in ("training", "control"):
        needed: int = getattr(policy.privacy, f"min_{part}_patients")
        counted = audit.counts.get(f"{part}_patients")
        if counted is None:
            yield f"the audit does not say how many {part} patients it had; {AUDIT}"
        elif counted < needed:
            yield f"{counted} {part} patients, the policy needs {needed} to decide"


def _withstood(attack: Attack, limit: float, works: bool) -> tuple[Verdict, str]:
    score = attack.score
    says = f"{attack.name}: {_figures(score)}, limit {limit:.3g}"
    if not all(map(math.isfinite, (score.value, score.low, score.high))):
        return "not measured", f"{says}: no number; {AUDIT}"
    success = f"the attack works (p = {attack.p_value:.2g})"
    if works and (score.value > limit or attack.name in _NEVER):
        return "fail", f"{says}: {success}"
    if score.value <= limit and score.high <= limit:
        return "pass", f"{says}: {success}, though no more than the policy allows" if works else ""
    people = attack.members + attack.non_members
    needed = people_needed(people, score.value, score.high, limit)
    if needed is None:
        return "undecided", f"{says}: above the limit, though {people} people are too few to be sure that it works"
    return "undecided", f"{says}: {people} people are too few to decide, about {needed} would be needed"


_NEVER = ("copies: exact", "copied rows")  # of these, any that is more than chance is too much
_RIGHT = {"positive": "copies of training samples were detected", "negative": "real samples of other people passed"}


def _doubts(audit: Audit, policy: Policy) -> list[str]:
    """Why the audit's own controls do not let it be believed."""
    needed, doubts = policy.privacy.min_control_runs, []
    for control in audit.controls:
        if not control.passed:
            says = f"{_RIGHT[control.kind]} in {control.right} of {control.runs} runs, needed {control.needed}"
            doubts.append(f"the audit's {control.kind} control failed: {says}")
        elif control.runs < needed:
            says = f"{control.runs} runs, the policy needs {needed}"
            doubts.append(f"the audit's {control.kind} control had {says}: run the audit with control_runs = {needed}")
    absent = sorted(set(_RIGHT) - {control.kind for control in audit.controls})
    return [*doubts, *(f"the audit's {kind} control was not run, so no conclusion can be drawn" for kind in absent)]


def _held(score: Score, bound: float, at_most: bool) -> Verdict:
    """Whether a whole interval lies on the right side of a bound; NaN lies on no side."""
    sign = 1 if at_most else -1
    ends = sorted(sign * end for end in (score.value, score.low, score.high))
    if not all(map(math.isfinite, ends)) or not math.isfinite(bound):
        return "not measured"
    if ends[-1] <= sign * bound:
        return "pass"
    return "fail" if ends[0] > sign * bound else "undecided"


def _figures(score: Score) -> str:
    unit = f" {score.unit}" * bool(score.unit)
    baseline = "" if score.baseline is None else f"; baseline {score.baseline:.3g}"
    return f"{score.value:.3g}{unit} (95 % {score.low:.3g} to {score.high:.3g}{baseline})"
