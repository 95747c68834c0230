"""The first screen: a verdict for each area with what it rests on, and what to do next; and the table of attacks."""

from collections.abc import Sequence
from typing import Any

from ..evaluation.privacy.findings import Attack, Audit
from ..evaluation.score import Score
from ..release.gate import Area
from ..run import Run
from .explained import chance, number, span, title_of, words

AREAS = {"fidelity": "Is it faithful?", "utility": "Is it useful?", "privacy": "Is it private?"}
NOT_JUDGED = "not judged"
# A mark and words, so that nothing hangs on a colour
VERDICTS = {
    "pass": ("✓", "passes"),
    "fail": ("✗", "fails"),
    "undecided": ("?", "undecided"),
    "inconclusive": ("!", "inconclusive"),
    "not measured": ("–", "not measured"),
    NOT_JUDGED: ("–", "not judged yet"),
}
# What is shown of an area that no limit of the policy is about, as far as it was measured
KEYS = {
    "fidelity": ("1nnc", "coverage", "r_frechet", "inside_ranges", "ks_worst"),
    "utility": ("tstr: macro PR-AUC", "tstr − trtr: macro PR-AUC", "augmented − trtr: macro PR-AUC", "class_accuracy"),
    "privacy": (),
}
LINES, REASONS = 3, 3

# The first that applies: area, its verdict, what to do
STEPS = (
    (
        "privacy",
        "fail",
        "Do not release this: an attack finds out more about people of training than the policy allows. "
        "Train shorter, with more people or a smaller network; then generate, evaluate and audit again.",
    ),
    (
        "privacy",
        "inconclusive",
        "Do not release this: the audit's own controls failed, so that its silence means nothing. "
        "Generate more, or read more people, and audit again.",
    ),
    (
        "privacy",
        "undecided",
        "Do not release this yet: the people are too few to decide. The reasons below say how many would be needed.",
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
RELEASE = (
    "Everything that the policy asks for is kept: `anonimage release OUT TO` makes the bundle. "
    "What was not measured is listed below, and goes out with it."
)
JUDGE = "Nothing has been judged yet: run `anonimage audit OUT`, and then `anonimage release OUT TO`."


def cards(run: Run) -> list[dict[str, Any]]:
    """For each area: question, verdict, mark, words, lines of figures, and reasons."""
    judged = {area.name: area for area in run.areas}
    return [_card(run, name, judged.get(name)) for name in AREAS]  # type: ignore[call-overload]


def next_step(areas: Sequence[Area]) -> str:
    """One piece of advice."""
    if not areas:
        return JUDGE
    verdicts = {(area.name, area.verdict) for area in areas}
    return next((advice for name, verdict, advice in STEPS if (name, verdict) in verdicts), RELEASE)


def attack_rows(audit: Audit) -> list[dict[str, str]]:
    """The table of attacks, as texts."""
    worked = {attack.name for attack in audit.found}
    return [
        {
            "name": attack.name,
            "question": attack.question,
            "value": number(attack.score.value, attack.score.unit),
            "interval": span(attack.score),
            "baseline": number(attack.score.baseline, attack.score.unit),
            "rates": _rates(attack),
            "p": chance(attack.p_value),
            "people": f"{attack.members:,} / {attack.strangers:,}",
            "found": "✗ works" if attack.name in worked else "✓ finds nothing",
            **{kind: _control(attack, kind) for kind in ("positive", "negative")},
        }
        for attack in audit.attacks
    ]


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
    filling = words(run)
    held = sorted(area.rows, key=lambda row: row[3] == "pass") if area else []
    lines = [_line(title_of(key, filling), score, limit, VERDICTS[verdict][0]) for key, score, limit, verdict in held]
    others = {key: run.scores[key] for key in KEYS[name] if key in run.scores and key not in {row[0] for row in held}}
    if name == "privacy" and run.audit is not None and not held:
        others = {attack.name: attack.score for attack in sorted(run.audit.attacks, key=lambda attack: attack.p_value)}
    lines += [_line(title_of(key, filling), score) for key, score in others.items()]
    return lines[: max(LINES, sum(row[3] != "pass" for row in held[: 2 * LINES]))]


def _line(title: str, score: Score, limit: float | None = None, mark: str = "") -> dict[str, str]:
    return {
        "mark": mark,
        "title": title,
        "value": number(score.value, score.unit),
        "interval": span(score),
        "baseline": number(score.baseline, score.unit),
        "limit": "" if limit is None else number(limit, score.unit),
    }
