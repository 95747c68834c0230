"""Leads are found whatever their case, relations hold for ideal signals, diagnoses fall into the paper's classes."""

from itertools import permutations

import numpy as np
import pytest
from anonimage.data.labels import CLASSES, TABLE_1, classes_of, diagnosis_of, label_of, table_1_row
from anonimage.data.wfdb.header import read_heads, relabel
from anonimage.data.wfdb.leads import limb_relations, match_leads
from anonimage.data.wfdb.listing import find_records
from anonimage.errors import InputError

PTB = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")


def test_leads_come_in_the_order_asked_for_whatever_their_case():
    assert match_leads(["V1", "aVR", "II"], PTB, "rec") == [6, 3, 1]
    assert match_leads([], PTB, "rec") == list(range(12))


def test_a_missing_lead_names_record_lead_and_what_is_there():
    with pytest.raises(InputError) as fault:
        match_leads(["vx"], PTB, "patient104/s0306lre")
    assert str(fault.value) == (
        "patient104/s0306lre: lead 'vx' is not in this record (has i, ii, iii, avr, avl, avf, v1, v2, v3, v4, v5, v6); "
        "leave it out with --leads or use another record"
    )


def test_a_lead_twice_is_refused_on_either_side():
    with pytest.raises(InputError, match="asked for twice"):
        match_leads(["i", "I"], PTB, "rec")
    with pytest.raises(InputError, match="2 signals are called 'ecg'"):
        match_leads(["ecg"], ("ECG", "ecg"), "rec")


def test_einthoven_by_hand():
    assert limb_relations(("I", "II", "III")).tolist() == [[1, -1, 1]]  # III = II − I
    assert limb_relations(("i", "v1", "ii", "avr")).tolist() == [[0.5, 0, 0.5, 1]]  # aVR = −(I + II)/2


@pytest.mark.parametrize("size", range(7))
def test_relations_vanish_for_ideal_limb_leads_and_only_for_them(size):
    one, two = np.random.default_rng(0).normal(size=(2, 50))
    ideal = {
        "i": one, "ii": two, "iii": two - one, "avr": -(one + two) / 2, "avl": one - two / 2, "avf": two - one / 2,
    }  # fmt: skip
    for names in list(permutations(ideal, size))[::7]:
        channels = (*names, "v1")
        relations = limb_relations(channels)
        assert relations.shape == (max(0, size - 2), size + 1)
        x = np.stack([*(ideal[name] for name in names), np.random.default_rng(1).normal(size=50)])
        np.testing.assert_allclose(relations @ x, 0, atol=1e-12)
        assert np.linalg.matrix_rank(relations) == len(relations)


@pytest.mark.parametrize(
    ("comments", "diagnosis", "name"),
    [
        (["age: 81", "# Reason for admission: Myocardial infarction"], "Myocardial infarction", CLASSES[0]),
        (["Reason for admission: Healthy control"], "Healthy control", CLASSES[2]),
        (["reason for admission:  Bundle branch block "], "Bundle branch block", CLASSES[1]),
        (["Reason for admission: n/a"], "n/a", CLASSES[1]),
        (["Reason for admission:"], "n/a", CLASSES[1]),
        ([], "n/a", CLASSES[1]),
    ],
)
def test_diagnosis_and_class(comments, diagnosis, name):
    assert diagnosis_of(comments) == diagnosis
    assert CLASSES[label_of(diagnosis)] == name


@pytest.mark.parametrize(
    ("diagnosis", "row"),
    [
        ("Myocardial infarction", "Myocardial infarction"),
        ("Heart failure (NYHA 3)", "Cardiomyopathy or Heart failure"),
        ("Cardiomyopathy", "Cardiomyopathy or Heart failure"),
        ("Hypertrophy", "Myocardial hypertrophy"),
        ("healthy control ", "Healthy control"),
        ("Unstable angina", "Miscellaneous"),
        ("n/a", "Miscellaneous"),
    ],
)
def test_rows_of_table_1(diagnosis, row):
    assert table_1_row(diagnosis) == row
    assert row in TABLE_1


def test_the_three_classes_are_sums_of_rows_of_table_1():
    for row, diagnoses in TABLE_1.items():
        for diagnosis in diagnoses:
            assert CLASSES[label_of(diagnosis)] == (row if row in CLASSES else "Miscellaneous")


def test_classes_are_in_order_of_their_names_or_of_their_value():
    assert classes_of(["b", "a", "b"]) == (("a", "b"), [1, 0, 1])
    assert classes_of(["10", "-1", "9"]) == (("-1", "9", "10"), [2, 0, 1])


def test_labels_of_the_users_own(record, database, tmp_path):
    for name in ("a", "x/b", "c"):
        record(name, n_samples=50, reason="Healthy control")
    heads = read_heads(find_records(database))
    table = tmp_path / "labels.csv"
    table.write_text("label,record,age\nrhythm,c,3\nsinus,x/b,4\nrhythm,a,5\nother,elsewhere,6\n")
    relabelled, classes = relabel(heads, table)
    assert classes == ("rhythm", "sinus")
    assert {head.name: classes[head.label] for head in relabelled} == {"a": "rhythm", "c": "rhythm", "x/b": "sinus"}
    assert all(head.diagnosis == "Healthy control" for head in relabelled)
    table.write_text("record,label\na,sinus\nc,\n")
    with pytest.raises(InputError, match=r"labels.csv: says no label for record c; add a row for it"):
        relabel(heads, table)
    table.write_text("record,class\na,sinus\n")
    with pytest.raises(InputError, match="no column 'label'; it needs record and label"):
        relabel(heads, table)
