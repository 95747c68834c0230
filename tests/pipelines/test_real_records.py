"""The whole job on real PTB records, a few steps long: formats, units and round trip are what the records have."""

import json

import numpy as np
import pandas as pd
import pytest
import wfdb
from tiny import anonimage

BRIEF = ("--steps", 3, "--set", "batch=8", "--set", "widths=8,16", "--set", "samples=12", "--set", "evaluated=40")
BRIEF += ("--set", "judge_steps=2", "--set", "control_runs=2")


@pytest.fixture(scope="module")
def real_run(shared, tmp_path_factory):
    out = tmp_path_factory.mktemp("real") / "out"
    result = anonimage("run", "ptb-quantile", shared / "data" / "ptbdb", out, "--set", "stride=500", *BRIEF)
    assert result.exit_code == 0, result.output
    return out


def test_synthetic_records_look_like_ptb_s_to_any_reader(real_run):
    for name in (real_run / "synthetic" / "RECORDS").read_text().split():
        record = wfdb.rdrecord(str(real_run / "synthetic" / name))
        assert (record.fs, record.sig_name, record.units, record.sig_len) == (1000, ["i"], ["mV"], 2025)
        assert (record.adc_gain, record.fmt) == ([2000.0], ["16"])


def test_round_trip_of_real_windows_is_within_half_a_level(real_run):
    score = json.loads((real_run / "scores.json").read_text())["scores"]["round_trip_max"]
    assert score["value"] <= 4.91  # µV: 2.5 mV / 255 / 2, and float32
    assert score["n"] > 40


@pytest.mark.parametrize(
    ("recipe", "leads"), [("ptb-rgb", ["i", "ii", "iii"]), ("ptb-six", ["i", "ii", "iii", "avr", "avl", "avf"])]
)
def test_limb_leads_of_real_records_obey_einthoven_and_the_decoded_ones_on_average(recipe, leads, shared, tmp_path):
    out = tmp_path / "out"
    assert anonimage("run", recipe, shared / "data" / "ptbdb", out, *BRIEF).exit_code == 0
    record = wfdb.rdrecord(str(out / "synthetic" / "synthetic000001"))
    assert record.sig_name == leads
    i, ii, iii = record.p_signal[:, :3].mean(axis=0)
    assert iii == pytest.approx(ii - i, abs=0.001)
    scores = json.loads((out / "scores.json").read_text())["scores"]
    assert scores["einthoven"]["baseline"] < 6  # µV, of real windows after the grey levels


def test_other_databases_run_too(shared, tmp_path):
    options = ("--leads", "MLII", "--set", "side=20", "--set", "fs=360", *BRIEF)
    result = anonimage("run", "ptb-quantile", shared / "data" / "mitdb", tmp_path / "out", *options)
    assert result.exit_code == 0, result.output
    record = wfdb.rdrecord(str(tmp_path / "out" / "synthetic" / "synthetic000001"))
    assert (record.fs, record.sig_name, record.sig_len) == (360, ["MLII"], 400)


def test_encode_and_decode_real_records(shared, tmp_path):
    assert anonimage("encode", shared / "data" / "ptbdb", tmp_path / "images").exit_code == 0
    assert anonimage("decode", tmp_path / "images", tmp_path / "signals").exit_code == 0
    row = pd.read_csv(tmp_path / "signals" / "samples.csv").iloc[1]
    decoded = wfdb.rdrecord(str(tmp_path / "signals" / row["record"])).p_signal[:, 0]
    source = wfdb.rdrecord(str(shared / "data" / "ptbdb" / row["source_record"]), channel_names=["i"]).p_signal[:, 0]
    error = np.abs(decoded - source[row["start"] : row["start"] + 2025])
    assert error.max() <= 0.00491 + 0.00025  # half a grey level, and half an ADC step of the written record
