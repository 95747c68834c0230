"""Which training windows make the batch of a step: a pure function of seed and step, so a resume needs no memory."""

from collections.abc import Callable

import numpy as np

from ..data import Store
from ..errors import InputError
from ..transforms import Codec
from .recipe import Recipe

Batches = Callable[[int], np.ndarray]


def grid_rows(n_windows: int, batch: int, seed: int) -> Callable[[int], np.ndarray]:
    """Positions of the windows of each step: every window once an epoch, in an order drawn anew each epoch.

    Arguments:
        n_windows: training windows there are.
        batch: windows a step; the rest of an epoch that does not fill a batch is left out, as in the yardstick.
        seed: of the orders.

    Returns:
        A function of the step (from 0) that gives (batch,) positions.

    Raises:
        InputError: fewer windows than a batch needs.
    """
    per_epoch = n_windows // batch
    if per_epoch == 0:
        raise InputError(
            f"only {n_windows} training windows for a batch of {batch}; lower it with --set batch={max(2, n_windows)}, "
            "overlap the windows with --set stride=…, or give more records"
        )
    orders: dict[int, np.ndarray] = {}  # the current epoch's only

    def rows(step: int) -> np.ndarray:
        epoch, place = divmod(step, per_epoch)
        if epoch not in orders:
            orders.clear()
            orders[epoch] = np.random.default_rng([seed, epoch]).permutation(n_windows)
        return orders[epoch][place * batch : (place + 1) * batch]

    return rows


def store_batches(store: Store, codec: Codec, recipe: Recipe) -> Batches:
    """Encoded training images of each step, cut from the stored signals on the fly.

    Arguments:
        store: prepared signals; only rows of part "train" are used.
        codec: fitted.
        recipe: starts, batch, seed.

    Returns:
        A function of the step that gives (batch, c, H, W) uint8.
    """
    training = store.frame[store.frame["part"] == "train"]
    if recipe.starts == "grid":
        records, starts = training["record"].to_numpy(), training["start"].to_numpy()
        rows = grid_rows(len(training), recipe.batch, recipe.seed)
        return lambda step: codec.encode(store.windows(records[rows(step)], starts[rows(step)]))

    runs = store.spans("train")  # a start anywhere in a run gives a window that the grid would have kept too
    places = (runs["end"] - runs["begin"] - recipe.length + 1).to_numpy()
    borders = np.cumsum(places)
    records, begins = runs["record"].to_numpy(), runs["begin"].to_numpy()

    def batch(step: int) -> np.ndarray:
        drawn = np.random.default_rng([recipe.seed, step]).integers(borders[-1], size=recipe.batch)
        run = np.searchsorted(borders, drawn, side="right")
        return codec.encode(store.windows(records[run], begins[run] + drawn - (borders[run] - places[run])))

    return batch


def sample_batches(values: np.ndarray, codec: Codec, recipe: Recipe) -> Batches:
    """As store_batches, from windows in memory (N, C, L)."""
    rows = grid_rows(len(values), recipe.batch, recipe.seed)
    return lambda step: codec.encode(values[rows(step)])
