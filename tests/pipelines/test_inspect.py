"""inspect: what it prints, with and without problems."""

from tiny import anonimage, beats, refused, write_database, write_patient


def lines(result):
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_records_classes_and_windows(database):
    found = lines(anonimage("inspect", database, "--side", 9, "--fs", 100))
    assert "patient001/s0001_re patient001 Bundle branch block 1 3 100 12.0 14" in found
    assert "0 Myocardial infarction 3 3 42" in found
    assert "1 Miscellaneous 3 3 42" in found
    assert "2 Healthy control 3 3 42" in found
    assert "9 records of 9 patients, 1.8 minutes, 126 windows of 9×9 samples" in found
    assert "leads: i ×9, ii ×9, iii ×9" in found
    assert "problems: none" in found


def test_every_problem_is_listed_by_record(tmp_path):
    source = write_database(tmp_path / "source", patients=5)
    (source / "patient002/s0002_re.dat").unlink()
    write_patient(source, 4, beats(4, seconds=0.3))
    header = source / "patient005/s0005_re.hea"
    header.write_text(header.read_text().replace("s0005_re 3 100", "s0005_re 3 0"))
    found = lines(anonimage("inspect", source, "--side", 9, "--fs", 100))
    assert "problems: 3" in found
    for record in ("patient002/s0002_re", "patient004/s0004_re", "patient005/s0005_re"):
        assert any(line.startswith(record) and ":" in line for line in found[found.index("problems: 3") :])


def test_a_source_that_is_not_there(tmp_path):
    refused(anonimage("inspect", tmp_path / "absent"), "no such folder")
