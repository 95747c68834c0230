"""People whose windows have a shape of their own, as samples."""

import numpy as np
import pandas as pd
from anonimage.data.samples import Samples
from anonimage.data.table.form import TableForm
from anonimage.pipelines.evaluation.privacy.row_space import RowSpace, TableView
from anonimage.pipelines.evaluation.privacy.space import View
from scipy.ndimage import gaussian_filter1d

FS, LENGTH = 100.0, 200


def people(numbers: range, windows: int, seed: int, channels: int = 1) -> Samples:
    """So many windows of each person: the person's shape at a random place, with noise of its own."""
    rng = np.random.default_rng(seed)
    whose = np.repeat(np.array(numbers), windows)
    smooth = gaussian_filter1d(rng.normal(size=(len(whose), channels, LENGTH)), 3, axis=2)
    for k, person in enumerate(whose):
        shape = gaussian_filter1d(np.random.default_rng(person).normal(size=(channels, LENGTH)), 4, axis=1)
        smooth[k] += 2 * np.roll(shape, rng.integers(-20, 20), axis=1)
    frame = pd.DataFrame({"patient": whose.astype(str)})
    names = tuple("abc"[:channels])
    return Samples(smooth, frame, names, ("mV",) * channels, FS)


def rows(numbers: range, seed: int, features: int = 6) -> Samples:
    """A table row of each person: numbers, and in the last feature a yes or no."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(len(numbers), features, 1)) * np.arange(1, features + 1)[:, None]
    values[:, -1] = values[:, -1] > 0
    names = tuple("abcdefgh"[:features])
    return Samples(values, pd.DataFrame({"patient": [str(n) for n in numbers]}), names, ("",) * features)


def view_of(training: Samples, control: Samples) -> TableView:
    """How such rows are compared and replayed."""
    form = TableForm.fit(pd.DataFrame(training.values[:, :, 0], columns=training.channels), "rows.csv")
    return TableView(RowSpace.fit(form, training, control))


class PointView(View):
    """Samples lie where their values say, so that distances can be checked by hand."""

    noun = "row"

    def shapes(self, values: np.ndarray) -> np.ndarray:
        return values.astype(np.float32)

    def describe(self, shapes: np.ndarray) -> np.ndarray:
        return shapes.reshape(len(shapes), -1)
