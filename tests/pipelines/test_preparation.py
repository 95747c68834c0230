"""`prepare` through the command line: killed, on Ray, without bad records, and with its samples elsewhere."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import pytest
from anonimage.data.store.store import open_store
from anonimage.data.wfdb.signals import RecordSource
from anonimage.files import staging_of
from anonimage.pipelines import preparation
from tiny import anonimage, command, files, nothing_left, refused, sets, write_database

URL = "memory://hospital/samples"

SLOW = """
import sys, time
from anonimage.data.wfdb.signals import RecordSource
from anonimage.pipelines.commands import main
read = RecordSource.read
def slowly(self):
    time.sleep(0.05)
    with open({log!r}, "a") as file:
        file.write(self.name + "\\n")
    return read(self)
RecordSource.read = slowly
main()
"""


@pytest.fixture
def bucket():
    """A place that is no folder of this machine, as long as one process looks."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield URL
    system.store.clear()


def prepare(source: Path, out: Path, *options: object, **settings: object):
    return anonimage("prepare", "ptb-quantile", source, out, *sets(**settings), *options)


# --- killed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("elsewhere", [False, True])
def test_killed_while_it_reads_the_same_command_goes_on(elsewhere, database, out, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log, settings = tmp_path / "log", {"store": "big/samples"} if elsewhere else {}
    arguments = command("prepare", "ptb-quantile", database, out, *sets(**settings))[3:]
    process = subprocess.Popen([sys.executable, "-c", SLOW.format(log=str(log)), *arguments])
    limit = time.monotonic() + 60
    while not log.exists() or len(log.read_text().split()) < 4:
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    refused(anonimage("train", out), "no run here")
    place = tmp_path / "big" / "samples" if elsewhere else out / "store"
    assert not place.exists()
    read, again = RecordSource.read, []

    def counted(self):
        again.append(self.name)
        return read(self)

    with monkeypatch.context() as patched:
        patched.setattr(RecordSource, "read", counted)
        assert prepare(database, out, **settings).exit_code == 0
    assert 0 < len(again) < 9
    assert prepare(database, tmp_path / "whole").exit_code == 0
    assert files(place) == files(tmp_path / "whole" / "store")
    assert (out / "codec.json").read_bytes() == (tmp_path / "whole" / "codec.json").read_bytes()
    assert not [path for path in tmp_path.rglob("*") if ".unfinished" in path.name or path.name == "notes"]


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("moment", ["fit_codec", "save_codec"])
def test_stopped_when_all_was_read_nothing_is_read_again(moment, elsewhere, database, out, tmp_path, monkeypatch):
    def stop(*given):
        raise KeyboardInterrupt

    settings = {"store": tmp_path / "big"} if elsewhere else {}
    with monkeypatch.context() as patched:
        patched.setattr(preparation, moment, stop)
        assert prepare(database, out, **settings).exit_code == 130
    with monkeypatch.context() as patched:
        patched.setattr(RecordSource, "read", stop)
        assert prepare(database, out, **settings).exit_code == 0
    assert prepare(database, tmp_path / "whole").exit_code == 0
    assert files(tmp_path / "big" if elsewhere else out / "store") == files(tmp_path / "whole" / "store")
    assert not staging_of(out / "store").exists()
    assert not list(tmp_path.glob(".*.unfinished"))


@pytest.mark.parametrize("changed", [{"side": 10}, {"stride": 40}, {"leads": "ii"}, {"seed": 4}])
def test_what_was_interrupted_with_other_settings_is_not_taken_for_this(changed, database, out, tmp_path, monkeypatch):
    def stop(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(preparation, "fit_codec", stop)
        assert prepare(database, out).exit_code == 130
    assert staging_of(out / "store").is_dir()
    assert prepare(database, out, **changed).exit_code == 0
    assert prepare(database, tmp_path / "whole", **changed).exit_code == 0
    assert files(out / "store") == files(tmp_path / "whole" / "store")
    assert (out / "codec.json").read_bytes() == (tmp_path / "whole" / "codec.json").read_bytes()
    assert not staging_of(out / "store").exists()


def test_a_run_that_is_gone_on_with_keeps_nothing_of_an_interrupted_overwrite(copy, database, monkeypatch):
    def stop(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(preparation, "fit_codec", stop)
        assert prepare(database, copy, "--overwrite", side=10).exit_code == 130
    before = files(copy / "store")
    assert staging_of(copy / "store").is_dir()
    assert prepare(database, copy, "--resume").exit_code == 0
    assert files(copy / "store") == before
    assert not staging_of(copy / "store").exists()


def test_generate_killed_goes_on(copy, tmp_path):
    """Through the command, with the shards of large sets."""
    n, to = 40_000, tmp_path / "set"
    arguments = ("generate", copy, "-n", n, "--format", "npz", "--to", to)
    process = subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, text=True)
    limit = time.monotonic() + 60
    while not (tmp_path / ".set.unfinished" / "manifest.json").exists():
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not to.exists()
    said = anonimage(*arguments)
    assert said.exit_code == 0
    assert f"of {n} windows are there already" in said.stderr
    assert anonimage("generate", copy, "-n", n, "--format", "npz", "--to", tmp_path / "whole").exit_code == 0
    assert files(to) == files(tmp_path / "whole")
    assert not list(tmp_path.glob(".*"))


# --- who reads --------------------------------------------------------------------------------------------------------


def test_a_bad_record_is_named_and_left_out_if_asked(tmp_path, out):
    source = write_database(tmp_path / "source", patients=9)
    bad = source / "patient004" / "s0004_re.dat"
    bad.write_bytes(bad.read_bytes()[:100])
    refused(prepare(source, out), "patient004/s0004_re", "--skip-bad")
    nothing_left(out)
    said = prepare(source, out, "--skip-bad")
    assert said.exit_code == 0
    assert "left out: patient004/s0004_re" in said.stderr
    store = open_store(out / "store")
    assert len(store.problems) == 1
    assert "patient004" not in set(store.frame["patient"])


DIES = """
import os, signal
from anonimage.data.wfdb.signals import RecordSource
read = RecordSource.read
def fatal(self):
    if self.name.startswith("patient004"):
        os.kill(os.getpid(), signal.SIGKILL)
    return read(self)
RecordSource.read = fatal
"""


def test_the_record_that_kills_its_worker_is_named(database, out, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(DIES)  # which every process imports that finds it
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    given = command("prepare", "ptb-quantile", database, out, *sets(), "--jobs", 2)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    ended = subprocess.run(given, env=env, capture_output=True, text=True)
    assert ended.returncode == 2, ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert "patient004/s0004_re: the process that read it ended without a word" in last
    assert "the same command goes on" in last
    assert prepare(database, out).exit_code == 0


# --- elsewhere --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("remote", [True, False])
def test_a_run_whose_samples_lie_elsewhere(remote, database, finished, out, tmp_path, bucket):
    place = bucket if remote else str(tmp_path / "big")
    assert anonimage("run", "ptb-quantile", database, out, *sets(store=place)).exit_code == 0
    assert not (out / "store").exists()
    assert files(out / "synthetic") == files(finished / "synthetic")
    assert (out / "scores.json").read_bytes() == (finished / "scores.json").read_bytes()
    assert anonimage("evaluate", out).exit_code == 0
    assert anonimage("audit", out).exit_code == 0
    assert anonimage("train", out, "--steps", 8).exit_code == 0
    assert prepare(database, out, "--resume", store=place, steps=8).exit_code == 0
    refused(prepare(database, tmp_path / "other", store=place), place, "holds prepared samples already")
    nothing_left(tmp_path / "other")


@pytest.mark.parametrize("verb", ["train", "evaluate", "audit", "release", "resume"])
def test_samples_that_another_run_left_there_are_not_taken_for_this_one_s(verb, database, out, tmp_path, bucket):
    """Whom this run trained on may be in control there."""
    assert prepare(database, out, store=bucket).exit_code == 0
    assert prepare(database, tmp_path / "other", "--overwrite", store=bucket, seed=5).exit_code == 0
    if verb == "resume":
        refused(prepare(database, out, "--resume", store=bucket), bucket, "other samples")
    else:
        refused(anonimage(verb, out, *([tmp_path / "to"] if verb == "release" else [])), bucket, "other samples")
    assert anonimage("train", tmp_path / "other").exit_code == 0


def test_an_interrupted_overwrite_opens_a_store_to_no_other_run(database, out, tmp_path, monkeypatch):
    store = tmp_path / "big"
    assert prepare(database, out, store=store).exit_code == 0
    read = RecordSource.read

    def stopped(self):
        if self.name.startswith("patient004"):  # not the first whose result is taken, whichever thread is faster
            raise KeyboardInterrupt
        return read(self)

    with monkeypatch.context() as patched:
        patched.setattr(RecordSource, "read", stopped)
        assert prepare(database, out, "--overwrite", store=store, side=10).exit_code == 130
    assert staging_of(store).is_dir()
    refused(prepare(database, tmp_path / "other", store=store), "holds prepared samples already")
    assert anonimage("train", out).exit_code == 0  # with what was there
    assert prepare(database, out, "--resume", store=store).exit_code == 0
    assert not staging_of(store).is_dir()


def test_what_cannot_be_trained_on_is_not_left_elsewhere(database, out, tmp_path, bucket):
    for place in (bucket, tmp_path / "big"):
        refused(prepare(database, out, store=place, batch=10_000), "--set batch=")
        nothing_left(out)
    assert not (tmp_path / "big").exists()
    assert not fsspec.filesystem("memory").find("/hospital")
    assert not list(tmp_path.glob("*big*"))


def test_a_refused_overwrite_leaves_the_samples_that_were_there(database, out, tmp_path):
    assert prepare(database, out, store=tmp_path / "big").exit_code == 0
    before = files(tmp_path / "big")
    refused(prepare(database, out, "--overwrite", store=tmp_path / "big", batch=10_000, side=10), "--set batch=")
    assert files(tmp_path / "big") == before
    assert anonimage("train", out).exit_code == 0


@pytest.mark.parametrize("place", ["out/store", "out", "source/store"])
def test_samples_have_a_place_of_their_own(place, source, out, tmp_path):
    refused(prepare(source, out, store=tmp_path / place), "lies in", "name another place")
    nothing_left(out)
    assert not (source / "store").exists()


def test_two_runs_cannot_write_one_store_at_once(database, out, tmp_path):
    script = (
        "import sys\nfrom pathlib import Path\nfrom anonimage.files import locked\n"
        "with locked(Path(sys.argv[1]), beside=True):\n    print('held', flush=True)\n    sys.stdin.read()"
    )
    store = tmp_path / "big"
    held = [sys.executable, "-c", script, store]
    with subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        refused(prepare(database, out, store=store), str(store), f"process {holder.pid} works on it")
        nothing_left(out)
        holder.kill()
    assert prepare(database, out, store=store).exit_code == 0
    assert not list(tmp_path.glob(".*"))


def test_the_run_beside_it_has_samples_of_its_own(database, out, tmp_path):
    settings = {"store": tmp_path / "big", "against": "ptb-z"}
    assert anonimage("run", "ptb-quantile", database, out, *sets(**settings)).exit_code == 0
    assert (out / "against" / "store").is_dir()
