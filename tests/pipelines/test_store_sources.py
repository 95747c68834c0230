"""Whatever the source is, its store does not tell who read it, and one bad record, file or picture can be left out."""

import numpy as np
import pytest
from anonimage.data.parallel import in_turn
from anonimage.errors import InputError
from anonimage.pipelines.kinds import check_source
from anonimage.pipelines.recipe import load_recipe
from PIL import Image
from tiny import TINY, beats, write_database


def wfdb(folder):
    write_database(folder, patients=8)
    return load_recipe("ptb-quantile").changed(TINY), folder / "patient003" / "s0003_re.dat"


def series(folder):
    folder.mkdir()
    for patient in range(8):
        text = "\n".join(["i,ii,iii", *(",".join(f"{value:.3f}" for value in row) for row in beats(patient).T)])
        (folder / f"patient{patient:03d}.csv").write_text(text)
    return load_recipe("series").changed({"fs": 100, "side": 9}), folder / "patient003.csv"


def images(folder):
    folder.mkdir()
    for k in range(12):
        levels = np.random.default_rng(k).integers(0, 256, (9, 9), dtype=np.uint8)
        Image.fromarray(levels).save(folder / f"person{k:02d}.png")
    return load_recipe("iris").changed({"side": 9}), folder / "person03.png"


@pytest.mark.parametrize("kind", [wfdb, series, images])
def test_a_store_of_each_kind(kind, tmp_path):
    recipe, victim = kind(tmp_path / "source")
    jobs = []

    def backwards(function, items):
        jobs.append(len(items))
        results = list(in_turn(function, list(reversed(items))))
        yield from reversed(results)

    whole = check_source(recipe, tmp_path / "source").ingest(
        recipe, tmp_path / "source", tmp_path / "whole", split=True
    )
    other = check_source(recipe, tmp_path / "source").ingest(
        recipe, tmp_path / "source", str(tmp_path / "other"), split=True, spread=backwards
    )
    assert jobs[0] > 7
    files = {path.relative_to(tmp_path / "whole"): path for path in (tmp_path / "whole").rglob("*") if path.is_file()}
    assert files
    for name, path in files.items():
        assert (tmp_path / "other" / name).read_bytes() == path.read_bytes()
    assert other.frame.equals(whole.frame)

    victim.write_bytes(victim.read_bytes()[: 40 if kind is wfdb else 0])
    with pytest.raises(InputError, match=f"{victim.stem[:5]}.*, or leave it out with --skip-bad$"):
        check_source(recipe, tmp_path / "source").ingest(recipe, tmp_path / "source", tmp_path / "bad", split=True)
    without = check_source(recipe.changed({"skip_bad": True}), tmp_path / "source").ingest(
        recipe.changed({"skip_bad": True}), tmp_path / "source", tmp_path / "bad", split=True
    )
    assert len(without.problems) == 1
    assert 0 < len(without) < len(whole)
