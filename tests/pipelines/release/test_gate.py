"""Verdicts worked by hand: what passes, what fails, and what too few people leave open."""

from dataclasses import replace
from pathlib import Path

import pytest
from anonimage.pipelines.evaluation.privacy.findings import Control
from anonimage.pipelines.evaluation.scores import Score
from anonimage.pipelines.release.gate import LimitCheck, judge, passes, people_needed
from anonimage.pipelines.release.policy import load_policy
from gated import GOOD, attack, audit_of, controls, harmless

NOWHERE = Path("nowhere")
DEFAULT = load_policy("default")


def judged(audit=None, scores=None, policy=DEFAULT, not_measured=None):
    areas = judge(
        audit_of(NOWHERE) if audit is None else audit, GOOD if scores is None else scores, policy, not_measured
    )
    assert [area.name for area in areas] == ["fidelity", "utility", "privacy"]
    return {area.name: area for area in areas}


def with_attack(*attacks, **changes):
    return judged(audit_of(NOWHERE, (*harmless(), *attacks), **changes))["privacy"]


def test_all_well():
    areas = judged()
    assert [area.verdict for area in areas.values()] == ["pass", "not measured", "pass"]
    assert passes(areas.values(), DEFAULT)
    checks = areas["privacy"].checks
    assert [(check.name, check.limit, check.verdict) for check in checks] == [
        ("an attack on copy_share", 0.05, "pass"),
        ("an attack on membership_auc", 0.6, "pass"),
    ]
    assert areas["privacy"].reasons == (
        "re-identification: not measured (no verification network was trained), which the policy tolerates",
    )


def test_an_attack_that_works_fails_the_release():
    area = with_attack(attack("membership_auc", 0.7, 0.62, 0.78, p_value=1e-4))
    assert area.verdict == "fail"
    assert "the attack works (p = 0.0001)" in area.reasons[0]
    assert "0.7 (95 % 0.62 to 0.78; baseline 0.5), limit 0.6" in area.reasons[0]


def test_networks_that_stay_in_are_told_of_but_held_to_no_limit():
    audit = audit_of(NOWHERE, (*harmless(), attack("model_auc", 0.98, 0.95, 1.0, p_value=1e-4)))
    mild = DEFAULT.model_copy(update={"privacy": DEFAULT.privacy.model_copy(update={"model": "with generator"})})
    area = judge(audit, GOOD, mild)[2]
    assert area.verdict == "pass"
    assert "0.98 (95 % 0.95 to 1; baseline 0.5); held to no limit, since no network goes out" in area.reasons[0]
    for policy, with_generator in ((mild, True), (DEFAULT, False), (load_policy("strict"), False)):
        assert judge(audit, GOOD, policy, with_generator=with_generator)[2].verdict == "fail"


def test_strong_but_by_chance_is_undecided_never_a_pass():
    area = with_attack(attack("membership_auc", 0.7, 0.45, 0.95, p_value=0.2))
    assert area.verdict == "undecided"
    assert "40 people are too few to be sure" in area.reasons[0]


def test_a_wide_interval_says_how_many_people_would_do():
    area = with_attack(attack("membership_auc", 0.5, 0.3, 0.7))
    assert area.verdict == "undecided"
    assert "40 people are too few to decide, about 160 would be needed" in area.reasons[0]  # half the width: 4 times


def test_exact_copies_that_are_no_chance_fail_at_any_share():
    few = replace(attack("copy_share", 0.004, 0.001, 0.01, p_value=1e-4), name="copies: exact")
    assert with_attack(few).verdict == "fail"
    assert with_attack(replace(few, p_value=0.5)).verdict == "pass"


def test_found_but_weaker_than_the_limit_passes():
    assert with_attack(attack("membership_auc", 0.54, 0.52, 0.58, p_value=1e-5)).verdict == "pass"


def test_people_needed_by_hand():
    assert people_needed(40, 0.5, 0.7, 0.6) == 160
    assert people_needed(100, 0.5, 0.625, 0.75) == 25  # half as wide as it may be: a quarter of the people
    assert people_needed(40, 0.6, 0.7, 0.6) is None
    assert people_needed(40, 0.65, 0.7, 0.6) is None


def test_failed_controls_make_all_of_it_inconclusive():
    shut = (Control("positive", 18, 20, 19), Control("negative", 20, 20, 19))
    area = with_attack(attack("membership_auc", 0.9, 0.8, 1.0, p_value=1e-5), controls=shut)
    assert area.verdict == "inconclusive"
    assert (
        "positive control failed: copies of training samples were detected in 18 of 20 runs, needed 19"
        in area.reasons[0]
    )
    area = with_attack(controls=())
    assert area.verdict == "inconclusive"
    assert [("negative" in reason, "positive" in reason) for reason in area.reasons[:2]] == [
        (True, False),
        (False, True),
    ]
    area = with_attack(controls=(Control("positive", 5, 5, 5), Control("negative", 5, 5, 5)))
    assert area.verdict == "inconclusive"
    assert "had 5 runs, the policy needs 20: run the audit with control_runs = 20" in area.reasons[0]
    assert not any("failed" in reason for reason in area.reasons)


def test_no_audit_and_an_empty_audit_are_no_pass():
    area = {area.name: area for area in judge(None, GOOD, DEFAULT)}["privacy"]
    assert (area.verdict, area.checks) == ("not measured", ())
    area = judged(audit_of(NOWHERE, ()))["privacy"]
    assert area.verdict == "not measured"
    assert any("copy_share: no attack of this kind" in reason for reason in area.reasons)


def test_what_was_not_measured_blocks_unless_the_policy_tolerates_it():
    audit = audit_of(NOWHERE, not_measured={"copies: near": "no sample is long enough"})
    assert judged(audit)["privacy"].verdict == "not measured"
    tolerant = DEFAULT.model_copy(update={"allow_not_measured": ("copies*",)})
    assert judged(audit, policy=tolerant)["privacy"].verdict == "pass"


def test_too_few_people_are_told_by_number():
    counts = audit_of(NOWHERE).counts
    area = judged(audit_of(NOWHERE, counts={**counts, "training_patients": 9, "control_patients": 3}))["privacy"]
    assert area.verdict == "undecided"
    assert area.reasons[:2] == (
        "9 training patients, the policy needs 10 to decide",
        "3 control patients, the policy needs 4 to decide",
    )
    assert judged(audit_of(NOWHERE, counts={}))["privacy"].verdict == "undecided"


def test_an_attack_without_a_number_or_a_known_limit_is_no_pass():
    nan = float("nan")
    assert with_attack(attack("membership_auc", nan, nan, nan)).verdict == "not measured"
    assert with_attack(replace(attack("membership_auc", 0.5, 0.5, 0.5), limit="other")).verdict == "not measured"


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (Score(0.9, 0.85, 0.95, 0.5, 9), "pass"),
        (Score(0.985, 0.98, 0.995, 0.5, 9), "undecided"),
        (Score(0.995, 0.992, 1.0, 0.5, 9), "fail"),
        (Score(float("nan"), 0.9, 0.9, 0.5, 9), "not measured"),
    ],
)
def test_a_score_has_to_keep_its_limit_with_its_whole_interval(score, verdict):
    area = judged(scores=GOOD | {"1nnc": score})["fidelity"]
    assert area.verdict == verdict
    assert area.checks[0] == LimitCheck("1nnc", score, 0.99, verdict)


def test_a_score_that_is_missing():
    others = {name: score for name, score in GOOD.items() if name != "1nnc"}
    area = judged(scores=others, not_measured={"1nnc": "one window"})["fidelity"]
    assert (area.verdict, area.reasons) == ("not measured", ("1nnc: not measured (one window)",))
    assert "not among the scores; run `anonimage evaluate OUT`" in judged(scores=others)["fidelity"].reasons[0]
    area = judged(scores={"1nnc": GOOD["1nnc"]}, not_measured={"r": "windows are short", "coverage": "few"})["fidelity"]
    assert area.verdict == "pass"  # the others are tolerated, with a reason each
    assert area.reasons == (
        "coverage: not measured (few), which the policy tolerates",
        "recall: not measured (this run has no such score), which the policy tolerates",
        "r: undetectable: not measured (windows are short), which the policy tolerates",  # of its family
    )
    assert judged(scores={})["fidelity"].verdict == "not measured"


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("r: undetectable", Score(0.98, 0.97, 0.99, 0.01, 200)),  # noise, as a real run of 0 steps gives it
        ("recall", Score(0.01, 0.0, 0.03, 0.9, 200)),  # the same window again and again, near the middle
    ],
)
def test_noise_and_one_sample_for_all_fail_though_they_are_near_real_ones(name, score):
    assert judged(scores=GOOD | {name: score})["fidelity"].verdict == "fail"
    assert judged(scores=GOOD | {name: score}, policy=load_policy("strict"))["fidelity"].verdict == "fail"


def test_utility_that_no_limit_is_about_is_measured_but_not_judged():
    scores = GOOD | {"tstr: macro PR-AUC": Score(0.1, 0.05, 0.2, 0.5, 9)}
    area = judged(scores=scores)["utility"]
    assert (area.verdict, area.reasons) == ("not judged", ("measured, but the policy sets no limit",))
    assert passes([area], DEFAULT)
    assert not passes([area], DEFAULT.model_copy(update={"require_utility": True}))
    area = judged(scores=GOOD | {"class_accuracy": Score(0.9, 0.8, 1, 0.5, 9)}, not_measured={"utility": "no classes"})[
        "utility"
    ]
    assert (area.verdict, area.reasons) == ("not measured", ("not measured (no classes); the policy sets no limit",))
    strict = judged(policy=load_policy("strict"), not_measured={"utility": "no classes"})["utility"]
    assert strict.reasons == ("tstr: macro PR-AUC: not measured (no classes)",)


def test_utility_as_a_share_of_what_real_data_gives():
    strict = load_policy("strict")
    areas = judged(policy=strict)
    assert areas["utility"].verdict == "not measured"
    assert not passes([areas["utility"]], strict)
    scores = GOOD | {"trtr: macro PR-AUC": Score(0.5, 0.4, 0.6, None, 9)}
    for low, verdict in ((0.41, "pass"), (0.39, "undecided")):  # 0.8 × 0.5 = 0.4
        scores["tstr: macro PR-AUC"] = Score(0.45, low, 0.5, None, 9)
        area = judged(scores=scores, policy=strict)["utility"]
        assert (area.verdict, area.checks[0].limit) == (verdict, pytest.approx(0.4))


def test_controls_alone_do_not_matter_to_other_areas():
    assert judged(audit_of(NOWHERE, controls=controls(right=0)))["fidelity"].verdict == "pass"
