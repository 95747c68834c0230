"""The five steps as one object: fit on real samples, sample synthetic ones."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import numpy as np
import pandas as pd

from ..data.patients import CONTROL, TRAIN
from ..data.samples import Samples
from ..data.store.storage import Storage
from ..data.store.store import Store
from ..data.store.writing import stage_samples
from ..errors import InputError
from ..files import refuse_used
from ..gan.sampling import CHUNK, iter_images
from ..gan.training.checkpoint import Snapshot, load, save
from ..parallel import prefetched
from ..transforms import Codec
from .batches import epoch_samples, store_batches, training_labels
from .classes import Classes
from .kinds import kind_of_recipe, load_codec, save_codec
from .preparation import fitted
from .progress import progress
from .recipe import Recipe
from .run_folder import RunFolder, chosen_checkpoint
from .training import new_trainer, showing, total_steps, with_hardware

_AHEAD_BYTES = 32 * 2**20  # of generated images that wait to be decoded: more than a shard of a written set
_OFFSETS = 1  # names the random numbers of sampled offsets, apart from the generator's noise under the same seed


class Anonymizer:
    """Codec and generator of one recipe.

    Arguments:
        recipe: every choice of the five steps.

    Example:
        >>> from anonimage.pipelines.recipe import load_recipe
        >>> begins = np.random.default_rng(0).random((40, 1, 1))  # 40 windows of 0.81 s of one lead, in mV
        >>> windows = np.sin(2 * np.pi * (np.arange(81) / 100 + begins)).astype(np.float32)
        >>> patients = pd.DataFrame({"patient": np.repeat([f"p{k}" for k in range(10)], 4)})
        >>> samples = Samples(windows, patients, channels=("i",), units=("mV",), fs=100.0)
        >>> recipe = load_recipe("ptb-quantile").changed({"side": 9, "widths": (4, 8), "batch": 8, "steps": 2})
        >>> synthetic = Anonymizer(recipe).fit(samples).sample(3)
        >>> synthetic.values.shape, synthetic.units
        ((3, 1, 81), ('mV',))
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._codec: Codec | None = None
        self._snapshot: Snapshot | None = None

    def fit(self, samples: Samples, classes: Sequence[str] = (), form: dict[str, Any] | None = None) -> Self:
        """Fit the codec and train the GAN on the samples that are not set apart as control.

        Arguments:
            samples: windows, rows or pictures in memory; rows whose part is "control" are left out.
            classes: names that the table's column label points into; none: one class.
            form: of a table, {"kind": "table", "table": TableForm.to_state()}; None: windows of signals.

        Raises:
            InputError: windows of another length than the recipe's, or too few of them.
        """
        recipe, kind = self.recipe, kind_of_recipe(self.recipe)
        if (length := kind.length(recipe)) not in (None, samples.length):
            raise InputError(
                f"{kind.nouns} of {samples.length} values; recipe {recipe.name} needs {length}: change its side or "
                f"length, or give {kind.nouns} of that length"
            )
        if recipe.train.devices * recipe.train.nodes > 1:
            raise InputError("several devices need processes of their own: use `anonimage run`, or set devices to 1")
        self.recipe = with_hardware(recipe)
        with _in_memory(samples, {"kind": kind.name} if form is None else form, classes) as store:
            self._codec = fitted(self.recipe, store)
            trainer = new_trainer(self.recipe, self._codec, store_batches(store, self._codec, self.recipe))
            steps = total_steps(self.recipe, len(epoch_samples(training_labels(store), self.recipe)))
            with progress("train", steps) as advance:
                trainer.callbacks = [showing(advance)]
                trainer.train(steps)
            self._snapshot = trainer.snapshot()
        return self

    def sample(self, n: int, labels: Sequence[str] | None = None, seed: int | None = None, first: int = 0) -> Samples:
        """Synthetic samples; number k of a seed is the same however many are asked for.

        Arguments:
            n: how many.
            labels: (n,) names of classes; None: drawn as the recipe says, or no classes.
            seed: which series; None: the recipe's.
            first: number of the first one in the series.

        Returns:
            Samples in the source's units; the table has seed and number, and with classes label and diagnosis.

        Raises:
            InputError: labels for a network that knows no classes, or of no class.
        """
        numbers = None if labels is None else np.array([self.classes.number(name) for name in labels])
        return Samples.concatenate(list(self.iter_samples(n, numbers, seed, first)))

    def iter_samples(
        self, n: int, labels: np.ndarray | None = None, seed: int | None = None, first: int = 0
    ) -> Iterator[Samples]:
        """The samples of `sample` a few at a time, in constant memory; labels (n,) are numbers of classes.

        Images are generated in a thread of their own while the caller works on those before.
        """
        if n < 1:
            raise InputError(f"{n} samples; ask for at least 1")
        codec, classes = self.codec, self.classes
        series = self.recipe.seed if seed is None else seed
        if labels is None and self.recipe.conditional:
            labels = classes.draw(n, self.recipe.evaluate.labels, series, first)
        images = iter_images(self.snapshot.averaged_generator(), n, series, first, labels)
        done = 0
        ahead = max(2, min(math.ceil(n / CHUNK), _AHEAD_BYTES // (CHUNK * math.prod(codec.image_shape))))
        for some in prefetched(images, ahead):
            numbers = np.arange(first + done, first + done + len(some))
            values = codec.decode(some, self.recipe.images.offset, _noise(series, numbers, len(codec.channels)))
            frame = pd.DataFrame({"seed": series, "number": numbers, "step": self.snapshot.step})
            if labels is not None:
                frame["label"] = labels[done : done + len(some)]
                frame["diagnosis"] = [classes.names[label] for label in frame["label"]]
            yield Samples(values, frame, codec.channels, codec.units, codec.fs)
            done += len(some)

    @property
    def classes(self) -> Classes:
        """The classes that the networks know; none of them where they know no classes."""
        return Classes.from_form(self.codec.form)

    def save(self, folder: Path) -> None:
        """Write recipe.toml, codec.json and the checkpoint into a folder, laid out as a run's.

        Raises:
            InputError: the folder is not empty.
        """
        refuse_used(folder)
        run = RunFolder(folder)
        self.recipe.save(run.recipe_file)
        save_codec(self.codec, run.codec_file)
        save(self.snapshot, run.checkpoints)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` or a run left.

        Raises:
            InputError: no run in it, not trained yet, or a damaged file.
        """
        run = RunFolder.open(folder)
        anonymizer = cls(run.recipe)
        anonymizer._codec = load_codec(run.codec_file)
        anonymizer._snapshot = load(chosen_checkpoint(run))
        return anonymizer

    @property
    def codec(self) -> Codec:
        """The fitted codec."""
        if self._codec is None:
            raise InputError(f"recipe {self.recipe.name} is not fitted yet; call fit, or load a run")
        return self._codec

    @property
    def snapshot(self) -> Snapshot:
        """The trained networks."""
        if self._snapshot is None:
            raise InputError(f"recipe {self.recipe.name} is not trained yet; call fit, or load a run")
        return self._snapshot


@contextmanager
def _in_memory(samples: Samples, form: dict[str, Any], classes: Sequence[str]) -> Iterator[Store]:
    """The samples as a store: what is not set apart as control is for training."""
    frame = samples.frame
    part = np.where(frame["part"] == CONTROL, CONTROL, TRAIN) if "part" in frame else TRAIN
    columns = {"label": 0 if not classes else frame["label"], "part": part}
    if "patient" not in frame:
        columns["patient"] = np.arange(len(frame)).astype(str)
    described = Samples(samples.values, frame.assign(**columns), samples.channels, samples.units, samples.fs)
    url = f"memory://anonimage-{uuid4()}"
    try:
        with stage_samples(url, described, form, classes) as staged:
            yield staged.store
    finally:
        Storage.at(url).remove()


def _noise(series: int, numbers: np.ndarray, channels: int) -> np.ndarray:
    """Normal numbers (n, channels) for the offsets of samples of one chunk: drawn for all of it, as its images are."""
    chunk, begin = divmod(int(numbers[0]), CHUNK)
    drawn = np.random.default_rng([series, _OFFSETS, chunk]).normal(size=(CHUNK, channels))
    return drawn[begin : begin + len(numbers)]
