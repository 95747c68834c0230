"""Audits and scores written by hand, so that a gate can be made to open or to stay shut."""

from pathlib import Path

from anonimage.pipelines.evaluation.privacy.findings import Attack, Audit, Control
from anonimage.pipelines.evaluation.scores import Score, Scores, save_scores
from anonimage.pipelines.run_folder import RunFolder, fingerprint

GOOD = {"1nnc": Score(0.8, 0.75, 0.85, 0.5, 200), "coverage": Score(0.5, 0.4, 0.6, 0.9, 100)}
GOOD |= {"recall": Score(0.5, 0.4, 0.6, 0.9, 100), "r: undetectable": Score(0.02, 0, 0.05, 0.01, 200)}


def attack(limit: str, value: float, low: float, high: float, p_value: float = 0.5, people: int = 40) -> Attack:
    score = Score(value, low, high, 0.5 if "auc" in limit else 0.01, people)
    return Attack(f"an attack on {limit}", limit, "was it there?", score, p_value, people // 2, people // 2, {}, {})


def harmless() -> tuple[Attack, ...]:
    return attack("copy_share", 0.01, 0.0, 0.03), attack("membership_auc", 0.5, 0.45, 0.55)


def controls(right: int = 20, runs: int = 20) -> tuple[Control, ...]:
    return Control("positive", right, runs, 19), Control("negative", right, runs, 19)


def audit_of(out: Path, attacks: tuple[Attack, ...] | None = None, **changes) -> Audit:
    """An audit of what lies in a run; all is well unless changed."""
    counts = {"synthetic": 20, "training": 80, "control": 20, "training_patients": 30, "control_patients": 10}
    found = {
        "attacks": harmless() if attacks is None else attacks,
        "controls": controls(),
        "not_measured": {"re-identification": "no verification network was trained"},
        "fingerprint": fingerprint(out / "synthetic") if out.exists() else "",
        "counts": counts,
    }
    return Audit(**(found | changes))


def judged(out: Path, attacks: tuple[Attack, ...] | None = None, scores: dict[str, Score] | None = None) -> Path:
    """Write scores.json and audit.json into a run."""
    folder = RunFolder(out)
    audit_of(out, attacks).save(folder.audit)
    save_scores(Scores(GOOD if scores is None else scores, fingerprint(folder.synthetic), {}), folder.scores)
    return out
