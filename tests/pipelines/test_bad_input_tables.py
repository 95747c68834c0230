"""Every bad input of tables: exit code 2, one line that names it, nothing left in OUT."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.patients import TRAIN
from anonimage.data.store.store import open_store
from anonimage.data.table.form import TableForm
from anonimage.errors import InputError
from anonimage.pipelines.kinds import load_codec
from tiny import anonimage, nothing_left, quick, refused


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 90, 60),
            "sex": rng.choice(["f", "m"], 60),
            "ward": rng.choice(["north", "south", "east"], 60),
            "outcome": np.arange(60) % 2,
        }
    )


@pytest.fixture
def table(tmp_path):
    """Writes a frame as patients.csv."""

    def write(frame):
        frame.to_csv(tmp_path / "patients.csv", index=False)
        return tmp_path / "patients.csv"

    return write


def test_the_table_itself_is_good(frame, table, out):
    assert quick("table", table(frame), out, "--label", "outcome").exit_code == 0


def test_a_table_that_is_not_there(tmp_path, out):
    refused(quick("table", tmp_path / "absent.csv", out), "absent.csv", "no such file")
    (tmp_path / "folder").mkdir()
    refused(quick("table", tmp_path / "folder", out), "is a folder", "CSV or Parquet")
    nothing_left(out)


def test_a_label_that_is_no_column(frame, table, out):
    refused(quick("table", table(frame), out, "--label", "outcom"), "--label outcom", "did you mean 'outcome'")
    nothing_left(out)


@pytest.mark.parametrize("option", ["--binary", "--category", "--drop", "--keep", "--patient"])
def test_an_option_for_a_column_that_is_not_there(option, frame, table, out):
    refused(quick("table", table(frame), out, option, "wards"), option, "wards", "did you mean 'ward'")
    nothing_left(out)


def test_a_class_of_one_row(frame, table, out):
    frame.loc[7, "outcome"] = 2
    refused(quick("table", table(frame), out, "--label", "outcome"), "class '2'", "one patient")
    nothing_left(out)


def test_a_class_of_one_patient_with_many_rows(frame, table, out):
    frame["who"] = np.arange(60) // 6
    frame["outcome"] = (frame["who"] == 3).astype(int)
    options = ("--label", "outcome", "--patient", "who")
    refused(quick("table", table(frame), out, *options), "class '1'", "one patient")
    nothing_left(out)


def test_a_label_of_one_class(frame, table, out):
    refused(quick("table", table(frame.assign(outcome=1)), out, "--label", "outcome"), "outcome", "1 in every")
    nothing_left(out)


@pytest.mark.parametrize("seed", range(5))
def test_a_category_of_one_row_is_taught(seed, frame, table, out):
    frame.loc[7, "ward"] = "attic"
    assert quick("table", table(frame), out, "--seed", seed, verb="prepare").exit_code == 0
    rows = open_store(out / "store").frame
    assert rows["part"].iloc[7] == TRAIN
    assert set(rows["part"]) == {"train", "control"}


def test_a_category_that_training_never_saw(frame, table, out):
    assert quick("table", table(frame), out, "--drop", "outcome").exit_code == 0
    made = out / "synthetic" / "patients.csv"
    rows = pd.read_csv(made)
    rows.loc[3, "ward"] = "attic"
    rows.to_csv(made, index=False)
    refused(anonimage("evaluate", out), "patients.csv", "'ward'", "'attic'", "no training row")
    form = TableForm.from_state(load_codec(out / "codec.json").form["table"])
    with pytest.raises(InputError, match="column 'ward' is 'attic' in 1 row"):
        form.to_samples(rows)


def test_a_table_that_leaves_one_control_row(frame, table, out):
    refused(quick("table", table(frame[["age"]].head(12)), out, control_share=0.1), "1 of 12 samples", "scores need 2")
    nothing_left(out)


def test_a_label_of_none_is_no_column(frame, table, out):
    assert quick("table", table(frame), out, "--label", "none", verb="prepare").exit_code == 0
    assert open_store(out / "store").classes == ()


def test_a_column_of_one_value(frame, table, out):
    path = table(frame.assign(site="here"))
    refused(quick("table", path, out), "'site'", "'here' in every row", "--drop site", "--keep site")
    nothing_left(out)
    assert quick("table", path, out, "--keep", "site").exit_code == 0
    assert set(pd.read_csv(out / "synthetic" / "patients.csv")["site"]) == {"here"}


def test_a_column_without_a_value(frame, table, out):
    path = table(frame.assign(site=np.nan))
    refused(quick("table", path, out), "'site'", "no value in any row", "--drop site")
    nothing_left(out)
    assert quick("table", path, out, "--drop", "site").exit_code == 0
    assert "site" not in pd.read_csv(out / "synthetic" / "patients.csv")


def test_mixed_types_in_a_column(frame, table, out):
    path = table(frame.astype({"age": object}).assign(age=lambda f: f["age"].where(f.index != 4, "old")))
    refused(quick("table", path, out), "line 6", "'old'", "'age'", "text among numbers", "--missing old")
    nothing_left(out)
    assert quick("table", path, out, "--missing", "old").exit_code == 0


def test_a_broken_row(frame, table, out):
    path = table(frame)
    lines = path.read_text().splitlines()
    lines[9] = lines[9] + ",7"
    path.write_text("\n".join(lines))
    refused(quick("table", path, out), "patients.csv", "line 10", "5", "4")
    nothing_left(out)


def test_columns_of_one_name(frame, table, out):
    refused(quick("table", table(frame.set_axis(["a", "sex", "a", "b"], axis=1)), out), "'a'", "its own name")
    nothing_left(out)


def test_more_columns_than_cells(frame, table, out):
    refused(quick("table", table(frame), out, side=2), "6 features", "4 cells", "side of at least 3")
    nothing_left(out)


def test_a_column_that_names_people(frame, table, out):
    refused(quick("table", table(frame.assign(name=[f"p{k}" for k in range(60)])), out), "'name'", "--drop name")
    nothing_left(out)


def test_recordings_are_asked_of_a_table(frame, table, out):
    refused(quick("table", table(frame), out, starts="random"), "starts = 'random'", "'grid'")


@pytest.fixture(scope="module")
def with_classes(tmp_path_factory):
    """A finished run that knows two classes; do not write into it."""
    place = tmp_path_factory.mktemp("classes")
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"age": rng.integers(20, 90, 60), "sex": rng.choice(["f", "m"], 60)})
    frame["outcome"] = np.where(np.arange(60) < 45, "well", "ill")
    frame.to_csv(place / "patients.csv", index=False)
    assert quick("table", place / "patients.csv", place / "out", "--label", "outcome").exit_code == 0
    return place / "out"


def test_generate_of_an_unknown_class(with_classes, tmp_path):
    to = tmp_path / "to"
    refused(anonimage("generate", with_classes, "--label", "il", "--to", to), "'il'", "did you mean 'ill'", "ill, well")
    nothing_left(to)


def test_generate_with_shares_that_mean_nothing(with_classes, tmp_path):
    to = tmp_path / "to"
    line = refused(anonimage("generate", with_classes, "--labels-like", "mine", "--to", to), "--labels-like", "'mine'")
    assert "'source' or 'balanced'" in line
    nothing_left(to)


def test_generate_a_class_of_a_run_without_classes(finished, tmp_path):
    to = tmp_path / "to"
    refused(anonimage("generate", finished, "--label", "ill", "--to", to), "'ill'", "know no classes", "head=auxiliary")
    nothing_left(to)


def test_generate_in_a_format_that_tables_do_not_have(with_classes, tmp_path):
    to = tmp_path / "to"
    refused(anonimage("generate", with_classes, "--format", "wfdb", "--to", to), "'wfdb'", "source, parquet, csv")
    nothing_left(to)


def test_generate_spares_a_table_of_the_user_s_among_its_own(frame, table, out):
    assert quick("table", table(frame), out).exit_code == 0
    (out / "synthetic" / "mine.csv").write_text("years of work")
    refused(anonimage("generate", out), "mine.csv", "move it away")
    (out / "synthetic" / "mine.csv").unlink()
    assert anonimage("generate", out).exit_code == 0


def test_leads_of_a_table_are_refused(tmp_path, out):
    table = tmp_path / "table.csv"
    table.write_text("a,b\n" + "".join(f"{k},{k % 2}\n" for k in range(30)))
    refused(anonimage("run", "table", table, out, "--leads", "ii"), "--leads ii", "leave it out")
    refused(anonimage("run", "table", tmp_path, out), "is a folder", "CSV")
    nothing_left(out)
