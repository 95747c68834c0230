"""`evaluate`, `audit` and `release` as commands: what they say, what they leave, and what they refuse."""

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import wfdb
from anonimage.data.wfdb.writer import write_record
from anonimage.pipelines import evaluating
from gated import judged
from tiny import FS, GAIN, TINY, anonimage, nothing_left, quick, refused, sets, write_database

LENGTH = 81


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """A finished run with enough people for an audit; do not write into it."""
    place = tmp_path_factory.mktemp("audited")
    source, out = write_database(place / "source", patients=24), place / "out"
    result = anonimage("run", "ptb-quantile", source, out, *sets())
    assert result.exit_code == 0, (result.output, result.exception)
    return out


def synthetic(out):
    """Names of the generated records, as RECORDS lists them."""
    return (out / "synthetic" / "RECORDS").read_text().split()


def replace_all(out, values, leads=("i",), fs=FS, length=LENGTH):
    """Write other signals (C, L) into every generated record."""
    for name in synthetic(out):
        digital = np.broadcast_to(np.rint(GAIN * np.asarray(values)), (len(leads), length)).astype(np.int16)
        write_record(out / "synthetic" / name, digital, fs, [GAIN] * len(leads), ["mV"] * len(leads), leads)


def scores(out):
    return json.loads((out / "scores.json").read_text())


def test_a_run_ends_with_scores_an_audit_and_verdicts(audited):
    found, audit = scores(audited), json.loads((audited / "audit.json").read_text())
    for name in ("1nnc", "coverage", "frechet", "kernel", "spectrum", "autocorrelation", "heart_rate: undetectable"):
        assert set(found["scores"][name]) == {"value", "low", "high", "baseline", "n", "unit"}
    assert found["fingerprint"] == audit["fingerprint"] != ""
    assert found["not_measured"]["utility"].startswith("this run knows no classes")
    assert {control["kind"] for control in audit["controls"]} == {"positive", "negative"}
    assert "re-identification: nearest person" in audit["not_measured"]
    for attack in audit["attacks"]:
        assert attack["score"]["baseline"] is not None
        assert attack["score"]["low"] <= attack["score"]["high"]
    page = (audited / "report.html").read_text()
    for area in ("Fidelity", "Utility", "Privacy"):
        assert f"<h2>{area}" in page


def test_the_audit_says_its_verdict_and_repeats_itself(audited, tmp_path):
    copy = shutil.copytree(audited, tmp_path / "copy")
    before = (copy / "audit.json").read_text()
    result = anonimage("audit", copy)
    assert result.exit_code == 0, result.output
    assert "privacy: inconclusive" in result.stderr  # two runs of each control are too few for the default policy
    assert (copy / "audit.json").read_text() == before
    assert "Judged by policy default." in (copy / "report.html").read_text()
    assert anonimage("audit", copy, "--policy", "strict").exit_code == 0
    assert "Judged by policy strict." in (copy / "report.html").read_text()


def test_few_people_are_a_refusal_that_leaves_no_sample(copy, tmp_path):
    to = tmp_path / "bundle"
    result = anonimage("release", copy, to)
    assert result.exit_code == 3
    assert [path.name for path in to.iterdir()] == ["refusal.md"]
    assert "7 training patients, the policy needs 10" in (to / "refusal.md").read_text()
    assert "7 training patients" in result.stderr


def test_what_passes_is_a_bundle_whose_sums_hold(copy, tmp_path):
    to = tmp_path / "bundle"
    result = anonimage("release", judged(copy), to, "--with-generator")
    assert result.exit_code == 0, result.output
    assert {path.name for path in to.iterdir()} == {
        *("synthetic", "datasheet.md", "codec.json", "policy.toml", "audit.json", "SHA256SUMS", "generator")
    }
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=to, check=True)
    assert wfdb.rdrecord(str(to / "synthetic" / synthetic(copy)[0])).sig_len == LENGTH


def test_there_is_no_way_past_the_gate(copy, tmp_path):
    assert anonimage("release", copy, tmp_path / "to", "--no-gate").exit_code == 2
    assert "no-gate" not in anonimage("release", "--help").output


def test_other_samples_than_those_that_were_judged(copy, tmp_path):
    assert anonimage("generate", copy, "--seed", 5).exit_code == 0
    refused(anonimage("release", copy, tmp_path / "to"), "scores.json", "anonimage evaluate")
    refused(anonimage("audit", copy), "scores.json", "anonimage evaluate")
    nothing_left(tmp_path / "to")


def test_scores_of_another_run(copy, finished, tmp_path):
    assert anonimage("generate", copy, "--seed", 5).exit_code == 0
    assert anonimage("evaluate", copy).exit_code == 0
    for name in ("scores.json", "evidence.json"):
        spoilt = shutil.copytree(copy, tmp_path / name)
        shutil.copy(finished / name, spoilt / name)
        refused(anonimage("audit", spoilt), name, "of other")


def test_training_that_went_on_since(copy, tmp_path):
    assert anonimage("train", copy, "--steps", 8).exit_code == 0
    for verb in ("evaluate", "audit"):
        refused(anonimage(verb, copy), "generated at step 6", "step 8", "anonimage generate")


def test_a_verifier_that_is_not_there_is_told_before_anything_is_done(database, tmp_path):
    nowhere, out = tmp_path / "people.safetensors", tmp_path / "out"
    refused(anonimage("run", "ptb-quantile", database, out, *sets(verifier=nowhere)), "people.safetensors")
    nothing_left(out)


def test_no_audit_yet(copy, tmp_path):
    (copy / "audit.json").unlink()
    refused(anonimage("release", copy, tmp_path / "to"), "audit.json", "anonimage audit")
    assert anonimage("evaluate", copy).exit_code == 0
    assert "no audit was made" in (copy / "report.html").read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[privacy]\nmembership_acu = 0.6\n", ("membership_acu", "membership_auc")),
        ("[privacy]\nmembership_auc = 0.4\n", ("membership_auc", "0.4")),
        ("nonsense", ("not valid TOML",)),
    ],
)
def test_policies_that_cannot_be(copy, tmp_path, text, words):
    policy = tmp_path / "mine.toml"
    policy.write_text(text)
    for command in (("release", copy, tmp_path / "to"), ("audit", copy)):
        refused(anonimage(*command, "--policy", policy), "mine.toml", *words)
    refused(anonimage("release", copy, tmp_path / "to", "--policy", "strcit"), "strcit", "strict")
    nothing_left(tmp_path / "to")


def test_nothing_generated(copy):
    shutil.rmtree(copy / "synthetic")
    for verb in ("evaluate", "audit"):
        refused(anonimage(verb, copy), "nothing generated yet", "anonimage generate")
    (copy / "synthetic").mkdir()
    refused(anonimage("evaluate", copy), "synthetic", "no")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"length": 40}, ("shape (1, 40)",)),
        ({"leads": ("i", "ii")}, ("shape (2, 81)",)),
        ({"leads": ("v1",)}, ("v1", "this run makes")),
        ({"fs": 2 * FS}, ("200 Hz", "this run makes 100 Hz")),
    ],
)
def test_generated_records_that_are_not_this_run_s(copy, change, words):
    replace_all(copy, 0.1, **change)
    refused(anonimage("evaluate", copy), "synthetic", "generate again", *words)


def test_constant_windows_have_no_beat_and_are_scored(copy):
    replace_all(copy, 0.3)
    assert anonimage("evaluate", copy).exit_code == 0
    found = scores(copy)["scores"]
    assert found["r_peaks"]["value"] == 0
    assert found["qrs: undetectable"]["value"] == 1
    assert anonimage("audit", copy).exit_code == 0


def test_a_table_with_other_columns(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"a": rng.normal(size=90).round(2), "b": rng.integers(0, 2, 90), "c": rng.normal(size=90).round(2)}
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / "out"
    result = quick("table", tmp_path / "t.csv", out, widths="8")
    assert result.exit_code == 0, result.output
    made = pd.read_csv(out / "synthetic" / "t.csv")
    made.drop(columns="c").to_csv(out / "synthetic" / "t.csv", index=False)
    refused(anonimage("evaluate", out), "t.csv", "c")
    refused(anonimage("audit", out, "--verifier", tmp_path / "none.safetensors"), "none.safetensors")
    made.iloc[:0].to_csv(out / "synthetic" / "t.csv", index=False)
    refused(anonimage("evaluate", out), "t.csv")


def test_control_patients_that_training_saw(copy, monkeypatch):
    opened = evaluating.open_store

    def mixed(path):
        store = opened(path)
        seen = store.frame.loc[store.frame["part"] == "train", "patient"].iloc[0]
        store.frame.loc[store.frame["part"] == "control", "patient"] = seen
        return store

    monkeypatch.setattr(evaluating, "open_store", mixed)
    for verb in ("evaluate", "audit"):
        refused(anonimage(verb, copy), "1 control patients were seen in training (patient0")


def test_four_control_people_are_needed(tmp_path):
    source, out = write_database(tmp_path / "source", patients=6), tmp_path / "out"
    result = anonimage("run", "ptb-quantile", source, out, *sets())
    assert result.exit_code == 0, result.output
    audit = json.loads((out / "audit.json").read_text())
    assert audit["attacks"] == []
    assert "4 are needed" in audit["not_measured"]["all attacks"]
    assert anonimage("release", out, tmp_path / "to").exit_code == 3
    assert "too few" in (tmp_path / "to" / "refusal.md").read_text()


def test_classes_give_utility_and_reidentification_needs_a_lead(database, tmp_path):
    out = tmp_path / "out"
    assert anonimage("run", "ptb-acgan", database, out, *sets(balance="none")).exit_code == 0
    found = scores(out)
    assert {"tstr: macro PR-AUC", "trtr: macro PR-AUC", "augmented: macro PR-AUC"} <= found["scores"].keys()
    assert "tstr" in (out / "report.html").read_text()
    refused(anonimage("audit", out, "--verifier", tmp_path / "none.safetensors"), "none.safetensors")


def test_a_database_without_sessions_makes_no_verifier(database, tmp_path):
    to = tmp_path / "people.safetensors"
    refused(anonimage("verifier", database, to), "several sessions")
    assert not to.exists()


def test_a_verifier_is_asked_in_the_audit(shared, tmp_path):
    to, out = tmp_path / "people.safetensors", tmp_path / "out"
    result = anonimage("verifier", shared / "data" / "ecgiddb", to)
    assert result.exit_code == 0, result.output
    assert "equal error rate, same day: session: 0.0" in result.stderr
    brief = [part for key in ("judge_steps", "control_runs") for part in ("--set", f"{key}={TINY[key]}")]
    brief += ["--set", "samples=20", "--set", "evaluated=40", "--set", "widths=4,8", "--steps", "3"]
    recipe = ("ptb-quantile", shared / "data" / "ptbdb", out)
    assert anonimage("run", *recipe, *brief, "--set", f"verifier={to}").exit_code == 0
    name = "re-identification: nearest person"
    audit = json.loads((out / "audit.json").read_text())
    assert "hold a whole beat" in audit["not_measured"][name]  # three steps of training make no hearts
    records = (shared / "data" / "ptbdb" / "RECORDS").read_text().split()
    for made, real in zip(synthetic(out), records, strict=False):
        lead = wfdb.rdrecord(str(shared / "data" / "ptbdb" / real), sampto=2025, channel_names=["i"]).p_signal.T
        write_record(out / "synthetic" / made, np.rint(GAIN * lead).astype(np.int16), 1000, [GAIN], ["mV"], ["i"])
    assert anonimage("evaluate", out).exit_code == 0
    assert anonimage("audit", out).exit_code == 0
    audit = json.loads((out / "audit.json").read_text())
    (asked,) = (attack for attack in audit["attacks"] if attack["name"] == name)
    assert asked["limit"] == "reidentification"
    assert set(asked["controls"]) == {"positive", "negative"}
