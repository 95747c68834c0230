"""One process at a time on a folder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from anonimage.errors import InputError
from anonimage.files import LOCK, locked
from filelock import FileLock

HOLD = """
import sys, time
from pathlib import Path
from anonimage.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(100)
"""

HOLD_BESIDE = HOLD.replace("locked(Path(sys.argv[1]))", "locked(Path(sys.argv[1]), beside=True)")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def holder(tmp_path):
    """Another process that holds tmp_path / "out"."""
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "out"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_by_name_and_number(holder, out):
    with pytest.raises(InputError, match=rf"^{out}: process {holder.pid} works on it; wait"), locked(out):
        pytest.fail("both hold it")
    assert holder.poll() is None
    assert (out / LOCK).is_file()  # which is the holder's


def test_another_folder_is_free(holder, tmp_path):
    with locked(tmp_path / "other"):
        assert holder.poll() is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_holder_that_ended_frees_it(holder, out, number):
    holder.send_signal(number)
    with locked(out):
        assert (out / LOCK).read_text() == str(os.getpid())


def test_one_process_may_hold_it_several_times(out):
    with locked(out):
        with locked(out), locked(out / ".." / out.name):
            pass
        run = subprocess.run([sys.executable, "-c", HOLD, out], capture_output=True, text=True)
        assert f"process {os.getpid()} works on it" in run.stderr  # still held after the inner ones
    assert not out.exists()


@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_left_but_what_was_put_there(tmp_path, there):
    out = tmp_path / "deep" / "out"
    if there:
        out.mkdir(parents=True)
    with locked(out):
        assert [file.name for file in out.iterdir()] == [LOCK]
    assert out.exists() == (tmp_path / "deep").exists() == there
    with locked(out):
        (out / "kept").touch()
    assert [file.name for file in out.iterdir()] == ["kept"]


def test_a_folder_that_its_last_holder_takes_with_it_is_made_again(out, monkeypatch):
    acquire, gone = FileLock.acquire, []

    def late(self, *given, **named):
        if not gone:
            out.rmdir()
            gone.append(out)
        return acquire(self, *given, **named)

    monkeypatch.setattr(FileLock, "acquire", late)
    with locked(out):
        assert (out / LOCK).is_file()
    assert gone
    assert not out.exists()


def test_a_lock_beside_what_it_is_for(tmp_path):
    store, lock = tmp_path / "deep" / "store", tmp_path / "deep" / ".store.anonimage.lock"
    with locked(store, beside=True):
        assert lock.is_file()
        run = subprocess.run([sys.executable, "-c", HOLD_BESIDE, store], capture_output=True, text=True)
        assert f"{store}: process {os.getpid()} works on it" in run.stderr
    assert not (tmp_path / "deep").exists()


def test_an_error_frees_it(out):
    with pytest.raises(ValueError, match="mine"), locked(out):
        raise ValueError("mine")
    assert not out.exists()
    with locked(out):
        pass


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "SLURM_PROCID"])
def test_the_first_process_of_a_training_holds_it_for_all(holder, out, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    with locked(out):
        assert holder.poll() is None
    monkeypatch.setenv(name, "0")
    with pytest.raises(InputError), locked(out):
        pytest.fail("both hold it")


def test_a_file_is_refused(out: Path):
    out.touch()
    with pytest.raises(InputError, match="is a file"), locked(out):
        pytest.fail("a file cannot be a run")
    assert out.read_bytes() == b""
