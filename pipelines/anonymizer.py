"""The five steps as one object: fit on real samples, sample synthetic ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from ..data import CONTROL, Samples
from ..errors import InputError
from ..files import refuse_used
from ..gan import Snapshot, Trainer, iter_images, load
from ..gan.checkpoint import save
from ..transforms import Codec
from .batches import sample_batches
from .progress import progress
from .recipe import Recipe
from .run_folder import RunFolder
from .sources import load_codec, new_codec, save_codec
from .training import new_trainer, newest_checkpoint, showing, with_hardware

_OFFSETS = 1  # names the random numbers of sampled offsets, apart from the generator's noise under the same seed


class Anonymizer:
    """Codec and generator of one recipe.

    Arguments:
        recipe: every choice of the five steps.

    Example:
        >>> recipe = load_recipe("ptb-quantile").changed({"steps": 1500})  # doctest: +SKIP
        >>> synthetic = Anonymizer(recipe).fit(samples).sample(500)  # doctest: +SKIP
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._codec: Codec | None = None
        self._snapshot: Snapshot | None = None

    def fit(self, samples: Samples) -> Self:
        """Fit the codec and train the GAN on the samples that are not set apart as control.

        Arguments:
            samples: windows in memory; rows whose part is "control" are left out.

        Raises:
            InputError: windows of another length than the recipe's, or too few of them.
        """
        if "part" in samples.frame:
            samples = samples.select((samples.frame["part"] != CONTROL).to_numpy())
        if samples.length != self.recipe.length:
            raise InputError(
                f"samples of {samples.length} values; recipe {self.recipe.name} has side {self.recipe.side} and needs "
                f"{self.recipe.length}: change its side or cut other windows"
            )
        if self.recipe.starts == "random":
            raise InputError("starts = 'random' needs whole records: use `anonimage run`, or set starts to 'grid'")
        self.recipe = with_hardware(self.recipe)
        # quantiles need a grid: as a 16-bit converter over the range of the data would have
        step = float(np.nanmax(samples.values) - np.nanmin(samples.values)) / 65535
        form = (samples.channels, samples.units, samples.fs)
        self._codec = new_codec(self.recipe, *form, step).fit(samples.values)
        batches = sample_batches(samples.values, self._codec, self.recipe)
        trainer = new_trainer(self.recipe, self._codec.image_shape, batches)
        self._train(trainer, self.recipe.total_steps(len(samples)))
        return self

    def sample(self, n: int, labels: None = None, seed: int | None = None, first: int = 0) -> Samples:
        """Synthetic windows; number k of a seed is the same however many are asked for.

        Arguments:
            n: how many.
            labels: must be None; the networks of this version know no classes.
            seed: which series; None: the recipe's.
            first: number of the first one in the series.

        Returns:
            Samples in the source's units; the table has seed and number.
        """
        if labels is not None:
            raise InputError(f"recipe {self.recipe.name} has no class-conditional network; leave labels out")
        return Samples.concatenate(list(self.iter_samples(n, seed, first)))

    def iter_samples(self, n: int, seed: int | None = None, first: int = 0) -> Iterator[Samples]:
        """The windows of `sample` a few at a time, in constant memory."""
        if n < 1:
            raise InputError(f"{n} samples; ask for at least 1")
        codec = self.codec
        series = self.recipe.seed if seed is None else seed
        generator = self.snapshot.averaged_generator()
        for images in iter_images(generator, n, series, first):
            numbers = np.arange(first, first + len(images))
            keys = ([series, _OFFSETS, number] for number in numbers.tolist())
            noise = np.stack([np.random.default_rng(key).normal(size=len(codec.channels)) for key in keys])
            values = codec.decode(images, self.recipe.offset, noise)
            frame = pd.DataFrame({"seed": series, "number": numbers, "step": self.snapshot.step})
            yield Samples(values, frame, codec.channels, codec.units, codec.fs)
            first += len(images)

    def save(self, folder: Path) -> None:
        """Write recipe.toml, codec.json and the checkpoint into a folder, laid out as a run's.

        Raises:
            InputError: the folder is not empty.
        """
        refuse_used(folder)
        place = RunFolder(folder)
        self.recipe.save(place.recipe_file)
        save_codec(self.codec, place.codec_file)
        save(self.snapshot, place.checkpoints)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` or a run left.

        Raises:
            InputError: no run there, not trained yet, or a damaged file.
        """
        place = RunFolder.open(folder)
        anonymizer = cls(place.recipe)
        anonymizer._codec = load_codec(place.codec_file)
        anonymizer._snapshot = load(newest_checkpoint(folder, place.checkpoints))
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

    def _train(self, trainer: Trainer, steps: int) -> None:
        with progress("train", steps) as advance:
            trainer.callbacks = [showing(advance)]
            trainer.train(steps)
        self._snapshot = trainer.snapshot()
