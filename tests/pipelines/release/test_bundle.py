"""What a release puts where, and that a refused or killed one leaves nothing but its reasons."""

import hashlib
import json
import signal
import subprocess
import sys
import tomllib

import numpy as np
import pytest
import safetensors.torch
from anonimage.data.store.store import store_mark
from anonimage.errors import InputError
from anonimage.gan.networks import Architecture
from anonimage.gan.training.checkpoint import load
from anonimage.pipelines.evaluation.privacy.findings import Audit
from anonimage.pipelines.release import bundle
from anonimage.pipelines.release.bundle import release
from anonimage.pipelines.release.policy import load_policy
from anonimage.pipelines.run_folder import RunFolder, chosen_checkpoint, fingerprint
from gated import attack, judged
from tiny import anonimage

DEFAULT, STRICT = load_policy("default"), load_policy("strict")
FILES = ["SHA256SUMS", "audit.json", "codec.json", "datasheet.md", "policy.toml", "synthetic"]


def contents(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_bundle_holds_what_it_says_and_no_more(ready, tmp_path):
    before, to = contents(ready), tmp_path / "to"
    assert release(ready, to, DEFAULT)
    assert contents(to) == FILES
    assert contents(ready) == before  # no scratch left
    assert (
        fingerprint(to / "synthetic") == fingerprint(ready / "synthetic") == Audit.load(to / "audit.json").fingerprint
    )
    assert (to / "codec.json").read_text() == (ready / "codec.json").read_text()
    assert tomllib.loads((to / "policy.toml").read_text())["privacy"]["copy_share"] == 0.05
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=to, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    listed = {line.split("  ", 1)[1] for line in (to / "SHA256SUMS").read_text().splitlines()}
    files = {path.relative_to(to).as_posix() for path in to.rglob("*") if path.is_file()}
    assert listed == files - {"SHA256SUMS"}


def test_the_datasheet_tells_counts_verdicts_and_what_was_not_tested(ready, tmp_path):
    assert release(ready, tmp_path / "to", DEFAULT)
    sheet = (tmp_path / "to" / "datasheet.md").read_text()
    for text in (
        "| training | 80 | 30 |",
        "| control (never used for training) | 20 | 10 |",
        "| privacy | pass |",
        "| utility | not measured |",
        "| an attack on membership_auc | 0.5 | 0.45 to 0.55 | 0.5 | 40 | 0.6 | pass |",
        "| 1nnc | 0.8 | 0.75 to 0.85 | 0.5 | 200 | 0.99 | pass |",
        "- re-identification: no verification network was trained",
        "- positive: right in 20 of 20 runs, needed 19",
        'arrangement = "z"',
    ):
        assert text in sheet, text
    assert "generator/" not in sheet
    assert "patient =" not in sheet


def test_where_the_prepared_samples_lay_stays_behind(ready, tmp_path):
    folder, place = RunFolder(ready), tmp_path / "ward7"
    (ready / "store").rename(place)
    folder.recipe.changed({"store": str(place)}).save(folder.recipe_file)
    folder.about_file.write_text(json.dumps(folder.about() | {"store": store_mark(place)}))
    assert release(ready, tmp_path / "to", DEFAULT)
    assert not [path for path in (tmp_path / "to").rglob("*") if path.is_file() and b"ward7" in path.read_bytes()]


def test_entries_that_somebody_added_to_audit_json_stay_behind(ready, tmp_path):
    folder = RunFolder(ready)
    folder.audit.write_text(json.dumps(json.loads(folder.audit.read_text()) | {"patients": ["patient001"]}))
    assert release(ready, tmp_path / "to", DEFAULT)
    assert "patients" not in json.loads((tmp_path / "to" / "audit.json").read_text())


def test_of_the_networks_only_the_averaged_generator_goes_out(ready, tmp_path):
    to = tmp_path / "to"
    assert release(ready, to, DEFAULT, with_generator=True)
    assert contents(to / "generator") == ["architecture.json", "weights.safetensors"]
    weights = safetensors.torch.load((to / "generator" / "weights.safetensors").read_bytes())
    wanted = load(chosen_checkpoint(RunFolder(ready))).averaged_generator().state_dict()
    assert weights.keys() == wanted.keys()
    assert all(np.array_equal(weights[name], wanted[name]) for name in wanted)
    state = json.loads((to / "generator" / "architecture.json").read_text())
    Architecture.from_state(state).build().generator.load_state_dict(weights)
    assert "the network" in (to / "datasheet.md").read_text()


def test_a_generator_that_learned_on_since_it_was_audited_stays_in(ready, tmp_path):
    assert anonimage("train", ready, "--steps", 8).exit_code == 0
    with pytest.raises(InputError, match=r"trained on since it generated .*synthetic; generate, evaluate and audit"):
        release(ready, tmp_path / "to", DEFAULT, with_generator=True)
    assert not (tmp_path / "to").exists()
    assert release(ready, tmp_path / "to", DEFAULT)


def test_a_policy_may_keep_the_generator_in(ready, tmp_path):
    policy = DEFAULT.model_copy(update={"privacy": DEFAULT.privacy.model_copy(update={"allow_generator": False})})
    assert not release(ready, tmp_path / "to", policy, with_generator=True)
    assert contents(tmp_path / "to") == ["refusal.md"]


def test_a_refusal_is_all_that_a_refused_release_leaves(ready, tmp_path):
    to = tmp_path / "to"
    judged(ready, (attack("copy_share", 0.3, 0.2, 0.4, 1e-6), attack("membership_auc", 0.5, 0.4, 0.65)))
    before = contents(ready)
    assert not release(ready, to, DEFAULT)
    assert (contents(to), contents(ready), contents(tmp_path)) == (["refusal.md"], before, ["run", "to"])
    text = (to / "refusal.md").read_text()
    assert "fidelity: pass, utility: not measured, privacy: fail" in text
    assert "an attack on copy_share: 0.3" in text
    assert "40 people are too few to decide, about 90 would be needed" in text
    judged(ready)
    assert release(ready, to, DEFAULT)
    assert contents(to) == FILES


def test_strict_refuses_what_default_lets_out(ready, tmp_path):
    assert not release(ready, tmp_path / "to", STRICT)
    text = (tmp_path / "to" / "refusal.md").read_text()
    for reason in ("precision: not measured", "30 training patients, the policy needs 50", "tstr: macro PR-AUC"):
        assert reason in text


def test_scores_or_an_audit_of_other_samples_are_refused(ready, tmp_path):
    folder = RunFolder(ready)
    first = sorted(folder.synthetic.glob("*.dat"))[0]
    first.write_bytes(first.read_bytes()[::-1])
    with pytest.raises(InputError, match=r"scores\.json: is of other samples.*run `anonimage evaluate"):
        release(ready, tmp_path / "to", DEFAULT)
    scores = json.loads(folder.scores.read_text()) | {"fingerprint": fingerprint(folder.synthetic)}
    folder.scores.write_text(json.dumps(scores))
    with pytest.raises(InputError, match=r"audit\.json: is of other samples.*run `anonimage audit"):
        release(ready, tmp_path / "to", DEFAULT)
    folder.audit.unlink()
    with pytest.raises(InputError, match=r"audit\.json: not there yet"):
        release(ready, tmp_path / "to", DEFAULT)
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("place", ["run/to", "run", ".", "source/ptb/to"])
def test_a_place_inside_what_is_private_is_refused(ready, tmp_path, place):
    source = tmp_path / "source" / "ptb"
    source.mkdir(parents=True)
    folder = RunFolder(ready)
    about = json.loads(folder.about_file.read_text())
    folder.about_file.write_text(json.dumps(about | {"source": str(source)}))
    with pytest.raises(InputError, match=r"private|holds the run"):
        release(ready, tmp_path / place, DEFAULT)


def test_a_place_in_use_is_left_alone(ready, tmp_path):
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match=r"holds files already \(mine\.txt\)"):
        release(ready, tmp_path / "to", DEFAULT)
    assert contents(tmp_path / "to") == ["mine.txt"]


KILLED = """
import os, signal, sys
from pathlib import Path
from anonimage.pipelines.release import bundle
from anonimage.pipelines.release.policy import load_policy
bundle.find_leaks = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
bundle.release(Path(sys.argv[1]), Path(sys.argv[2]), load_policy("default"))
"""


def test_a_killed_release_leaves_nothing_outside_and_its_scratch_is_swept(ready, tmp_path):
    to, before = tmp_path / "to", contents(ready)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(ready), str(to)], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert contents(tmp_path) == ["run"]  # nothing beside the run, not even a hidden folder
    assert len(contents(ready)) == len(before) + 1
    assert release(ready, to, DEFAULT)
    assert contents(ready) == before


def test_samples_that_change_while_they_are_copied_are_not_released(ready, tmp_path, monkeypatch):
    folder, real = RunFolder(ready), bundle.SourceIndex.of_run

    def slow(*given):
        first = sorted(folder.synthetic.glob("*.dat"))[0]
        first.write_bytes(first.read_bytes()[::-1])
        return real(*given)

    monkeypatch.setattr(bundle.SourceIndex, "of_run", slow)
    with pytest.raises(InputError, match="changed while it was copied"):
        release(ready, tmp_path / "to", DEFAULT)
    assert contents(tmp_path) == ["run"]


def test_a_fingerprint_by_hand(tmp_path):
    (tmp_path / "b").write_text("2")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    one, two = (hashlib.sha256(text).hexdigest() for text in (b"1", b"2"))
    whole = fingerprint(tmp_path)
    assert whole == hashlib.sha256(f"a/x\0{one}\nb\0{two}\n".encode()).hexdigest()
    (tmp_path / "b").rename(tmp_path / "c")
    assert fingerprint(tmp_path) != whole
    with pytest.raises(InputError, match="holds no file"):
        fingerprint(tmp_path / "none")
