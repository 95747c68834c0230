"""Sets whose making is cut short: the next call goes on and comes to the same bytes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anonimage.data import sharded
from anonimage.data.formats import new_format
from anonimage.data.sharded import Plan
from anonimage.errors import InputError
from anonimage.files import StagedFolder, staging_of
from writer_cases import CASES, REQUEST, SHARD, N, Source, samples, whole, write_set, write_staged, written

GROWING = ("samples.csv", "signals.csv", "RECORDS", "rows.txt", "t.csv", "values", "labels")


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(sharded, "_STEP", SHARD)
    monkeypatch.setattr(sharded, "SHARD_BYTES", 1)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("fail_after", [9, 20])
def test_the_next_call_goes_on_and_comes_to_the_same_bytes(case, fail_after, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")
    first = Source(case, fail_after)
    with pytest.raises(KeyboardInterrupt):
        write_staged(first, tmp_path / "out", REQUEST)
    assert written(tmp_path / "out") == {"old": b"old"}
    for path in staging_of(tmp_path / "out").rglob("*"):
        if path.name in GROWING:
            with path.open("ab") as file:  # as a kill in the midst of the next shard leaves it
                file.write(b"half")
    second = Source(case)
    write_staged(second, tmp_path / "out", REQUEST)
    assert (first.asked, second.asked) == (0, fail_after // SHARD * SHARD)
    assert written(tmp_path / "out") == whole(case, tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]


@pytest.mark.parametrize("other", ["request", "plan"])
def test_another_request_begins_anew(other, tmp_path):
    first, second = Source("csv", 9), Source("csv")
    with pytest.raises(KeyboardInterrupt):
        write_staged(first, tmp_path / "out", REQUEST)
    if other == "plan":
        second.form = new_format(Plan.of(samples(), "window"), "csv", comments=["made"])
    write_staged(second, tmp_path / "out", {"seed": 2} if other == "request" else REQUEST)
    assert second.asked == 0
    names = pd.read_csv(tmp_path / "out" / "samples.csv")["record"]
    assert names.tolist()[0] == {"request": "synthetic000001", "plan": "window000001"}[other]
    assert len(names) == N


@pytest.mark.parametrize(("error", "after", "left"), [(InputError, 9, False), (OSError, 9, True), (OSError, 3, False)])
def test_what_a_failure_leaves(error, after, left, tmp_path):
    source = Source("parquet", after, error)
    with pytest.raises(error) as caught:
        write_staged(source, tmp_path / "out", REQUEST)
    assert bool(list(tmp_path.iterdir())) is left
    assert staging_of(tmp_path / "out").exists() is left
    if error is OSError:
        assert caught.value.filename == str(tmp_path / "out")


def test_a_damaged_note_begins_anew(tmp_path):
    first, second = Source("csv", 9), Source("csv")
    with pytest.raises(KeyboardInterrupt):
        write_staged(first, tmp_path / "out", REQUEST)
    (staging_of(tmp_path / "out") / "manifest.json").write_text("{")
    write_staged(second, tmp_path / "out", REQUEST)
    assert second.asked == 0
    assert written(tmp_path / "out") == whole("csv", tmp_path / "whole")


class Placing:
    """What is said of a set when it takes its place, and a kill before or after that."""

    def __init__(self, note: Path, kill: str = "") -> None:
        self.note, self.kill = note, kill

    def __call__(self, staged: StagedFolder) -> None:
        self.note.unlink(missing_ok=True)
        if self.kill == "before":
            raise KeyboardInterrupt
        staged.publish()
        if self.kill == "after":
            raise KeyboardInterrupt
        self.note.write_text("new")


def killed_between_the_renames(out: Path) -> None:
    out.rename(out.with_name(f".{out.name}.partial-999999999-old"))


@pytest.mark.parametrize("kill", ["before", "between", "after"])
def test_a_kill_while_the_set_takes_its_place(kill, tmp_path):
    out, note = tmp_path / "out", tmp_path / "note"
    out.mkdir()
    (out / "old").write_text("old")
    note.write_text("old")
    first, second = Source("csv"), Source("csv")
    with pytest.raises(KeyboardInterrupt):
        write_staged(first, out, REQUEST, Placing(note, "after" if kill == "after" else "before"))
    assert not note.exists()  # rather nothing than what is not so
    assert ((out / "old").exists(), (out / "samples.csv").exists()) == (kill != "after", kill == "after")
    if kill == "between":
        killed_between_the_renames(out)
    write_staged(second, out, REQUEST, Placing(note))
    assert second.asked == -1  # nothing was made again
    assert note.read_text() == "new"
    assert written(out) == whole("csv", tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["note", "out", "whole"]


def test_a_set_that_was_moved_away_comes_back_when_something_else_is_begun(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old")
    first, second = Source("csv"), Source("csv", 1)
    with pytest.raises(KeyboardInterrupt):
        write_staged(first, out, REQUEST, Placing(tmp_path / "note", "before"))
    killed_between_the_renames(out)
    with pytest.raises(KeyboardInterrupt):
        write_staged(second, out, {"seed": 2})
    assert written(out) == {"old": b"old"}


def test_too_few_samples_are_no_set(tmp_path):
    plan = Plan.of(samples())
    with pytest.raises(ValueError, match="20 samples were given, 23 were planned"):
        write_set(lambda first: [samples(n=20)], tmp_path / "out", new_format(plan, "csv"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("case", ["wfdb", "parquet"])
def test_killed_at_random_moments(case, tmp_path):
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
from pathlib import Path
from anonimage.data import sharded
sharded._STEP, sharded.SHARD_BYTES = {SHARD}, 1
from writer_cases import REQUEST, Source, write_staged
source = Source({case!r})
def slowly(first):
    print("begun", flush=True)
    for part in source(first):
        yield part
        time.sleep(0.03)
slowly.form = source.form
write_staged(slowly, Path({str(tmp_path / "out")!r}), REQUEST)
"""
    random = np.random.default_rng(5)
    kills = 0
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(random.uniform(0.02, 0.12))
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    assert kills == 2
    assert not (tmp_path / "out").exists()
    last = Source(case)
    write_staged(last, tmp_path / "out", REQUEST)
    assert written(tmp_path / "out") == whole(case, tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]
