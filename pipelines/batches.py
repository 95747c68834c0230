"""Which training samples make the batch of a step: a pure function of seed and step, so a resume needs no memory."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from torch import Tensor

from ..data.patients import TRAIN, undersample
from ..data.store.store import Store
from ..errors import InputError
from ..gan.batch import Batch, Images
from ..transforms import Codec
from .classes import Classes
from .recipe import Recipe

Batches = Callable[[int], Batch]
Rows = Callable[[int], np.ndarray]
Share = tuple[int, int]  # number of a process, and how many there are


def store_batches(
    store: Store,
    codec: Codec,
    recipe: Recipe,
    share: Share = (0, 1),
    keep: Callable[[Images, int], Images] | None = None,
) -> Batches:
    """Return the encoded training images of each step, with their classes for conditional networks.

    Arguments:
        store, codec, recipe: of a prepared run; only rows of part "train" are used.
        share: rank and number of processes, each with other images of the recipe's batch, equally many.
        keep: wraps the function from positions of training samples to encoded images, given their number, to keep the
            images on the training device; random starts are encoded at every step all the same.

    Raises:
        InputError: a batch that cannot be shared evenly, or fewer samples than a batch.
    """
    rank, count = share
    if recipe.train.batch % count:
        even = max(1, round(recipe.train.batch / count)) * count
        raise InputError(
            f"batch {recipe.train.batch} cannot be shared evenly by {count} processes; begin a run with "
            f"--set batch={even}, or choose another number of devices"
        )
    training = np.flatnonzero(store.frame["part"] == TRAIN)
    labels = training_labels(store)
    if recipe.data.starts == "random":
        if store.is_whole:
            raise InputError("starts = 'random' needs recordings that are cut into windows; set starts to 'grid'")
        return _anywhere(store, codec, recipe, labels, share)
    rows = training_rows(labels, recipe)

    def images(chosen: np.ndarray) -> np.ndarray | Tensor:
        return codec.encode(store.values(training[chosen]))

    images_of = images if keep is None else keep(images, len(training))

    def batch(step: int) -> Batch:
        chosen = rows(step)[rank::count]
        return Batch(images_of(chosen), labels[chosen] if recipe.conditional else None)

    return batch


def training_labels(store: Store) -> np.ndarray:
    """Return the class of each training sample (N,), also for unconditional networks."""
    return Classes.of(store).numbers(store.frame[store.frame["part"] == TRAIN], store.classes)


def training_rows(labels: np.ndarray, recipe: Recipe) -> Rows:
    """Return positions (batch,) of training samples by step, from their classes (N,), balanced as the recipe says."""
    if recipe.train.balance == "weighted":
        return class_rows(labels, recipe.train.batch, recipe.seed)
    kept = epoch_samples(labels, recipe)
    rows = grid_rows(len(kept), recipe.train.batch, recipe.seed)
    return lambda step: kept[rows(step)]


def epoch_samples(labels: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Return the positions of the training samples that make an epoch, from the classes (N,) of all."""
    return undersample(labels, recipe.seed) if recipe.train.balance == "undersample" else np.arange(len(labels))


def grid_rows(n_samples: int, batch: int, seed: int) -> Rows:
    """Return rows that hold every sample once an epoch, in an order drawn anew each epoch, but for an incomplete batch.

    Raises:
        InputError: fewer samples than a batch needs.
    """
    per_epoch = n_samples // batch
    if per_epoch == 0:
        raise InputError(
            f"only {n_samples} training samples for a batch of {batch}; lower it with --set batch={max(2, n_samples)}, "
            "or give more data (of signals: overlap windows with --set stride=…)"
        )

    @lru_cache(1)
    def order(epoch: int) -> np.ndarray:
        return np.random.default_rng([seed, epoch]).permutation(n_samples)

    def rows(step: int) -> np.ndarray:
        epoch, part = divmod(step, per_epoch)
        return order(epoch)[part * batch : (part + 1) * batch]

    return rows


def class_rows(labels: np.ndarray, batch: int, seed: int) -> Rows:
    """Return rows that hold every class equally often, dealt in turn from batch to batch; small classes repeat."""
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def rows(step: int) -> np.ndarray:
        rng = np.random.default_rng([seed, step])
        classes = rng.permutation((step * batch + np.arange(batch)) % len(members))
        return np.array([rng.choice(members[k]) for k in classes])

    return rows


def _anywhere(store: Store, codec: Codec, recipe: Recipe, labels: np.ndarray, share: Share) -> Batches:
    """Return windows that start anywhere in the parts of training records of which the grid keeps windows."""
    training = store.frame[store.frame["part"] == TRAIN]
    label_of = dict(zip(training["record"], labels.tolist(), strict=True))
    runs = store.spans(TRAIN)
    n_starts = (runs["end"] - runs["begin"] - store.length + 1).to_numpy()
    records, begins = runs["record"].to_numpy(), runs["begin"].to_numpy()
    run_labels = np.array([label_of[record] for record in records])
    weights = n_starts.astype(float)
    if recipe.train.balance == "weighted":  # each class as probable as any other
        weights /= np.bincount(run_labels, weights=n_starts)[run_labels]
    borders = np.cumsum(weights) / weights.sum()
    rank, count = share

    def batch(step: int) -> Batch:
        drawn = np.random.default_rng([recipe.seed, step]).random((2, recipe.train.batch))[:, rank::count]
        run = np.searchsorted(borders, drawn[0], side="right").clip(max=len(borders) - 1)
        starts = begins[run] + (drawn[1] * n_starts[run]).astype(np.int64)
        images = codec.encode(store.windows(records[run], starts))
        return Batch(images, run_labels[run] if recipe.conditional else None)

    return batch
