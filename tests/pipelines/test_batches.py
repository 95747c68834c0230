"""Batches are functions of the step, and only ever hold training windows."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data import CONTROL, TRAIN, Store
from anonimage.errors import InputError
from anonimage.pipelines.batches import grid_rows, store_batches
from anonimage.pipelines.sources import fit_codec, write_store
from tiny import FS, beats, write_database, write_patient


@pytest.fixture
def recipe(tiny):
    # patient k lies near k/10 mV: relative levels would hide it, absolute ones tell whose window it is
    return tiny.changed({"standardizer": "minmax", "batch": 8})


@pytest.fixture
def store(database, recipe, tmp_path):
    return write_store(recipe, database, tmp_path / "store", split=True)


def test_an_epoch_holds_every_window_once():
    rows = grid_rows(13, batch=4, seed=0)
    for epoch in range(3):
        drawn = np.concatenate([rows(3 * epoch + k) for k in range(3)])
        assert len(set(drawn.tolist())) == 12  # one of 13 is left out
    assert not np.array_equal(rows(0), rows(3))


def test_steps_can_be_asked_for_in_any_order():
    rows, again = grid_rows(50, batch=8, seed=3), grid_rows(50, batch=8, seed=3)
    forward = [rows(step).tolist() for step in range(20)]
    assert [again(step).tolist() for step in reversed(range(20))] == forward[::-1]


def test_a_batch_needs_its_windows():
    with pytest.raises(InputError, match=r"only 7 training windows for a batch of 8; .*--set batch=7"):
        grid_rows(7, batch=8, seed=0)


@pytest.mark.parametrize("starts", ["grid", "random"])
def test_batches_hold_training_windows_only(starts, store, recipe):
    recipe = recipe.changed({"starts": starts})
    codec = fit_codec(recipe, store)
    batch = store_batches(store, codec, recipe)
    training = store.frame[store.frame["part"] == TRAIN]
    cut = {}
    for record in store.frame["record"].unique():
        starts = np.arange(store.signal(record).shape[1] - 80)
        cut[record] = {image.tobytes() for image in codec.encode(store.windows([record] * len(starts), starts))}
    mine = set().union(*(cut[record] for record in training["record"].unique()))
    others = set().union(*(cut[record] for record in store.frame[store.frame["part"] == CONTROL]["record"].unique()))
    for step in range(12):
        for image in batch(step):
            assert image.tobytes() in mine
            assert image.tobytes() not in others


def test_random_starts_are_anywhere_and_repeat(store, recipe):
    recipe = recipe.changed({"starts": "random"})
    codec = fit_codec(recipe, store)
    batch, again = store_batches(store, codec, recipe), store_batches(store, codec, recipe)
    drawn = {image.tobytes() for step in range(40) for image in batch(step)}
    assert len(drawn) > 250  # of 320 drawn; the grid has 98 training windows
    assert np.array_equal(batch(7), again(7))


def test_random_starts_never_touch_what_was_left_out(tmp_path, recipe):
    source = write_database(tmp_path / "source", patients=6)
    for patient in range(1, 7):
        signals = beats(patient)
        signals[:, 500:560] = np.nan
        write_patient(source, patient, signals)
    recipe = recipe.changed({"starts": "random"})
    store = write_store(recipe, source, tmp_path / "store", split=True)
    batch = store_batches(store, fit_codec(recipe, store), recipe)
    for step in range(50):
        batch(step)  # with a = 0, a missing value in a window would be an error


def test_random_starts_reach_both_ends(tmp_path, recipe):
    source = tmp_path / "source"
    names = [write_patient(source, p, beats(p, seconds=(82 + p % 2) / FS)) for p in range(1, 10)]
    (source / "RECORDS").write_text("\n".join(names))
    recipe = recipe.changed({"starts": "random", "stride": 1, "batch": 2})
    store = write_store(recipe, source, tmp_path / "store", split=True)
    codec = fit_codec(recipe, store)
    drawn = {image.tobytes() for step in range(200) for image in store_batches(store, codec, recipe)(step)}
    training: pd.DataFrame = store.frame[store.frame["part"] == TRAIN]
    every = store.windows(training["record"].to_numpy(), training["start"].to_numpy())
    assert drawn == {codec.encode(window[None]).tobytes() for window in every}


def test_the_store_reads_back(store):
    assert len(Store.open(store.path)) == len(store)
