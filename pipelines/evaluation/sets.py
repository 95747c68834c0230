"""What is compared: the synthetic samples of a folder OUT, the real ones beside them, and what made them."""

from dataclasses import dataclass

import numpy as np

from ...data import CONTROL, TRAIN, AnyStore, Samples, open_store
from ...errors import InputError
from ...gan import Snapshot, load
from ...transforms import Codec
from ..classes import Classes
from ..codecs import load_codec
from ..kinds import kind_of_codec
from ..recipe import Recipe
from ..report.content import Windows
from ..run_folder import RunFolder
from ..training import chosen_checkpoint
from .people import refuse_seen_patients


@dataclass(frozen=True)
class Sets:
    """One run, ready to be judged.

    Arguments:
        folder, recipe, store, codec: of the run.
        snapshot: the networks that generated.
        synthetic: all that was generated.
        rows: positions in the store of all "train" and all "control" samples.
        windows: at most `recipe.evaluated` of each, drawn at random, in random order.
        drawn: positions in the store of the real ones among them, by part.
    """

    folder: RunFolder
    recipe: Recipe
    store: AnyStore
    codec: Codec
    snapshot: Snapshot
    synthetic: Samples
    rows: dict[str, np.ndarray]
    windows: Windows
    drawn: dict[str, np.ndarray]

    @property
    def classes(self) -> Classes:
        """The classes that training has."""
        return Classes.from_form(self.codec.form)

    def people(self, part: str) -> np.ndarray:
        """(N,) the patient of each of the windows of one part, "train" or "control"."""
        windows = self.windows.training if part == TRAIN else self.windows.control
        return windows.frame["patient"].to_numpy()

    def labels(self, samples: Samples) -> np.ndarray:
        """(N,) the class of real samples, as training counts them; −1: training has none of that class."""
        return self.classes.numbers(samples.frame, self.store.classes)


def read_sets(folder: RunFolder) -> Sets:
    """Read what was generated, and draw what is compared.

    Arguments:
        folder: of a run that was prepared.

    Raises:
        InputError: nothing generated yet, or what lies there is not this run's; control patients seen in training.
    """
    recipe, store, codec = folder.recipe, open_store(folder.store), load_codec(folder.codec_file)
    if not folder.synthetic.is_dir():
        raise InputError(f"{folder.path}: nothing generated yet; run `anonimage generate {folder.path}`")
    rows = {part: np.flatnonzero(store.frame["part"] == part) for part in (TRAIN, CONTROL)}
    refuse_seen_patients(*(set(store.frame["patient"].iloc[at].astype(str)) for at in rows.values()))
    synthetic = kind_of_codec(codec).read_back(folder.synthetic, codec)
    _refuse_other(folder, synthetic, codec)
    snapshot = load(chosen_checkpoint(folder))
    if (step := folder.generated_step(len(synthetic))) != snapshot.step:
        raise InputError(
            f"{folder.synthetic}: was generated at step {step}, and training went on to step {snapshot.step} since; "
            f"run `anonimage generate {folder.path}`"
        )
    drawn = {part: _draw(at, recipe) for part, at in rows.items()}
    windows = Windows(
        training=store.samples(drawn[TRAIN]),
        control=store.samples(drawn[CONTROL]),
        synthetic=synthetic.select(_draw(np.arange(len(synthetic)), recipe)),
    )
    return Sets(folder, recipe, store, codec, snapshot, synthetic, rows, windows, drawn)


def _refuse_other(folder: RunFolder, synthetic: Samples, codec: Codec) -> None:
    """Refuse what this run cannot have made."""
    wanted = {
        "channels": (tuple(codec.channels), tuple(synthetic.channels)),
        "values in each": (codec.arrangement.length, synthetic.length),
        "Hz": (codec.fs, synthetic.fs),
    }
    for what, (ours, theirs) in wanted.items():
        if ours != theirs:
            shown = (", ".join(map(str, each[:4])) if isinstance(each, tuple) else each for each in (theirs, ours))
            raise InputError("{}: has {} {}, this run makes {}; generate again".format(folder.synthetic, what, *shown))
    if not len(synthetic):
        raise InputError(f"{folder.synthetic}: is empty; generate again")


def _draw(positions: np.ndarray, recipe: Recipe) -> np.ndarray:
    """As many of some positions as are evaluated, at random and in random order."""
    return np.random.default_rng(recipe.seed).permutation(positions)[: recipe.evaluated]
