"""Attacks on tables: tiny ones worked by hand, laws, and real tables where the answer is known."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.patients import CONTROL, TRAIN, split_patients
from anonimage.data.samples import Samples
from anonimage.data.table.file import read_table
from anonimage.data.table.form import TableForm, rows_of
from anonimage.errors import InputError
from anonimage.pipelines.evaluation.privacy.findings import successful
from anonimage.pipelines.evaluation.privacy.row_attacks import (
    halves,
    look_up,
    matches,
    own_copies,
    several_column_predicates,
    single_column_predicates,
    single_out,
    telling_columns,
)
from anonimage.pipelines.evaluation.privacy.row_space import RowSpace, TableView, replay_rows
from anonimage.pipelines.evaluation.privacy.rows import QUESTIONS, attack_rows
from scipy.spatial.distance import cdist

NAN = np.nan


def rates(findings, name):
    return next(attack for attack in findings.attacks if attack.name == name).rates


def table(**columns):
    """A table, its form and its rows as samples."""
    frame = pd.DataFrame(columns)
    # numbers, however few different ones these rows have
    spread = {name: np.linspace(0.5, 9, len(frame)) for name in columns if name in ("age", "x", "y")}
    category = ["colour"] if "colour" in columns else []
    form = TableForm.fit(frame.assign(**spread), "t.csv", category=category).refit(frame)
    return form, form.to_samples(frame)


@pytest.fixture
def small():
    """Numbers that spread from 0 to 10 (5 to 95 percentile), two-valued and three-valued columns, missing cells."""
    age = np.r_[0.0, 0, 0, 0, 10, 10, 10, 10, NAN, NAN]
    return table(age=age, sex=[0, 1] * 5, colour=[*"rgbrgbrgb", None])


def space_of(form, rows):
    return RowSpace.fit(form, rows, rows.select(np.arange(0)))


# --- distances --------------------------------------------------------------------------------------------------------


def test_cells_are_numbers_or_which_value(small):
    form, rows = small
    cells = space_of(form, rows).cells(rows)
    np.testing.assert_array_equal(cells[:3], [[0, 0, 2], [0, 1, 1], [0, 0, 0]])  # values in order: b, g, r
    np.testing.assert_array_equal(cells[[8, 9]], [[NAN, 0, 0], [NAN, 1, NAN]])


def test_distance_by_hand(small):
    """Age 4 of 10 apart, sex the same, another colour: 0.4, 0 and 1; a missing one is 1 from any that is there."""
    form, rows = small
    space = space_of(form, rows)
    a = np.array([[2.0, 0, 0], [NAN, 0, NAN]])
    b = np.array([[6.0, 0, 1], [NAN, 1, 2], [60.0, 0, NAN]])
    ((part, apart),) = space.distances(a, b)
    assert part == slice(0, 2)
    np.testing.assert_allclose(apart[:, 0], [[0.4, 1, 1], [0, 1, 0], [1, 1, 1]], atol=1e-6)
    np.testing.assert_allclose(apart[:, 1], [[1, 0, 1], [0, 1, 0], [1, 1, 0]], atol=1e-6)


def test_points_are_as_far_apart_as_rows(small):
    form, rows = small
    space = space_of(form, rows)
    keep = np.flatnonzero(~np.isnan(space.cells(rows)[:, 0]))  # a number lies somewhere, a missing one nowhere
    cells = space.cells(rows)[keep]
    ((_, apart),) = space.distances(cells, cells)
    everywhere = TableView(space).values(rows)[:, :, 0]
    points = everywhere[keep]
    np.testing.assert_allclose(cdist(points, points, "cityblock"), apart.sum(axis=0), atol=1e-6)
    assert not np.isnan(everywhere).any()


def test_blocks_change_nothing(small, monkeypatch):
    form, rows = small
    space = space_of(form, rows)
    cells = space.cells(rows)
    ((_, whole),) = space.distances(cells, cells)
    monkeypatch.setattr("anonimage.pipelines.evaluation.privacy.row_space.CELLS", 70)
    parts = list(space.distances(cells, cells))
    assert len(parts) == 5
    np.testing.assert_array_equal(np.concatenate([apart for _, apart in parts], axis=1), whole)


def test_a_guess_is_right_within_a_twentieth_of_the_spread(small):
    form, rows = small
    cells = np.array([[5.0, 1, 2], [NAN, 0, NAN], [NAN, 0, 0]])
    guesses = np.array([[5.5, 1, 1], [NAN, 1, NAN], [5, 0, NAN]])
    right = [[True, True, False], [True, False, True], [False, True, False]]
    np.testing.assert_array_equal(space_of(form, rows).right(guesses, cells), right)
    assert not space_of(form, rows).right(cells + np.array([0.51, 0, 0]), cells)[0, 0]


def test_rows_without_labels_are_refused():
    frame = pd.DataFrame({"age": np.arange(20.0), "state": ["ill", "well"] * 10})
    form = TableForm.fit(frame, "t.csv", label="state")
    rows = form.to_samples(frame)
    bare = Samples(rows.values, rows.frame[[]], rows.channels, rows.units)
    with pytest.raises(InputError, match=r"t\.csv: rows without labels"):
        attack_rows(form, bare, rows, rows, 0)


# --- singling out -----------------------------------------------------------------------------------------------------


def test_predicates_hold_where_they_say():
    rows = np.array([[1.0, 0], [2, 1], [NAN, 1]])
    assert matches(((0, "<=", 1.5),), rows).tolist() == [True, False, False]
    assert matches(((0, ">=", 1.0), (1, "==", 1.0)), rows).tolist() == [False, True, False]
    assert matches(((0, "==", NAN),), rows).tolist() == [False, False, True]


def test_who_is_singled_out_by_hand():
    """Person 2 has two rows. x ≥ 3 holds for person 2 alone (twice), x ≤ 1 for 0 alone, x ≥ 2 for 1 and 2."""
    rows, codes = np.array([[1.0], [2], [3], [4]]), np.array([0, 1, 2, 2])
    predicates = [((0, ">=", 3.0),), ((0, "<=", 1.0),), ((0, ">=", 2.0),), ((0, ">=", 9.0),), ((0, "==", 4.0),)]
    np.testing.assert_array_equal(single_out(predicates, rows, codes, 3), [1, 0, 2])


def test_predicates_of_one_column_by_hand():
    """Numbers 1, 1, 3: beyond 1 and 3, and 3 itself; values 0, 0, 1 of another column: 1; one missing number."""
    form, rows = table(x=[1.0, 1, 3, NAN], sex=[0, 0, 1, 0])
    space = space_of(form, rows)
    made = single_column_predicates(space.cells(rows), space, np.random.default_rng(0))
    conditions = {(column, sign, str(float(value))) for ((column, sign, value),) in made}
    numbers = {(0, "<=", "1.0"), (0, ">=", "3.0"), (0, "==", "3.0"), (0, "==", "nan")}
    assert conditions == numbers | {(1, "==", "1.0")}
    assert len(made) == 5
    assert made[0][0][1] == "<="  # the extremes come first


def test_predicates_of_several_columns_hold_for_one_synthetic_row():
    rng = np.random.default_rng(1)
    form, rows = table(x=rng.normal(size=60).round(3), y=rng.normal(size=60).round(3), z=rng.integers(0, 2, 60))
    space = space_of(form, rows)
    cells = space.cells(rows)
    made = several_column_predicates(cells, space, rng)
    assert len(made) > 20
    assert len(set(made)) == len(made)
    assert {int(matches(predicate, cells).sum()) for predicate in made} == {1}


# --- linkability, attribute inference, copies -------------------------------------------------------------------------


def test_halves_are_disjoint_and_tell_alike():
    """Values by column: 4, 3, 2, 1; dealt 1-2-2-1: first and fourth, second and third."""
    cells = np.array([[0, 0, 0, 0], [1, 1, 1, 0], [2, 2, 1, 0], [3, 2, 1, 0]], float)
    assert halves(cells) == ([0, 3], [1, 2])


def test_neighbours_by_hand(monkeypatch):
    """Synthetic rows (0, 0) and (10, 10); the real row (0.2, 0.2) is linked and both its cells are read off,
    (0.2, 9.8) is nearest to another row in each half, and each cell is guessed from the wrong one."""
    monkeypatch.setattr("anonimage.pipelines.evaluation.privacy.row_attacks.NEIGHBOURS", 1)
    form, real = table(x=np.linspace(0, 10, 41), y=np.linspace(0, 10, 41)[::-1])
    space = space_of(form, real)  # spread 9, a right guess is at most 0.45 off
    rows = np.array([[0.2, 0.2], [0.2, 9.8], [0, 0]])
    hits = look_up(rows, np.array([[0.0, 0], [10, 10]]), space, 0)
    assert hits.linked.tolist() == [True, False, True]
    assert hits.guessed.tolist() == [[True, True], [False, False], [True, True]]
    assert hits.copied.tolist() == [False, False, True]
    assert hits.naive_linked == 0.5
    np.testing.assert_array_equal(hits.naive_guessed, 0.5)


def test_blind_guesses_by_hand():
    """Synthetic colours r, r, r, g: r is guessed in ¾, g in ¼, b never; r is the commonest, so it is not unusual."""
    form, real = table(x=np.arange(6.0), colour=list("rgbrgb"))
    space = space_of(form, real)
    synthetic = np.array([[0.0, 2], [0, 2], [0, 2], [0, 1]])
    hits = look_up(np.array([[0.0, 2], [0, 1], [5, 0]]), synthetic, space, 0)
    np.testing.assert_allclose(hits.naive_guessed, [[1, 0.75], [1, 0.25], [0, 0]])
    assert hits.unusual.tolist() == [[False, False], [False, True], [False, True]]


def test_columns_that_tell_nothing():
    form, rows = table(x=np.arange(40.0), rare=[1, 1] + [0] * 38, even=[0, 1] * 20)
    space = space_of(form, rows)
    assert telling_columns(space.cells(rows), space).tolist() == [True, False, True]


# --- the whole --------------------------------------------------------------------------------------------------------


def people(n, seed, form=None):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    frame = pd.DataFrame(
        {
            "x": (x + rng.normal(0, 0.5, n)).round(2),
            "y": (2 * x + rng.normal(size=n)).round(2),
            "z": rng.normal(size=n).round(2),
            "ward": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]),
            "state": np.where(x + rng.normal(size=n) > 0.5, "ill", "well"),
        }
    )
    form = form or TableForm.fit(frame, "t.csv", label="state")
    return form, form.to_samples(frame)


@pytest.fixture(scope="module")
def made_up():
    form, training = people(300, 0)
    return form, training, people(150, 1, form)[1], people(300, 2, form)[1]


def test_a_copy_is_found_by_every_kind_of_attack(made_up):
    form, training, control, _ = made_up
    findings = attack_rows(form, training, training, control, 0)
    worked = {attack.name for attack in successful(findings.attacks)}
    assert worked >= set(QUESTIONS) - {"singling out: one column"}
    risks = {attack.name: attack.score for attack in findings.attacks}
    assert risks["copied rows"].value == 1
    assert rates(findings, "linkability")["training"].value == 1
    for score in risks.values():
        assert -1 <= score.low <= score.value <= score.high <= 1
        assert score.baseline == 0


def test_risk_grows_with_the_share_of_rows_copied(made_up):
    form, training, control, fresh = made_up
    strengths = []
    for share in (0.0, 0.3, 0.7, 1.0):
        n = int(share * 300)
        parts = [training.select(np.arange(n)), fresh.select(np.arange(300 - n))]
        attacks = attack_rows(form, Samples.concatenate(parts), training, control, 0).attacks
        strengths.append({attack.name: attack.score.value for attack in attacks})
    for name in ("singling out: several columns", "linkability", "attribute inference: mean", "copied rows"):
        values = [strength[name] for strength in strengths]
        assert values == sorted(values), name
        assert values[3] - values[0] > 0.3, name


def test_same_seed_same_findings(made_up):
    form, training, control, fresh = made_up
    once, again = (attack_rows(form, fresh, training, control, 3) for _ in range(2))
    assert once == again


def test_rows_that_many_people_share_are_nobodys_copy():
    """All rows are one of six; every synthetic row is a copy of many training rows, and of as many control rows."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.integers(0, 2, 400), "b": rng.choice(["x", "y", "z"], 400)})
    form = TableForm.fit(frame, "t.csv")
    rows = form.to_samples(frame)
    training, control = rows.select(np.arange(250)), rows.select(np.arange(250, 400))
    findings = attack_rows(form, training, training, control, 0)
    assert rates(findings, "copied rows")["training"].value == 0
    assert rates(findings, "copied rows")["training"].baseline == 0
    assert not successful(findings.attacks)
    copied = next(attack for attack in findings.attacks if attack.name == "copied rows")
    assert copied.score.value == 0
    assert copied.score.high < 0.05


def test_own_copies_by_hand():
    """Training people 0 and 1 have rows a, b and c; non_members 2 and 3 have b, b of the same one, d and d."""
    a, b, c, d, e = np.eye(5)
    real, codes = np.array([a, b, c, b, b, d, d]), np.array([0, 0, 1, 2, 2, 2, 3])
    copied, place, non_members = own_copies(
        np.array([a, a, b, c, d, e]), real, codes, np.array([True, True, False, False])
    )
    assert copied.tolist() == [True, True, False, True, False, False]
    assert place[0] == place[1] != place[2]
    # b of person 2, were it released: a training person's, and no other non-member's; d is no training person's
    assert non_members.tolist() == [True, True, False, False]


def test_copied_rows_are_a_share_of_what_is_released(made_up):
    """Forty rows, half of them training rows: that training has three hundred makes it no better."""
    form, training, control, fresh = made_up
    released = Samples.concatenate([training.select(np.arange(20)), fresh.select(np.arange(20))])
    attacks = attack_rows(form, released, training, control, 0).attacks
    copied = next(attack for attack in attacks if attack.name == "copied rows")
    assert copied.score.value == pytest.approx(0.5)
    assert copied.score.low < 0.4
    assert copied.score.n == 40
    assert copied.limit == "copy_share"
    assert copied.p_value < 0.01


def test_rows_of_one_person_count_once():
    """Ten times the rows of the same people make no interval narrower than so many people allow."""
    form, training = people(40, 0)
    control = people(40, 1, form)[1]
    synthetic = people(80, 2, form)[1]
    single = attack_rows(form, synthetic, training, control, 0)
    many = [Samples.concatenate([part] * 10) for part in (training, control)]
    several = attack_rows(form, synthetic, *many, 0)
    for one, ten in zip(single.attacks, several.attacks, strict=True):
        assert (ten.members, ten.non_members) == (one.members, one.non_members)
        if one.name in ("linkability", "copied rows"):
            assert (ten.score.value, ten.score.low, ten.score.high) == (one.score.value, one.score.low, one.score.high)


def test_too_few_people_are_given_with_numbers(made_up):
    form, training, control, fresh = made_up
    findings = attack_rows(form, fresh, training, control.select(np.arange(4)), 0)
    assert not findings.attacks
    assert set(findings.not_measured) == set(QUESTIONS)
    assert "300 people of training and 4 of control; 10 of each" in findings.not_measured["linkability"]


def test_a_table_of_one_column_has_nothing_to_link():
    form, rows = table(x=np.arange(40.0))
    findings = attack_rows(form, rows, rows.select(np.arange(20)), rows.select(np.arange(20, 40)), 0)
    assert "1 column" in findings.not_measured["linkability"]


def test_a_replay_is_near_its_rows_and_within_the_table(made_up):
    form, training, _, _ = made_up
    again = replay_rows(training, form, 450, 0)
    assert len(again) == 450
    assert (form.to_frame(again)["x"].round(2) == form.to_frame(again)["x"]).all()
    nearest = cdist(again.values[:, :, 0], training.values[:, :, 0]).min(axis=1)
    assert 0 < np.median(nearest) < 0.3
    shares = [np.bincount(part.frame["label"], minlength=2) / len(part) for part in (again, training)]
    np.testing.assert_allclose(*shares, atol=0.05)
    assert len(set(again.frame["patient"])) == 450


REAL = [("tabular/processed.cleveland.data", "num"), ("thyroid/ann-train.data", "column22")]


@pytest.mark.parametrize(("place", "label"), REAL)
def test_real_tables(shared, place, label):
    """Training rows with noise are caught, rows of other people are not."""
    read = read_table(shared / "data" / place)
    part = split_patients(rows_of(read.frame, read.name, label=label), 0.2, 0)
    training = read.frame[part == TRAIN]
    alone = [column for column in training if training[column].nunique() == 1]
    form = TableForm.fit(training, read.name, label=label, keep=alone)
    unseen, _ = form.unseen(read.frame)
    learnt, others = (form.to_samples(read.frame[(part == side) & ~unseen]) for side in (TRAIN, CONTROL))
    caught = attack_rows(form, replay_rows(learnt, form, len(learnt), 0), learnt, others, 0).attacks
    assert {attack.limit for attack in successful(caught)} == {"singling_out", "linkability", "attribute_inference"}
    half = len(others) // 2
    order = np.random.default_rng(0).permutation(len(others))
    fresh, non_members = others.select(order[:half]), others.select(order[half:])
    assert not successful(attack_rows(form, fresh, learnt, non_members, 0).attacks)
