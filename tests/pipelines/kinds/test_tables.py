"""Whole runs on tables: what comes back is written as the source was, and what a table can hold does not stop a run."""

import json

import numpy as np
import pandas as pd
import pytest
from anonimage.data.store.store import open_store
from anonimage.data.table.file import read_table
from tiny import anonimage, nothing_left, refused
from writer_cases import write_table

SETTINGS = {"widths": "8,8", "batch": 8, "samples": 24, "evaluated": 40, "latent_dim": 4}
SETTINGS |= {"judge_steps": 2, "control_runs": 2}
SETS = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
N = 120


def run(source, out, *options):
    return anonimage("run", "table", source, out, "--steps", 20, *options, *SETS)


def prepare(source, out, *options):
    return anonimage("prepare", "table", source, out, *options, *SETS)


def generate(source, out):
    """A run up to its synthetic rows."""
    done(prepare(source, out))
    done(anonimage("train", out, "--steps", 20))
    done(anonimage("generate", out))


def done(result):
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.fixture
def frame():
    """A column of every dtype that Parquet has for people."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "admitted": pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(N) * 37, unit="h"),
            "smoker": rng.random(N) < 0.4,
            "visits": pd.array(np.where(rng.random(N) < 0.2, None, rng.integers(0, 300, N)), dtype="Int64"),
            "ward": pd.array(rng.choice(["north", "south", "east"], N), dtype="string"),
            "stage": pd.Categorical(rng.choice(["I", "II"], N), categories=["I", "II", "III"], ordered=True),
            "weight": rng.normal(70, 9, N).round(1),
        }
    )


def test_parquet_comes_back_with_its_types(frame, tmp_path, out):
    frame.to_parquet(tmp_path / "people.parquet")
    done(run(tmp_path / "people.parquet", out))
    made = pd.read_parquet(out / "synthetic" / "people.parquet")
    pd.testing.assert_series_equal(made.dtypes, frame.dtypes)  # names, order and dtypes
    assert made["admitted"].between(frame["admitted"].min(), frame["admitted"].max()).all()
    assert (out / "report.html").is_file()


def test_a_decimal_comma_comes_back(frame, tmp_path, out):
    text = frame.drop(columns="admitted").to_csv(sep=";", decimal=",", index=False)
    (tmp_path / "people.csv").write_text(text)
    done(run(tmp_path / "people.csv", out, "--label", "ward"))
    lines = (out / "synthetic" / "people.csv").read_text().splitlines()
    assert lines[0] == text.splitlines()[0]
    assert len(lines) == 25
    assert all("," in line.split(";")[4] and "." not in line for line in lines[1:])


def test_a_table_without_a_header_comes_back(frame, tmp_path, out):
    """A column that is left out leaves its number, but the next ones are still read."""
    frame[["weight", "ward", "visits", "stage"]].to_csv(tmp_path / "people.csv", index=False, header=False)
    done(run(tmp_path / "people.csv", out, "--drop", "column2"))
    rows = pd.read_csv(out / "synthetic" / "people.csv", header=None)
    assert rows.shape == (24, 3)
    assert set(rows[2]) <= {"I", "II"}


# --- which rows train -------------------------------------------------------------------------------------------------


def test_times_take_no_control_rows(frame, tmp_path, out):
    frame[["admitted", "weight"]].to_parquet(tmp_path / "people.parquet")
    done(prepare(tmp_path / "people.parquet", out))
    assert (open_store(out / "store").frame["part"] == "control").sum() == 24  # a fifth


def test_a_class_that_only_control_patients_would_have_is_taught(frame, tmp_path, out):
    frame["who"] = np.arange(N) // 4
    frame["outcome"] = "well"
    frame.loc[frame["who"].isin([3, 17]) & (np.arange(N) % 4 == 0), "outcome"] = "ill"  # never a patient's commonest
    frame.drop(columns="admitted").to_csv(tmp_path / "people.csv", index=False)
    for seed in range(4):
        done(
            prepare(
                tmp_path / "people.csv", out, "--label", "outcome", "--patient", "who", "--seed", seed, "--overwrite"
            )
        )
        rows = open_store(out / "store").frame
        assert set(rows.loc[rows["part"] == "train", "diagnosis"]) == {"ill", "well"}
        assert rows.groupby("patient")["part"].nunique().max() == 1


def test_whole_numbers_that_training_could_take_for_categories(tmp_path, out):
    """Eleven values are numbers, ten would be categories; the eleventh may be in control rows alone."""
    value = np.r_[np.arange(11), np.arange(N - 11) % 10]
    pd.DataFrame({"value": value, "size": np.arange(N) * 0.5}).to_csv(tmp_path / "t.csv", index=False)
    for seed in range(6):
        done(prepare(tmp_path / "t.csv", out, "--seed", seed, "--overwrite"))
        assert (open_store(out / "store").frame["part"] == "control").sum() == 24


def test_columns_that_name_people_are_refused_at_once(tmp_path, out):
    n = 40_000
    frame = pd.DataFrame({"id": [f"p{k}" for k in range(n)], "age": np.arange(n) % 70})
    frame.to_csv(tmp_path / "t.csv", index=False)
    refused(prepare(tmp_path / "t.csv", out), "column 'id' names its rows", "--drop id")
    nothing_left(out)


def test_a_column_of_lists(frame, tmp_path, out):
    frame.assign(codes=[[k, k + 1] for k in range(N)]).to_parquet(tmp_path / "people.parquet")
    refused(prepare(tmp_path / "people.parquet", out), "column 'codes'", "--drop codes")
    refused(prepare(tmp_path / "people.parquet", out, "--missing", "x"), "column 'codes'", "--drop codes")
    nothing_left(out)
    done(prepare(tmp_path / "people.parquet", out, "--drop", "codes"))


# --- what was generated is read as it was written ---------------------------------------------------------------------


def test_evaluate_reads_codes_of_which_only_some_were_drawn(frame, tmp_path, out):
    frame["code"] = np.where(np.arange(N) % 3, "12", "007")
    frame[["weight", "code"]].to_csv(tmp_path / "t.csv", index=False)
    generate(tmp_path / "t.csv", out)
    made = out / "synthetic" / "t.csv"
    made.write_text(made.read_text().replace(",007", ",12"))
    done(anonimage("evaluate", out))


def test_evaluate_reads_a_rare_word_in_the_first_of_the_rows_without_header(frame, tmp_path, out):
    frame[["ward", "weight"]].to_csv(tmp_path / "t.csv", index=False, header=False)
    generate(tmp_path / "t.csv", out)
    rows = "".join(f"{ward},{70 + k}\n" for k, ward in enumerate(["east", *["north"] * 22, "south"]))
    (out / "synthetic" / "t.csv").write_text(rows)
    done(anonimage("evaluate", out))


def test_evaluate_reads_an_empty_category(frame, tmp_path, out):
    frame["note"] = np.where(np.arange(N) % 2, "", "NA")
    frame[["weight", "note"]].to_parquet(tmp_path / "t.parquet")
    done(run(tmp_path / "t.parquet", out))
    assert set(pd.read_parquet(out / "synthetic" / "t.parquet")["note"]) <= {"", "NA"}


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_a_table_is_read_with_the_dialect_that_it_was_written_with(delimiter, tmp_path):
    """A header like the values, a last column without a value, whole numbers, a mark that is not this table's."""
    frame = pd.DataFrame({"a": ["a", "b"], "b": ["1", "NA"], "c": [1.0, 2.0], "d": [np.nan, np.nan]})
    dialect = json.loads(json.dumps(read_table(_source(tmp_path, delimiter)).dialect))
    for header in (True, False):
        write_table(frame, tmp_path / "t.csv", dialect | {"header": header})
        again = read_table(tmp_path / "t.csv", (), ["a", "b"], dialect | {"header": header}, list(frame)).frame
        pd.testing.assert_frame_equal(again, frame)


def _source(folder, delimiter):
    path = folder / "source.csv"
    path.write_text("\n".join(delimiter.join(row) for row in (["x", "y"], ["k", ""], ["l", "2"])))
    return path


def test_a_second_parquet_replaces_the_first(frame, tmp_path, out):
    frame[["ward", "weight"]].to_csv(tmp_path / "mine.csv", index=False)
    generate(tmp_path / "mine.csv", out)
    for _ in range(2):
        done(anonimage("generate", out, "--format", "parquet"))
    assert [file.name for file in (out / "synthetic-parquet").iterdir()] == ["mine.parquet"]
    (out / "synthetic-parquet" / "yours.parquet").write_text("years of work")
    refused(anonimage("generate", out, "--format", "parquet"), "yours.parquet", "move it away")
