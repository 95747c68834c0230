"""Batches are functions of the step, and only ever hold training windows."""

import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from anonimage.data.patients import CONTROL, TRAIN
from anonimage.data.store.store import open_store
from anonimage.data.store.writing import placed
from anonimage.errors import InputError
from anonimage.gan.batch import resident
from anonimage.pipelines.batches import class_rows, epoch_samples, grid_rows, store_batches, training_labels
from anonimage.pipelines.kinds import check_source, fit_codec
from tiny import FS, beats, write_database, write_patient


@pytest.fixture
def recipe(tiny):
    # patient k lies near k/10 mV: relative levels would hide it, absolute ones tell whose window it is
    return tiny.changed({"standardizer": "minmax", "batch": 8})


@pytest.fixture
def store(database, recipe, tmp_path):
    return placed(check_source(recipe, database).ingest(recipe, database, tmp_path / "store", split=True))


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
    with pytest.raises(InputError, match=r"only 7 training samples for a batch of 8; .*--set batch=7"):
        grid_rows(7, batch=8, seed=0)


@pytest.mark.parametrize(
    "changes", [{}, {"starts": "random"}, {"balance": "weighted", "head": "projection", "label": "diagnosis"}]
)
def test_the_shares_of_several_processes_are_the_batch_without_overlap(changes, store, recipe):
    recipe = recipe.changed(changes)
    codec = fit_codec(recipe, store)
    whole = store_batches(store, codec, recipe)(5)
    shares = [store_batches(store, codec, recipe, (rank, 4))(5) for rank in range(4)]
    for rank, share in enumerate(shares):
        assert np.array_equal(share.images, whole.images[rank::4])
        assert share.labels is None or np.array_equal(share.labels, whole.labels[rank::4])
    assert sum(len(share.images) for share in shares) == recipe.train.batch


@pytest.mark.parametrize("changes", [{}, {"balance": "weighted", "head": "projection", "label": "diagnosis"}])
def test_images_kept_on_the_device_are_those_of_the_store(changes, store, recipe, monkeypatch):
    monkeypatch.setattr(sys.modules[resident.__module__], "CHUNK", 7)
    recipe = recipe.changed(changes)
    codec = fit_codec(recipe, store)
    there = store_batches(store, codec, recipe, (1, 2), partial(resident, device=torch.device("cpu")))
    here = store_batches(store, codec, recipe, (1, 2))
    for step in (0, 7, 20):
        kept, made = there(step), here(step)
        assert isinstance(kept.images, torch.Tensor)
        assert np.array_equal(kept.images.numpy(), made.images)
        assert (kept.labels is None) == (made.labels is None)
        assert made.labels is None or np.array_equal(kept.labels, made.labels)


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
        for image in batch(step).images:
            assert image.tobytes() in mine
            assert image.tobytes() not in others


def test_random_starts_are_anywhere_and_repeat(store, recipe):
    recipe = recipe.changed({"starts": "random"})
    codec = fit_codec(recipe, store)
    batch, again = store_batches(store, codec, recipe), store_batches(store, codec, recipe)
    drawn = {image.tobytes() for step in range(40) for image in batch(step).images}
    assert len(drawn) > 250  # of 320 drawn; the grid has 98 training windows
    assert np.array_equal(batch(7).images, again(7).images)


def test_random_starts_never_touch_what_was_left_out(tmp_path, recipe):
    source = write_database(tmp_path / "source", patients=6)
    for patient in range(1, 7):
        signals = beats(patient)
        signals[:, 500:560] = np.nan
        write_patient(source, patient, signals)
    recipe = recipe.changed({"starts": "random"})
    store = placed(check_source(recipe, source).ingest(recipe, source, tmp_path / "store", split=True))
    batch = store_batches(store, fit_codec(recipe, store), recipe)
    for step in range(50):
        batch(step)  # with a = 0, a missing value in a window would be an error


def test_random_starts_reach_both_ends(tmp_path, recipe):
    source = tmp_path / "source"
    names = [write_patient(source, p, beats(p, seconds=(82 + p % 2) / FS)) for p in range(1, 10)]
    (source / "RECORDS").write_text("\n".join(names))
    recipe = recipe.changed({"starts": "random", "stride": 1, "batch": 2})
    store = placed(check_source(recipe, source).ingest(recipe, source, tmp_path / "store", split=True))
    codec = fit_codec(recipe, store)
    drawn = {image.tobytes() for step in range(200) for image in store_batches(store, codec, recipe)(step).images}
    training: pd.DataFrame = store.frame[store.frame["part"] == TRAIN]
    every = store.windows(training["record"].to_numpy(), training["start"].to_numpy())
    assert drawn == {codec.encode(window[None]).tobytes() for window in every}


def labels_of(batch, steps):
    return np.bincount(np.concatenate([batch(step).labels for step in range(steps)]))


@pytest.fixture
def uneven(tmp_path, recipe):
    """Records of one class are four times as long; the networks know the classes."""
    for patient in range(1, 10):
        write_patient(tmp_path / "source", patient, beats(patient, seconds=48 if patient % 3 else 12))
    recipe = recipe.changed({"head": "auxiliary", "batch": 9})
    kind = check_source(recipe, tmp_path / "source")
    store = placed(kind.ingest(recipe, tmp_path / "source", tmp_path / "store", split=True))
    return recipe, store, fit_codec(recipe, store)


def test_classes_are_as_frequent_as_they_are(uneven):
    recipe, store, codec = uneven
    counts = np.bincount(store.frame["label"][store.frame["part"] == TRAIN])
    steps = counts.sum() // 9
    drawn = labels_of(store_batches(store, codec, recipe), steps)
    assert drawn.sum() == 9 * steps
    assert np.abs(drawn - counts).max() < 9  # an epoch, but for the rest that fills no batch


def test_undersampling_cuts_to_the_smallest_class_and_always_the_same_windows(uneven):
    recipe, store, codec = uneven
    recipe = recipe.changed({"balance": "undersample", "batch": 6})
    labels = training_labels(store)
    smallest = np.bincount(labels).min()
    n = len(epoch_samples(labels, recipe))
    assert n == 3 * smallest
    batch, steps = store_batches(store, codec, recipe), n // 6
    assert labels_of(batch, steps).tolist() == [smallest] * 3
    epochs = [
        {image.tobytes() for step in range(first, first + steps) for image in batch(step).images}
        for first in (0, steps)
    ]
    assert epochs[0] == epochs[1]
    assert len(epochs[0]) == n


def test_weighted_classes_are_equally_frequent_in_each_batch(uneven):
    recipe, store, codec = uneven
    batch = store_batches(store, codec, recipe.changed({"balance": "weighted"}))
    assert all(labels_of(lambda _, k=k: batch(k), 1).tolist() == [3, 3, 3] for k in range(20))
    seen = {image.tobytes() for step in range(150) for image in batch(step).images}
    assert len(seen) > 0.85 * (store.frame["part"] == TRAIN).sum()  # nothing is discarded


@pytest.mark.parametrize(("classes", "batch"), [(4, 30), (3, 8), (7, 5)])
def test_weighted_classes_are_equally_frequent_over_the_steps_of_a_batch_they_do_not_divide(classes, batch):
    labels = np.repeat(np.arange(classes), 3 * np.arange(1, classes + 1))
    rows = class_rows(labels, batch, seed=0)
    drawn = np.array([np.bincount(labels[rows(step)], minlength=classes) for step in range(20 * classes)])
    assert (np.ptp(drawn, axis=1) <= 1).all()  # each batch as even as it can be
    assert np.ptp(drawn.sum(0)) == 0
    assert np.ptp(drawn[: classes + 1].sum(0)) <= 1  # and not only in the end


def test_random_starts_can_be_weighted(uneven):
    recipe, store, codec = uneven
    plain = recipe.changed({"starts": "random"})
    weighted = plain.changed({"balance": "weighted"})
    even = labels_of(store_batches(store, codec, weighted), 300) / 2700
    uneven_shares = labels_of(store_batches(store, codec, plain), 300) / 2700
    assert np.abs(even - 1 / 3).max() < 0.05  # five standard deviations
    assert uneven_shares.min() < 0.2


def test_labels_are_those_of_the_windows(uneven):
    recipe, store, codec = uneven
    training = store.frame[store.frame["part"] == TRAIN]
    images = codec.encode(store.values(training.index.to_numpy()))
    label_of = {image.tobytes(): label for image, label in zip(images, training["label"], strict=True)}
    batch = store_batches(store, codec, recipe)
    for step in range(5):
        made = batch(step)
        assert [label_of[image.tobytes()] for image in made.images] == made.labels.tolist()


def test_batches_have_no_labels_where_networks_know_no_classes(store, recipe):
    assert store_batches(store, fit_codec(recipe, store), recipe)(0).labels is None


def test_the_store_reads_back(store):
    assert len(open_store(store.path)) == len(store)
