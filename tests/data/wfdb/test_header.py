"""Which records there are, whose they are, and what headers say; each fault in one line that names the record."""

import pytest
import wfdb
from anonimage.data.wfdb.header import find_records, read_head, read_heads
from anonimage.errors import InputError


def names(source, **options) -> list[str]:
    return [entry.name for entry in find_records(source, **options)]


def patients(source, patient="auto") -> list[str]:
    return [entry.patient for entry in find_records(source, patient)]


def problem(header, source) -> str:
    """Of the one record of a source."""
    (head,) = read_heads(find_records(source))
    assert head.problem is not None
    assert "\n" not in head.problem
    return head.problem


def test_a_records_file_decides_and_a_tree_is_searched_without(record, database):
    for name in ("b/two", "a/one", "a/three"):
        record(name)
    assert names(database) == ["a/one", "a/three", "b/two"]
    (database / "RECORDS").write_text("b/two\n\na/one.hea\n")
    assert names(database) == ["b/two", "a/one"]
    assert names(database / "b" / "two.hea") == ["two"]


def test_a_line_of_records_may_be_a_folder(record, database):
    for name in ("g1/a", "g1/b", "g2/c", "d"):
        record(name)
    (database / "g1" / "RECORDS").write_text("b\n")
    (database / "RECORDS").write_text("d\ng1/\ng2/\n")
    assert names(database) == ["d", "g1/b", "g2/c"]
    (database / "RECORDS").write_text("g9/\n")
    with pytest.raises(InputError, match="'g9/' is not there"):
        find_records(database)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{outside}/rec", "leads out of its folder"),
        ("{outside}/", "leads out of its folder"),
        ("/", "leads out of its folder"),
        ("../outside/rec", "leads out of its folder"),
        ("here/../../outside/", "leads out of its folder"),
        ("./", "leads back to a folder it lies in"),
        (".//./", "leads back to a folder it lies in"),
        (".", "names no record"),
        (".hea", "names no record"),
    ],
)
def test_a_line_of_records_that_leads_astray(record, database, tmp_path, line, says):
    record("here")
    (tmp_path / "outside").mkdir()
    entry = line.format(outside=tmp_path / "outside")
    (database / "RECORDS").write_text(f"here\n{entry}\n")
    with pytest.raises(InputError) as fault:
        find_records(database)
    assert str(fault.value).startswith(f"{database / 'RECORDS'}: line 2, '{entry}', {says}")
    assert "\n" not in str(fault.value)


def test_a_folder_that_comes_round_to_itself(record, database):
    record("g1/a")
    record("g2/b")
    (database / "RECORDS").write_text("g1/\n")
    (database / "g1" / "RECORDS").write_text("a\nnext/\n")
    (database / "g2" / "RECORDS").write_text("b\nnext/\n")
    (database / "g1" / "next").symlink_to(database / "g2")
    (database / "g2" / "next").symlink_to(database / "g1")
    with pytest.raises(InputError, match=r"g1/next/RECORDS: line 2, 'next/', leads back to a folder it lies in"):
        find_records(database)
    (database / "g2" / "RECORDS").write_text("b\n")
    assert names(database) == ["g1/a", "g1/next/b"]


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (["patient001/s1", "patient001/s2"], ["patient001", "patient001"]),  # one folder, but it is a person's
        (["data/1", "data/2"], ["data/1", "data/2"]),  # one folder for everybody tells nobody apart
        (["x", "y"], ["x", "y"]),
        (["smith/a", "smith/b", "jones/a"], ["smith", "smith", "jones"]),
        (["p10/p100/s1/1", "p10/p100/s2/2", "p10/p101/s3/3"], ["p10/p100", "p10/p100", "p10/p101"]),
        (["A/person_1/r", "B/person_1/r"], ["A/person_1", "B/person_1"]),
    ],
)
def test_whose_a_record_is(tmp_path, listed, expected):
    (tmp_path / "RECORDS").write_text("\n".join(listed))
    assert patients(tmp_path) == expected


def test_the_user_may_say_whose_a_record_is(tmp_path):
    (tmp_path / "RECORDS").write_text("day1/anna_1\nday2/anna_2\nday1/ben_1\n")
    assert patients(tmp_path, "record") == ["day1/anna_1", "day2/anna_2", "day1/ben_1"]
    assert patients(tmp_path, "folder") == ["day1", "day2", "day1"]
    assert patients(tmp_path, r"/([a-z]+)_") == ["anna", "anna", "ben"]
    for bad, says in (
        (r"(", "not a regular expression"),
        (r"day", "has 0 groups"),
        (r"/(anna)", "day1/ben_1: patient"),
    ):
        with pytest.raises(InputError, match=says):
            find_records(tmp_path, bad)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_records(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no records in this folder"):
        find_records(tmp_path)
    (tmp_path / "RECORDS").write_text("\n")
    with pytest.raises(InputError, match="no records in this folder"):
        find_records(tmp_path)


@pytest.mark.parametrize("again", ["a/one", "./a/one", "a/one.hea"])
def test_two_records_of_one_name(record, database, again):
    record("a/one")
    (database / "RECORDS").write_text(f"a/one\n{again}\n")
    with pytest.raises(InputError, match=r"^a/one: 2 records of this name in "):
        find_records(database)


def test_a_listed_record_without_header(record, database):
    record("here")
    (database / "RECORDS").write_text("here\ngone\n")
    good, bad = read_heads(find_records(database))
    assert good.problem is None
    assert bad.problem == "gone: its header gone.hea is missing; correct RECORDS or fetch the record"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("rec 2", "gives nothing as sampling frequency"),  # wfdb would read 250 Hz
        ("rec 2 0 600", "gives 0 as sampling frequency"),
        ("rec 2 -100 600", "gives -100 as sampling frequency"),
        ("rec 3 100 600", "announces 3 signals and describes 2"),
        ("rec 2 100 0", "no number of samples"),
        ("rec", "is not a WFDB header"),
    ],
)
def test_a_record_line_that_cannot_be_used(record, database, line, says):
    header = record()
    header.write_text("\n".join([line, *header.read_text().splitlines()[1:]]))
    assert problem(header, database).startswith("rec: ")
    assert says in problem(header, database)


@pytest.mark.parametrize(
    "content", [b"", b"# only a comment\n", bytes(range(256)) * 4, b"\xff\xfe<html>\n", b"rec 1 100 9\n~~~"]
)
def test_text_that_is_no_header(record, database, content):
    header = record()
    header.write_bytes(content)
    assert "rec.hea" in problem(header, database)


def test_no_signals(record, database):
    header = record()
    header.write_text("rec 0 100 600\n")
    assert "announces 0 signals" in problem(header, database)


def test_the_number_of_samples_may_be_left_to_the_file(record, database):
    header = record(n_samples=601)
    header.write_text(header.read_text().replace("rec 2 100 601", "rec 2 100"))
    assert read_heads(find_records(database))[0].n_samples == 601


@pytest.mark.parametrize(("units", "factor"), [("uV", 1000), ("µV", 1000), ("V", 0.001), ("mV", 1), ("MV", 1)])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_voltages_are_in_millivolt(record, database, units, factor, encoding):
    header = record(gain=200.0)
    header.write_bytes(header.read_text().replace("/mV", f"/{units}").encode(encoding))
    (head,) = read_heads(find_records(database))
    assert head.units == ("mV", "mV")
    assert [signal.gain for signal in head.signals] == pytest.approx([200 * factor, 200 * factor])


@pytest.mark.parametrize(("stated", "baseline"), [("0(3)", 3), ("0(0)", 0), ("0", 5), ("", 0)])
def test_a_gain_of_0_is_one_that_is_not_known(record, database, stated, baseline):
    header = record(gain=200.0)
    first, *rest = header.read_text().splitlines()
    lines = [f"{line.split()[0]} 16 {stated} 16 5".replace("  16 5", "") for line in rest]
    header.write_text("\n".join([first, *lines]) + "\n")
    (head,) = read_heads(find_records(database))
    assert {signal.gain for signal in head.signals} == {200.0}
    assert {signal.baseline for signal in head.signals} == {baseline}


def test_other_units_stay(record, database):
    record(units="mmHg")
    assert read_heads(find_records(database))[0].units == ("mmHg", "mmHg")


@pytest.mark.parametrize("name", ["ptbdb", "mitdb", "ludb", "ecgiddb", "cinc2021"])
def test_real_headers_say_what_wfdb_reads_in_them(shared, name):
    for entry in find_records(shared / "data" / name)[::3]:
        head, other = read_head(entry), wfdb.rdheader(str(entry.path))
        assert head.problem is None
        assert (head.fs, head.n_samples, list(head.channels)) == (other.fs, other.sig_len, other.sig_name)
        assert [(s.file, s.fmt, s.gain, s.baseline, s.units) for s in head.signals] == list(
            zip(other.file_name, other.fmt, other.adc_gain, other.baseline, other.units, strict=True)
        )


def test_ptb_by_hand(shared):
    heads = {head.name: head for head in read_heads(find_records(shared / "data" / "ptbdb"))}
    assert len(heads) == 43
    assert len({head.patient for head in heads.values()}) == 37
    head = heads["patient001/s0010_re"]
    assert (head.patient, head.diagnosis, head.label, head.seconds) == ("patient001", "Myocardial infarction", 0, 38.4)
    assert [s.file for s in head.signals] == ["s0010_re.dat"] * 12 + ["s0010_re.xyz"] * 3


@pytest.mark.parametrize(
    ("name", "n_records", "n_people"), [("ecgiddb", 214, 60), ("mitdb", 23, 23), ("ludb", 100, 100)]
)
def test_people_of_other_databases(shared, name, n_records, n_people):
    entries = find_records(shared / "data" / name)
    assert (len(entries), len({entry.patient for entry in entries})) == (n_records, n_people)


def test_patients_from_a_table(database, record, tmp_path):
    for name in ("201", "202"):  # as in MIT-BIH: two records of one man
        record(name)
    names = [entry.name for entry in find_records(database)]
    table = tmp_path / "people.csv"
    table.write_text("record,patient\n" + "".join(f"{name},one man\n" for name in names))
    assert {entry.patient for entry in find_records(database, str(table))} == {"one man"}
    table.write_text(f"record,patient\n{names[0]},one man\n")
    with pytest.raises(InputError, match=f"says no patient for record {names[1]}"):
        find_records(database, str(table))
    table.write_text("name,who\n")
    with pytest.raises(InputError, match="no column 'patient'"):
        find_records(database, str(table))
    with pytest.raises(InputError, match="no such file"):
        find_records(database, str(tmp_path / "absent.csv"))
