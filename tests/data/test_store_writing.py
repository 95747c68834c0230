"""A store that is interrupted goes on, whoever reads gives the same bytes, and a bad record costs only itself."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import fsspec
import numpy as np
import pytest
from anonimage.data.patients import split_patients
from anonimage.data.store.ingest import discard_unfinished
from anonimage.data.store.storage import Storage
from anonimage.data.store.store import open_store, store_mark
from anonimage.data.store.writing import Cut, placed, stage_store
from anonimage.data.wfdb.header import find_records, read_heads
from anonimage.data.wfdb.signals import RecordSource
from anonimage.errors import InputError
from anonimage.files import staging_of
from anonimage.parallel import Failure
from store_cases import Noise, backwards, content, dies_at, times_read, two_processes, write


def test_a_signal_is_a_npy_file_with_time_first(tmp_path, log):
    source = Noise("a", log, n_samples=150_000)
    store = write(tmp_path / "store", [source], 1000)
    values = source.read().values
    np.testing.assert_array_equal(np.load(tmp_path / "store" / "r000000.npy"), values.T)
    np.testing.assert_array_equal(store.signal("a"), values)


@pytest.mark.parametrize("cache_bytes", [0, 1 << 30])
@pytest.mark.parametrize("start", [0, 49_999, 147_000])
def test_windows_come_from_anywhere_in_a_signal(tmp_path, log, start, cache_bytes):
    source = Noise("a", log, n_samples=150_000)
    write(tmp_path / "store", [source], 3000)
    (window,) = open_store(tmp_path / "store", cache_bytes).windows(["a"], [start])
    np.testing.assert_array_equal(window, source.read().physical()[:, start : start + 3000])


def test_who_works_and_in_what_order_is_not_to_be_seen(tmp_path, noise, record, database):
    def written(name, parallel, sources):
        write(tmp_path / name, sources, 100, 50, split=split_patients, parallel=parallel)
        return content(tmp_path / name)

    record("patient001/a")
    record("patient002/b", reason="Healthy control", fs=150)
    record("patient003/c")
    records = [RecordSource(head, ("ii",), 100.0) for head in read_heads(find_records(database))]
    for sources in (noise, records):
        alone = written("alone", None, sources)
        assert len(alone) > 5
        assert written("two", two_processes, sources) == alone
        assert written("back", backwards, sources) == alone


def test_a_store_of_float_and_whole_numbers(tmp_path, record, database):
    """Records of several rates, brought to one: some stay as the ADC gave them, others do not."""
    record("a", fs=100)
    record("b", fs=200)
    heads = read_heads(find_records(database))
    store = write(tmp_path / "store", [RecordSource(head, fs=100.0) for head in heads], 100)
    assert {row.dtype for row in store.records.values()} == {"int16", "float32"}
    for cache_bytes in (0, 1 << 20):
        opened = open_store(tmp_path / "store", cache_bytes)
        both = opened.windows(["a", "b", "a"], [5, 6, 7])
        np.testing.assert_array_equal(both[::2], opened.windows(["a", "a"], [5, 7]))
        expected = RecordSource(heads[1], fs=100.0).read().physical()[:, 6:106]
        np.testing.assert_array_equal(both[1], expected)


def test_what_was_done_is_not_done_again(tmp_path, noise, log):
    def stopped(function, items):
        yield from map(function, items[:4])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "store", noise, 100, parallel=stopped)
    assert not (tmp_path / "store").exists()
    assert times_read(log) == ["a1", "a2", "b1", "c1"]
    changed = [noise[0], Noise("a2", log, version=1), *noise[2:]]
    write(tmp_path / "store", changed, 100)
    assert times_read(log) == ["a2", "d1", "e1"]
    write(tmp_path / "whole", changed, 100)
    assert content(tmp_path / "store") == content(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "store", "whole"]


@pytest.mark.parametrize("how", [{"length": 120}, {"stride": 30}, {"fewer": 1}])
def test_other_settings_begin_anew(tmp_path, noise, log, how):
    def stopped(function, items):
        yield from map(function, items[:4])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "store", noise, 100, parallel=stopped)
    times_read(log)
    sources = noise[how.pop("fewer", 0) :]
    write(tmp_path / "store", sources, **({"length": 100} | how))
    assert times_read(log) == [source.name for source in sources]
    write(tmp_path / "whole", sources, **({"length": 100} | how))
    assert content(tmp_path / "store") == content(tmp_path / "whole")


def test_a_file_that_changed_is_read_again(record, database, tmp_path):
    header = record("a")
    (source,) = (RecordSource(head) for head in read_heads(find_records(database)))
    (elsewhere,) = two_processes(RecordSource.read, [source])  # sources reach workers
    assert elsewhere.head == source.head
    assert np.array_equal(elsewhere.values, source.read().values)
    before = source.stamp
    assert before == RecordSource(source.head).stamp
    assert before != RecordSource(source.head, ("i",)).stamp
    assert before != RecordSource(source.head, (), 50.0).stamp
    os.utime(header.with_suffix(".dat"), ns=(1, 1))
    assert source.stamp != before
    header.with_suffix(".dat").unlink()
    assert source.stamp != before


KILLED = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from store_cases import Noise, write
folder = Path(sys.argv[2])
print("begun", flush=True)
write(folder / "store", [Noise(f"{k:02d}", folder / "log", seconds=0.02) for k in range(30)], 100, 10)
"""


def test_killed_at_any_moment_it_goes_on(tmp_path):
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parents[1]), str(tmp_path)]
    rng = np.random.default_rng(0)
    kills = 0
    while kills < 4:
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        process.stdout.readline()
        try:
            process.wait(rng.uniform(0.02, 0.12))
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            kills += 1
            assert not (tmp_path / "store").exists()
    assert kills == 4
    assert subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0
    read = times_read(tmp_path / "log")
    assert 30 <= len(read) < 30 + 5 * 8  # of each kill, those that were being read, again
    write(tmp_path / "whole", [Noise(f"{k:02d}", tmp_path / "log") for k in range(30)], 100, 10)
    assert content(tmp_path / "store") == content(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "store", "whole"]


def test_a_bad_record_ends_it_by_name_and_the_others_stay_done(tmp_path, noise, log):
    bad = [*noise[:3], Noise("c1", log, version=-1), *noise[4:]]
    with pytest.raises(InputError, match=r"^c1: is broken; mend it, or leave it out with --skip-bad$"):
        write(tmp_path / "store", bad, 100, parallel=backwards_but_failing)
    assert not (tmp_path / "store").exists()
    times_read(log)
    write(tmp_path / "store", noise, 100)  # mended
    assert times_read(log) == ["c1"]


def backwards_but_failing(function, items):
    done = {}
    for k, item in reversed(list(enumerate(items))):
        try:
            done[k] = function(item)
        except InputError as fault:
            done[k] = Failure(k, str(fault), is_input=True)
    yield from (done[k] for k in range(len(items)))


def test_bad_records_are_left_out_if_asked_and_named(tmp_path, noise, log):
    bad = [*noise[:3], Noise("c1", log, version=-1), *noise[4:]]
    store = write(tmp_path / "store", bad, 100, skip_bad=True)
    assert store.problems == ["c1: is broken; mend it"]
    assert list(store.records) == ["a1", "a2", "b1", "d1", "e1"]
    assert store.records["d1"].file == "r000004.npy"  # its place among all sources
    assert len(store.samples().frame) == 15
    without = write(tmp_path / "without", [*noise[:3], *noise[4:]], 100)
    np.testing.assert_array_equal(store.samples().values, without.samples().values)


def test_a_worker_that_died_counts_as_its_record(tmp_path, noise):
    with pytest.raises(InputError, match=r"^b1: the process that read it ended .*signal 9.* --skip-bad$"):
        write(tmp_path / "store", noise, 100, parallel=dies_at(2))
    store = write(tmp_path / "store", noise, 100, parallel=dies_at(2), skip_bad=True)
    assert len(store.problems) == 1
    assert "b1" not in store.records


def test_whatever_else_reading_raises_is_the_records_too(tmp_path, noise, monkeypatch):
    monkeypatch.setattr(Noise, "stamp", property(lambda self: self.name))
    monkeypatch.setattr(Noise, "read", lambda self: 1 / 0)
    with pytest.raises(InputError, match=r"^a1: cannot be read \(ZeroDivisionError: division by zero\)"):
        write(tmp_path / "store", noise, 100)


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("when", ["staged", "placed"])
def test_interrupted_around_the_moment_in_which_it_takes_its_place(tmp_path, noise, log, bucket, local, when):
    place = tmp_path / "store" if local else f"{bucket}/store"
    write(tmp_path / "whole", noise, 100)
    write(place, noise[:2], 150)
    times_read(log)
    with pytest.raises(KeyboardInterrupt), stage_store(place, noise, Cut(100)) as staged:
        if when == "placed":
            staged.publish()
        raise KeyboardInterrupt
    times_read(log)
    if local:
        assert len(open_store(place).records) == {"staged": 2, "placed": 6}[when]
    store = write(place, noise, 100)
    assert times_read(log) == []
    np.testing.assert_array_equal(store.samples().values, open_store(tmp_path / "whole").samples().values)
    assert_tidy(tmp_path, ["log", "store", "whole"] if local else ["log", "whole"])


def assert_tidy(folder, names):
    (folder / "log").touch()
    assert sorted(path.name for path in folder.iterdir()) == names
    assert not fsspec.filesystem("memory").find("/bucket/store.unfinished")


@pytest.mark.parametrize("local", [True, False])
def test_a_staged_store_is_discarded_or_placed(tmp_path, noise, log, bucket, local):
    place = tmp_path / "store" if local else f"{bucket}/store"
    write(place, noise[:2], 150)
    with pytest.raises(InputError, match="planted"), stage_store(place, noise, Cut(100)) as staged:
        assert len(staged.store.records) == 6
        values = staged.store.samples().values
        assert len(values) == 18
        raise InputError("planted")
    if local:
        assert len(open_store(place).records) == 2  # the one before
    else:
        assert not fsspec.filesystem("memory").find("/bucket")
    assert_tidy(tmp_path, ["log", "store"] if local else ["log"])
    store = placed(stage_store(place, noise, Cut(100)))
    np.testing.assert_array_equal(store.samples().values, values)
    assert_tidy(tmp_path, ["log", "store"] if local else ["log"])


def test_the_mark_of_a_store_tells_who_is_in_training(tmp_path, noise, bucket):
    for name, part in (("one", "train"), ("two", "control")):
        write(tmp_path / name, noise, 100, split=lambda frame, part=part: np.full(len(frame), part))
    write(f"{bucket}/one", noise, 100, split=lambda frame: np.full(len(frame), "train"))
    assert store_mark(tmp_path / "one") == store_mark(f"{bucket}/one") != store_mark(tmp_path / "two")
    with pytest.raises(InputError, match="none: no store here"):
        store_mark(tmp_path / "none")


def test_a_store_without_a_good_record_is_none(tmp_path, log):
    bad = [Noise(name, log, version=-1) for name in ("a", "b")]
    with pytest.raises(InputError, match=r"^a: is broken; mend it; nor can any other record be read$"):
        write(tmp_path / "store", bad, 100, skip_bad=True)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_full_disk_is_no_records_fault(tmp_path, noise, monkeypatch):
    written = Storage.write

    def full(self, name, parts):
        if name.startswith("r000002"):
            raise OSError(errno.ENOSPC, "No space left on device", name)
        written(self, name, parts)

    monkeypatch.setattr(Storage, "write", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "store", noise, 100, skip_bad=True)
    monkeypatch.undo()
    assert len(write(tmp_path / "store", noise, 100).records) == 6


def test_discarding_leaves_no_signal_behind_and_a_whole_store_alone(tmp_path, noise, log):
    write(tmp_path / "store", noise, 100)
    bad = [noise[0], Noise("a2", log, version=-1)]
    with pytest.raises(InputError):
        write(tmp_path / "store", bad, 100)
    assert staging_of(tmp_path / "store").is_dir()
    discard_unfinished(tmp_path / "store")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "store"]
    assert len(open_store(tmp_path / "store").records) == 6
    discard_unfinished(tmp_path / "nothing")


def test_what_is_no_store_is_not_replaced(tmp_path, noise):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match=r"mine: holds 'letter.txt', which is no part of a store"):
        write(tmp_path / "mine", noise, 100)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_an_edited_note_of_a_killed_run_is_made_anew(tmp_path, noise, log):
    def stopped(function, items):
        yield from map(function, items[:2])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "store", noise, 100, parallel=stopped)
    note = staging_of(tmp_path / "store") / "scratch" / "r000000.json"
    assert json.loads(note.read_text())["name"] == "a1"
    note.write_text("{")
    times_read(log)
    write(tmp_path / "store", noise, 100)
    assert times_read(log) == ["a1", "b1", "c1", "d1", "e1"]
