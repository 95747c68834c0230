"""Values to images and back: a standardizer, an arrangement and their fitted state, in one JSON text."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..errors import InputError
from .arrange import ARRANGEMENTS, Arrangement, arrangement, grid
from .bounds import QuantileBounds
from .offsets import OffsetModel, check_mode, keep_relations, mode_offsets
from .standardize import TRANSFORMS
from .transform import Chunks, Compose, ForwardChain, ForwardOnly, Saturation, State, Transform, from_state
from .windows import numbers

VERSION = 1
_BLOCK = 2**17  # values encoded at a time: the few passes over them then stay in the processor's cache


class Codec:
    """All that decoding needs, and all that is released of the training data.

    Arguments:
        standardizer: values to grey levels (step 1).
        arrangement: grey levels to images (step 2).
        channels: names, one per channel.
        units: of the values, one per channel; all alike if one string is given.
        fs: samples a second; None for data that is no signal.
        relations: (K, C) rows r with r @ x = 0 that decoded windows' means shall obey, as limb leads do; None: none.
        gains: digital steps per unit that decoded values are to be written with, one per channel; None: not known.
    """

    def __init__(
        self,
        standardizer: ForwardOnly,
        arrangement: Arrangement,
        channels: Sequence[str],
        units: Sequence[str] | str,
        fs: float | None,
        relations: np.ndarray | None = None,
        gains: Sequence[float] | None = None,
    ) -> None:
        self.standardizer, self.arrangement = standardizer, arrangement
        self.fs = None if fs is None else float(fs)
        self.channels = tuple(channels)
        self.units = (units,) * len(self.channels) if isinstance(units, str) else tuple(units)
        self.relations = np.zeros((0, len(self.channels))) if relations is None else np.asarray(relations, float)
        self.gains = None if gains is None else tuple(map(float, gains))
        self.offsets: OffsetModel | None = None
        if not len(self.channels) == len(self.units) == arrangement.channels:
            raise InputError(
                f"{len(self.channels)} channel names and {len(self.units)} units "
                f"for an arrangement of {arrangement.channels} channels; give one of each per channel"
            )
        numbers(self.relations, (None, len(self.channels)))
        if self.gains is not None:
            numbers(self.gains, (len(self.channels),))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(c, H, W)"""
        return self.arrangement.image_shape

    @property
    def tolerance(self) -> float:
        """Largest error of decode(encode(x), offset(x)) inside the declared range, in input units."""
        return self._invertible().tolerance

    def fit(self, chunks: Chunks | np.ndarray) -> Self:
        """Learn from the training data, one pass for each stage that learns.

        Arguments:
            chunks: an array (N, C, L), or a function that gives the same data each time it is called, in such pieces.
        """
        give = (lambda: [chunks]) if isinstance(chunks, np.ndarray) else chunks
        self.standardizer.fit_chunks(lambda: map(self._check, give()))
        if isinstance(self.standardizer, Transform) and self.standardizer.relative:
            self.offsets = OffsetModel.fit(map(self.offset, give()), len(self.channels))
        return self

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Values (N, C, L) to images (N, c, H, W), uint8."""
        self._check(x)
        images = np.empty((len(x), *self.image_shape), np.uint8)
        step = max(1, _BLOCK // (x.shape[1] * x.shape[2]))
        for first in range(0, len(x), step):
            levels = self.standardizer.transform(x[first : first + step])
            if levels.dtype != np.uint8:
                raise InputError(
                    f"{type(self.standardizer).__name__} gives no grey levels; end it with MinMax or AdaptedRange"
                )
            images[first : first + step] = self.arrangement.arrange(levels)
        return images

    def offset(self, x: np.ndarray) -> np.ndarray:
        """What the images leave out of each window: (N, C, L) -> (N, C), in input units."""
        return self._invertible().offset(self._check(x))

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
        standardizer = self._invertible()
        if isinstance(offset, str):
            check_mode(offset)
        values = standardizer.inverse_transform(self.arrangement.restore(images))
        if not isinstance(offset, str):
            values += numbers(offset, values.shape[:2])[..., None].astype(np.float32)
        elif standardizer.relative:
            values += mode_offsets(offset, values, self.offsets, noise)[..., None].astype(np.float32)
            if len(self.relations):
                values += keep_relations(values, self.relations)[..., None].astype(np.float32)
        return values

    def unbounded(self) -> "Codec":
        """The codec without quantile bounds: for windows whose offset was chosen, and may lie beyond the bounds."""
        parts = self.standardizer.parts if isinstance(self.standardizer, Compose) else (self._invertible(),)
        kept = [part for part in parts if not isinstance(part, QuantileBounds)]
        codec = Codec(Compose(*kept), self.arrangement, self.channels, self.units, self.fs, self.relations, self.gains)
        codec.offsets = self.offsets
        return codec

    def to_json(self) -> str:
        """The codec as JSON text, with a checksum over its content."""
        content = {
            "standardizer": self.standardizer.state(),
            "arrangement": _arrangement_state(self.arrangement),
            "channels": list(self.channels),
            "units": list(self.units),
            "fs": self.fs,
            "relations": self.relations.tolist(),
            "gains": self.gains and list(self.gains),
            "offsets": self.offsets
            and {"mean": self.offsets.mean.tolist(), "covariance": self.offsets.covariance.tolist()},
        }
        whole = {"format": "anonimage codec", "version": VERSION, "sha256": _checksum(content), "content": content}
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
        try:
            whole = json.loads(text)
        except ValueError as error:
            raise InputError(
                f"{name}: not JSON ({error}); take the file as it was written, or prepare it anew"
            ) from None
        if not isinstance(whole, dict) or whole.get("format") != "anonimage codec":
            raise InputError(f"{name}: JSON, but not a codec of this program; give the codec.json that it wrote")
        if whole.get("version") != VERSION:
            wanted = f"this program reads version {VERSION}: prepare it anew, or use the program that wrote it"
            raise InputError(f"{name}: codec of version {whole.get('version')!r}; {wanted}")
        content: Any = whole.get("content")
        if whole.get("sha256") != _checksum(content):
            raise InputError(f"{name}: edited since it was written (checksum differs); restore it, or prepare it anew")
        try:
            return cls._from_content(content)
        except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{name}: not the content of a codec ({type(error).__name__}: {error}); prepare it anew"
            ) from None

    @classmethod
    def _from_content(cls, content: State) -> Self:
        channels = content["channels"]
        codec = cls(
            from_state(content["standardizer"], TRANSFORMS),
            _arrangement_from(content["arrangement"]),
            channels,
            content["units"],
            content["fs"],
            np.array(content["relations"], float).reshape(-1, len(channels)),
            content["gains"],
        )
        if content["offsets"] is not None:
            mean = numbers(content["offsets"]["mean"], (len(channels),))
            codec.offsets = OffsetModel(mean, numbers(content["offsets"]["covariance"], (len(mean), len(mean))))
        return codec

    def _check(self, x: np.ndarray) -> np.ndarray:
        wanted = (self.arrangement.channels, self.arrangement.length)
        if x.ndim != 3 or x.shape[1:] != wanted:
            raise InputError(f"expected samples of shape (N, {wanted[0]}, {wanted[1]}), got {x.shape}")
        return x

    def _invertible(self) -> Transform:
        if not isinstance(self.standardizer, Transform):
            chained = self.standardizer.parts if isinstance(self.standardizer, ForwardChain) else (self.standardizer,)
            lacking = " and ".join(type(part).__name__ for part in chained if not isinstance(part, Transform))
            raise InputError(f"these images cannot be decoded: {lacking} has no inverse")
        return self.standardizer


def _arrangement_state(table: Arrangement) -> State:
    state: State = {"name": table.name, "channels": table.channels, "length": table.length, "sha256": table.digest}
    build = ARRANGEMENTS.get(table.name)
    if build is not None and build(table.channels, table.length).digest == table.digest:
        return state
    return {**state, "table": table.index.tolist()}


def _arrangement_from(state: State) -> Arrangement:
    if "table" in state:
        table = grid(state["table"], state["channels"], state["length"], state["name"])
    else:
        table = arrangement(state["name"], state["channels"], state["length"])
    if table.digest != state["sha256"]:
        raise InputError(f"arrangement '{table.name}' is not the one this codec was made with")
    return table


def _checksum(content: Any) -> str:
    """Of the content, not of its spelling: blanks and the order of keys do not matter."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
