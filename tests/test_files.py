"""Atomic writing: whole or not at all, nothing of anybody else's touched, leftovers of the dead swept."""

import os
import subprocess
import sys

import pytest
from anonimage.errors import InputError, ResumableError, nearest
from anonimage.files import (
    discard_staged,
    is_unfinished,
    new_file,
    new_folder,
    refuse_used,
    scratch_folder,
    staged_folder,
    staging_of,
    sweep,
)


class PlantedError(Exception):
    pass


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_complete(tmp_path):
    with new_file(tmp_path / "a.txt") as file:
        file.write("new")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_a_failure_leaves_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(PlantedError), new_file(tmp_path / "a.txt") as file:
        file.write("half")
        raise PlantedError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    for content, fails in (("first", False), ("second", True), ("third", False)):
        try:
            with new_folder(tmp_path / "d") as folder:
                (folder / content).write_text("")
                if fails:
                    raise PlantedError
        except PlantedError:
            assert names(tmp_path / "d") == ["first"]
        assert names(tmp_path) == ["d"]
    assert names(tmp_path / "d") == ["third"]


def test_a_file_is_never_taken_for_a_folder(tmp_path):
    (tmp_path / "mine").write_text("years of work")
    with pytest.raises(InputError, match="is a file"), new_folder(tmp_path / "mine"):
        pass
    with pytest.raises(InputError, match="is a file"):
        refuse_used(tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "years of work"


def test_folders_in_use_are_refused(tmp_path):
    refuse_used(tmp_path / "absent")
    refuse_used(tmp_path)
    (tmp_path / "mine").write_text("")
    with pytest.raises(InputError, match="holds files already"):
        refuse_used(tmp_path)


@pytest.mark.parametrize("existed", [False, True])
def test_scratch_folders_vanish_with_what_was_made_for_them(existed, tmp_path):
    parent = tmp_path / "parent"
    if existed:
        parent.mkdir()
    with pytest.raises(PlantedError), scratch_folder(parent) as scratch:
        (scratch / "x").write_text("")
        raise PlantedError
    assert parent.exists() is existed
    with scratch_folder(parent) as scratch:
        (parent / "kept").write_text("")
    assert names(parent) == ["kept"]


def test_leftovers_of_dead_processes_are_swept_and_those_of_living_ones_are_not(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    (tmp_path / f".a.partial-{dead.stdout.strip()}").write_text("")
    (tmp_path / f".b.partial-{os.getpid()}").mkdir()  # an earlier process of our number, as in containers
    (tmp_path / f".c.partial-{os.getppid()}").write_text("")
    (tmp_path / ".d").write_text("somebody's own")
    with new_file(tmp_path / "e") as file:
        file.write("x")
        sweep(tmp_path)
    assert names(tmp_path) == [f".c.partial-{os.getppid()}", ".d", "e"]


def test_a_folder_that_a_kill_left_between_two_renames_comes_back(tmp_path):
    """Killed when the old folder had been moved away and the new one had not taken its name; the next call fails."""
    old = tmp_path / ".d.partial-999999999-old"
    old.mkdir()
    (old / "years of work").write_text("")
    (tmp_path / ".d.partial-999999999").mkdir()
    with pytest.raises(PlantedError), new_folder(tmp_path / "d"):
        raise PlantedError
    assert names(tmp_path) == ["d"]
    assert names(tmp_path / "d") == ["years of work"]


def test_a_folder_that_was_replaced_before_the_kill_does_not_come_back(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / ".d.partial-999999999-old").mkdir()
    (tmp_path / ".d.partial-999999999-old" / "old").write_text("")
    sweep(tmp_path)
    assert names(tmp_path) == ["d"]
    assert names(tmp_path / "d") == []


def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "old").write_text("")
    rename = type(tmp_path).rename

    def failing(self, target):
        if self.name == "files":
            raise OSError(5, "planted")
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", failing)
    with pytest.raises(OSError, match="planted"), new_folder(tmp_path / "d"):
        pass
    assert names(tmp_path) == ["d"]
    assert names(tmp_path / "d") == ["old"]


@pytest.mark.parametrize(("error", "kept"), [(PlantedError, True), (ResumableError, True), (InputError, False)])
def test_what_was_committed_is_there_for_the_same_call_only(error, kept, tmp_path):
    def stage(stamp, fails=None):
        with staged_folder(tmp_path / "d", stamp) as staged:
            begun = dict(staged.state)
            staged.append(staged.files / "lines").write(b"a\n")
            staged.commit(lines=begun.get("lines", 0) + 1)
            staged.append(staged.files / "lines").write(b"uncommitted\n")
            if fails:
                raise fails("planted")
            staged.commit(lines=2)
        return begun

    with pytest.raises(error):
        stage([1], error)
    assert staging_of(tmp_path / "d").is_dir() is kept
    assert all(map(is_unfinished, tmp_path.iterdir()))
    assert stage([1]) == ({"lines": 1} if kept else {})
    assert (tmp_path / "d" / "lines").read_text() == "a\n" * (2 if kept else 1) + "uncommitted\n"
    assert names(tmp_path) == ["d"]
    with pytest.raises(PlantedError):
        stage([1], PlantedError)
    assert stage([2]) == {}


def test_a_folder_below_a_file_is_refused_and_has_nothing_to_discard(tmp_path):
    (tmp_path / "file").touch()
    discard_staged(tmp_path / "file" / "new")
    with pytest.raises(InputError, match="choose another folder"), staged_folder(tmp_path / "file" / "new", "stamp"):
        pass


def test_unfinished_work_can_be_discarded(tmp_path):
    with pytest.raises(PlantedError), staged_folder(tmp_path / "d", 1) as staged:
        staged.commit(some=1)
        staged.publish()
        raise PlantedError
    discard_staged(tmp_path / "d")
    assert names(tmp_path) == ["d"]


def test_writing_a_name_sweeps_only_that_name(tmp_path):
    (tmp_path / ".a.partial-999999999").mkdir()
    (tmp_path / ".b.partial-999999999").mkdir()
    with new_folder(tmp_path / "a"):
        pass
    assert names(tmp_path) == [".b.partial-999999999", "a"]


def test_the_current_folder_can_be_named(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    from pathlib import Path

    with scratch_folder(Path()) as scratch:
        assert scratch.parent == tmp_path / "here"
    assert names(tmp_path / "here") == []


def test_a_full_disk_names_the_file(tmp_path):
    with pytest.raises(OSError, match="planted") as caught, new_file(tmp_path / "big"):
        raise OSError(28, "planted")
    assert caught.value.filename == str(tmp_path / "big")


def test_nearest_offers_what_was_meant():
    assert nearest("strid", ["stride", "side"]).startswith("; did you mean 'stride'?")
    assert nearest("x", ["stride", "side"]) == "; there are stride, side"
    assert nearest("x", map(str, range(99))).endswith("10, 11, …")


def test_a_name_with_brackets_comes_back_after_a_kill_between_two_renames(tmp_path):
    old = tmp_path / ".set[1].partial-999999999-old"  # of a process that is no more
    old.mkdir()
    sweep(tmp_path, "set[1]")
    assert names(tmp_path) == ["set[1]"]


def test_a_manifest_whose_files_are_gone_is_begun_anew(tmp_path):
    with pytest.raises(KeyboardInterrupt), staged_folder(tmp_path / "set", {"of": 1}) as staged:
        staged.commit(n=5)
        staged.files.rmdir()
        raise KeyboardInterrupt
    with staged_folder(tmp_path / "set", {"of": 1}) as staged:
        assert staged.state == {}


def test_a_file_that_something_else_cut_short_is_refused_and_made_anew(tmp_path):
    with pytest.raises(KeyboardInterrupt), staged_folder(tmp_path / "set", 1) as staged:
        staged.append(staged.files / "lines").write(b"abc")
        staged.commit(n=1)
        raise KeyboardInterrupt
    (staged.files / "lines").write_bytes(b"a")
    with pytest.raises(InputError, match="lines: was cut short"), staged_folder(tmp_path / "set", 1) as staged:
        staged.append(staged.files / "lines")
    with staged_folder(tmp_path / "set", 1) as staged:
        assert staged.state == {}
