"""Sets in shards: the same files in one piece and in many, and memory that does not grow."""

import tracemalloc

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import wfdb
from anonimage.data import sharded
from anonimage.data.formats import new_format, refuse_foreign
from anonimage.data.sharded import Plan
from anonimage.data.wfdb import writer as writer_wfdb
from anonimage.data.wfdb.header import find_records
from anonimage.errors import InputError
from writer_cases import CASES, SHARD, N, samples, whole, write_samples, write_set


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(sharded, "_STEP", SHARD)
    monkeypatch.setattr(sharded, "SHARD_BYTES", 1)


@pytest.mark.parametrize("case", CASES)
def test_shards_make_no_difference(case, tmp_path, monkeypatch):
    many = whole(case, tmp_path / "many")
    monkeypatch.setattr(sharded, "_STEP", N)
    one = whole(case, tmp_path / "one")
    if case == "parquet":
        assert sorted(many) == ["samples.csv", *(f"signals.parquet/part-{k:05d}.parquet" for k in range(6))]
        parts, single = (pd.read_parquet(tmp_path / name / "signals.parquet") for name in ("many", "one"))
        pd.testing.assert_frame_equal(parts, single)
        assert parts.attrs == single.attrs == {"comments": ["made"], "fs": 100.0, "units": {"i": "mV", "v1": "mV"}}
        assert pq.read_table(tmp_path / "many" / "signals.parquet").equals(
            pq.read_table(tmp_path / "one" / "signals.parquet")
        )
    else:
        assert many == one


def test_a_set_of_one_shard_is_one_parquet_file(tmp_path):
    write_samples(samples(n=SHARD), tmp_path / "out", "parquet")
    assert (tmp_path / "out" / "signals.parquet").is_file()
    write_samples(samples(n=SHARD + 1), tmp_path / "out", "parquet")
    assert (tmp_path / "out" / "signals.parquet").is_dir()
    refuse_foreign(tmp_path / "out")
    (tmp_path / "out" / "signals.parquet" / "mine.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"mine\.parquet: is not of a generated set"):
        refuse_foreign(tmp_path / "out")


def test_shards_are_of_one_size_in_bytes_whatever_the_windows_are(monkeypatch):
    monkeypatch.undo()
    for channels, length, shard in ((1, 2025, 8192), (12, 2025, 512), (3, 5, 16384), (12, 10**7, 256)):
        assert Plan(1, ("",) * channels, ("",) * channels, length, None).shard == shard


def test_many_records_lie_in_subfolders(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_wfdb, "FLAT", 10)
    monkeypatch.setattr(writer_wfdb, "FOLDER", 5)
    write_samples(samples(n=10), tmp_path / "flat", gain=200)
    assert {path.parent.name for path in (tmp_path / "flat").rglob("*")} == {"flat"}
    paths = write_samples(samples(n=11), tmp_path / "out", gain=200)
    names = [f"part{k // 5:04d}/synthetic{k + 1:06d}" for k in range(11)]
    assert (tmp_path / "out" / "RECORDS").read_text().split() == names
    assert [entry.name for entry in find_records(tmp_path / "out")] == names
    assert paths == [tmp_path / "out" / f"{name}.hea" for name in names]
    assert pd.read_csv(tmp_path / "out" / "samples.csv")["record"].tolist() == names
    for path, values in zip(paths, samples(n=11).values, strict=True):
        np.testing.assert_allclose(wfdb.rdrecord(str(path.with_suffix(""))).p_signal.T, values, atol=0.5 / 200)
    refuse_foreign(tmp_path / "out")


def test_memory_does_not_grow_with_the_number_of_samples(tmp_path, monkeypatch):
    monkeypatch.setattr(sharded, "_STEP", 64)
    part = samples(2, 1000, n=64)

    def peak(shards: int, file_format: str) -> int:
        plan = Plan(64 * shards, part.channels, part.units, part.length, part.fs)
        tracemalloc.start()
        write_set(lambda first: (part for _ in range(shards)), tmp_path / "out", new_format(plan, file_format, 200.0))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    for file_format in ("wfdb", "parquet", "csv", "npz"):
        peak(2, file_format)  # whatever is imported on the way
        assert peak(24, file_format) < 1.5 * peak(3, file_format), file_format
