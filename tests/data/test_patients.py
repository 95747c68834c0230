"""Whose a record is: databases side by side are not people, and folders of people are."""

import pytest
from anonimage.data.patients import patients_of
from anonimage.data.wfdb.listing import find_records
from anonimage.errors import InputError

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
