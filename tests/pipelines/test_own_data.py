"""docs/own-data.md: every command in it runs as it stands there, on data of the names it uses."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from PIL import Image
from tiny import anonimage, beats, begin_small, write_patient

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-data.md"


def commands(title: str) -> list[list[str]]:
    """The commands of one section, in order."""
    section = PAGE.read_text("utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line]
    assert all(line.startswith("anonimage ") for line in lines)
    return [shlex.split(line)[1:] for line in lines]


def follow(title: str) -> None:
    for arguments in commands(title):
        result = anonimage(*arguments)
        assert result.exit_code == 0, (arguments, result.output, result.exception)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    begin_small(monkeypatch, samples=60, evaluated=60, precision="32", widths="8,16")
    monkeypatch.setattr("anonimage.pipelines.evaluation.measure.NULL_IMAGES", 60)
    return tmp_path


def test_wfdb_database(place):
    for patient in range(1, 10):
        write_patient(place / "recordings", patient, beats(patient).repeat(10, axis=1), fs=1000)
    time = np.arange(6000) / 100
    pd.DataFrame({"a": np.sin(6 * time), "b": np.cos(5 * time)}).to_csv("signal.csv", index=False)
    follow("A WFDB database")
    record = wfdb.rdrecord("out-ecg/synthetic/synthetic000001")
    assert (record.sig_name, record.units, record.fs) == (["ii"], ["mV"], 1000)
    assert {wfdb.rdheader(str(path.with_suffix(""))).comments[-2] for path in Path("healthy").glob("*.hea")} == {
        "Reason for admission: Healthy control"
    }
    windows = sorted(Path("out-signal/synthetic").glob("synthetic*.csv"))
    assert list(pd.read_csv(windows[0]).columns) == ["a", "b"]
    assert len(pd.read_csv(windows[0])) == 16 * 16


def test_table(place):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": rng.integers(20, 90, 200),
            "sex": rng.choice(["f", "m"], 200),
            "weight": rng.normal(70, 12, 200).round(1),
            "ward": rng.choice(["north", "south", "east"], 200),
            "outcome": rng.integers(0, 2, 200),
        }
    )
    table.loc[::9, "weight"] = np.nan
    table.to_csv("patients.csv", index=False)
    follow("A table")
    made = pd.read_csv("out-table/synthetic/patients.csv")
    assert list(made.dtypes.items()) == list(table.dtypes.items())
    assert made["age"].between(table["age"].min(), table["age"].max()).all()
    assert set(made["ward"]) <= {"north", "south", "east"}
    assert set(pd.read_csv("with-outcome/patients.csv")["outcome"]) == {1}
    assert pd.read_csv("half-and-half/patients.csv")["outcome"].sum() == 25


def test_pictures(place):
    rng = np.random.default_rng(0)
    Path("pictures").mkdir()
    rows, columns = np.mgrid[:24, :20]
    for number in range(40):
        ridges = 127 + 120 * np.sin(rows * rng.uniform(0.5, 1) + columns * rng.uniform(-1, 1))
        Image.fromarray(ridges.astype(np.uint8)).save(f"pictures/finger{number:03d}.bmp")
    follow("A folder of pictures")
    made = sorted(Path("out-pictures/synthetic").glob("*.bmp"))
    assert len(made) == 60
    with Image.open(made[0]) as picture:
        assert (picture.size, picture.mode) == ((20, 24), "L")
