"""Laws that every kind of data keeps: recognised, read the same by whoever reads, encoded, written and read again."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from anonimage.data.sharded import Plan
from anonimage.data.store.writing import placed
from anonimage.errors import InputError
from anonimage.parallel import threaded_map
from anonimage.pipelines.kinds import (
    KINDS,
    check_source,
    fit_codec,
    kind_of_codec,
    kind_of_recipe,
    recipe_for,
)
from anonimage.pipelines.recipe import load_recipe
from PIL import Image
from tiny import TINY, beats, write_database
from writer_cases import write_set


def wfdb(folder):
    write_database(folder, patients=8)
    return load_recipe("ptb-quantile").changed(TINY), folder, folder / "patient003" / "s0003_re.dat"


def series(folder):
    folder.mkdir()
    for patient in range(8):
        text = "\n".join(["i,ii,iii", *(",".join(f"{value:.3f}" for value in row) for row in beats(patient).T)])
        (folder / f"patient{patient:03d}.csv").write_text(text)
    return load_recipe("series").changed({"fs": 100, "side": 9}), folder, folder / "patient003.csv"


def images(folder):
    folder.mkdir()
    for k in range(12):
        levels = np.random.default_rng(k).integers(0, 256, (9, 9), dtype=np.uint8)
        Image.fromarray(levels).save(folder / f"person{k:02d}.png")
    return load_recipe("iris").changed({"side": 9}), folder, folder / "person03.png"


def table(folder):
    folder.mkdir()
    rng, file = np.random.default_rng(0), folder / "patients.csv"
    frame = pd.DataFrame({"age": np.arange(60), "weight": rng.normal(70, 9, 60).round(1), "ward": ["n", "s", "e"] * 20})
    frame.to_csv(file, index=False)
    return load_recipe("table"), file, file


SOURCES = {"wfdb": wfdb, "series": series, "images": images, "table": table}


@pytest.fixture(params=KINDS)
def case(request, tmp_path):
    """A kind, the recipe for a small source of it, the source, and a file in it to spoil."""
    return KINDS[request.param], *SOURCES[request.param](tmp_path / "source")


def test_a_source_is_recognised(case):
    kind, recipe, source, _ = case
    assert check_source(recipe, source) is kind
    assert check_source(recipe_for(source), source) is kind


def test_options_without_meaning_are_refused(case):
    kind, recipe, source, _ = case
    for option in kind.meaningless:
        with pytest.raises(InputError, match=f"^--{option} v5: means nothing for {kind.title}; leave it out"):
            check_source(recipe.changed({option: "v5"}), source)
    assert check_source(recipe.changed({"label": "none"}), source) is kind


IMPOSSIBLE = {
    "no length": ("ptb-quantile", {"side": "auto"}, "say how long a window is"),
    "an unknown layout": ("ptb-quantile", {"arrangement": "hilbrt"}, "did you mean 'hilbert'"),
    "no inverse": ("ptb-quantile", {"arrangement": "gramian"}, "gramian: has no inverse"),
    "two leads in colours": ("ptb-quantile", {"colours": "hsv", "leads": "i,ii"}, "needs three leads, there are 2"),
    "pictures of any size": ("iris", {"side": "auto"}, "give the side that they are resized to"),
    "quantiles of a table": ("table", {"standardizer": "quantile"}, "tables take minmax or equalize"),
    "a table in an order of signals": ("table", {"arrangement": "stft"}, "unknown table grid 'stft'"),
}


@pytest.mark.parametrize(("name", "changes", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_no_source_could_mend_is_refused_without_one(name, changes, message):
    recipe = load_recipe(name).changed(changes)
    with pytest.raises(InputError, match=message):
        kind_of_recipe(recipe).check_layout(recipe)


def test_a_table_with_classes_names_their_column(tmp_path):
    recipe, source, _ = table(tmp_path / "source")
    with pytest.raises(InputError, match="head = 'projection' needs classes; name the column"):
        check_source(recipe.changed({"head": "projection"}), source)


def test_samples_come_back_from_the_source_s_own_format(case, tmp_path):
    """Read, encoded, decoded, written, read again: as close as levels are."""
    kind, recipe, source, _ = case
    store = placed(kind.ingest(recipe, source, tmp_path / "store", split=True))
    codec = fit_codec(recipe, store)
    assert kind_of_codec(codec) is kind
    x = store.samples(np.arange(12))
    decoded = codec.decode(codec.encode(x.values), codec.offset(x.values))
    samples = type(x)(decoded, pd.DataFrame({"number": np.arange(12)}), x.channels, x.units, x.fs)
    write_set(lambda first: [samples], tmp_path / "synthetic", kind.new_format(Plan.of(samples, "synthetic"), codec))
    kind.refuse_foreign(tmp_path / "synthetic", codec.form)
    again = kind.read_back(tmp_path / "synthetic", codec)
    assert (again.channels, again.units, again.fs) == (x.channels, x.units, x.fs)
    span = np.ptp(x.values, axis=(0, 2), keepdims=True)
    assert (np.abs(again.values - decoded) <= np.maximum(0.05 * span, store.step)).all()  # whole numbers are rounded


def test_a_format_that_it_cannot_have(case, tmp_path):
    kind, recipe, source, _ = case
    codec = fit_codec(recipe, placed(kind.ingest(recipe, source, tmp_path / "store", split=True)))
    with pytest.raises(InputError, match="format 'mp3' is not for this data; choose one of source"):
        kind.new_format(None, codec, "mp3")


def test_a_store_does_not_depend_on_who_read(case, tmp_path):
    kind, recipe, source, _ = case
    jobs = []

    def backwards(function, items):
        jobs.append(len(items))
        results = list(threaded_map(function, list(reversed(items))))
        yield from reversed(results)

    whole = placed(kind.ingest(recipe, source, tmp_path / "whole", split=True))
    again = placed(kind.ingest(recipe, source, str(tmp_path / "again"), split=True, parallel=backwards))
    assert not source.is_dir() or jobs[0] > 7
    files = {path.relative_to(tmp_path / "whole"): path for path in (tmp_path / "whole").rglob("*") if path.is_file()}
    assert files
    for name, path in files.items():
        assert (tmp_path / "again" / name).read_bytes() == path.read_bytes()
    assert again.frame.equals(whole.frame)


def test_one_bad_file_can_be_left_out(case, tmp_path):
    kind, recipe, source, victim = case
    if not source.is_dir():
        pytest.skip("a source of one file")
    whole = placed(kind.ingest(recipe, source, tmp_path / "whole", split=True))
    victim.write_bytes(victim.read_bytes()[: 40 if victim.suffix == ".dat" else 0])
    with pytest.raises(InputError, match=f"{victim.stem[:5]}.*, or leave it out with --skip-bad$"):
        placed(kind.ingest(recipe, source, tmp_path / "bad", split=True))
    without = placed(kind.ingest(recipe.changed({"skip_bad": True}), source, tmp_path / "bad", split=True))
    assert len(without.problems) == 1
    assert 0 < len(without) < len(whole)


def test_reading_waits_for_no_network_and_no_statistics():
    """What only step 5 needs is imported when it is needed."""
    code = (
        "import sys, anonimage.pipelines.kinds; print([m for m in ('torch', 'sklearn', 'skimage') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
