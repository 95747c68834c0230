"""The three sets: synthetic samples, control samples that they are compared with, and training samples as baseline."""

from collections.abc import Callable, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np

from ...data.patients import CONTROL, TRAIN
from ...data.samples import Samples
from ...data.store.store import Store
from ...errors import InputError
from ...gan.training.checkpoint import Snapshot
from ...transforms import Codec
from ..classes import Classes
from ..recipe import Recipe
from .resampling import some


@dataclass(frozen=True)
class Comparison:
    """Three sets of values in one space, as scores take them."""

    # (N, …) each
    synthetic: np.ndarray
    control: np.ndarray
    training: np.ndarray
    # (N,) the patient of each real sample; empty where no score asks
    control_patients: np.ndarray = field(default_factory=lambda: np.empty(0, str))
    training_patients: np.ndarray = field(default_factory=lambda: np.empty(0, str))
    seed: int = field(kw_only=True)  # of draws and of the bootstrap, over synthetic samples and real patients

    @property
    def values(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Synthetic, control and training values."""
        return self.synthetic, self.control, self.training

    @property
    def own(self) -> np.ndarray:
        """(N,) the group of each synthetic sample: its own."""
        return np.arange(len(self.synthetic))

    def with_values(self, synthetic: np.ndarray, control: np.ndarray, training: np.ndarray) -> Self:
        """The same samples with other values."""
        return replace(self, synthetic=synthetic, control=control, training=training)

    def mapped(self, change: Callable[[np.ndarray], np.ndarray]) -> Self:
        """The same samples in another space."""
        return self.with_values(change(self.synthetic), change(self.control), change(self.training))

    def select(self, synthetic: np.ndarray, control: np.ndarray, training: np.ndarray) -> Self:
        """Samples at some positions of each set."""
        patients = ((self.control_patients, control), (self.training_patients, training))
        control_patients, training_patients = (whose[at] if len(whose) else whose for whose, at in patients)
        sets = self.with_values(self.synthetic[synthetic], self.control[control], self.training[training])
        return replace(sets, control_patients=control_patients, training_patients=training_patients)

    def at_most(self, n: int, rng: np.random.Generator) -> Self:
        """At most n samples of each set, at random and in order."""
        return self.select(*(some(values, n, rng) for values in self.values))

    def equally_many(self, most: int, rng: np.random.Generator) -> Self:
        """As many samples of each set, at most so many, at random: the smaller a set, the farther it is from any."""
        n = min(most, *map(len, self.values))
        return self.select(*(rng.choice(len(values), n, replace=False) for values in self.values))


@dataclass(frozen=True)
class DrawnSamples:
    """Samples of the three sets, drawn at random: what is scored, and what pictures show."""

    training: Samples
    control: Samples
    synthetic: Samples

    def images(self, codec: Codec) -> dict[str, np.ndarray]:
        """Each set as images (N, c, H, W)."""
        # an offset that was drawn may lie beyond the quantile bounds, which would cut what the generator made
        return {
            "training": codec.encode(self.training.values),
            "control": codec.encode(self.control.values),
            "synthetic": codec.unbounded().encode(self.synthetic.values),
        }


@dataclass(frozen=True)
class Sets:
    """One run, ready to be measured."""

    # recipe, store, codec: of the run
    recipe: Recipe
    store: Store
    codec: Codec
    snapshot: Snapshot  # the networks that generated
    synthetic: Samples  # all that was generated
    rows: dict[str, np.ndarray]  # positions in the store of all "train" and all "control" samples
    drawn: DrawnSamples  # at most `recipe.evaluated` of each set, in random order

    @cached_property
    def training(self) -> Samples:
        """All training samples."""
        return self.store.samples(self.rows[TRAIN])

    @cached_property
    def control(self) -> Samples:
        """All control samples."""
        return self.store.samples(self.rows[CONTROL])

    @property
    def classes(self) -> Classes:
        """The classes that training has."""
        return Classes.from_form(self.codec.form)

    def labels(self, samples: Samples) -> np.ndarray:
        """(N,) the class of real samples, as training counts them; −1: training has none of that class."""
        return self.classes.numbers(samples.frame, self.store.classes)

    def comparison(self, synthetic: np.ndarray, control: np.ndarray, training: np.ndarray) -> Comparison:
        """Values of the drawn samples with their patients, and the run's seed."""
        patients = (part.frame["patient"].to_numpy() for part in (self.drawn.control, self.drawn.training))
        return Comparison(synthetic, control, training, *patients, seed=self.recipe.seed)


def refuse_shared_patients(training: Set[str], control: Set[str]) -> None:
    """Raise an InputError that names patients who are in both sets."""
    both = sorted(training & control)
    if both:
        names = ", ".join(both[:5]) + (", …" if len(both) > 5 else "")
        raise InputError(f"{len(both)} control patients were seen in training ({names}); evaluate on other patients")
