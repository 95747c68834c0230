"""A whole ablation on a tiny database: killed, gone on with, with a cell that fails, and compared again afterwards."""

import _thread
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pandas as pd
import pytest
from anonimage.errors import InputError
from anonimage.files import LOCK
from anonimage.parallel import Failure
from anonimage.pipelines.ablation import ablate, compare
from anonimage.pipelines.ablation.cells import Job, run_cell, run_cells
from anonimage.pipelines.engine import ProcessMap
from anonimage.pipelines.recipe import load_recipe
from anonimage.pipelines.run_folder import RunFolder
from tiny import TINY, anonimage

VARY = ["arrangement=z,reversed"]
RECIPE = load_recipe("ptb-quantile").changed(TINY | {"ema_decay": 0, "steps": 12})
PATIENCE = 300  # seconds


def made_here(job):
    """Make a run by its command, in this process; why it failed."""
    job.begin()
    result = anonimage(*job.arguments)
    job.beside(".log").write_text(result.output)
    return result.stderr.strip().removeprefix("anonimage: ") if result.exit_code else None


class Here:
    """An engine that works in this process, and remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, function, items):
        self.asked = [(item.recipe.images.arrangement, item.recipe.seed) for item in items]
        for index, item in enumerate(items):
            reason = made_here(item)
            yield Failure(index, reason, is_input=True) if reason else None


class Refusing:
    """An engine that may not be asked for anything."""

    def __call__(self, function, items):
        raise AssertionError(f"asked for {items}")


def killed_at(path, database, out):
    """Kill an ablation, whose cells are processes of their own, when a path exists."""
    options = (database, out, RECIPE, VARY, 2, ProcessMap(1), False)
    process = multiprocessing.get_context("spawn").Process(target=ablate, args=options)
    process.start()
    end = time.monotonic() + PATIENCE
    while not path.exists():
        assert process.is_alive(), "the ablation ended by itself"
        assert time.monotonic() < end
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def process_of(run):
    """The process that makes a run, as soon as there is one."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        number = (run / LOCK).read_text() if (run / LOCK).is_file() else ""
        if number.isdigit() and int(number) != os.getpid():
            return int(number)
        time.sleep(0.002)
    raise AssertionError(f"nobody works on {run}")


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def resumed(database, tmp_path_factory):
    """An ablation killed in the middle of its second run and gone on with; and when the first run was scored."""
    out = tmp_path_factory.mktemp("ablation") / "out"
    runs = out / "cells"
    killed_at(runs / "arrangement-reversed/seed-0/checkpoints", database, out)
    first = (runs / "arrangement-z/seed-0/scores.json").stat().st_mtime_ns
    assert not (runs / "arrangement-reversed/seed-0/scores.json").exists()
    assert not (out / "ablation.csv").exists()
    ablate(database, out, RECIPE, VARY, 2, Here(), resume=True)
    return out, first


@pytest.fixture
def copy(resumed, tmp_path):
    """One to spoil."""
    return shutil.copytree(resumed[0], tmp_path / "out")


def test_a_killed_ablation_goes_on_and_finished_runs_are_kept(resumed):
    out, first = resumed
    assert (out / "cells/arrangement-z/seed-0/scores.json").stat().st_mtime_ns == first
    table = pd.read_csv(out / "ablation.csv")
    assert {*zip(table["arrangement"], table["seed"], strict=True)} == {
        *(("z", 0), ("z", 1), ("reversed", 0), ("reversed", 1))
    }
    assert {path.name for path in out.iterdir()} == {
        *("cells", "ablation.csv", "ablation-summary.csv", "ablation.md", "ablation.html")
    }


def test_what_was_killed_ends_as_what_was_not(resumed, database, tmp_path):
    killed, alone = resumed[0] / "cells/arrangement-reversed/seed-0", tmp_path / "alone"
    run_cell(Job(database, alone, load_recipe(str(killed / "recipe.toml")), audit=False))
    assert (killed / "scores.json").read_text() == (alone / "scores.json").read_text()


def test_every_cell_sees_the_same_people(resumed):
    table = pd.read_csv(resumed[0] / "ablation-summary.csv")
    recall = table[table["score"] == "1nnc"].set_index("arrangement")
    assert recall.loc["reversed", "pairs"] == 2
    assert not recall["another_baseline"].any()
    assert "Not paired" not in (resumed[0] / "ablation.md").read_text()


def test_each_run_is_a_run_like_any_other(resumed):
    run = resumed[0] / "cells/arrangement-reversed/seed-1"
    recipe = load_recipe(str(run / "recipe.toml"))
    assert (recipe.images.arrangement, recipe.seed) == ("reversed", 1)
    assert (run / "report.html").is_file()
    assert not (run / "audit.json").exists()
    assert "trained: 12 steps" in run.with_name("seed-1.log").read_text()


def test_a_finished_ablation_runs_nothing_again_and_a_table_that_was_deleted_is_back(copy, database):
    (copy / "ablation.md").unlink()
    ablate(database, copy, RECIPE, VARY, 2, Refusing(), resume=True)
    assert (copy / "ablation.md").is_file()


def test_a_finished_cell_that_is_asked_for_again_is_left_as_it_is(copy, database):
    job = Job(database, copy / "cells/arrangement-z/seed-0", RECIPE, audit=False)
    before = [job.beside(ending).stat().st_mtime_ns for ending in (".toml", ".log")]
    run_cell(job)
    assert [job.beside(ending).stat().st_mtime_ns for ending in (".toml", ".log")] == before


def test_what_is_there_is_not_run_over(copy, database):
    with pytest.raises(InputError, match="--resume goes on"):
        ablate(database, copy, RECIPE, VARY, 2, Refusing(), resume=False)


def test_another_recipe_is_refused_before_anything_runs(copy, database):
    with pytest.raises(InputError, match=r"holds a different run .*latent_dim") as refusal:
        ablate(database, copy, RECIPE.changed({"latent_dim": 9}), VARY, 2, Refusing(), resume=True)
    assert "--overwrite" not in str(refusal.value)  # ablate has none


def test_a_device_that_this_machine_has_not_is_refused_before_anything_runs(database, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    engine = ProcessMap(1)
    for recipe, vary in ((RECIPE.changed({"device": "cuda"}), VARY), (RECIPE, ["device=cpu,cuda"])):
        with pytest.raises(InputError, match=r"^device 'cuda'.* no CUDA device"):
            ablate(database, tmp_path / "out", recipe, vary, 1, engine, resume=False)
        assert not (tmp_path / "out").exists()


def test_a_run_on_which_another_process_works_is_left_to_it(copy):
    run = copy / "cells/arrangement-z/seed-0"
    hold = "import sys, time; from pathlib import Path; from anonimage.files import locked\n"
    hold += "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(100)"
    with subprocess.Popen([sys.executable, "-c", hold, run], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"process {holder.pid} works on it"):
            run_cell(Job(copy, run, RECIPE.changed({"steps": 14}), audit=False))
        holder.kill()
    assert (run / "scores.json").is_file()


def test_a_run_stopped_while_it_trained_longer_is_not_taken_for_done(copy, database):
    """Its recipe says the new number of steps already; scores of the old one must not pass for those."""
    run = copy / "cells/arrangement-z/seed-0"
    job = Job(database, run, RECIPE, audit=False)
    assert job.is_finished()
    longer = replace(job, recipe=RECIPE.changed({"steps": 14}))
    assert not longer.is_finished()
    longer.begin()  # and no more
    assert load_recipe(str(run / "recipe.toml")).train.steps == 14
    assert not longer.is_finished()
    assert made_here(longer) is None
    assert longer.is_finished()
    assert "trained: 14 steps" in longer.beside(".log").read_text()


def test_a_failed_cell_is_told_stops_no_other_and_is_tried_again(database, tmp_path):
    out = tmp_path / "out"
    vary = ["leads=i,vx"]  # no record has vx
    for attempt in range(2):
        with pytest.raises(InputError, match=r"1 of 2 runs failed, the first is leads=vx, seed 0 \(.*'vx'"):
            ablate(database, out, RECIPE, vary, 1, Here(), resume=bool(attempt))
        assert "vx" in (out / "cells/leads-vx/seed-0.failure.txt").read_text()
        assert set(pd.read_csv(out / "ablation.csv")["leads"]) == {"i"}
        assert "leads=vx, seed 0: " in (out / "ablation.md").read_text()


def test_only_what_is_not_whole_is_made_again_and_an_old_failure_is_no_longer_told_of(copy, database):
    here, cell = Here(), copy / "cells/arrangement-z"
    (cell / "seed-1/synthetic/RECORDS").write_text("nothing\n")
    (cell / "seed-1.failure.txt").write_text("killed\n")
    ablate(database, copy, RECIPE, VARY, 2, here, resume=True)
    assert here.asked == [("z", 1)]
    assert not (cell / "seed-1.failure.txt").exists()
    assert "Missing" not in (copy / "ablation.md").read_text()


def test_what_cannot_begin_leaves_nothing_behind(database, tmp_path):
    out = tmp_path / "out"
    for source, settings, words in (
        (tmp_path / "absent", {}, "no such file or folder"),
        (database, {"verifier": str(tmp_path / "absent.safetensors")}, "absent.safetensors"),
    ):
        with pytest.raises(InputError, match=words):
            ablate(source, out, RECIPE.changed(settings), VARY, 1, Refusing(), resume=False, audit=True)
        assert not out.exists()
    with pytest.raises(InputError, match="--seeds 0"):
        ablate(database, out, RECIPE, VARY, 0, Refusing(), resume=False)


def test_a_folder_with_other_files_is_left_alone(database, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"no ablation \(thesis.txt\)"):
        ablate(database, tmp_path, RECIPE, VARY, 1, Refusing(), resume=True)
    with pytest.raises(InputError, match="lies in the source"):
        ablate(database, database / "out", RECIPE, VARY, 1, Refusing(), resume=False)
    assert not (database / "out").exists()


def test_comparing_the_runs_gives_the_ablations_table(resumed, tmp_path, capsys):
    out = resumed[0]
    runs = [out / f"cells/arrangement-{name}/seed-{seed}" for name in ("z", "reversed") for seed in range(2)]
    compare(runs, tmp_path / "to")
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "to/comparison.md").read_text()
    ours, theirs = (
        pd.read_csv(path).sort_values(["arrangement", "score", "seed"], ignore_index=True)
        for path in (tmp_path / "to/comparison.csv", out / "ablation.csv")
    )
    pd.testing.assert_frame_equal(ours, theirs)
    text = (out / "ablation.md").read_text()
    assert printed.split("\n", 1)[1].partition("## How")[0] == text.split("\n", 1)[1].partition("## How")[0]


def test_runs_on_other_patients_are_compared_without_pairs(resumed, database, tmp_path, capsys):
    fewer = tmp_path / "fewer"
    shutil.copytree(database, fewer)
    (fewer / "RECORDS").write_text("".join((fewer / "RECORDS").read_text().splitlines(keepends=True)[:6]))
    other = tmp_path / "other"
    assert made_here(Job(fewer, other, RECIPE, audit=False)) is None
    compare([resumed[0] / "cells/arrangement-z/seed-0", other], None)
    printed = capsys.readouterr().out
    assert "Not paired: 1 run with another source" in printed
    assert f"| source={fewer} | " in printed
    assert "first cell" in printed


def test_runs_that_differ_in_precision_are_two_cells(copy, capsys):
    """They have other weights, even with the same seed."""
    one, two = (copy / f"cells/arrangement-{name}/seed-0" for name in ("z", "reversed"))
    recipe = RunFolder(one).recipe
    recipe.changed({"precision": "32" if recipe.train.precision == "bf16" else "bf16"}).save(two / "recipe.toml")
    compare([one, two], None)
    printed = capsys.readouterr().out
    for name in ("32", "bf16"):
        assert f"| precision={name} | " in printed


def test_what_cannot_be_compared_is_refused(resumed, tmp_path):
    run = resumed[0] / "cells/arrangement-z/seed-0"
    for runs, words in (
        ([run], "two different runs"),
        ([run, run], "two different runs"),
        ([run, tmp_path / "none"], "no run here"),
        ([run, shutil.copytree(run, tmp_path / "copy")], "has the settings and the seed of"),
    ):
        with pytest.raises(InputError, match=words):
            compare(runs, tmp_path / "to")
        assert not (tmp_path / "to").exists()


def test_a_run_whose_process_is_killed_is_one_failure(database, tmp_path):
    out = tmp_path / "out"
    reversed_cell = out / "cells/arrangement-reversed/seed-0"
    killer = threading.Thread(target=lambda: os.kill(process_of(reversed_cell), signal.SIGKILL))
    killer.start()
    with pytest.raises(InputError, match=r"1 of 2 runs failed, the first is arrangement=reversed.*died by signal 9"):
        ablate(database, out, RECIPE, VARY, 1, ProcessMap(1), resume=False)
    killer.join()
    assert set(pd.read_csv(out / "ablation.csv")["arrangement"]) == {"z"}


def test_a_stop_ends_the_processes_of_the_cells(database, tmp_path):
    job, stopped = Job(database, tmp_path / "run", RECIPE, audit=False), []

    def stop():
        stopped.append(process_of(job.out))
        _thread.interrupt_main()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(KeyboardInterrupt):
        list(run_cells([job], 1))
    stopper.join()
    assert not is_alive(stopped[0])


def _stopped(*args, **kwargs):
    raise KeyboardInterrupt


def test_a_stop_says_what_goes_on(copy, database, tmp_path, monkeypatch):
    monkeypatch.setattr("anonimage.pipelines.ablation.ablate", _stopped)
    study = anonimage("ablate", database, tmp_path / "out", "--vary", "arrangement=z,reversed")
    assert study.exit_code == 130
    assert study.stderr.endswith("what is complete was kept, and --resume goes on\n")
    monkeypatch.setattr("anonimage.pipelines.training.train", _stopped)
    training = anonimage("train", copy / "cells/arrangement-z/seed-0")  # which has no --resume
    assert training.stderr.endswith("what is complete was kept, and the same command goes on\n")
