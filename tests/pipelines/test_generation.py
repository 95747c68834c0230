"""Generating: in constant memory, resumable, and nothing that says what is not so."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from anonimage.data import sharded
from anonimage.files import staging_of
from anonimage.gan.sampling import CHUNK
from anonimage.pipelines import generation
from anonimage.pipelines.anonymizer import Anonymizer
from anonimage.pipelines.generation import generate
from tiny import anonimage, refused


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(sharded, "_STEP", CHUNK)
    monkeypatch.setattr(sharded, "SHARD_BYTES", 1)


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- a sample is the same wherever the asking begins ------------------------------------------------------------------


def test_sample_k_is_the_same_however_many_are_asked_for(finished):
    anonymizer = Anonymizer.load(finished)
    assert anonymizer.recipe.images.offset == "sampled"
    many = anonymizer.sample(2 * CHUNK + 9)
    for first, n in ((0, 5), (CHUNK - 2, 5), (CHUNK + 3, CHUNK)):
        few = anonymizer.sample(n, first=first)
        np.testing.assert_array_equal(few.values, many.values[first : first + n])
        assert few.frame["number"].tolist() == list(range(first, first + n))


def test_offsets_of_different_chunks_and_seeds_are_different(finished):
    anonymizer = Anonymizer.load(finished)
    minima = anonymizer.sample(2 * CHUNK).values.min(axis=2)[:, 0]
    assert len(set(minima.tolist())) == 2 * CHUNK
    assert not np.array_equal(minima[:CHUNK], anonymizer.sample(CHUNK, seed=99).values.min(axis=2)[:, 0])


# --- long sets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["source", "parquet"])
def test_a_call_that_was_cut_short_is_gone_on_with(file_format, copy, monkeypatch, small_shards, capfd):
    n, to = 4 * CHUNK + 5, copy / "more"
    generate(copy, n, file_format, copy / "whole")
    speed = capfd.readouterr().err
    assert f"generated: {n} windows in {copy / 'whole'}, " in speed
    assert "windows/s" in speed

    real, asked = Anonymizer.iter_samples, []

    def cut_short(self, n, labels=None, seed=None, first=0):
        asked.append(first)
        for k, part in enumerate(real(self, n, labels, seed, first)):
            if len(asked) == 1 and k == 3:
                raise KeyboardInterrupt
            yield part

    monkeypatch.setattr(Anonymizer, "iter_samples", cut_short)
    with pytest.raises(KeyboardInterrupt):
        generate(copy, n, file_format, to)
    assert not to.exists()
    generate(copy, n, file_format, to)
    assert asked == [0, 3 * CHUNK]
    assert f"{3 * CHUNK} of {n} windows are there already" in capfd.readouterr().err
    assert written(to) == written(copy / "whole")


@pytest.mark.parametrize("change", ["-n", "--seed", "--offset", "--format", "training"])
def test_another_call_begins_anew(change, copy, monkeypatch, small_shards, capfd):
    to = copy / "more"
    real, asked = Anonymizer.iter_samples, []

    def cut_short(self, n, labels=None, seed=None, first=0):
        asked.append(first)
        for part in real(self, n, labels, seed, first):
            yield part
            if len(asked) == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(Anonymizer, "iter_samples", cut_short)
    with pytest.raises(KeyboardInterrupt):
        generate(copy, 2 * CHUNK, "csv", to)
    assert staging_of(to).is_dir()
    monkeypatch.undo()
    monkeypatch.setattr(sharded, "_STEP", CHUNK)
    monkeypatch.setattr(sharded, "SHARD_BYTES", 1)
    given = {"n": 2 * CHUNK, "file_format": "csv", "to": to}
    if change == "training":
        assert anonimage("train", copy, "--steps", 8).exit_code == 0
    else:
        given |= {"-n": {"n": 99}, "--seed": {"seed": 8}, "--offset": {"offset": "relative"}}.get(change, {})
        given |= {"file_format": "npz"} if change == "--format" else {}
    capfd.readouterr()
    generate(copy, **given)
    assert "already" not in capfd.readouterr().err
    again = copy / "again"
    generate(copy, **given | {"to": again})
    assert written(to) == written(again)
    assert not staging_of(to).exists()


def test_killed_while_it_generates(copy, small_shards, capfd):
    script = f"""
from pathlib import Path
from anonimage.data import sharded
from anonimage.pipelines.generation import generate
sharded._STEP, sharded.SHARD_BYTES = {CHUNK}, 1
generate(Path({str(copy)!r}), 3000, "parquet")
"""
    place = staging_of(copy / "synthetic-parquet")
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    limit = time.monotonic() + 60
    while not (place / "files" / "signals.parquet" / "part-00010.parquet").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.002)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (copy / "synthetic-parquet").exists()
    generate(copy, 3000, "parquet")
    done = int(capfd.readouterr().err.partition("generate: ")[2].split()[0])
    assert 10 * CHUNK <= done < 3000
    generate(copy, 3000, "parquet", copy / "whole")
    assert written(copy / "synthetic-parquet") == written(copy / "whole")
    assert not list(copy.glob(".*"))


# --- generated.json ---------------------------------------------------------------------------------------------------


def test_generated_json_is_never_of_another_set(copy, monkeypatch, capfd):
    real = generation.new_file

    def killed(path, mode="w"):
        raise KeyboardInterrupt

    monkeypatch.setattr(generation, "new_file", killed)
    with pytest.raises(KeyboardInterrupt):
        generate(copy, n=7)
    assert len(pd.read_csv(copy / "synthetic" / "samples.csv")) == 7
    assert not (copy / "generated.json").exists()
    refused(anonimage("evaluate", copy), "generated.json", "generate again")
    monkeypatch.setattr(generation, "new_file", real)
    capfd.readouterr()
    generate(copy, n=7)
    assert "windows/s" not in capfd.readouterr().err  # nothing had to be made again
    assert json.loads((copy / "generated.json").read_text())["n"] == 7


def test_two_runs_cannot_write_to_one_place_at_once(copy, tmp_path):
    hold = "import sys, pathlib, anonimage.files as files\nwith files.locked(pathlib.Path(sys.argv[1]), beside=True):\n"
    hold += "    print('held', flush=True)\n    sys.stdin.read()"
    given = [sys.executable, "-c", hold, tmp_path / "to"]
    with subprocess.Popen(given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        refused(anonimage("generate", copy, "-n", 3, "--to", tmp_path / "to"), f"process {holder.pid} works on it")
    assert anonimage("generate", copy, "-n", 3, "--to", tmp_path / "to").exit_code == 0
    assert not list(tmp_path.glob(".*"))


def test_a_set_elsewhere_leaves_generated_json_alone(copy):
    before = (copy / "generated.json").read_bytes()
    generate(copy, n=3, to=copy / "more")
    generate(copy, n=3, file_format="npz")
    assert (copy / "generated.json").read_bytes() == before


# --- subfolders are read back -----------------------------------------------------------------------------------------


def test_a_set_in_subfolders_is_scored_as_a_flat_one(copy, monkeypatch):
    from anonimage.data.wfdb import writer as writer_wfdb
    from anonimage.pipelines.kinds import kind_of_codec, load_codec
    from anonimage.pipelines.run_folder import fingerprint

    codec = load_codec(copy / "codec.json")
    flat, mark = kind_of_codec(codec).read_back(copy / "synthetic", codec), fingerprint(copy / "synthetic")
    monkeypatch.setattr(writer_wfdb, "FLAT", 10)
    monkeypatch.setattr(writer_wfdb, "FOLDER", 6)
    generate(copy)
    assert sorted(path.name for path in (copy / "synthetic").iterdir()) == [
        *("RECORDS", "part0000", "part0001", "part0002", "part0003", "samples.csv")
    ]
    deep = kind_of_codec(codec).read_back(copy / "synthetic", codec)
    np.testing.assert_array_equal(deep.values, flat.values)
    assert deep.frame["record"][6] == "part0001/synthetic000007"
    assert wfdb.rdheader(str(copy / "synthetic" / "part0001" / "synthetic000007")).record_name == "synthetic000007"
    assert fingerprint(copy / "synthetic") != mark
    generate(copy)  # which is known as a generated set, and replaced
