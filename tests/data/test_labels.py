"""Diagnoses fall into the paper's classes, unless the user gives others."""

import pytest
from anonimage.data.labels import CLASSES, TABLE_1, classes_of, diagnosis_of, label_of, table_1_row
from anonimage.data.wfdb.header import find_records, read_heads, relabel
from anonimage.errors import InputError


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
