"""Counts by hand on a small database, every problem in its own line, and the real PTB excerpt."""

import numpy as np
import pytest
from anonimage.data.wfdb.describe import describe
from anonimage.data.windows import MISSING
from anonimage.errors import InputError


def test_counts_by_hand(record, database):
    record("patient001/a", n_samples=600, reason="Myocardial infarction", leads=("I", "ii"))
    record("patient001/b", n_samples=250, reason="Myocardial infarction")
    record("patient002/a", n_samples=300, reason="Healthy control")
    record("patient003/a", n_samples=300, reason="Hypertrophy", fs=200)
    calls = []
    result = describe(database, length=100, progress=lambda *done: calls.append(done))
    assert len(result.problems) == 1  # `prepare` does not put two rates into one store
    assert result.problems[0].startswith("patient003/a: 200 Hz, but patient001/a has 100 Hz; bring all to one rate")
    assert describe(database, length=100, fs=200).problems == ()
    assert result.patients == 3
    assert result.diagnoses == {"Myocardial infarction": 2, "Healthy control": 1, "Hypertrophy": 1}
    assert list(result.classes.values()) == [2, 1, 1]
    assert list(result.class_patients.values()) == [1, 1, 1]
    assert {row: n for row, n in result.table_1.items() if n} == {
        "Myocardial infarction": 2,
        "Myocardial hypertrophy": 1,
        "Healthy control": 1,
    }
    assert len(result.table_1) == 9
    assert list(result.class_windows.values()) == [8, 3, 3]
    assert result.leads == {"i": 4, "ii": 4}
    assert result.fs == {100: 3, 200: 1}
    assert result.seconds == pytest.approx(6 + 2.5 + 3 + 1.5)
    assert calls[-1] == (4, 4)
    assert describe(database, length=100, stride=50).class_windows["Healthy control"] == 5
    assert describe(database, length=100, fs=200).class_windows["Healthy control"] == 6


def test_classes_of_the_users_own(record, database, tmp_path):
    record("patient001/a", n_samples=600)
    record("patient001/b", n_samples=250)
    record("patient002/a", n_samples=300)
    (tmp_path / "labels.csv").write_text("record,label\npatient001/a,x\npatient001/b,x\npatient002/a,w\n")
    result = describe(database, length=100, labels=tmp_path / "labels.csv")
    assert result.classes == {"w": 1, "x": 2}
    assert result.class_patients == {"w": 1, "x": 1}
    assert result.class_windows == {"w": 3, "x": 8}


def test_every_problem_is_a_line_and_the_rest_goes_on(record, database):
    for name in ("good", "gone", "cut", "still", "short", "speed", "text"):
        record(name, n_samples=90 if name == "short" else 600)
    record("lost", digital=np.full((2, 600), MISSING))
    record("still", digital=np.ones((2, 600)))
    record("lead", leads=("v1", "v2"))
    (database / "gone.dat").unlink()
    (database / "cut.dat").write_bytes(b"1234")
    (database / "text.hea").write_text("hello\n")
    header = database / "speed.hea"
    header.write_text(header.read_text().replace("speed 2 100", "speed 2 0"))
    (database / "RECORDS").write_text("good\ngone\ncut\nstill\nshort\nspeed\ntext\nlost\nlead\nnone\ngood\n")
    result = describe(database, length=100, leads=["II"])
    starts = [
        "good: 2 records of this name",
        "gone: its signal file gone.dat is missing",
        "cut: cut.dat is cut short",
        "still: every window is flat",
        "short: 0.9 s is shorter than a window of 1 s",
        "speed: the header gives 0 as sampling frequency",
        "text: text.hea is not a WFDB header",
        "lost: every window is missing",
        "lead: lead 'II' is not in this record (has v1, v2)",
        "none: its header none.hea is missing",
    ]
    assert len(result.problems) == len(starts)
    for problem, start in zip(result.problems, starts, strict=True):
        assert problem.startswith(start)
        assert "\n" not in problem
    assert result.dropped == {"missing": 6, "flat": 6}
    assert [row.head.name for row in result.rows if not row.problem] == ["good"]
    assert sum(result.class_windows.values()) == 6


def test_an_fs_out_of_all_proportion_is_a_problem(record, database):
    record()
    result = describe(database, length=100, fs=1e9)
    assert result.problems == ("rec: has 100 Hz and cannot be resampled to 1e+09 Hz; give an fs from 0.1 to 10000 Hz",)


def test_a_source_that_is_none(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        describe(tmp_path / "nowhere")


def test_the_real_excerpt(shared):
    result = describe(shared / "data" / "ptbdb", leads=["i"])
    assert result.problems == ()
    assert (len(result.rows), result.patients) == (43, 37)
    assert list(result.classes.values()) == [8, 20, 15]
    assert result.fs == {1000: 43}
