"""The first screen: a verdict for each area with what it rests on, and what to do next; and the table of attacks."""

from collections.abc import Collection, Sequence
from typing import Any

from ..evaluation.privacy.findings import Attack, Audit
from ..evaluation.scores import Score, score_table
from ..release.gate import NO_LIMIT, Area
from .content import Run
from .explained import chance, number, span, words

AREAS = {"fidelity": "Is it faithful?", "utility": "Is it useful?", "privacy": "Is it private?"}
NOT_JUDGED = "not judged yet"  # by any policy
# A mark and words, so that nothing hangs on a colour
VERDICTS = {
    "pass": ("✓", "passes"),
    "fail": ("✗", "fails"),
    "undecided": ("?", "undecided"),
    "inconclusive": ("!", "inconclusive"),
    "not measured": ("–", "not measured"),
    "not judged": ("○", "measured, not judged"),
    NOT_JUDGED: ("–", "not judged yet"),
}
LINES, REASONS = {"fidelity": 6, "utility": 3, "privacy": 3}, 3

# The first that applies: area, its verdict, what to do
STEPS = (
    (
        "privacy",
        "fail",
        "Do not release this: an attack finds out more about people of training than the policy allows. "
        "Run again in another folder (or with --overwrite): fewer --steps, more people or a smaller network "
        "(--set widths=…).",
    ),
    (
        "privacy",
        "undecided",
        "Do not release this yet: the people are too few to decide. The reasons below say how many would be needed.",
    ),
    (
        "privacy",
        "inconclusive",
        "Do not release this yet: the audit's own controls came out right, but in fewer runs than the policy asks for. "
        "Run the audit with control_runs = N, the number that the reasons below say.",
    ),
    ("privacy", "not measured", "Do not release this yet: run `anonimage audit OUT` first."),
    (
        "fidelity",
        "fail",
        "Not fit for release: it does not resemble real data enough. Train longer, or try another recipe.",
    ),
    ("utility", "fail", "Not fit for release: too little can be learnt from it. Train longer, or on more people."),
    (
        "fidelity",
        "undecided",
        "Not decided: generate and evaluate more, or read more people, so that intervals shrink.",
    ),
    ("utility", "undecided", "Not decided: generate and evaluate more, or read more people, so that intervals shrink."),
    ("fidelity", "not measured", "A limit of the policy could not be tested; the reasons below say what is missing."),
)
UNUSABLE = (
    "A limit of the policy to utility could not be tested, and so the release may be refused; see the reasons below."
)
FAILED = (
    "Do not release this: the audit's own controls failed, so that its silence means nothing. "
    "Generate more, or read more people, and audit again."
)
NO_CONTROL = (
    "Do not release this: not both of the audit's own controls were run, so that its silence means nothing. "
    "Read more people, and audit again."
)
RELEASE = (
    "Everything that the policy asks for is kept: `anonimage release OUT TO` makes the bundle. "
    "What was not measured is listed below, and goes out with it."
)
JUDGE = "Nothing has been judged yet: run `anonimage audit OUT`, and then `anonimage release OUT TO`."


def cards(run: Run) -> list[dict[str, Any]]:
    """For each area: question, verdict, mark, words, lines of figures, and reasons."""
    judged = {area.name: area for area in run.areas}
    return [_card(run, name, judged.get(name)) for name in AREAS]  # type: ignore[call-overload]


def next_step(areas: Sequence[Area], audit: Audit | None = None) -> str:
    """One piece of advice."""
    if not areas:
        return JUDGE
    verdicts = {(area.name, area.verdict) for area in areas}
    if ("privacy", "inconclusive") in verdicts and audit is not None and not audit.conclusive:
        return FAILED if any(not control.passed for control in audit.controls) else NO_CONTROL
    untested = [area for area in areas if (area.name, area.verdict) == ("utility", "not measured")]
    limited = any(NO_LIMIT not in reason for area in untested for reason in area.reasons)
    otherwise = UNUSABLE if limited else RELEASE
    return next((advice for name, verdict, advice in STEPS if (name, verdict) in verdicts), otherwise)


def attack_rows(audit: Audit, areas: Sequence[Area] = ()) -> list[dict[str, str]]:
    """The table of attacks, as texts; areas: what a policy said of them."""
    worked = {attack.name for attack in audit.successful}
    held = (
        {check.name for area in areas for check in area.checks} if areas else {attack.name for attack in audit.attacks}
    )
    return [
        {
            "name": attack.name,
            "question": attack.question,
            "value": number(attack.score.value, attack.score.unit),
            "interval": span(attack.score),
            "baseline": number(attack.score.baseline, attack.score.unit),
            "rates": _rates(attack),
            "needs": _needs(attack, held),
            "p": chance(attack.p_value),
            "people": f"{attack.members:,} / {attack.non_members:,}",
            "found": "✗ works" if attack.name in worked else "not significant",
            **{kind: _control(attack, kind) for kind in ("positive", "negative")},
        }
        for attack in audit.attacks
    ]


def _needs(attack: Attack, held: Collection[str]) -> str:
    """Of an attack by the networks themselves: who can make it, and whether the policy holds it to a limit."""
    if not attack.limit.startswith("model_"):
        return ""
    judged = "" if attack.name in held else " Held to no limit, since no network goes out."
    return f"Only who has the trained networks can do this.{judged}"


def _rates(attack: Attack) -> str:
    """What a difference of rates is made of; empty for other strengths."""
    if not attack.rates:
        return ""
    told = [f"{who} {number(score.value)} ({span(score)})" for who, score in attack.rates.items()]
    return "; ".join([*told, f"control rows {number(attack.rates['training'].baseline)}"])


def _control(attack: Attack, kind: str) -> str:
    score = attack.controls.get(kind)
    return "none" if score is None else f"{number(score.value, score.unit)} ({span(score)})"


def _card(run: Run, name: str, area: Area | None) -> dict[str, Any]:
    verdict = NOT_JUDGED if area is None else area.verdict
    mark, said = VERDICTS[verdict]
    unknown = ["no audit was made"] if name == "privacy" and run.audit is None else []
    reasons = list(area.reasons) if area else unknown
    return {
        "name": name,
        "question": AREAS[name],
        "verdict": verdict.replace(" ", "-"),
        "mark": mark,
        "words": said,
        "lines": _lines(run, name, area),
        "reasons": reasons[:REASONS],
        "more": reasons[REASONS:],
    }


def _lines(run: Run, name: str, area: Area | None) -> list[dict[str, str]]:
    """The figures that an area's verdict rests on, those that do not pass first."""
    filling, table = words(run), score_table()
    held = sorted(area.checks, key=lambda check: check.verdict == "pass") if area else []
    lines = [_line(table.title(each.name, filling), each.score, each.limit, VERDICTS[each.verdict][0]) for each in held]
    shown = {check.name for check in held}
    others = {key: run.scores[key] for key in table.first_screen(name) if key in run.scores and key not in shown}
    if name == "privacy" and run.audit is not None and not held:
        others = {attack.name: attack.score for attack in sorted(run.audit.attacks, key=lambda attack: attack.p_value)}
    lines += [_line(table.title(key, filling), score) for key, score in others.items()]
    most = LINES[name]
    return lines[: max(most, sum(check.verdict != "pass" for check in held[: 2 * most]))]


def _line(title: str, score: Score, limit: float | None = None, mark: str = "") -> dict[str, str]:
    return {
        "mark": mark,
        "title": title,
        "value": number(score.value, score.unit),
        "interval": span(score),
        "baseline": number(score.baseline, score.unit),
        "limit": "" if limit is None else number(limit, score.unit),
    }
