"""Databases side by side are not people; nobody is on both sides of the split, and classes keep their share."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.patients import patients_of, split_patients, undersample
from anonimage.data.wfdb.header import find_records
from anonimage.errors import InputError
from hypothesis import given
from hypothesis import strategies as st

PTB = [f"ptbdb/patient{k:03d}/s{k}" for k in range(1, 6)] + ["ptbdb/patient001/again"]
LUDB = [f"ludb/{k}" for k in range(1, 101)]
MIT = [f"mitdb/{k}" for k in range(100, 123)]


@pytest.mark.parametrize(
    ("names", "people"),
    [
        (PTB + LUDB, 5 + 100),
        (LUDB + MIT, 123),  # 100 records are too many for one person, so neither is
        (PTB + MIT, 5 + 23),  # 23 would not be, but beside it lie people
        ([f"ludb/data/{k}" for k in range(100)], 100),
        ([*PTB, *(f"ludb/data/{k}" for k in range(100))], 105),
        (["smith/day1/a", "smith/day2/b", "jones/day1/c"], 2),  # the uppermost folder, or smith would be two people
        ([f"clinic/{who}/{k}" for who in ("anna", "ben") for k in range(25)], 2),
        ([f"clinic/{who}/{k}" for who in ("anna", "ben") for k in range(26)], 52),
        ([f"{base}/{who}/{k}" for base in "ab" for who in ("anna", "ben") for k in range(20)], 4),
        (["a", "b"], 2),
    ],
)
def test_auto(names, people):
    assert len(set(patients_of(names, "auto"))) == people


def test_nobody_is_torn_apart_by_the_order_of_the_names():
    names = PTB + LUDB
    whose = dict(zip(names, patients_of(names, "auto"), strict=True))
    assert whose == dict(zip(names[::-1], patients_of(names[::-1], "auto"), strict=True))
    assert whose["ptbdb/patient001/again"] == whose["ptbdb/patient001/s1"] == "ptbdb/patient001"


def test_a_table_that_contradicts_itself(tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("record,patient\na,anna\nb,ben\na,anna\n")
    assert patients_of(["b", "a"], str(table)) == ["ben", "anna"]
    table.write_text("record,patient\na,anna\na,ben\n")
    with pytest.raises(InputError, match="patient of record a is 'anna' and 'ben'; keep one of the rows"):
        patients_of(["a"], str(table))


def test_linked_databases_are_read_and_kept_apart(record, tmp_path):
    for k in range(1, 4):
        record(f"ptb/patient{k:03d}/s{k}", n_samples=50)
        record(f"flat/data/{k}", n_samples=50)
    mix = tmp_path / "mix"
    mix.mkdir()
    (mix / "one").symlink_to(tmp_path / "db" / "ptb")
    (mix / "two").symlink_to(tmp_path / "db" / "flat")
    result = find_records(mix)
    assert len(result) == 6
    assert len({entry.patient for entry in result}) == 6
    assert all(entry.path.with_suffix(".hea").is_file() for entry in result)
    (mix / "RECORDS").write_text("one/\ntwo/\n")
    assert [(e.name, e.patient) for e in find_records(mix)] == [(e.name, e.patient) for e in result]


def test_a_link_to_a_folder_that_is_there_anyway_adds_no_record(record, database):
    record("z/a", n_samples=50)
    (database / "b").symlink_to(database / "z")
    (database / "z" / "round").symlink_to(database)
    assert [entry.name for entry in find_records(database)] == ["z/a"]


def test_real_databases_side_by_side(shared, tmp_path):
    for name in ("ptbdb", "ludb", "mitdb", "ecgiddb", "cinc2021"):
        (tmp_path / name).symlink_to(shared / "data" / name)
    result = find_records(tmp_path)
    people = {name: {e.patient for e in result if e.name.startswith(name)} for name in ("ptbdb", "ludb", "mitdb")}
    assert {name: len(who) for name, who in people.items()} == {"ptbdb": 37, "ludb": 100, "mitdb": 23}
    assert len({e.patient for e in result}) == 37 + 100 + 23 + 60 + 30


def people(per_class: list[int], windows: int = 3) -> pd.DataFrame:
    rows = [(f"{label}-{k}", label) for label, n in enumerate(per_class) for k in range(n) for _ in range(windows)]
    return pd.DataFrame(rows, columns=["patient", "label"])


def control_patients(frame: pd.DataFrame, **options) -> set[str]:
    return set(frame["patient"][split_patients(frame, **options) == "control"])


@given(st.lists(st.integers(1, 30), min_size=1, max_size=4), st.floats(0.05, 0.95), st.integers(0, 5))
def test_nobody_is_on_both_sides_and_every_class_keeps_a_training_patient(per_class, share, seed):
    frame = people(per_class)
    if max(per_class) == 1:
        with pytest.raises(InputError, match="no control patient is left"):
            split_patients(frame, share, seed)
        return
    parts = split_patients(frame, share, seed)
    sides = frame.assign(part=parts).groupby("patient")["part"].nunique()
    assert (sides == 1).all()
    assert set(frame["label"][parts == "train"]) == set(frame["label"])
    n_control = len(set(frame["patient"][parts == "control"]))
    assert n_control == min(sum(per_class) - len(per_class), max(1, round(share * sum(per_class))))


def test_classes_keep_their_proportion():
    chosen = control_patients(people([50, 20, 10]), control_share=0.2, seed=1)
    assert [sum(name.startswith(f"{label}-") for name in chosen) for label in range(3)] == [10, 4, 2]


def test_the_seed_decides_and_the_order_of_rows_does_not():
    frame = people([10, 10])
    shuffled = frame.sample(frac=1, random_state=0)
    assert control_patients(frame, seed=3) == control_patients(shuffled, seed=3)
    assert len({frozenset(control_patients(frame, seed=seed)) for seed in range(8)}) > 4


def test_a_patient_of_several_labels_counts_as_the_commonest():
    frame = pd.DataFrame({"patient": ["a", "a", "a", "b", "c", "c"], "label": [0, 0, 1, 1, 0, 0]})
    # b is the only one of class 1, so it trains; a or c, both class 0, is control
    assert control_patients(frame, control_share=0.4) in ({"a"}, {"c"})


def test_one_patient_cannot_be_split():
    with pytest.raises(InputError, match="no control patient is left: 1 patient in 1 class,"):
        split_patients(people([1]))


@pytest.mark.parametrize(("share", "side"), [(0.0, "control"), (1.0, "training"), (np.nan, "control")])
def test_a_share_that_leaves_one_side_empty_is_refused(share, side):
    with pytest.raises(InputError, match=f"no {side} patient"):
        split_patients(people([5]), share)


def test_nothing_to_split():
    with pytest.raises(InputError, match="no training patient is left"):
        split_patients(people([0]))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 9))
def test_every_class_gets_the_size_of_the_smallest(labels, seed):
    labels = np.array(labels)
    kept = undersample(labels, seed)
    sizes = np.unique(labels, return_counts=True)[1]
    assert np.unique(labels[kept], return_counts=True)[1].tolist() == [sizes.min()] * len(sizes)
    assert (np.diff(kept) > 0).all()  # sorted, none twice
    assert kept.tolist() == undersample(labels, seed).tolist()


def test_the_sizes_of_the_paper():
    labels = np.repeat([0, 1, 2], [20015, 4623, 4390])  # Table 2
    kept = undersample(labels, 0)
    assert np.bincount(labels[kept]).tolist() == [4390] * 3
    assert set(np.flatnonzero(labels == 2)) <= set(kept.tolist())
    assert kept.tolist() != undersample(labels, 1).tolist()


def test_another_class_more_does_not_come_from_a_biased_draw():
    labels = np.repeat([0, 1], [100, 50])
    times = sum(np.isin(np.arange(100), undersample(labels, seed)) for seed in range(200))
    assert times.min() > 60
    assert times.max() < 140


def test_nothing_to_balance():
    with pytest.raises(InputError, match="no samples to balance"):
        undersample(np.array([], dtype=int), 0)
