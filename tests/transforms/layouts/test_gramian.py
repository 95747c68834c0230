"""The Gramian angular field: three values by hand, pyts' own figures, and that nothing decodes it."""

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms import AdaptedRange, Codec, Layout, MinMax, Transform, arrangement


def levels(field):
    return np.rint((np.array(field) + 1) * 127.5).astype(int).tolist()


def test_three_values_by_hand():
    """Nine values are three means 10, 20, 30: angles π, π/2 and 0, and the field is the cosine of their sums."""
    x = np.array([[[9, 10, 11, 20, 20, 20, 25, 30, 35]]], np.uint8)
    image = arrangement("gramian", 1, 9).transform(x)
    assert image.dtype == np.uint8
    assert image[0, 0].tolist() == levels([[1, 0, -1], [0, -1, 0], [-1, 0, 1]])


def test_means_of_unequal_pieces():
    """Five values on side 3: the pieces are 1, 2 and 2 long."""
    five = arrangement("gramian", 1, 5).transform(np.array([[[0, 4, 6, 9, 11]]], np.uint8))
    nine = arrangement("gramian", 1, 9).transform(np.repeat(np.array([0, 5, 10], np.uint8), 3)[None, None])
    assert five.tolist() == nine.tolist()


def test_the_field_is_that_of_pyts():
    """GramianAngularField(image_size=5).fit_transform(x) of pyts 0.14.1, x being these 17 values; upper triangle."""
    x = np.array([[[3, 7, 7, 4, 1, 0, 2, 9, 8, 8, 5, 6, 5, 2, 10, 1, 3]]], np.uint8)
    field = [-0.3415748, -0.5737705, 0.5737705, -0.4804542, -0.8632905, 1, -1, -0.4426230, 0.0819672]
    field += [1, 0.4426230, -0.0819672, -0.6081698, -0.9299710, -0.9865628]
    assert arrangement("gramian", 1, 17).transform(x)[0, 0][np.triu_indices(5)].tolist() == levels(field)


def test_the_field_is_symmetric_and_each_lead_has_its_own():
    x = np.random.default_rng(0).integers(0, 256, (4, 3, 200)).astype(np.uint8)
    layout = arrangement("gramian", 3, 200)
    images = layout.transform(x)
    assert images.shape == (4, 3, 15, 15) == (4, *layout.image_shape)
    assert np.array_equal(images, images.swapaxes(2, 3))
    one = arrangement("gramian", 1, 200)
    assert np.array_equal(one.transform(x[:, 1:2]), images[:, 1:2])
    assert np.array_equal(layout.transform(x // 2 * 2), layout.transform(x // 2))  # scale is left out


def test_a_window_without_change_is_one_level():
    assert (arrangement("gramian", 1, 9).transform(np.full((1, 1, 9), 7, np.uint8)) == 255).all()


def codec():
    x = np.random.default_rng(0).normal(0, 0.3, (20, 1, 81)).astype(np.float32)
    return Codec(AdaptedRange(2.5), arrangement("gramian", 1, 81), ("i",), "mV", 1000).fit(x), x


def test_nothing_decodes_it_by_type():
    layout = arrangement("gramian", 1, 81)
    assert isinstance(layout, Layout)
    assert not isinstance(layout, Transform)
    assert not hasattr(layout, "inverse_transform")
    fitted, x = codec()
    images = fitted.encode(x)
    assert fitted.offset(x).shape == (20, 1)  # offsets are the standardizer's
    assert np.array_equal(Codec.from_json(fitted.to_json()).encode(x), images)
    assert not fitted.invertible
    for attempt in (lambda: fitted.decode(images), lambda: fitted.tolerance):
        with pytest.raises(InputError, match="cannot be decoded: gramian has no inverse") as refusal:
            attempt()
        assert "\n" not in str(refusal.value)


def test_all_others_can_be_decoded():
    whole = Codec(MinMax(a=1), arrangement("beats", 1, 81), ("i",), "mV", 1000)
    assert whole.invertible
    assert isinstance(whole.standardizer, Transform)
