"""What is compared: synthetic samples, the real ones of training and control, and what made them."""

from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from ...data.samples import Samples
from ...data.split import TRAIN
from ...data.store.store import Store
from ...errors import InputError
from ...gan import Snapshot
from ...transforms import Codec
from ..classes import Classes
from ..recipe import Recipe


@dataclass(frozen=True)
class DrawnSamples:
    """Samples of the three sets, drawn at random: what is scored, and what pictures show."""

    training: Samples
    control: Samples
    synthetic: Samples

    def images(self, codec: Codec) -> dict[str, np.ndarray]:
        """Each set as images (N, c, H, W).

        A synthetic sample's offset was chosen when it was decoded. It may lie beyond the quantile bounds, which would
        then cut what the generator made; so they are left out for it.
        """
        return {
            "training": codec.encode(self.training.values),
            "control": codec.encode(self.control.values),
            "synthetic": codec.unbounded().encode(self.synthetic.values),
        }


@dataclass(frozen=True)
class Sets:
    """One run, ready to be judged.

    Arguments:
        recipe, store, codec: of the run.
        snapshot: the networks that generated.
        synthetic: all that was generated.
        rows: positions in the store of all "train" and all "control" samples.
        drawn: at most `recipe.evaluated` of each set, drawn at random, in random order.
        drawn_rows: positions in the store of the real ones among them, by part.
    """

    recipe: Recipe
    store: Store
    codec: Codec
    snapshot: Snapshot
    synthetic: Samples
    rows: dict[str, np.ndarray]
    drawn: DrawnSamples
    drawn_rows: dict[str, np.ndarray]

    @property
    def classes(self) -> Classes:
        """The classes that training has."""
        return Classes.from_form(self.codec.form)

    def people(self, part: str) -> np.ndarray:
        """(N,) the patient of each drawn sample of one part, "train" or "control"."""
        samples = self.drawn.training if part == TRAIN else self.drawn.control
        return samples.frame["patient"].to_numpy()

    def labels(self, samples: Samples) -> np.ndarray:
        """(N,) the class of real samples, as training counts them; −1: training has none of that class."""
        return self.classes.numbers(samples.frame, self.store.classes)


def refuse_seen_patients(training: Set[str], control: Set[str]) -> None:
    """Control patients must be strangers to the training.

    Raises:
        InputError: some patients are in both; names them.
    """
    seen = sorted(training & control)
    if seen:
        names = ", ".join(seen[:5]) + (", …" if len(seen) > 5 else "")
        raise InputError(f"{len(seen)} control patients were seen in training ({names}); evaluate on other patients")
