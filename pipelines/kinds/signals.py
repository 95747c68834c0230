"""Signals in time: what WFDB records and other time series have in common."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ...data.formats import FORMATS
from ...data.parallel import ParallelMap
from ...data.patients import split_patients
from ...data.recording import Source
from ...data.store.writing import Cut, Form, StagedStore, stage_store
from ...data.wfdb.signals import limb_relations
from ...errors import InputError
from ...transforms import (
    AdaptedRange,
    Codec,
    Colours,
    Compose,
    Equalize,
    MinMax,
    QuantileBounds,
    Transform,
    arrangement,
)
from ..evaluation.privacy.space import SignalView, View
from ..evaluation.utility import Lesson
from ..progress import progress
from ..recipe import Recipe
from .kind import COMMON, Kind, SampleInfo

if TYPE_CHECKING:
    from ..evaluation.measure import Measured
    from ..evaluation.sets import Sets


class Signals(Kind):
    """Windows of signals: values of one unit a channel, taken at a rate."""

    data = "signals"
    noun = "window"
    formats = FORMATS
    sections = (
        *("traces", "parameters", "evidence", "attacks", "classes", "five steps"),
        *("images", "evolution", "training", "class accuracy"),
    )
    dark = True
    has_offsets = True
    # without a recipe nothing says which leads are wanted
    first_settings = MappingProxyType({"leads": ()})

    def new_codec(self, recipe: Recipe, info: SampleInfo) -> Codec:
        channels = len(info.channels)
        colours = None if recipe.images.colours == "none" else Colours(recipe.images.colours)
        if colours is not None and channels != 3:
            raise InputError(
                f"colours '{recipe.images.colours}': needs three leads, there are {channels}; name three with --leads"
            )
        planes = channels if colours is None else colours.channels
        # rgb is z of three channels; in another colour space there may be four
        name = "z" if colours is not None and recipe.images.arrangement == "rgb" else recipe.images.arrangement
        # without a length, side only says how long windows are, and the layout has its own
        side = None if recipe.data.length is None or recipe.images.side == "auto" else recipe.images.side
        layout = arrangement(name, planes, info.length, recipe.seed, side)
        parts = _standardizers(recipe, info.step) + ([] if colours is None else [colours])
        standardizer = parts[0] if len(parts) == 1 else Compose(*parts)
        return info.codec(standardizer, layout, limb_relations(info.channels))

    def length(self, recipe: Recipe) -> int:
        return recipe.window

    def channel_counts(self, recipe: Recipe) -> Sequence[int]:
        return (len(recipe.data.leads),) if recipe.data.leads else super().channel_counts(recipe)

    def is_ecg(self, codec: Codec) -> bool:
        return codec.fs is not None and set(codec.units) == {"mV"}

    def source_texts(self, recipe: Recipe, source: Path) -> dict[str, Iterable[str]]:
        """What the headers say of few people."""
        people: defaultdict[str, set[str]] = defaultdict(set)
        for patient, lines in self._headers(recipe, source):
            for text in lines:
                people[text].add(patient)
        everybody = len(set().union(*people.values()))
        rare = [text for text, who in people.items() if len(who) < COMMON and (len(who) < everybody or everybody == 1)]
        return {"a text of a header": rare}

    @abstractmethod
    def _headers(self, recipe: Recipe, source: Path) -> Iterator[tuple[str, Iterable[str]]]:
        """Whose each header is, and its texts."""

    def fidelity(self, sets: Sets, measured: Measured) -> None:
        from ..evaluation.measure import measure_signals

        measure_signals(sets, measured)

    def lesson(self, recipe: Recipe) -> Lesson:
        from ..evaluation.learners import MOST, network

        return Lesson(network(recipe.evaluate.judge_steps), most=MOST)

    def view(self, sets: Sets) -> View:
        return SignalView()


def stage_windows(
    recipe: Recipe,
    sources: Sequence[Source],
    to: Path | str,
    *,
    split: bool,
    parallel: ParallelMap | None,
    classes: Sequence[str] | None,
    form: Form | None = None,
) -> StagedStore:
    """Cut recordings into the windows of a recipe; see `data.store.writing.stage_store`."""
    parts = partial(split_patients, control_share=recipe.data.control_share, seed=recipe.seed) if split else None
    with progress("read", len(sources)) as advance:
        return stage_store(
            to,
            sources,
            Cut(recipe.window, recipe.data.stride or recipe.window, parts),
            classes=classes,
            form=form,
            parallel=parallel,
            skip_bad=recipe.data.skip_bad,
            progress=lambda done, _: advance(done, "recordings"),
        )


def check_shape(folder: Path, values: Sequence[np.ndarray], codec: Codec) -> None:
    """Refuse recordings (C, L) that are not what a codec decodes."""
    shape = (len(codec.channels), codec.arrangement.length)
    if wrong := [each.shape for each in values if each.shape != shape]:
        raise InputError(f"{folder}: holds a recording of shape {wrong[0]}, not what this run makes; generate again")


def comment_texts(comments: Iterable[str]) -> Iterator[str]:
    """Comments of a header, and values in them that tell something by themselves: several words, or long numbers."""
    for comment in comments:
        text = comment.lstrip("# ")
        yield text
        words = re.findall(r"\w+", text.partition(":")[2])
        whole = "".join(words)
        if len(words) > 1 or (len(whole) >= 6 and any(map(str.isdigit, whole))):
            yield text.partition(":")[2].strip()


def _standardizers(recipe: Recipe, step: float) -> list[Transform]:
    """Step 1 of signals, not yet fitted; step is the source's ADC step in physical units."""
    images = recipe.images
    if images.standardizer == "minmax":
        return [MinMax(a=images.null_level)]
    if images.standardizer == "equalize":
        return [Equalize(a=images.null_level, step=step)]
    width = None if images.width == "fitted" else images.width
    adapted = AdaptedRange(width, images.rounding, images.null_level, step=step)
    if images.standardizer == "adapted":
        return [adapted]
    return [QuantileBounds(images.quantile_low, images.quantile_high, images.quantile_of, step=step), adapted]
