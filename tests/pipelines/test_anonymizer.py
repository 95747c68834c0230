"""The Anonymizer in memory: it repeats itself, saves and loads, and says what it cannot do."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.samples import Samples
from anonimage.data.store.store import open_store
from anonimage.errors import InputError
from anonimage.pipelines.anonymizer import Anonymizer
from anonimage.pipelines.run_folder import RunFolder
from tiny import FS, anonimage, beats, sets


@pytest.fixture(scope="module")
def samples():
    values = np.concatenate([beats(p)[None, :1, k : k + 81] for p in range(1, 7) for k in range(0, 1100, 81)])
    people = np.repeat([f"p{p}" for p in range(1, 7)], len(values) // 6)
    part = np.where(people == "p6", "control", "train")
    return Samples(values, pd.DataFrame({"patient": people, "part": part}), ("i",), ("mV",), FS)


@pytest.fixture(scope="module")
def fitted(tiny, samples):
    return Anonymizer(tiny).fit(samples)


def test_samples_are_windows_in_the_source_s_units(fitted):
    synthetic = fitted.sample(70)
    assert synthetic.values.shape == (70, 1, 81)
    assert (synthetic.channels, synthetic.units, synthetic.fs) == (("i",), ("mV",), FS)
    assert synthetic.frame["number"].tolist() == list(range(70))


def test_a_sample_depends_on_its_number_only(fitted):
    whole = fitted.sample(200).values
    assert np.array_equal(fitted.sample(30, first=110).values, whole[110:140])
    assert not np.array_equal(fitted.sample(5, seed=1).values, whole[:5])


def test_fitting_repeats(fitted, tiny, samples):
    assert np.array_equal(Anonymizer(tiny).fit(samples).sample(9).values, fitted.sample(9).values)


def test_control_windows_are_not_seen(fitted, tiny, samples):
    changed = samples.values.copy()
    changed[(samples.frame["part"] == "control").to_numpy()] *= 3
    other = Samples(changed, samples.frame, samples.channels, samples.units, samples.fs)
    assert np.array_equal(Anonymizer(tiny).fit(other).sample(9).values, fitted.sample(9).values)


def test_save_and_load(fitted, tmp_path):
    fitted.save(tmp_path / "kept")
    again = Anonymizer.load(tmp_path / "kept")
    assert np.array_equal(again.sample(9).values, fitted.sample(9).values)
    assert again.recipe == fitted.recipe
    with pytest.raises(InputError, match="holds files already"):
        fitted.save(tmp_path / "kept")


def test_what_it_cannot_do(tiny, samples, fitted, tmp_path):
    with pytest.raises(InputError, match="not fitted yet"):
        Anonymizer(tiny).sample(3)
    with pytest.raises(InputError, match="know no classes"):
        fitted.sample(2, labels=["healthy", "ill"])
    with pytest.raises(InputError, match="ask for at least 1"):
        fitted.sample(0)
    with pytest.raises(InputError, match=r"81 values; .* needs 100"):
        Anonymizer(tiny.changed({"side": 10})).fit(samples)
    with pytest.raises(InputError, match="set starts to 'grid'"):
        Anonymizer(tiny.changed({"starts": "random"})).fit(samples)
    with pytest.raises(InputError, match="no run here"):
        Anonymizer.load(tmp_path)


def test_samples_in_memory_and_in_a_folder_are_fitted_alike(tmp_path):
    rng = np.random.default_rng(3)
    rows = np.concatenate([beats(p)[None, :1, k : k + 81] for p in range(1, 9) for k in range(0, 900, 81)])
    labels = np.where(rng.random(len(rows)) < 0.3, "slow", "fast")
    patients = np.repeat([f"p{p}" for p in range(1, 9)], len(rows) // 8)
    np.savez(tmp_path / "rows.npz", values=rows, label=labels, patient=patients, fs=float(FS))
    given = ("--label", "label", *sets(leads="", fs="none", head="projection", samples=9))
    result = anonimage("prepare", "series", tmp_path / "rows.npz", tmp_path / "out", *given)
    assert result.exit_code == 0, (result.output, result.exception)
    assert anonimage("train", tmp_path / "out").exit_code == 0
    folder = RunFolder(tmp_path / "out")
    store = open_store(folder.store)
    assert set(store.frame["part"]) == {"train", "control"}
    spoilt = store.samples()
    spoilt.values[(store.frame["part"] == "control").to_numpy()] = np.nan  # what is not looked at changes nothing
    for samples in (store.samples(), spoilt):
        anonymizer = Anonymizer(folder.recipe).fit(samples, store.classes, store.form)
        assert anonymizer.codec.to_json() == folder.codec_file.read_text()
        assert np.array_equal(anonymizer.sample(9).values, Anonymizer.load(tmp_path / "out").sample(9).values)


def test_constant_samples_are_given_back(tiny, samples):
    still = Samples(np.full_like(samples.values, 0.25), samples.frame, samples.channels, samples.units, samples.fs)
    assert np.allclose(Anonymizer(tiny).fit(still).sample(9).values, 0.25, atol=1e-3)


def test_samples_that_cannot_be_learned_are_refused_as_those_of_a_folder(tiny, samples):
    with pytest.raises(InputError, match="lower it with --set batch="):
        Anonymizer(tiny.changed({"batch": 1000})).fit(samples)
    with pytest.raises(InputError, match="only one class"):
        one = Samples(samples.values, samples.frame.assign(label=0), samples.channels, samples.units, samples.fs)
        Anonymizer(tiny.changed({"head": "auxiliary"})).fit(one, classes=("healthy",))
