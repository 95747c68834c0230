"""Values to images and back: standardizer, colours, arrangement and their fitted state, in one JSON text."""

from collections.abc import Sequence
from copy import copy
from typing import Any, Self

import numpy as np

from ..errors import InputError
from .codec_file import sealed, unsealed
from .colours import Colours
from .known import TRANSFORMS
from .layouts.arrangements import layout_from, layout_state
from .layouts.layout import ForwardLayout, Layout
from .offsets import OffsetModel, check_mode, keep_relations, mode_offsets
from .stages import check_colours, check_layout, lowest, without_bounds
from .transform import Chunks, ForwardChain, ForwardOnly, Saturation, State, Transform, from_state
from .windows import numbers

_BLOCK = 2**17  # values encoded at a time: the few passes over them then stay in the processor's cache


class Codec:
    """All that decoding needs, and all that is released of the training data.

    Arguments:
        standardizer: values to grey levels (step 1).
        arrangement: grey levels to images (step 2); without an inverse, nothing can be decoded.
        channels: names, one per channel.
        units: of the values, one per channel; all alike if one string is given.
        fs: samples a second; None for data that is no signal.
        relations: (K, C) rows r with r @ x = 0 that decoded windows' means shall obey, as limb leads do; None: none.
        gains: digital steps per unit that decoded values are to be written with, one per channel; None: not known.
        colours: grey levels of three channels to another colour space before they are arranged; None: as they are.
        form: what the caller needs to give samples their source's own format again; any JSON, not looked into here.
    """

    def __init__(
        self,
        standardizer: ForwardOnly,
        arrangement: ForwardLayout,
        channels: Sequence[str],
        units: Sequence[str] | str,
        fs: float | None,
        relations: np.ndarray | None = None,
        gains: Sequence[float] | None = None,
        colours: Colours | None = None,
        form: dict[str, Any] | None = None,
    ) -> None:
        self.standardizer, self.arrangement, self.colours = standardizer, arrangement, colours
        self.fs = None if fs is None else float(fs)
        self.channels = tuple(channels)
        self.units = (units,) * len(self.channels) if isinstance(units, str) else tuple(units)
        self.relations = np.zeros((0, len(self.channels))) if relations is None else np.asarray(relations, float)
        self.gains = None if gains is None else tuple(map(float, gains))
        self.form: dict[str, Any] = {} if form is None else form
        self.offsets: OffsetModel | None = None
        if colours is not None:
            check_colours(colours, len(self.channels), standardizer, arrangement)
        elif len(self.channels) != arrangement.channels:
            raise InputError(
                f"{len(self.channels)} channel names for an arrangement of {arrangement.channels} channels; "
                "give one per channel"
            )
        check_layout(standardizer, arrangement, colours)
        if len(self.units) != len(self.channels):
            raise InputError(f"{len(self.units)} units for {len(self.channels)} channels; give one per channel")
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
        standardizer, arrangement = self._invertible()
        levels = arrangement.tolerance if self.colours is None else self.colours.tolerance
        return float(np.max(np.abs(standardizer.carry(np.array(levels))))) + standardizer.tolerance

    @property
    def invertible(self) -> bool:
        """Whether images can be decoded; if not, `decode` says why."""
        return not self._lacking()

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
            part = x[first : first + step]
            levels = self.standardizer.transform(part)
            if levels.dtype != np.uint8:
                last = "end it with MinMax, AdaptedRange, Equalize or GreyLevels"
                raise InputError(f"{type(self.standardizer).__name__} gives no grey levels; {last}")
            if not self.arrangement.takes_missing and np.isnan(part).any():
                raise InputError(
                    f"{self.arrangement.name}: a window has a missing value (NaN), which this arrangement has no place "
                    "for: leave such windows out, or take another arrangement"
                )
            if self.colours is not None:
                levels = self.colours.transform(levels)
            images[first : first + step] = self.arrangement.arrange(levels)
        return images

    def offset(self, x: np.ndarray) -> np.ndarray:
        """What the images leave out of each window: (N, C, L) -> (N, C), in input units."""
        return self._standardizer().offset(self._check(x))

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
        standardizer, arrangement = self._invertible()
        if isinstance(offset, str):
            check_mode(offset)
        levels = arrangement.restore(images)
        if not arrangement.takes_missing:  # then what is darker than any value is a value, not NULL
            levels = np.maximum(levels, lowest(standardizer, len(self.channels))[:, None])
        if self.colours is not None:
            levels = self.colours.inverse_transform(levels)
        values = standardizer.inverse_transform(levels)
        if not isinstance(offset, str):
            values += numbers(offset, values.shape[:2])[..., None].astype(np.float32)
        elif standardizer.relative:
            values += mode_offsets(offset, values, self.offsets, noise)[..., None].astype(np.float32)
            if len(self.relations):
                values += keep_relations(values, self.relations)[..., None].astype(np.float32)
        return values

    def unbounded(self) -> "Codec":
        """The codec without quantile bounds: for windows whose offset was chosen, and may lie beyond the bounds."""
        codec = copy(self)
        codec.standardizer = without_bounds(self._standardizer())
        return codec

    def to_json(self) -> str:
        """The codec as JSON text, with a checksum over its content."""
        content = {
            "standardizer": self.standardizer.state(),
            "arrangement": layout_state(self.arrangement),
            "channels": list(self.channels),
            "units": list(self.units),
            "fs": self.fs,
            "relations": self.relations.tolist(),
            "gains": self.gains and list(self.gains),
            "colours": self.colours and self.colours.name,
            "form": self.form,
            "offsets": self.offsets
            and {"mean": self.offsets.mean.tolist(), "covariance": self.offsets.covariance.tolist()},
        }
        return sealed(content)

    @classmethod
    def from_json(cls, text: str, name: str = "codec.json") -> Self:
        """Rebuild a codec.

        Arguments:
            text: as `to_json` gave it.
            name: of the file it is from, for messages.

        Raises:
            InputError: not JSON, not a codec, of another version, or edited.
        """
        content = unsealed(text, name)
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
            layout_from(content["arrangement"]),
            channels,
            content["units"],
            content["fs"],
            np.array(content["relations"], float).reshape(-1, len(channels)),
            content["gains"],
            content["colours"] and Colours(content["colours"]),
            content["form"],
        )
        if content["offsets"] is not None:
            mean = numbers(content["offsets"]["mean"], (len(channels),))
            codec.offsets = OffsetModel(mean, numbers(content["offsets"]["covariance"], (len(mean), len(mean))))
        return codec

    def _check(self, x: np.ndarray) -> np.ndarray:
        wanted = (len(self.channels), self.arrangement.length)
        if x.ndim != 3 or x.shape[1:] != wanted:
            raise InputError(f"expected samples of shape (N, {wanted[0]}, {wanted[1]}), got {x.shape}")
        return x

    def require_inverse(self) -> None:
        """Refuse images that nothing decodes, in a line that names what has no inverse; ask before training on them.

        Raises:
            InputError: not invertible.
        """
        if lacking := self._lacking():
            names, has = " and ".join(lacking), "has" if len(lacking) == 1 else "have"
            remedy = "for a run take another one, only `encode` can use it"
            raise InputError(f"these images cannot be decoded: {names} {has} no inverse; {remedy}")

    def _invertible(self) -> tuple[Transform, Layout]:
        self.require_inverse()
        assert isinstance(self.standardizer, Transform)
        assert isinstance(self.arrangement, Layout)
        return self.standardizer, self.arrangement

    def _standardizer(self) -> Transform:
        """As one with an inverse, which offsets need; whatever the arrangement."""
        if not isinstance(self.standardizer, Transform):
            self.require_inverse()
        assert isinstance(self.standardizer, Transform)
        return self.standardizer

    def _lacking(self) -> list[str]:
        """Names of what has no inverse."""
        chained = self.standardizer.parts if isinstance(self.standardizer, ForwardChain) else (self.standardizer,)
        named = [type(part).__name__ for part in chained if not isinstance(part, Transform)]
        return named if isinstance(self.arrangement, Layout) else [*named, self.arrangement.name]
