"""Step 1 for pictures: values that already are grey levels."""

from typing import Self

import numpy as np

from ..errors import InputError
from .transform import Saturation, State, Transform
from .windows import as_windows, from_levels


class GreyLevels(Transform):
    """Grey levels 0 … 255 stay as they are: whole ones come back exactly, others to the nearest.

    Values below 0 or above 255 saturate. There is no level for NULL: a picture has no missing values.
    """

    def transform(self, x: np.ndarray) -> np.ndarray:
        x = as_windows(x)
        if x.size and np.isnan(x.min()):
            raise InputError("a picture has a missing value (NaN), for which grey levels have no place: leave it out")
        return np.rint(np.clip(x, 0, 255)).astype(np.uint8)

    def inverse_transform(self, y: np.ndarray) -> np.ndarray:
        return from_levels(y, 0)

    @property
    def tolerance(self) -> float:
        """Of values between two levels; whole levels are exact."""
        return 0.5

    def carry(self, shift: np.ndarray) -> np.ndarray:
        return shift

    def saturated(self, x: np.ndarray) -> dict[str, Saturation]:
        """Values below 0 or above 255."""
        x = as_windows(x)
        return {"GreyLevels": Saturation.count((x < 0) | (x > 255), x)}

    def state(self) -> State:
        return {"kind": "GreyLevels"}

    @classmethod
    def from_state(cls, state: State) -> Self:
        return cls()
