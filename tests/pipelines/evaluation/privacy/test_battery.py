"""The whole battery: replays are caught, others pass, and what cannot be judged is said to be so."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from anonimage.data.samples import Samples
from anonimage.data.wfdb.header import find_records, read_heads
from anonimage.data.wfdb.signals import read_records
from anonimage.data.windows import cut
from anonimage.errors import InputError
from anonimage.pipelines.evaluation.privacy.attacks import REIDENTIFICATION, Matcher
from anonimage.pipelines.evaluation.privacy.battery import AuditInput
from anonimage.pipelines.evaluation.privacy.battery import audit as audit_input
from anonimage.pipelines.evaluation.privacy.findings import Audit, Findings, successful
from anonimage.pipelines.evaluation.privacy.row_space import replay_rows
from anonimage.pipelines.evaluation.privacy.space import SignalView, View
from anonimage.pipelines.evaluation.scores import Score
from crowd import people, rows, view_of


def audit(synthetic: Samples, training: Samples, control: Samples, seed: int, **given: object) -> Audit:
    return audit_input(AuditInput(synthetic, training, control, seed, **given))


def replay(training: Samples, n: int, seed: int) -> Samples:
    return SignalView().replay(training, n, seed)


NAMES = [
    "copies: exact",
    "copies: near",
    "copies: nearest record",
    "copies: nearest-neighbour ratio",
    "membership: nearest distance, window",
    "membership: nearest distance, patient",
    "membership: density ratio, window",
    "membership: density ratio, TPR at 1 % FPR, window",
    "membership: density ratio, patient",
]


@pytest.fixture(scope="module")
def parts() -> tuple[Samples, Samples]:
    return people(range(40), 6, 0), people(range(40, 60), 6, 1)


@pytest.fixture(scope="module")
def caught(parts) -> Audit:
    training, control = parts
    return audit(replay(training, 150, 9), training, control, 3, runs=3, fingerprint="f")


def test_a_replay_is_caught(caught):
    assert {attack.name for attack in caught.successful} >= {"copies: near", "membership: density ratio, patient"}
    assert [attack.name for attack in caught.attacks] == NAMES
    assert caught.conclusive
    near = next(attack for attack in caught.attacks if attack.name == "copies: near")
    assert near.controls["positive"].value > 0.3 > 0.1 > near.controls["negative"].value
    assert near.controls["positive"].n == 3
    area = next(attack for attack in caught.attacks if attack.name == "membership: density ratio, window")
    assert set(area.roc) == {"synthetic", "positive", "negative"}
    assert all(0 <= attack.score.low <= attack.score.value <= attack.score.high <= 1 for attack in caught.attacks)


def test_others_pass(parts):
    training, control = parts
    result = audit(people(range(90, 120), 6, 5), training, control, 3, runs=0)
    assert result.successful == ()
    assert not result.conclusive  # no control was run


def test_the_record_survives_its_file(caught, tmp_path):
    caught.save(tmp_path / "audit.json")
    again = Audit.load(tmp_path / "audit.json")
    assert again.controls == caught.controls
    assert [control.samples for control in again.controls] == [150, 60]  # ten people of six windows are left to release
    assert [(a.name, a.score, a.p_value) for a in again.attacks] == [
        (a.name, a.score, a.p_value) for a in caught.attacks
    ]
    assert (again.counts, again.not_measured) == (caught.counts, caught.not_measured)
    replace(caught, not_applicable={"re-identification": "no signals"}).save(tmp_path / "audit.json")
    assert Audit.load(tmp_path / "audit.json").not_applicable == {"re-identification": "no signals"}


def test_a_control_is_held_to_as_many_attacks_as_the_set(caught):
    one = replace(caught.attacks[0], p_value=0.004)  # Holm at 0.01: the smallest of two may be 0.005, of three 0.0033
    assert successful((one,)) == (one,)
    assert successful((one,), 2) == (one,)
    assert successful((one,), 3) == ()
    three = (one, replace(one, p_value=0.5), replace(one, p_value=0.6))
    assert replace(caught, attacks=three).successful == ()


def test_copies_of_windows_that_are_not_in_the_pool_are_counted():
    """A person has a hundred windows, the pool six of them; a fifth of the set are windows of theirs."""
    training, control = people(range(12), 100, 0), people(range(12, 20), 6, 1)
    known = training.values[np.random.default_rng(2).permutation(1200)[:40]]
    values = np.concatenate([known, people(range(90, 110), 8, 5).values])
    mixed = Samples(values, pd.DataFrame(index=range(200)), ("a",), ("mV",), 100.0)
    attacks = {attack.name: attack for attack in audit(mixed, training, control, 0, runs=0).attacks}
    for name in ("copies: exact", "copies: near"):
        assert attacks[name].score.value == pytest.approx(0.2, abs=0.03)  # a few fresh ones are near by chance
        assert attacks[name].score.low < 0.2 < attacks[name].score.high


def test_fresh_rows_are_no_near_copies_of_a_training_far_larger_than_the_pool(monkeypatch):
    """Among so many rows there is one near to anybody: the usual gap is that from all of them."""
    monkeypatch.setattr("anonimage.pipelines.evaluation.privacy.pool.MOST_ROWS", 200)
    training, control, fresh = rows(range(6000), 0, 4), rows(range(6000, 6400), 1, 4), rows(range(7000, 7600), 2, 4)
    view = view_of(training, control)
    again = replay_rows(training.select(np.arange(600)), view.space.form, 600, 0, noise=0.004)
    for released, low, high in ((fresh, 0, 0.03), (again, 0.5, 1)):
        result = audit(released, training, control, 0, view=view, runs=0)
        near = next(attack for attack in result.attacks if attack.name == "copies: near")
        assert low <= near.score.value <= high


def test_a_set_without_heartbeats_cannot_be_taken_for_anybody(parts):
    training, control = parts

    def embed(values: np.ndarray) -> np.ndarray:
        there = np.ptp(values[:, 0], axis=1) > 0  # (N,)
        return np.outer(there, [0.6, 0.8])

    matcher = Matcher(embed, 0.9, Score(0.05, 0.02, 0.1, 0.5, 40))
    values = people(range(90, 110), 6, 5).values
    for blank, said in ((80, True), (30, False)):
        values[:blank] = 0
        made = Samples(values, pd.DataFrame(index=range(120)), ("a",), ("mV",), 100.0)
        result = audit(made, training, control, 0, matcher=matcher, runs=0)
        values = people(range(90, 110), 6, 5).values
        names = {attack.name: attack for attack in result.attacks}
        assert (REIDENTIFICATION in result.not_measured) == said
        assert (REIDENTIFICATION in names) != said
        if said:
            assert (
                result.not_measured[REIDENTIFICATION]
                == "33% of the synthetic windows hold a whole beat; 50% are needed"
            )
        else:
            assert "75% of the windows" in names[REIDENTIFICATION].question


def test_same_seed_same_audit(parts):
    training, control = parts
    first, second = (audit(people(range(90, 95), 6, 5), training, control, 4, runs=1) for _ in range(2))
    assert first == second


def test_patients_with_many_windows_on_one_side_raise_no_alarm(parts):
    """Ten times as many windows of each person of training: nearest windows are theirs, but no evidence."""
    _, control = parts
    training = people(range(40), 40, 0)
    alarms = sum(
        bool(audit(people(range(200 + 30 * k, 230 + 30 * k), 6, k), training, control, k, runs=0).successful)
        for k in range(4)
    )
    assert alarms == 0


def test_what_cannot_be_proven_is_still_seen(parts):
    """Ten of forty people known by heart, the rest made up: ten people of training among sixty, all of them pointed to,
    have a probability of 1 in 80, but the share of copies lies far above that of non-members."""
    training, control = parts
    known = replay(training.select(np.arange(60)), 60, 1)
    made_up = people(range(90, 120), 8, 5)
    values = np.concatenate([known.values, made_up.values])
    mixed = Samples(values, pd.DataFrame(index=range(300)), ("a",), ("mV",), 100.0)
    near = next(
        attack for attack in audit(mixed, training, control, 0, runs=0).attacks if attack.name == "copies: near"
    )
    assert near.score.low > 0.05 > near.score.baseline
    assert near.p_value < 0.05


def test_rows_and_pictures_have_batteries_too():
    training, control = rows(range(150), 0), rows(range(150, 260), 1)
    view = view_of(training, control)
    result = audit(view.replay(training, 150, 0), training, control, 0, view=view, runs=2)
    assert result.conclusive
    assert {attack.name for attack in result.successful} >= {"copies: near", "membership: density ratio, row"}
    exact = audit(training, training, control, 0, view=view, runs=0)
    assert "copies: exact" in {attack.name for attack in exact.successful}
    assert not audit(rows(range(300, 450), 5), training, control, 0, view=view, runs=0).successful
    pixels = np.random.default_rng(0).random((260, 1, 64))
    frame = pd.DataFrame({"patient": np.arange(260).astype(str)})
    pictures = Samples(pixels, frame, ("grey",), ("",))
    seen, unseen = pictures.select(np.arange(150)), pictures.select(np.arange(150, 260))
    assert audit(View().replay(seen, 100, 0), seen, unseen, 0, view=View(), runs=0).successful


def test_extra_attacks_a_verifier_and_a_discriminator_join_in(parts, caught):
    training, control = parts
    asked = []

    def extra(synthetic: Samples, members: Samples, others: Samples, seed: int) -> Findings:
        asked.append((members.patients(), others.patients()))
        return Findings([replace(caught.attacks[0], name="extra")], {"one more": f"of {len(synthetic)}, it cannot be"})

    def embed(values: np.ndarray) -> np.ndarray:
        found = np.abs(np.fft.rfft(values[:, 0]))[:, 1:25]
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    matcher = Matcher(embed, 0.9, Score(0.05, 0.02, 0.1, 0.5, 40))
    says = (np.ones(len(training)), np.zeros(len(control)))
    steps: list[tuple[int, str]] = []
    given = AuditInput(people(range(90, 110), 6, 5), training, control, 0, SignalView(), says, matcher, extra, runs=2)
    result = audit_input(given, lambda *s: steps.append(s))
    names = {attack.name: attack for attack in result.attacks}
    assert set(names["re-identification: nearest person"].controls) == {"positive", "negative"}
    assert set(names["extra"].controls) == {"positive", "negative"}
    assert names["membership: discriminator, window"].score.value == 1
    assert names["membership: discriminator, window"].controls == {}
    assert names["membership: discriminator, patient"] in result.successful
    # as the one attack on the set itself says, which is made once
    assert result.not_measured == {
        "membership: TPR at 1 % FPR, patient": "20 non-members are too few, 300 are needed",
        "one more": "of 120, it cannot be",
    }
    assert len(asked) == 1 + 2 * 2
    assert [done for done, _ in steps] == [0, 1, 2, 3, 4, 5]
    assert all(len(others) == 20 for _, others in (asked[0], asked[1]))  # the set itself, and the first replay
    assert all(len(others) == 10 and members == training.patients() for members, others in (asked[2], asked[4]))


def test_too_few_people_are_said_to_be_too_few(parts):
    training, control = parts
    result = audit(training, training, control.select(np.arange(18)), 0)
    assert result.attacks == result.controls == ()
    assert not result.conclusive
    assert result.not_measured == {
        "all attacks": "40 people of training and 3 of control are too few; 2 and 4 are needed"
    }


def test_so_few_that_no_replay_is_caught_is_inconclusive():
    training, control = people(range(4), 6, 0), people(range(4, 8), 6, 1)  # 70 relabellings: no p-value below 1/70
    result = audit(people(range(50, 60), 6, 2), training, control, 0, runs=2)
    assert not result.conclusive
    assert [control.passed for control in result.controls] == [False, True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"synthetic": lambda t, c: t.select(np.arange(0))}, ("no synthetic samples",)),
        ({"control": lambda t, c: t.select(np.arange(60))}, ("10 control patients", "seen in training")),
        ({"synthetic": lambda t, c: Samples(t.values[:, :, :90], t.frame, t.channels, t.units, t.fs)}, ("length 90",)),
        ({"synthetic": lambda t, c: Samples(t.values, t.frame, t.channels, t.units, 50.0)}, ("50.0", "100.0")),
        ({"control": lambda t, c: Samples(c.values, c.frame, ("b",), c.units, c.fs)}, ("channels", "'b'")),
        ({"model_scores": lambda t, c: (np.ones(3), np.ones(4))}, ("(3, 4)", "(240, 120)")),
        ({"model_scores": lambda t, c: (np.full(240, np.nan), np.ones(120))}, ("finite",)),
    ],
)
def test_unlike_things_are_refused_in_one_line(parts, change, words):
    training, control = parts
    given = {"synthetic": training, "training": training, "control": control, "seed": 0}
    given |= {name: make(training, control) for name, make in change.items()}
    with pytest.raises(InputError) as refusal:
        audit(**given)
    assert "\n" not in str(refusal.value)
    for word in words:
        assert word in str(refusal.value)


def test_on_real_windows_a_replay_is_caught_and_others_pass(shared):
    entries = find_records(shared / "data" / "ludb")
    values, whose = [], []
    for entry, recording in zip(entries, read_records(read_heads(entries), leads=("ii",), fs=125.0), strict=True):
        starts, _ = cut(recording.values, 250, fs=recording.fs)
        values.append(recording.windows(starts, 250))
        whose += [entry.patient] * len(starts)
    samples = Samples(np.concatenate(values), pd.DataFrame({"patient": whose}), ("ii",), ("mV",), 125.0)
    names = np.random.default_rng(0).permutation(sorted(samples.patients()))
    training, control, fresh = (samples.select(np.isin(whose, part)) for part in (names[:50], names[50:80], names[80:]))
    result = audit(fresh, training, control, 0, runs=3)
    assert result.successful == ()
    assert result.conclusive
    assert len(audit(replay(training, 100, 0), training, control, 0, runs=0).successful) > 3
