"""Every bad input of the command: exit code 2, one line that names it, nothing lost and nothing half-written."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from anonimage.gan.training.checkpoint import latest
from tiny import FS, anonimage, beats, command, nothing_left, refused, sets, write_database, write_patient


def run(source, out, **changes):
    return anonimage("run", "ptb-quantile", source, out, *sets(**changes))


# --- the source -------------------------------------------------------------------------------------------------------


def test_missing_folder(tmp_path, out):
    refused(run(tmp_path / "absent", out), str(tmp_path / "absent"), "no such file or folder")
    assert not out.exists()


def test_empty_folder(tmp_path, out):
    (tmp_path / "empty").mkdir()
    refused(run(tmp_path / "empty", out), str(tmp_path / "empty"), "no records")
    assert not out.exists()


def test_header_without_signal_file(source, out):
    (source / "patient003/s0003_re.dat").unlink()
    refused(run(source, out), "patient003/s0003_re", "s0003_re.dat")
    nothing_left(out)


def test_truncated_signal_file(source, out):
    path = source / "patient003/s0003_re.dat"
    path.write_bytes(path.read_bytes()[:-100])
    refused(run(source, out), "patient003/s0003_re", "s0003_re.dat")
    nothing_left(out)


def test_a_lead_that_is_not_there(source, out):
    line = refused(anonimage("run", "ptb-quantile", source, out, *sets(), "--leads", "vx"), "patient001/s0001_re", "vx")
    assert "i, ii, iii" in line
    assert "--leads" in line
    nothing_left(out)


def test_a_record_shorter_than_a_window_is_skipped_and_counted(source, out):
    write_patient(source, 3, beats(3, seconds=0.5))
    result = run(source, out)
    assert result.exit_code == 0, result.output
    assert "patient003/s0003_re" in result.stderr
    assert "1 records left out: shorter than a window" in (out / "report.html").read_text()


def test_all_records_shorter_than_a_window(source, out):
    refused(run(source, out, side=200), "window")
    nothing_left(out)


def test_a_missing_stretch_is_left_out_and_counted(source, out):
    signals = beats(3)
    signals[0, 300:400] = np.nan
    write_patient(source, 3, signals)
    assert run(source, out).exit_code == 0
    assert "windows left out: a sample is missing" in (out / "report.html").read_text()


@pytest.mark.parametrize("value", [np.nan, 0.25])
def test_a_lead_without_signal_everywhere(value, source, out):
    for patient in range(1, 7):
        signals = beats(patient)
        signals[0] = value
        write_patient(source, patient, signals)
    refused(run(source, out), "missing" if np.isnan(value) else "flat")
    nothing_left(out)


@pytest.mark.parametrize("fs", ["", "0"])
def test_sampling_frequency_missing_or_zero(fs, source, out):
    header = source / "patient003/s0003_re.hea"
    lines = header.read_text().splitlines()
    lines[0] = f"s0003_re 3 {fs}".strip()
    header.write_text("\n".join(lines) + "\n")
    refused(run(source, out), "patient003/s0003_re", "frequency")
    nothing_left(out)


def test_two_records_of_one_name(source, out):
    with (source / "RECORDS").open("a") as file:
        file.write("patient003/s0003_re\n")
    refused(run(source, out), "patient003/s0003_re", "once")
    assert not out.exists()


def test_no_patient_to_hold_back(tmp_path, out):
    source = write_database(tmp_path / "one", patients=1)
    refused(run(source, out), "patient")
    nothing_left(out)


def test_no_training_patient_left(source, out):
    refused(run(source, out, control_share="1.0"), "control_share", "less than 1")
    assert not out.exists()


def test_fewer_windows_than_a_batch(source, out):
    refused(run(source, out, batch=5000), "70 training samples", "--set batch=70")


def test_a_patient_pattern_that_does_not_fit(source, out):
    refused(run(source, out, patient="person([0-9]+)"), "person([0-9]+)")
    assert not out.exists()


# --- settings ---------------------------------------------------------------------------------------------------------


def test_an_unknown_setting_offers_the_nearest(source, out):
    refused(anonimage("run", "ptb-quantile", source, out, "--set", "strid=5"), "'strid'", "did you mean 'stride'")
    refused(anonimage("run", "ptb-quantile", source, out, "--set", "stride"), "--set stride", "key=value")
    assert not out.exists()


def test_a_recipe_file_of_the_wrong_type(source, out, tmp_path):
    (tmp_path / "mine.toml").write_text('[train]\nbatch = "many"\n')
    refused(anonimage("run", tmp_path / "mine.toml", source, out), "mine.toml", "batch", "'many'")
    assert not out.exists()


def test_an_unknown_recipe_arrangement_or_format(source, out, finished, tmp_path):
    refused(anonimage("run", "ptb-quantil", source, out), "did you mean 'ptb-quantile'")
    refused(anonimage("run", "ptb-quantile", source, out, *sets(arrangement="zz")), "'zz'")
    refused(anonimage("generate", finished, "--format", "edf", "--to", tmp_path / "to"), "'edf'", "wfdb")
    refused(anonimage("generate", finished, "--offset", "middle", "--to", tmp_path / "to"), "'middle'", "relative")
    assert not (tmp_path / "to").exists()


def test_six_channels_asked_of_one_lead(source, out):
    refused(run(source, out, arrangement="six"), "six", "6 channels")


def test_a_gpu_where_there_is_none(copy):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    refused(anonimage("train", copy, "--steps", 9, "--device", "cuda"), "cuda", "--device cpu")
    assert anonimage("train", copy, "--steps", 9).exit_code == 0  # what was refused is not remembered


# --- the folder of the run --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["train", "generate", "evaluate"])
def test_steps_without_a_run(verb, tmp_path):
    refused(anonimage(verb, tmp_path / "absent"), "no run here", "anonimage prepare")
    assert not (tmp_path / "absent").exists()


def test_generate_before_train(source, out):
    assert anonimage("prepare", "ptb-quantile", source, out, *sets()).exit_code == 0
    refused(anonimage("generate", out), "not trained yet", f"anonimage train {out}")
    refused(anonimage("evaluate", out), "nothing generated yet")


def test_codec_edited(copy):
    text = (copy / "codec.json").read_text()
    (copy / "codec.json").write_text(text.replace('"fs": 100', '"fs": 101'))
    refused(anonimage("generate", copy), "codec.json", "edited")


def test_codec_of_another_version(copy):
    content = json.loads((copy / "codec.json").read_text())
    (copy / "codec.json").write_text(json.dumps(content | {"version": 99}))
    refused(anonimage("generate", copy), "codec.json", "version 99")


def test_codec_not_json(copy):
    (copy / "codec.json").write_text("{")
    refused(anonimage("generate", copy), "codec.json", "not JSON")


@pytest.mark.parametrize("file", ["weights.safetensors", "optimizer.safetensors", "state.json"])
def test_checkpoint_truncated(file, copy):
    path = latest(copy / "checkpoints") / file
    path.write_bytes(path.read_bytes()[:-20])
    refused(anonimage("train", copy, "--steps", 8), str(path), "delete")


def test_store_half_gone(copy):
    (copy / "store" / "samples.parquet").unlink()
    refused(anonimage("train", copy, "--steps", 8), "store", "prepare")


def test_synthetic_records_of_another_run(copy):
    shutil.rmtree(copy / "synthetic")
    write_database(copy / "synthetic", patients=2)
    refused(anonimage("evaluate", copy), "synthetic", "generate again")


SPOILT = ["metrics.csv", "monitor.csv", "generated.json", "run.json", "synthetic/samples.csv"]


@pytest.mark.parametrize("file", [*SPOILT, "synthetic/synthetic000003.dat"])
@pytest.mark.parametrize("text", ["step,loss\n1", None])
def test_evaluate_names_the_file_that_is_spoilt(file, text, copy):
    (copy / file).unlink()
    if text is not None:
        (copy / file).write_text(text)
    refused(anonimage("evaluate", copy), (copy / file).stem)


def test_a_spoilt_picture_of_the_evolution_is_named(copy):
    (copy / "evolution" / "0000006.npy").write_text("x")
    refused(anonimage("evaluate", copy), "0000006.npy", "delete it")
    (copy / "evolution" / "0000006.npy").unlink()
    assert anonimage("evaluate", copy).exit_code == 0


def test_train_refuses_metrics_of_another_kind(copy):
    (copy / "metrics.csv").write_text("step,loss\n1,2\n")
    refused(anonimage("train", copy, "--steps", 8), "metrics.csv")


def test_less_training_than_there_was(copy):
    refused(anonimage("train", copy, "--steps", 4), "trained to step 6 already", "--steps")
    assert "steps = 6" in (copy / "recipe.toml").read_text()


def test_a_damaged_store_is_prepared_again_and_the_training_kept(copy, database):
    before = (copy / "codec.json").read_text()
    (copy / "store" / "samples.parquet").unlink()
    assert anonimage("prepare", "ptb-quantile", database, copy, *sets(), "--resume").exit_code == 0
    assert (copy / "codec.json").read_text() == before
    assert anonimage("train", copy, "--steps", 8).exit_code == 0
    assert latest(copy / "checkpoints").name == "000008"


def test_a_killed_prepare_can_begin_anew(copy, database):
    (copy / "recipe.toml").unlink()  # the last file that preparing writes
    refused(anonimage("train", copy), "interrupted", "anonimage prepare")
    assert anonimage("prepare", "ptb-quantile", database, copy, *sets()).exit_code == 0
    assert not (copy / "checkpoints").exists()


def test_overwrite_spares_the_old_run_until_the_new_one_is_prepared(copy, database):
    before = {path.name for path in copy.iterdir()}
    refused(anonimage("run", "ptb-quantile", database, copy, *sets(), "--overwrite", "--leads", "vx"), "vx")
    assert {path.name for path in copy.iterdir()} == before
    assert anonimage("generate", copy, "-n", 2).exit_code == 0


@pytest.mark.parametrize("place", [".", "inside"])
def test_out_in_the_source_is_refused(place, source):
    refused(run(source, source / place), "lies in the source")
    assert not (source / "inside").exists()


@pytest.mark.parametrize("file_format", ["wfdb", "csv"])
def test_generate_never_replaces_a_folder_of_the_user_s(file_format, copy, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "thesis.txt").write_text("years of work")
    for to in (tmp_path / "docs", copy, tmp_path / "docs" / "thesis.txt"):
        before = sorted(path.name for path in tmp_path.rglob("*"))
        refused(anonimage("generate", copy, "--format", file_format, "--to", to), str(to))
        assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_generate_spares_a_file_of_the_user_s_among_its_own(copy):
    (copy / "synthetic" / "mine.csv").write_text("years of work")
    refused(anonimage("generate", copy), "mine.csv", "move it away")
    assert (copy / "synthetic" / "mine.csv").read_text() == "years of work"


def test_demo_never_deletes_a_source_that_it_did_not_simulate(copy):
    (copy / "source").mkdir()
    (copy / "source" / "patient.dat").write_text("years of work")
    refused(anonimage("demo", copy, "--steps", 2, "--overwrite"), "source")
    assert (copy / "source" / "patient.dat").read_text() == "years of work"


def test_a_link_to_another_place_stays_a_link(copy, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    assert anonimage("generate", copy, "-n", 2, "--to", tmp_path / "link").exit_code == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "disk" / "RECORDS").is_file()


def test_named_options_are_named_in_errors(source, out):
    refused(anonimage("run", "ptb-quantile", source, out, "--device", "gpu"), "--device", "'gpu'")
    refused(run(source, out, width="wide"), "width", "'wide'", "number", "'fitted'")


def test_out_below_a_file(source, tmp_path):
    (tmp_path / "file").write_text("")
    refused(run(source, tmp_path / "file" / "out"), str(tmp_path / "file"), "cannot be made")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_out_without_permission(source, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    refused(run(source, tmp_path / "closed" / "out"), "no permission")


def test_out_on_a_read_only_place(source):
    refused(run(source, "/proc/anonimage"), "/proc/anonimage")


def test_help_and_bad_usage_need_no_torch():
    script = (
        "import sys\nfrom anonimage.pipelines.commands import app\n"
        "for arguments in (['--help'], ['run', '--help'], ['run'], ['nonsense'], ['recipes']):\n"
        "    try:\n        app(arguments)\n    except SystemExit:\n        pass\n"
        "heavy = {'torch', 'pandas', 'wfdb', 'scipy', 'zarr', 'lightning_fabric', 'neurokit2'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("arguments", [["run"], ["nonsense"], ["generate", "out", "-n", "0"], ["generate", "--what"]])
def test_bad_usage_is_one_line_and_exits_2(arguments):
    ended = subprocess.run(command(*arguments), capture_output=True, text=True)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("anonimage: ")


def test_a_fault_of_the_program_exits_1_and_says_so():
    script = (
        "from anonimage.pipelines.commands import terminal\n"
        "@terminal.command('anonimage broken')\ndef broken() -> None:\n    raise RuntimeError('planted')\n"
        "import sys; sys.argv = ['anonimage', 'broken']\nterminal.main()"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "fault of the program" in ended.stderr
    assert "planted" in ended.stderr


@pytest.mark.parametrize(
    "verb",
    [
        *("inspect", "recipes", "run", "prepare", "train", "generate", "evaluate", "audit", "release", "verifier"),
        *("encode", "decode", "fetch", "demo", "policies"),
    ],
)
def test_every_command_has_help_and_an_example(verb):
    result = anonimage(verb, "--help")
    assert result.exit_code == 0
    assert f"anonimage {verb}" in result.output.split("Example:")[1]


def test_the_sampling_rate_is_the_recipe_s(source, out):
    assert run(source, out, fs=FS / 2).exit_code == 0
