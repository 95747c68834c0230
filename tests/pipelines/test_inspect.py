"""inspect: what it prints, with and without problems."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny import anonimage, beats, quick, refused, write_database, write_patient


def lines(result):
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_records_classes_and_windows(database):
    printed = lines(anonimage("inspect", database, "--side", 9, "--fs", 100))
    assert "patient001/s0001_re patient001 Bundle branch block 1 3 100 12.0 14" in printed
    assert "Myocardial infarction 3 3 42 0" in printed
    assert "Miscellaneous 3 3 42 1" in printed
    assert "Healthy control 3 3 42 2" in printed
    assert "9 records of 9 patients, 1.8 minutes, 126 windows of 81 samples" in printed
    assert "leads: i ×9, ii ×9, iii ×9" in printed
    assert "problems: none" in printed


def test_every_problem_is_listed_by_record(tmp_path):
    source = write_database(tmp_path / "source", patients=5)
    (source / "patient002/s0002_re.dat").unlink()
    write_patient(source, 4, beats(4, seconds=0.3))
    header = source / "patient005/s0005_re.hea"
    header.write_text(header.read_text().replace("s0005_re 3 100", "s0005_re 3 0"))
    printed = lines(anonimage("inspect", source, "--side", 9, "--fs", 100))
    assert "problems: 3" in printed
    for record in ("patient002/s0002_re", "patient004/s0004_re", "patient005/s0005_re"):
        assert any(line.startswith(record) and ":" in line for line in printed[printed.index("problems: 3") :])


def test_a_source_that_is_not_there(tmp_path):
    refused(anonimage("inspect", tmp_path / "absent"), "no such file or folder")


def test_a_table_and_all_of_its_problems(tmp_path):
    path = tmp_path / "patients.csv"
    frame = pd.DataFrame({"age": np.arange(20, 60), "sex": ["f", "m"] * 20, "site": "here", "note": np.nan})
    frame["name"] = [f"p{k}" for k in range(40)]
    frame.loc[3, "age"] = np.nan
    frame.to_csv(path, index=False)
    printed = lines(anonimage("inspect", path))
    assert "40 rows, 5 columns" in printed
    assert "age integer float64 20.0 to 59.0 39 1" in printed
    assert "sex binary object f, m 2 0" in printed
    problems = printed[printed.index("problems: 3") :]
    for column in ("site", "note", "name"):
        assert any(f"column '{column}'" in line and f"--drop {column}" in line for line in problems)
    settings = ("--set", "drop=name,note", "--set", "keep=site", "--set", "category=age")
    assert "problems: none" not in lines(anonimage("inspect", path, "--set", "drop=name,note"))
    assert "problems: none" in lines(anonimage("inspect", path, *settings[:4]))


def test_pictures(tmp_path):
    for name in ("cats/1.png", "cats/2.png", "dogs/1.png"):
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (10, 12)).save(tmp_path / "pets" / name)
    printed = lines(anonimage("inspect", tmp_path / "pets"))
    assert "3 pictures, resized to 45×45 for training" in printed
    assert {"sizes: 10×12 ×3", "modes: L ×3", "classes: cats ×2, dogs ×1", "problems: none"} <= set(printed)
    (tmp_path / "pets" / "dogs" / "2.png").write_text("x")
    Image.new("RGB", (10, 12)).save(tmp_path / "pets" / "dogs" / "3.png")
    printed = lines(anonimage("inspect", tmp_path / "pets"))
    assert "problems: 2" in printed


def test_series(tmp_path):
    (tmp_path / "series").mkdir()
    for patient in (1, 2):
        signals = beats(patient)[:2].T
        pd.DataFrame(signals, columns=["a", "b"]).to_csv(tmp_path / "series" / f"{patient}.csv", index=False)
    printed = lines(anonimage("inspect", tmp_path / "series", "--fs", 100))
    assert "layout columns: 2 recordings of 2 patients, 24.0 s at 100 Hz" in printed
    assert {"channels: a, b", "missing values: 0", "problems: none"} <= set(printed)


def test_rows_of_an_npz(tmp_path):
    np.savez(tmp_path / "signals.npz", values=np.zeros((5, 1, 30)), fs=50.0)
    printed = lines(anonimage("inspect", tmp_path / "signals.npz"))
    assert any(line.startswith("layout npz: 5 samples of 30 values") for line in printed)


def test_a_text_file_is_looked_at_as_what_it_seems_to_be(tmp_path):
    kinds = {
        "series": ("# Sampling Rate (Hz):= 100\n", "1\n2\n3\n"),  # comments, one column
        "table": ("age,sick\n", "30,0\n40,1\n50,0\n"),
    }
    for recipe, (first, rest) in kinds.items():
        path = tmp_path / f"{recipe}.txt"
        path.write_text(first + rest)
        assert f"(read as recipe {recipe} does; --recipe names another)" in lines(anonimage("inspect", path))


def test_a_problem_of_many_records_is_one_line(tmp_path):
    write_database(tmp_path / "source", patients=5)
    problems = lines(anonimage("inspect", tmp_path / "source", "--side", 9, "--leads", "vx"))
    begin = problems.index("problems: 5")
    assert len(problems[begin:]) == 3  # and which recipe it was
    assert problems[begin + 1].startswith("patient001/s0001_re (and 4 more): lead 'vx' is not in this record")


BEAT = "\n".join(str(k % 7) for k in range(100)) + "\n"
SICK = "x,c\n" + BEAT.replace("\n", ",sick\n")
RATE = "# Sampling Rate (Hz):= "
REFUSED = {
    "rates": ({"a.csv": f"{RATE}100\n{BEAT}", "b.csv": f"{RATE}101\n{BEAT}"}, (), "b: 101 Hz, but a has 100 Hz"),
    "channels": ({"a.csv": f"x\n{BEAT}", "b.csv": f"y\n{BEAT}"}, ("--fs", 100), "b: its channels are y, those of a x"),
    "class": ({"a.csv": SICK, "b.csv": SICK}, ("--fs", 100, "--label", "c"), "one class is none"),
    "label": ("age,sick\n1,a\n2,\n3,b\n4,a\n", ("--label", "sick"), "label 'sick' is missing in 1 rows"),
    "dropped": ("age,sick\n1,a\n2,b\n3,b\n4,a\n", ("--drop", "seck"), "--drop seck: no such column"),
    "kept": ("age,sick\n1,a\n2,b\n3,b\n4,a\n", ("--keep", "sick"), "only a column of one value is kept"),
    "patient": ("age,who\n1,a\n2,\n3,b\n4,a\n", ("--patient", "who"), "column 'who' is missing in row 2"),
}


@pytest.mark.parametrize(("content", "options", "says"), REFUSED.values(), ids=REFUSED)
def test_what_prepare_refuses_is_a_problem(tmp_path, content, options, says):
    files = content if isinstance(content, dict) else {".": content}
    source = tmp_path / "in"
    for name, text in files.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text)
    recipe = "series" if source.is_dir() else "table"
    printed = lines(anonimage("inspect", source, "--recipe", recipe, "--side", 4, *options))
    assert any(says in line for line in printed[printed.index("problems: 1") :])
    refused(quick(recipe, source, tmp_path / "out", *options, verb="prepare", side=4), says)


def test_windows_of_series_are_counted_and_short_recordings_are_problems(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "long.csv").write_text(BEAT)
    (tmp_path / "in" / "short.csv").write_text(BEAT[:20])
    printed = lines(anonimage("inspect", tmp_path / "in", "--fs", 100, "--side", 4))
    assert "6 windows of 16 samples" in printed
    assert "short: 0.1 s is shorter than a window of 0.16 s; skipped" in printed[printed.index("problems: 1") :]


def test_a_single_class_leaves_the_rest_of_the_description(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        (tmp_path / "in" / f"{name}.csv").write_text(SICK)
    printed = lines(anonimage("inspect", tmp_path / "in", "--fs", 100, "--label", "c", "--side", 4))
    assert "12 windows of 16 samples" in printed
    assert printed[printed.index("problems: 1") + 1].startswith("--label: every recording is of class 'sick'")


def test_a_table_with_classes_has_no_problem(tmp_path):
    rows = [f"{20 + k},{'ab'[k % 2]},{'tuvwxyz'[k % 7]}" for k in range(42)]
    (tmp_path / "in.csv").write_text("\n".join(["age,outcome,town", *rows, ""]))
    printed = lines(anonimage("inspect", tmp_path / "in.csv", "--label", "outcome"))
    assert "problems: none" in printed
    shown = {line.split()[0]: " ".join(line.split()) for line in printed if line.strip()}
    assert "a, b" in shown["outcome"]
    assert "t, u, v, w, x, y, … 7" in shown["town"]  # six of its values


def test_short_records_are_not_counted_as_windows_left_out(tmp_path):
    write_database(tmp_path / "source", patients=3)
    printed = lines(anonimage("inspect", tmp_path / "source", "--set", "length=900000", "--set", "arrangement=line"))
    assert not any(line.startswith("windows left out") for line in printed), printed
    assert "problems: 3" in printed


def test_rates_of_rounded_clocks_are_one_rate(tmp_path):
    (tmp_path / "in").mkdir()
    for name, n_steps in (("a", 200), ("b", 230)):
        text = "".join(f"{k / 360:.3f},{k % 7}\n" for k in range(n_steps))
        (tmp_path / "in" / f"{name}.csv").write_text(f"time_s,x\n{text}")
    assert "problems: none" in lines(anonimage("inspect", tmp_path / "in", "--side", 4))
    result = quick("series", tmp_path / "in", tmp_path / "out", verb="prepare", side=4)
    assert result.exit_code == 0, result.output
