"""Steps 1 and 2 as recipes say them: every arrangement makes a codec, networks take its images, samples come back."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from anonimage.data.samples import Samples
from anonimage.data.table.form import TableForm
from anonimage.errors import InputError
from anonimage.pipelines.anonymizer import Anonymizer
from anonimage.pipelines.kinds import kind_of_recipe, load_codec, save_codec
from anonimage.pipelines.kinds.kind import SampleInfo
from anonimage.pipelines.recipe import load_recipe
from anonimage.transforms import ARRANGEMENTS, TABLE_GRIDS, Codec, table_grid
from tiny import FS, beats

LEADS, LENGTH = ("i", "ii", "iii"), 81
SETTINGS = {"beats": {"null_level": 1}}
RUN = sorted(
    {"serpentine", "spiral", "hilbert", "blocks", "random", "line", "stripes", "mosaic", "delay", "beats", "stft"}
)


def recipe_for(tiny, name, **changes):
    return tiny.changed({"arrangement": name, "leads": LEADS, **SETTINGS.get(name, {}), **changes})


def codec_for(tiny, name, leads=LEADS, length=LENGTH, window=(None, 9), **changes):
    """For samples of that length; window: length and side of the recipe."""
    recipe = recipe_for(tiny, name, leads=leads, length=window[0], side=window[1], **changes)
    return kind_of_recipe(recipe).new_codec(recipe, SampleInfo(leads, ["mV"] * len(leads), FS, 0.001, length))


@pytest.fixture(scope="module")
def samples():
    values = np.concatenate([beats(p)[None, :, k : k + LENGTH] for p in range(1, 7) for k in range(0, 1100, LENGTH)])
    people = np.repeat([f"p{p}" for p in range(1, 7)], len(values) // 6)
    part = np.where(people == "p6", "control", "train")
    return Samples(values, pd.DataFrame({"patient": people, "part": part}), LEADS, ("mV",) * 3, FS)


@pytest.mark.parametrize("name", sorted(ARRANGEMENTS))
def test_each_codec_comes_back_from_its_file(name, tiny, samples, tmp_path):
    x = np.concatenate([samples.values] * (2 if name == "six" else 1), axis=1)
    leads = LEADS if x.shape[1] == 3 else (*LEADS, "avr", "avl", "avf")
    codec = codec_for(tiny, name, leads, quantile_low=0.001, quantile_high=0.999, seed=5).fit(x)
    save_codec(codec, tmp_path / "codec.json")
    again, images = load_codec(tmp_path / "codec.json"), codec.encode(x)
    assert np.array_equal(again.encode(x), images)
    assert images.shape == (len(x), *codec.image_shape)
    assert codec.image_shape[1] == (1 if name == "line" else codec.image_shape[2])
    assert codec.invertible == (name != "gramian")
    if codec.invertible:
        unsaturated = ~np.array([any(n.values for n in codec.saturated(one[None]).values()) for one in x])
        error = np.abs(again.decode(images, codec.offset(x)) - x)[unsaturated]
        assert len(error) > 50
        assert error.max() <= codec.tolerance + 1e-6


@pytest.mark.parametrize("name", RUN)
def test_networks_take_the_images_of(name, tiny, samples):
    """Three leads, some quick steps, and samples in the source's units that learnt something of it."""
    trained = Anonymizer(recipe_for(tiny, name, steps=30, learning_rate=0.01, ema_decay=0)).fit(samples)
    synthetic = trained.sample(20).values
    assert synthetic.shape == (20, 3, LENGTH)
    assert np.isfinite(synthetic).all()
    assert np.ptp(synthetic, axis=2).min() > 0
    assert np.ptp(synthetic.reshape(20, -1), axis=0).max() > 0.01


def test_a_length_leaves_the_side_to_the_layout(tiny):
    """A length alone means the smallest image, a side alone side² samples; of both, the image has the side."""
    for settings, length, shape in (
        ({"length": 70}, 70, (3, 9, 9)),
        ({"side": 8}, 64, (3, 8, 8)),
        ({"length": 70, "side": 12}, 70, (3, 12, 12)),
        ({"length": 70, "arrangement": "line"}, 70, (3, 1, 70)),
        ({"side": 8, "arrangement": "stripes"}, 64, (1, 15, 15)),
    ):
        recipe = tiny.changed({"leads": LEADS, **settings})
        assert recipe.window == length
        info = SampleInfo(LEADS, ["mV"] * 3, FS, 0.001, length)
        assert kind_of_recipe(recipe).new_codec(recipe, info).image_shape == shape


def test_the_seed_decides_the_random_order(tiny):
    orders = [codec_for(tiny, "random", seed=seed).arrangement.digest for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert len({codec_for(tiny, "hilbert", seed=seed).arrangement.digest for seed in (1, 2)}) == 1


@pytest.mark.parametrize("name", sorted(TABLE_GRIDS))
def test_tables_have_grids_of_their_own(name):
    """Also where an arrangement of signals has the same name; and rows come back."""
    rng = np.random.default_rng(0)
    words = {"ward": rng.choice(["n", "s", "e"], 60), "smoker": rng.choice(["y", "n"], 60)}
    form = TableForm.fit(pd.DataFrame({"age": np.arange(60), "weight": rng.normal(70, 9, 60).round(1), **words}), "t")
    rows = form.to_samples(pd.DataFrame({"age": np.arange(60), "weight": np.full(60, 70.0), **words}))
    recipe = load_recipe("table").changed({"arrangement": name, "side": 7, "seed": 3})
    info = SampleInfo(rows.channels, rows.units, None, 1.0, 1, form={"kind": "table", "table": form.to_state()})
    codec = kind_of_recipe(recipe).new_codec(recipe, info).fit(rows.values)
    assert codec.arrangement.digest == table_grid(name, form.kinds, 7, 3).digest
    assert Codec.from_json(codec.to_json()).arrangement.digest == codec.arrangement.digest
    back = form.to_frame(replace(rows, values=codec.decode(codec.encode(rows.values))))
    assert all((back[column] == kept).all() for column, kept in words.items())


REFUSED = {
    "near": ("hilbrt", {}, "unknown arrangement 'hilbrt'; did you mean 'hilbert'?"),
    "a table's": ("kinds", {}, "unknown arrangement 'kinds'"),
    "beats without NULL": ("beats", {"null_level": 0}, "beats: level 0 says where rows end"),
    "too small a side": ("stripes", {"window": (81, 9)}, "stripes: side 9 does not hold .* at least 17, or leave it"),
    "a line has no side": ("line", {"window": (81, 9)}, "line: images are 1×81, they have no side"),
    "stft in colours": ("stft", {"colours": "hsv"}, "stft: takes no colours"),
}


@pytest.mark.parametrize(("name", "changes", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_one_line(name, changes, message, tiny):
    with pytest.raises(InputError, match=message) as refusal:
        codec_for(tiny, name, **changes)
    assert "\n" not in str(refusal.value)
