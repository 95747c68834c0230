"""The codec: its JSON and what may have happened to it, the offset modes, and relations between leads."""

import json

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms import (
    MODES,
    AdaptedRange,
    Arrangement,
    ByChannel,
    Codec,
    Colours,
    Compose,
    GreyLevels,
    MinMax,
    QuantileBounds,
    arrangement,
)
from anonimage.transforms.codec import VERSION, checksum
from anonimage.transforms.offsets import OffsetModel

EINTHOVEN = np.array([[1.0, -1.0, 1.0]])  # i − ii + iii = 0


def walks(n, channels=3, length=30, seed=0):
    rng = np.random.default_rng(seed)
    adc = rng.integers(-50, 51, size=(n, channels, length)).cumsum(axis=-1) + rng.integers(-999, 999, (n, channels, 1))
    return (adc / 2000).astype(np.float32)


def fitted(relations=None, n=50):
    standardizer = Compose(QuantileBounds(step=0.0005), AdaptedRange(None, step=0.0005))
    codec = Codec(standardizer, arrangement("rgb", 3, 30), ("i", "ii", "iii"), "mV", 1000, relations)
    return codec.fit(walks(n))


def test_chunks_and_arrays_fit_alike():
    whole, pieced, x = fitted(), fitted(), walks(50)
    pieced.fit(lambda: iter([x[:7], x[7:7], x[7:]]))
    assert pieced.standardizer.state() == whole.standardizer.state()
    np.testing.assert_allclose(pieced.offsets.mean, whole.offsets.mean, rtol=1e-12)
    np.testing.assert_allclose(pieced.offsets.covariance, whole.offsets.covariance, rtol=1e-9)


def test_offsets_are_the_training_windows_own():
    codec = fitted()
    offsets = codec.offset(walks(50)).astype(float)
    np.testing.assert_allclose(codec.offsets.mean, offsets.mean(axis=0))
    np.testing.assert_allclose(codec.offsets.covariance, np.cov(offsets.T))


def test_json_is_exact():
    codec, x = fitted(EINTHOVEN), walks(9, seed=1)
    again = Codec.from_json(codec.to_json())
    assert again.to_json() == codec.to_json()
    assert (again.channels, again.units, again.fs) == (("i", "ii", "iii"), ("mV", "mV", "mV"), 1000)
    images, noise = codec.encode(x), np.random.default_rng(0).normal(size=(9, 3))
    assert np.array_equal(again.encode(x), images)
    assert np.array_equal(again.decode(images, "sampled", noise), codec.decode(images, "sampled", noise))


def test_json_with_an_own_table_and_no_rate():
    codec = Codec(MinMax(a=1), Arrangement([[[0, 1], [1, -1]]], 2, 1), ("age", "sex"), ("a", ""), None)
    codec.fit(walks(5, 2, 1))
    again = Codec.from_json(codec.to_json())
    assert again.fs is None
    assert np.array_equal(again.encode(walks(9, 2, 1)), codec.encode(walks(9, 2, 1)))


def test_json_may_be_laid_out_anew():
    text = fitted().to_json()
    assert Codec.from_json(json.dumps(json.loads(text), sort_keys=True)).to_json() == text


def edit(path, value):
    """The codec's JSON with one entry changed."""
    whole = json.loads(fitted().to_json())
    *parents, last = path
    place = whole
    for key in parents:
        place = place[key]
    place[last] = value
    return json.dumps(whole)


DAMAGED = {
    "cut": (lambda: fitted().to_json()[:200], "not JSON"),
    "empty": (lambda: "", "not JSON"),
    "a list": (lambda: "[1, 2]", "not a codec of this program"),
    "another file": (lambda: '{"version": 1}', "not a codec of this program"),
    "other version": (lambda: edit(["version"], 99), "codec of version 99; this program reads version 3"),
    "bounds edited": (lambda: edit(["content", "standardizer", "parts", 0, "bounds", 0, 0], -1.0), "edited"),
    "lead edited": (lambda: edit(["content", "channels", 0], "v1"), "edited"),
    "content lost": (lambda: edit(["content"], None), "edited"),
}


@pytest.mark.parametrize(("text", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_json_is_refused_with_one_line_that_names_the_file(text, message):
    with pytest.raises(InputError, match=message) as refusal:
        Codec.from_json(text(), name="OUT/codec.json")
    assert str(refusal.value).startswith("OUT/codec.json: ")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "content", [None, [], {}, {"channels": 3}, {"channels": ["i"], "standardizer": {"kind": "Log"}}]
)
def test_content_of_another_shape_is_refused_though_its_checksum_is_right(content):

    whole = {"format": "anonimage codec", "version": VERSION, "sha256": checksum(content), "content": content}
    with pytest.raises(InputError, match=r"codec\.json: not the content of a codec"):
        Codec.from_json(json.dumps(whole))


def test_offset_modes_by_hand():
    """Levels 51, 0, 255 and 102 of a range of 2.55 mV are 0.51, 0, 2.55 and 1.02 mV; their median is 0.765 mV."""
    codec = Codec(AdaptedRange(2.55), arrangement("z", 1, 4), ("i",), "mV", 1000)
    images = np.array([[[[51, 0], [255, 102]]]], np.uint8)
    values = np.array([0.51, 0, 2.55, 1.02])
    np.testing.assert_allclose(codec.decode(images, "relative")[0, 0], values, atol=1e-6)
    np.testing.assert_allclose(codec.decode(images, "baseline")[0, 0], values - 0.765, atol=1e-6)
    np.testing.assert_allclose(codec.decode(images, np.array([[-0.4]]))[0, 0], values - 0.4, atol=1e-6)
    # training offsets −1 and 3: mean 1, standard deviation √8
    codec.fit(np.array([[[-1, 0, 0, 0]], [[3, 4, 4, 4]]], np.float32))
    sampled = codec.decode(images, "sampled", np.array([[0.5]]))
    np.testing.assert_allclose(sampled[0, 0], values + 1 + 0.5 * np.sqrt(8), atol=1e-6)


def test_generated_windows_need_not_reach_level_0():
    codec = Codec(AdaptedRange(2.55), arrangement("z", 1, 4), ("i",), "mV", 1000)
    decoded = codec.decode(np.array([[[[60.0, 50.5], [150.5, 70.0]]]]), "relative")
    np.testing.assert_allclose(decoded[0, 0], [0.095, 0, 1, 0.195], atol=1e-6)


def test_sampled_offsets_have_the_training_distribution():
    codec = fitted(n=400)
    images = codec.encode(walks(20_000, length=30, seed=2))
    decoded = codec.decode(images, "sampled", np.random.default_rng(1).normal(size=(20_000, 3)))
    drawn = decoded.min(axis=-1)
    np.testing.assert_allclose(drawn.mean(axis=0), codec.offsets.mean, atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), codec.offsets.covariance, atol=0.01)


@pytest.mark.parametrize("mode", MODES)
def test_a_decoded_sample_does_not_depend_on_its_batch(mode):
    codec = fitted(EINTHOVEN)
    images, noise = codec.encode(walks(33, seed=4)), np.random.default_rng(5).normal(size=(33, 3))
    whole = codec.decode(images, mode, noise)
    for size in (1, 2, 16):
        chunks = [codec.decode(images[k : k + size], mode, noise[k : k + size]) for k in range(0, 33, size)]
        assert np.array_equal(np.concatenate(chunks), whole)


def test_drawn_offsets_do_not_depend_on_the_batch_with_twelve_leads():
    """To the last bit, which a matrix product does not give."""
    rng = np.random.default_rng(0)
    model = OffsetModel.fit([rng.normal(size=(99, 12)) @ rng.normal(size=(12, 12))], 12)
    noise = rng.normal(size=(50, 12))
    assert np.array_equal(np.concatenate([model.draw(one[None]) for one in noise]), model.draw(noise))


@pytest.mark.parametrize("mode", MODES)
def test_relations_hold_between_the_means_of_decoded_leads(mode):
    codec, free = fitted(EINTHOVEN), fitted()
    images, noise = codec.encode(walks(20, seed=6)), np.random.default_rng(7).normal(size=(20, 3))
    decoded, uncorrected = codec.decode(images, mode, noise), free.decode(images, mode, noise)
    assert np.abs(decoded.mean(axis=-1, dtype=float) @ EINTHOVEN.T).max() < 1e-6
    # the change is the smallest: along the relation, and the shape of each lead is kept
    change = (decoded - uncorrected).astype(float)
    assert np.ptp(change, axis=-1).max() < 1e-6
    residual = uncorrected.mean(axis=-1, dtype=float) @ EINTHOVEN.T
    np.testing.assert_allclose(change[..., 0], -residual * EINTHOVEN / 3, atol=1e-6)


def test_relations_that_follow_from_one_another():
    """Goldberger's leads follow from i and ii: more relations than they have independent rows."""
    twice = np.vstack([EINTHOVEN, 2 * EINTHOVEN])
    images = fitted().encode(walks(5))
    np.testing.assert_allclose(
        fitted(twice).decode(images, "baseline"), fitted(EINTHOVEN).decode(images, "baseline"), atol=1e-6
    )


def test_own_offsets_are_used_as_they_are():
    codec, x = fitted(EINTHOVEN), walks(50)
    inside = ~np.array([codec.saturated(x[k : k + 1])["AdaptedRange"].windows > 0 for k in range(50)])
    low, high = codec.standardizer.parts[0].bounds[..., None]
    error = np.abs(codec.decode(codec.encode(x), codec.offset(x)) - np.clip(x, low, high))
    assert error[inside].max() <= codec.tolerance + 1e-6


@pytest.mark.parametrize("mode", MODES)
def test_absolute_levels_take_no_offset(mode):
    codec = Codec(MinMax(), arrangement("rgb", 3, 30), ("i", "ii", "iii"), "mV", 1000, EINTHOVEN).fit(walks(50))
    x = walks(50)
    assert codec.offsets is None
    assert not codec.offset(x).any()
    assert np.abs(codec.decode(codec.encode(x), mode) - x).max() <= codec.tolerance


@pytest.mark.parametrize("mode", [*MODES, "own"])
def test_missing_values_come_back_missing(mode):
    standardizer = AdaptedRange(2.5, a=1)
    codec = Codec(standardizer, arrangement("z", 3, 30), ("i", "ii", "iii"), "mV", 1000, EINTHOVEN).fit(walks(50))
    x = walks(5)
    x[0, 1, 3:9], x[1, 2], x[2, 0, ::2] = np.nan, np.nan, np.nan
    offset = codec.offset(x) if mode == "own" else mode
    decoded = codec.decode(codec.encode(x), offset, np.zeros((5, 3)))
    assert np.array_equal(np.isnan(decoded), np.isnan(x))


def test_relations_are_kept_from_the_values_that_are_there():
    codec = fitted(EINTHOVEN)
    codec.standardizer = AdaptedRange(2.5, a=1)
    x = walks(4)
    x[0, 1, 3:9] = np.nan
    decoded = codec.decode(codec.encode(x), "baseline")
    assert np.abs(np.nanmean(decoded.astype(float), axis=-1) @ EINTHOVEN.T).max() < 1e-6


def four(standardizer=None, channels=("i",), relations=None):
    return Codec(standardizer or AdaptedRange(), arrangement("z", 1, 4), channels, "mV", 1000, relations)


def picture(colours, standardizer=None, channels="rgb", arranged=None):
    """2 × 2 pixels."""
    chosen = Colours(colours)
    table = arrangement("z", arranged or chosen.channels, 4)
    return Codec(Compose(standardizer or GreyLevels(), chosen), table, channels, "", None)


IMAGES = np.zeros((2, 1, 2, 2), np.uint8)
REFUSED = {
    "names": (lambda: four(channels=("i", "ii")), "z: arranges 1 channels, but 2 channel names give 2"),
    "relations": (lambda: four(relations=EINTHOVEN), r"shape \(None, 1\), got \(1, 3\)"),
    "samples": (lambda: four().encode(np.zeros((2, 1, 5))), r"shape \(N, 1, 4\), got \(2, 1, 5\)"),
    "samples to fit": (lambda: four(MinMax()).fit(np.zeros((2, 2, 4))), r"shape \(N, 1, 4\), got \(2, 2, 4\)"),
    "images": (lambda: four().decode(IMAGES[:, 0]), r"shape \(samples, 1, 2, 2\)"),
    "mode": (lambda: four().decode(IMAGES, "base"), "unknown offset mode 'base'; did you mean 'baseline'?"),
    "offsets": (lambda: four().decode(IMAGES, np.zeros(2)), r"shape \(2, 1\), got \(2,\)"),
    "not fitted": (lambda: four().decode(IMAGES, "sampled"), "the codec has learnt none"),
    "no noise": (lambda: four().fit(np.zeros((2, 1, 4))).decode(IMAGES, "sampled"), r"shape \(2, 1\), got none"),
    "nothing to learn from": (lambda: four().fit(list), "no training window"),
    "no levels": (
        lambda: four(QuantileBounds(step=1)).fit(np.ones((2, 1, 4))).encode(np.ones((1, 1, 4))),
        "QuantileBounds gives no grey levels; end it with MinMax, AdaptedRange, Equalize or GreyLevels",
    ),
    "a unit short": (
        lambda: Codec(MinMax(), arrangement("z", 2, 4), "ab", ["mV"], None),
        "1 units for 2 channels; give one per channel",
    ),
    "colours of two": (
        lambda: picture("hsv", channels="rg"),
        r"need 3 channels \(red, green, blue\), not 2",
    ),
    "colours, arranged too few": (
        lambda: picture("cmyk", arranged=3),
        "z: arranges 3 channels, but 3 channel names give 4",
    ),
    "colours with NULL": (lambda: picture("lab", ByChannel([[0, 1, 2]], [MinMax(a=1)])), "take a=0"),
    "missing without NULL": (lambda: four().encode(np.full((1, 1, 4), np.nan)), "take a=1"),
}


@pytest.mark.parametrize(("attempt", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_one_line(attempt, message):
    with pytest.raises(InputError, match=message) as refusal:
        attempt()
    assert "\n" not in str(refusal.value)


def test_without_bounds_levels_do_not_depend_on_the_offset():
    x = np.random.default_rng(0).normal(0, 0.3, (50, 2, 9))
    codec = Codec(
        Compose(QuantileBounds(0.1, 0.9, step=0.001), AdaptedRange(2.5)), arrangement("z", 2, 9), "ab", "mV", 100
    )
    codec.fit(x)
    images = codec.encode(x)
    far_away = codec.decode(images, "relative") + 7
    assert not np.array_equal(codec.encode(far_away), images)
    again = codec.unbounded().encode(far_away)
    lowest = images.min(axis=(2, 3), keepdims=True)
    assert np.array_equal(again, images - lowest)
    assert np.array_equal(codec.unbounded().offsets.mean, codec.offsets.mean)


def test_gains_are_kept():
    codec = Codec(MinMax(), arrangement("z", 2, 4), ("a", "b"), "mV", 1, gains=(2000, 500.5)).fit(
        np.eye(8).reshape(4, 2, 8)[..., :4]
    )
    assert Codec.from_json(codec.to_json()).gains == (2000.0, 500.5)
    with pytest.raises(InputError, match="expected numbers of shape"):
        Codec(MinMax(), arrangement("z", 2, 4), ("a", "b"), "mV", 1, gains=(2000,))


def test_colours_stand_between_levels_and_places_by_hand():
    """Red, white, black and grey 128 as inks: black is what is missing to the lightest of the three."""
    pixels = np.array([[[255, 255, 0, 128], [0, 255, 0, 128], [0, 255, 0, 128]]], np.float32)
    images = picture("cmyk").encode(pixels)
    cyan, magenta, yellow, black = images[0].reshape(4, 4).tolist()
    assert (cyan, magenta, yellow, black) == ([0, 0, 0, 0], [255, 0, 0, 0], [255, 0, 0, 0], [0, 0, 255, 127])
    np.testing.assert_allclose(picture("cmyk").decode(images), pixels, atol=1e-4)


@pytest.mark.parametrize("name", ["hsv", "lab", "cmyk"])
def test_colours_count_in_the_tolerance(name):
    """Levels of a range of 2.55 are 0.01 wide: an error of t levels is one of t / 100."""
    x = np.random.default_rng(0).uniform(0, 2.55, size=(500, 3, 4)).astype(np.float32)
    x[0, :, :2] = [0, 2.55]
    codec = picture(name, MinMax()).fit(x)
    error = np.abs(codec.decode(codec.encode(x)).astype(float) - x).max()
    assert error <= codec.tolerance == pytest.approx((Colours(name).tolerance + 0.5) / 100, rel=1e-3)
    again = Codec.from_json(codec.to_json())
    assert (again.standardizer.parts[-1].name, again.tolerance) == (name, codec.tolerance)
    assert np.array_equal(again.encode(x), codec.encode(x))


def test_the_sources_form_is_kept_as_it_is():
    form = {"kind": "table", "columns": [{"name": "âge", "low": 0.1, "missing": None}], "classes": ["1", "2"]}
    codec = Codec(GreyLevels(), arrangement("z", 1, 4), ("grey",), "", None, form=form)
    assert Codec.from_json(codec.to_json()).form == form
    assert codec.unbounded().form == form
    assert Codec.from_json(picture("hsv").to_json()).form == {}
    assert picture("hsv").unbounded().standardizer.parts[-1].name == "hsv"


def test_bounds_are_left_out_of_every_group_too():
    bounded = Compose(QuantileBounds(0.1, 0.9, step=0.001), AdaptedRange(2.5))
    x = np.random.default_rng(0).normal(0, 0.3, (50, 2, 9)).astype(np.float32)
    groups = [[1], [0]]
    codec = Codec(ByChannel(groups, [bounded, AdaptedRange(1.25)]), arrangement("z", 2, 9), "ab", "mV", 100).fit(x)
    free = Codec(ByChannel(groups, [AdaptedRange(2.5), AdaptedRange(1.25)]), arrangement("z", 2, 9), "ab", "mV", 100)
    assert not np.array_equal(codec.encode(x), free.encode(x))
    assert np.array_equal(codec.unbounded().encode(x), free.encode(x))
    assert Codec.from_json(codec.to_json()).standardizer.state() == codec.standardizer.state()


def test_the_lowest_level_of_each_channel():
    """Where no value may be missing, nothing is decoded as missing: darker levels are each channel's lowest."""
    mixed = ByChannel([[0, 2], [1]], [MinMax(a=20), Compose(MinMax(), MinMax(a=3))])
    assert mixed.lowest.tolist() == [20, 3, 20]
    assert MinMax().lowest == 0


def test_images_that_nothing_decodes_are_refused_before_training():
    codec = Codec(MinMax(), arrangement("gramian", 1, 4), ("i",), "mV", 1000)
    assert not codec.invertible
    with pytest.raises(InputError, match="cannot be decoded: gramian has no inverse; for a run take"):
        codec.decode(IMAGES)
    assert four().invertible
