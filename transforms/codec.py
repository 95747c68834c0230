"""Values to images and back: standardizer, arrangement and their fitted state, in one JSON text.

Example: one window of four values, its image, and the way back from the JSON text alone.

    >>> from anonimage.transforms import MinMax, arrangement
    >>> x = np.array([[[0, 1, 2, 3]]], np.float32)
    >>> codec = Codec(MinMax(), arrangement("z", 1, 4), channels=["i"], units="mV", fs=1000).fit(x)
    >>> codec.encode(x).tolist()
    [[[[0, 85], [170, 255]]]]
    >>> Codec.from_json(codec.to_json()).decode(codec.encode(x)).round(2).tolist()
    [[[0.0, 1.0, 2.0, 3.0]]]
"""

import hashlib
import json
from collections.abc import Sequence
from copy import copy
from typing import Any, Self

import numpy as np

from ..errors import InputError, nearest
from .colours import Colours
from .equalize import Equalize
from .layouts import Layout, layout_from
from .offsets import MODES, OffsetModel, keep_relations, mode_offsets
from .quantiles import QuantileBounds
from .standardize import AdaptedRange, GreyLevels, MinMax
from .transform import ByChannel, Chunks, Compose, Saturation, State, Transform, from_state, numbers

VERSION = 3  # 3: colours are part of the standardizer, arrangements have a state
TRANSFORMS: dict[str, type[Transform]] = {
    kind.__name__: kind for kind in (MinMax, QuantileBounds, AdaptedRange, Equalize, GreyLevels, ByChannel, Colours)
}
_BLOCK = 2**17  # values encoded at a time: the few passes over them then stay in the processor's cache


class Codec:
    """All that decoding needs, and all that is released of the training data.

    Arguments:
        standardizer: values to grey levels (step 1), of another colour space if it ends in `Colours`.
        arrangement: grey levels to images (step 2); without an inverse, nothing can be decoded.
        channels: names, one per channel.
        units: of the values, one per channel; all alike if one string is given.
        fs: samples a second; None for data that is no signal.
        relations: (K, C) rows r with r @ x = 0 that decoded windows' means shall obey, as limb leads do; None: none.
        gains: digital steps per unit that decoded values are to be written with, one per channel; None: not known.
        form: what the caller needs to give samples their source's own format again; any JSON, not looked into here.
    """

    def __init__(
        self,
        standardizer: Transform,
        arrangement: Layout,
        channels: Sequence[str],
        units: Sequence[str] | str,
        fs: float | None,
        relations: np.ndarray | None = None,
        gains: Sequence[float] | None = None,
        form: dict[str, Any] | None = None,
    ) -> None:
        self.standardizer, self.arrangement = standardizer, arrangement
        self.fs = None if fs is None else float(fs)
        self.channels = tuple(channels)
        self.units = (units,) * len(self.channels) if isinstance(units, str) else tuple(units)
        self.relations = np.zeros((0, len(self.channels))) if relations is None else np.asarray(relations, float)
        self.gains = None if gains is None else tuple(map(float, gains))
        self.form: dict[str, Any] = {} if form is None else form
        self.offsets: OffsetModel | None = None
        _refuse_mismatch(standardizer, arrangement, len(self.channels))
        if len(self.units) != len(self.channels):
            raise InputError(f"{len(self.units)} units for {len(self.channels)} channels; give one per channel")
        numbers(self.relations, (None, len(self.channels)))
        if self.gains is not None:
            numbers(self.gains, (len(self.channels),))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape (c, H, W)."""
        return self.arrangement.image_shape

    @property
    def tolerance(self) -> float:
        """Largest error of decode(encode(x), offset(x)) inside the declared range, in input units."""
        return Compose(self.standardizer, self._invertible()).tolerance

    @property
    def invertible(self) -> bool:
        """Whether images can be decoded; if not, `decode` says why."""
        return isinstance(self.arrangement, Transform)

    def fit(self, chunks: Chunks | np.ndarray) -> Self:
        """Learn from the training data, one pass for each stage that learns.

        Arguments:
            chunks: an array (N, C, L), or a function that gives the same data each time it is called, in such chunks.
        """
        give = (lambda: [chunks]) if isinstance(chunks, np.ndarray) else chunks
        self.standardizer.fit_chunks(lambda: map(self._check, give()))
        self.arrangement.fit_chunks(lambda: map(self.standardizer.transform, give()))
        if self.standardizer.relative:
            self.offsets = OffsetModel.fit(map(self.offset, give()), len(self.channels))
        return self

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Values (N, C, L) to images (N, c, H, W), uint8."""
        self._check(x)
        images = np.empty((len(x), *self.image_shape), np.uint8)
        step = max(1, _BLOCK // (x.shape[1] * x.shape[2]))
        for first in range(0, len(x), step):
            part = x[first : first + step]
            levels = self.standardizer.transform(part)
            if levels.dtype != np.uint8:
                last = "end it with MinMax, AdaptedRange, Equalize or GreyLevels"
                raise InputError(f"{type(self.standardizer).__name__} gives no grey levels; {last}")
            if not self.arrangement.takes_missing and np.isnan(part).any():
                raise InputError(
                    f"{self.arrangement.name}: a window has a missing value (NaN), which this arrangement cannot hold: "
                    "leave such windows out, or take another arrangement"
                )
            images[first : first + step] = self.arrangement.transform(levels)
        return images

    def offset(self, x: np.ndarray) -> np.ndarray:
        """What the images leave out of each window: (N, C, L) -> (N, C), in input units."""
        return self.standardizer.offset(self._check(x))

    def saturated(self, x: np.ndarray) -> dict[str, Saturation]:
        """What saturates when x is encoded, by the name of the transform that does it."""
        return self.standardizer.saturated(self._check(x))

    def decode(
        self, images: np.ndarray, offset: str | np.ndarray = "relative", noise: np.ndarray | None = None
    ) -> np.ndarray:
        """Images to values; each sample's values do not depend on the samples decoded with it.

        Arguments:
            images: (N, c, H, W) grey levels, uint8 or not yet rounded.
            offset: each window's own (N, C), as `offset` gave it; or a key of MODES. Where the levels leave out nothing
                (MinMax), the modes add nothing. They obey the relations, which own offsets need no help with.
            noise: for "sampled": (N, C) standard normal numbers.

        Returns:
            (N, C, L) float32, NaN where NULL.
        """
        if isinstance(offset, str) and offset not in MODES:
            raise InputError(f"unknown offset mode '{offset}'{nearest(offset, MODES)}")
        levels = self._invertible().inverse_transform(images)
        if not self.arrangement.takes_missing:  # then what is darker than any value is a value, not NULL
            levels = np.maximum(levels, np.reshape(self.standardizer.lowest, (-1, 1)).astype(np.uint8))
        values = self.standardizer.inverse_transform(levels)
        if not isinstance(offset, str):
            values += numbers(offset, values.shape[:2])[..., None].astype(np.float32)
        elif self.standardizer.relative:
            values += mode_offsets(offset, values, self.offsets, noise)[..., None].astype(np.float32)
            if len(self.relations):
                values += keep_relations(values, self.relations)[..., None].astype(np.float32)
        return values

    def unbounded(self) -> "Codec":
        """The codec without quantile bounds: for windows whose offset was chosen, and may lie beyond the bounds."""
        codec = copy(self)
        codec.standardizer = _without_bounds(self.standardizer)
        return codec

    def to_json(self) -> str:
        """The codec as JSON text, with the version of its format and a checksum over its content."""
        content = {
            "standardizer": self.standardizer.state(),
            "arrangement": self.arrangement.state(),
            "channels": self.channels,
            "units": self.units,
            "fs": self.fs,
            "relations": self.relations.tolist(),
            "gains": self.gains,
            "form": self.form,
            "offsets": self.offsets and self.offsets.state(),
        }
        whole = {"format": "anonimage codec", "version": VERSION, "sha256": checksum(content), "content": content}
        return json.dumps(whole, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, name: str = "codec.json") -> Self:
        """Rebuild a codec.

        Arguments:
            text: as `to_json` gave it.
            name: of the file it is from, for messages.

        Raises:
            InputError: not JSON, not a codec, of another version, or edited.
        """
        content = _checked_content(text, name)
        try:
            standardizer = from_state(content["standardizer"], TRANSFORMS)
            arrangement = layout_from(content["arrangement"])
            relations = np.array(content["relations"], float).reshape(-1, len(content["channels"]))
            described = content["channels"], content["units"], content["fs"]
            codec = cls(standardizer, arrangement, *described, relations, content["gains"], content["form"])
            if content["offsets"] is not None:
                codec.offsets = OffsetModel.from_state(content["offsets"], len(codec.channels))
        except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{name}: not the content of a codec ({type(error).__name__}: {error}); prepare it anew"
            ) from None
        return codec

    def _check(self, x: np.ndarray) -> np.ndarray:
        channels, length = len(self.channels), self.arrangement.length
        if x.ndim != 3 or x.shape[1:] != (channels, length):
            raise InputError(f"expected samples of shape (N, {channels}, {length}), got {x.shape}")
        return x

    def _invertible(self) -> Transform:
        """The arrangement, as one with an inverse."""
        if not isinstance(self.arrangement, Transform):
            remedy = "for a run take another one, only `encode` can use it"
            raise InputError(f"these images cannot be decoded: {self.arrangement.name} has no inverse; {remedy}")
        return self.arrangement


def checksum(content: object) -> str:
    """SHA-256 of the content, not of its spelling: blanks and the order of keys do not matter."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _checked_content(text: str, name: str) -> State:
    """The content of a codec's JSON text."""
    try:
        whole = json.loads(text)
    except ValueError as error:
        raise InputError(f"{name}: not JSON ({error}); take the file as it was written, or prepare it anew") from None
    if not isinstance(whole, dict) or whole.get("format") != "anonimage codec":
        raise InputError(f"{name}: JSON, but not a codec of this program; give the codec.json that it wrote")
    if whole.get("version") != VERSION:
        wanted = f"this program reads version {VERSION}: prepare it anew, or use the program that wrote it"
        raise InputError(f"{name}: codec of version {whole.get('version')!r}; {wanted}")
    content = whole.get("content", {})
    if whole.get("sha256") != checksum(content):
        raise InputError(f"{name}: edited since it was written (checksum differs); restore it, or prepare it anew")
    return content


def _refuse_mismatch(standardizer: Transform, arrangement: Layout, channels: int) -> None:
    """Refuse an arrangement for other channels, or that needs level 0 for itself or levels as they are."""
    given = standardizer.channels_out(channels)
    if given != arrangement.channels:
        raise InputError(
            f"{arrangement.name}: arranges {arrangement.channels} channels, but {channels} channel names give {given}"
        )
    parts = standardizer.parts if isinstance(standardizer, Compose) else (standardizer,)
    colours = next((part for part in parts if isinstance(part, Colours)), None)
    if colours and any(np.max(part.lowest) > 0 for part in parts):
        raise InputError(f"{colours.name}: colours would change the level of missing values (NULL): take a=0")
    if colours and (arrangement.marks_with_null or not arrangement.takes_missing):
        raise InputError(f"{arrangement.name}: takes no colours, which its images would change; take colours 'none'")
    if arrangement.marks_with_null and np.min(standardizer.lowest) == 0:
        raise InputError(
            f"{arrangement.name}: level 0 says where rows end and no value may have it: "
            "take a null_level (a) of 1 or more"
        )


def _without_bounds(standardizer: Transform) -> Transform:
    """The standardizer with its quantile bounds taken out, wherever they stand."""
    if isinstance(standardizer, Compose):
        return Compose(*(_without_bounds(part) for part in standardizer.parts if not isinstance(part, QuantileBounds)))
    if isinstance(standardizer, ByChannel):
        return ByChannel(standardizer.groups, [_without_bounds(part) for part in standardizer.parts])
    return standardizer
