"""What does not belong together is refused; selecting keeps values and rows in step."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.samples import Samples
from anonimage.errors import InputError


def three() -> Samples:
    frame = pd.DataFrame({"patient": ["a", "b", "a"], "start": [0, 5, 10]}, index=[7, 7, 9])
    return Samples(np.arange(12.0).reshape(3, 2, 2), frame, ("i", "ii"), ("mV", "mV"), 500.0)


def test_a_mask_and_positions_select_values_with_their_rows():
    samples = three()
    by_mask = samples.select(np.array([True, False, True]))
    assert by_mask.values[:, 0, 0].tolist() == [0, 8]
    assert by_mask.frame["start"].tolist() == [0, 10]
    backwards = samples.select(np.array([2, 0]))
    assert backwards.values[:, 0, 0].tolist() == [8, 0]
    assert backwards.frame["start"].tolist() == [10, 0]
    assert backwards.frame.index.tolist() == [0, 1]
    assert samples.patients() == {"a", "b"}
    assert samples.values.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"values": np.zeros((3, 4))}, "three axes"),
        ({"frame": pd.DataFrame({"patient": ["a"]})}, "3 samples but 1 rows"),
        ({"channels": ("i",)}, "1 channel names for 2"),
        ({"channels": ("i", "i")}, "repeat"),
        ({"units": ("mV",)}, "1 units for 2"),
        ({"fs": 0.0}, "fs 0.0"),
    ],
)
def test_what_does_not_belong_together_is_refused(change, says):
    whole = {**three().__dict__, **change}
    with pytest.raises(InputError, match=says):
        Samples(**whole)


def test_a_mask_of_another_length_is_refused():
    with pytest.raises(InputError, match="mask of 2 for 3"):
        three().select(np.array([True, False]))
