"""Pictures come back as what they were; every fault names its file in one line."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.patients import patients_of
from anonimage.data.pictures import PictureFormat, describe_pictures, read_pictures
from anonimage.data.samples import Samples
from anonimage.data.sharded import Plan
from anonimage.errors import InputError
from PIL import Image
from sklearn.datasets import load_digits
from writer_cases import write_set


def noise(size=(12, 8), mode="L", seed=0):
    shape = (size[1], size[0]) if mode in ("L", "1") else (size[1], size[0], len(mode))
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8))


def write_pictures(samples, dest, form):
    picture_format = PictureFormat(Plan.of(samples), form)
    write_set(lambda first: [samples], dest, picture_format)
    return [dest / name for name in picture_format.names(samples, 0)]


def save(folder, name, picture=None, **options):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (picture or noise(**options)).save(folder / name)


@pytest.fixture
def digits(tmp_path):
    """A real set: 60 digits of 8×8 grey pixels, in class folders."""
    result = load_digits()
    for k in range(60):
        picture = Image.fromarray((result.images[k] * 15).astype(np.uint8))
        save(tmp_path / "digits", f"{result.target[k]}/{k:02d}.png", picture)
    return tmp_path / "digits"


def test_digits_go_in_and_come_out_unchanged(digits, tmp_path):
    result = read_pictures(digits, side=8)
    assert result.classes == tuple("0123456789")
    assert result.form == {"kind": "images", "size": [8, 8], "mode": "L", "suffix": ".png", "classes": [*"0123456789"]}
    assert result.samples.channels == ("grey",)
    assert list(result.samples.frame.columns) == ["patient", "record", "start", "label", "diagnosis"]
    for values, row in zip(result.samples.values, result.samples.frame.itertuples(), strict=True):
        np.testing.assert_array_equal(values[0], np.asarray(Image.open(digits / row.record)).ravel())
        assert row.diagnosis == result.classes[row.label] == row.record.split("/")[0]
    paths = write_pictures(result.samples, tmp_path / "out", result.form)
    again = read_pictures(tmp_path / "out", side=8)
    np.testing.assert_array_equal(again.samples.values, result.samples.values)
    assert again.classes == result.classes
    table = pd.read_csv(tmp_path / "out" / "samples.csv")
    assert [tmp_path / "out" / name for name in table["record"]] == paths
    assert table["source_record"].tolist() == result.samples.frame["record"].tolist()


def test_colours_keep_their_order(tmp_path):
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[:, 2:] = (10, 20, 30)
    save(tmp_path / "in", "a.bmp", Image.fromarray(pixels))
    result = read_pictures(tmp_path / "in", side=8)
    assert result.samples.channels == ("red", "green", "blue")
    assert result.form["size"] == [4, 2]
    (sample,) = result.samples.values
    assert sample.reshape(3, 8, 8)[:, 0, 7].tolist() == pytest.approx([10, 20, 30], abs=3)
    assert sample.reshape(3, 8, 8)[:, 7, 0].tolist() == pytest.approx([0, 0, 0], abs=3)
    (path,) = write_pictures(result.samples, tmp_path / "out", result.form)
    written = np.asarray(Image.open(path))
    assert (path.suffix, written.shape) == (".bmp", (2, 4, 3))
    np.testing.assert_allclose(written[:, [0, 3]], pixels[:, [0, 3]], atol=3)  # away from the edge, where it rings


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".PNG"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_every_kind_comes_back_as_its_kind(tmp_path, suffix, mode):
    for k in range(3):
        save(tmp_path / "in", f"{k}{suffix}", Image.new(mode, (12, 8), 40 * k if mode == "L" else (40 * k, 9, 200)))
    result = read_pictures(tmp_path / "in", side=5)
    paths = write_pictures(result.samples, tmp_path / "out", result.form)
    for before, after in zip(sorted((tmp_path / "in").iterdir()), paths, strict=True):
        one, other = Image.open(before), Image.open(after)
        assert (one.format, one.size, one.mode) == (other.format, other.size, other.mode)
        assert after.suffix == suffix.lower()
        np.testing.assert_allclose(np.asarray(one, int), np.asarray(other, int), atol=2)


def test_shrinking_is_antialiased(tmp_path):
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    save(tmp_path, "checks.png", Image.fromarray(checks.astype(np.uint8)))
    inner = read_pictures(tmp_path, side=8).samples.values.reshape(8, 8)[1:-1, 1:-1]
    assert np.abs(inner - 127.5).max() < 2  # picking pixels would give 0 or 255


def test_palette_bilevel_and_turned_pictures_are_what_they_look_like(tmp_path):
    colours = Image.new("RGB", (4, 4), (200, 0, 0))
    save(tmp_path / "p", "a.png", colours.convert("P", palette=Image.Palette.ADAPTIVE))
    assert read_pictures(tmp_path / "p", side=4).samples.values[0, :, 0].tolist() == [200, 0, 0]
    save(tmp_path / "b", "a.png", Image.new("1", (4, 4), 1))
    assert read_pictures(tmp_path / "b", side=4).samples.values.tolist() == [[[255.0] * 16]]
    pixels = np.zeros((2, 6), np.uint8)
    pixels[:, :3] = 255
    turned = Image.Exif()
    turned[0x0112] = 6  # to be shown turned by 90° clockwise
    (tmp_path / "e").mkdir()
    Image.fromarray(pixels).save(tmp_path / "e" / "a.png", exif=turned)
    result = read_pictures(tmp_path / "e", side=6)
    assert result.form["size"] == [2, 6]
    assert result.samples.values.reshape(6, 6)[:3].min() > 200


def test_patients_of_pictures(digits):
    samples = read_pictures(digits, side=4, patient=r"/(\d)").samples
    assert samples.frame["patient"].tolist() == [name.split("/")[1][0] for name in samples.frame["record"]]
    assert read_pictures(digits, side=4).samples.frame["patient"].is_unique
    names = read_pictures(digits, side=4).samples.frame["record"].tolist()
    folders = read_pictures(digits, side=4, patient="folder").samples.frame["patient"].tolist()
    assert folders == patients_of(names, "folder")


def test_class_folders_are_not_people_though_they_hold_few_pictures(digits, tmp_path):
    assert read_pictures(digits, side=4, patient="auto").samples.frame["patient"].is_unique
    for kind in ("left", "right"):
        for who in ("anna", "ben"):
            for k in range(3):
                save(tmp_path / "eyes", f"{kind}/{who}/{k}.png")
    people = read_pictures(tmp_path / "eyes", side=4, patient="auto").samples.frame["patient"]
    assert sorted(set(people)) == ["left/anna", "left/ben", "right/anna", "right/ben"]


def test_generated_pictures_are_read_with_the_classes_of_their_source(digits, tmp_path):
    result = read_pictures(digits, side=8)
    sevens = result.samples.select(result.samples.frame["label"].to_numpy() == 7)
    write_pictures(sevens, tmp_path / "out", result.form)
    assert read_pictures(tmp_path / "out", side=8).samples.frame["label"].unique().tolist() == [0]
    again = read_pictures(tmp_path / "out", side=8, classes=result.classes)
    assert again.samples.frame["label"].unique().tolist() == [7]
    assert again.classes == result.classes
    with pytest.raises(InputError, match="class '7' is not known; there are a"):
        read_pictures(tmp_path / "out", side=8, classes=("a",))


def test_progress_and_hidden_files(digits):
    (digits / ".cache").mkdir()
    save(digits, "__MACOSX/x.png")
    save(digits, ".thumb.png")
    calls = []
    read_pictures(digits, side=4, progress=lambda *done: calls.append(done))
    assert calls == [(k, 60) for k in range(1, 61)]


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def text(path):
    path.write_text("not a picture")


FAULTS = {
    "size": (lambda d: save(d, "b.png", size=(12, 9)), r"b\.png: 12×9 pixels, but .*a\.png has 12×8; bring all to one"),
    "mode": (lambda d: save(d, "b.png", mode="RGB"), r"b\.png: mode RGB, but .*a\.png has mode L; save all"),
    "cut": (lambda d: (save(d, "b.png", size=(12, 8)), cut(d / "b.png")), r"b\.png: cannot be read \("),
    "cut jpeg": (lambda d: (save(d, "b.jpg"), cut(d / "b.jpg")), r"b\.jpg: cannot be read \("),
    "text": (lambda d: text(d / "b.png"), r"b\.png: is not a picture, whatever its name says"),
    "empty": (lambda d: (d / "b.png").touch(), r"b\.png: is not a picture"),
    "alpha": (lambda d: save(d, "b.png", mode="RGBA"), r"b\.png: mode RGBA is transparent in places; save it without"),
    "16 bit": (
        lambda d: save(d, "b.png", Image.fromarray(np.zeros((8, 12), np.uint16))),
        r"b\.png: mode I;16 is neither 8-bit grey nor RGB",
    ),
    "cmyk": (lambda d: save(d, "b.jpg", Image.new("CMYK", (12, 8))), r"b\.jpg: mode CMYK is neither"),
    "gif": (lambda d: save(d, "b.gif"), r"b\.gif: a \.gif file is not read; save it as \.png"),
    "beside": (lambda d: save(d, "k/b.png"), r"lie both beside its folders \(a\.png\) and in them \(k/b\.png\)"),
    "pages": (
        lambda d: noise().save(d / "b.tif", save_all=True, append_images=[noise(seed=1)]),
        r"b\.tif: holds 2 pictures; save each",
    ),
}


@pytest.mark.parametrize(("harm", "says"), FAULTS.values(), ids=FAULTS)
def test_faults(tmp_path, harm, says):
    save(tmp_path, "a.png")
    harm(tmp_path)
    with pytest.raises(InputError, match=says) as fault:
        read_pictures(tmp_path, side=4)
    assert "\n" not in str(fault.value)
    looks, problems = describe_pictures(tmp_path)
    assert len(problems) == 1
    assert (12, 8) in {look.size for look in looks}


def test_a_class_folder_without_pictures(digits):
    (digits / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: a class folder without pictures; fill it or delete it"):
        read_pictures(digits, side=4)
    assert len(describe_pictures(digits)[1]) == 1


def test_no_pictures(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_pictures(tmp_path / "nowhere", side=4)
    with pytest.raises(InputError, match="no pictures in this folder"):
        describe_pictures(tmp_path)
    save(tmp_path, "a.gif")
    with pytest.raises(InputError, match=r"a\.gif: a \.gif file is not read"):
        read_pictures(tmp_path, side=4)
    with pytest.raises(InputError, match="side 0"):
        read_pictures(tmp_path, side=0)


def test_description_by_hand(tmp_path):
    for k in range(3):
        save(tmp_path, f"whorl/{k}.png", seed=k)
    save(tmp_path, "loop/a.jpg")
    save(tmp_path, "loop/b.png", size=(3, 3))
    save(tmp_path, "loop/c.png", mode="RGB")
    text(tmp_path / "loop" / "d.png")
    looks, problems = describe_pictures(tmp_path)
    assert [(look.file.relative_to(tmp_path).as_posix(), look.size, look.mode) for look in looks] == [
        ("loop/a.jpg", (12, 8), "L"),
        ("loop/b.png", (3, 3), "L"),
        ("loop/c.png", (12, 8), "RGB"),
        *((f"whorl/{k}.png", (12, 8), "L") for k in range(3)),
    ]
    assert [problem.partition(": ")[0].rpartition("/")[2] for problem in problems] == ["d.png", "b.png", "c.png"]


def test_what_cannot_be_written(tmp_path):
    form = {"kind": "images", "size": [4, 4], "mode": "L", "suffix": ".png", "classes": ["a", "b"]}

    def samples(shape=(2, 1, 16), labels=(0, 1), value=5.0):
        frame = pd.DataFrame({"label": labels} if labels else {"x": [0] * shape[0]})
        names = tuple("xyz"[: shape[1]])
        return Samples(np.full(shape, value), frame, names, ("",) * shape[1])

    for wrong, says in (
        (samples(shape=(2, 3, 16)), "3×16 values are no square L pictures"),
        (samples(shape=(2, 1, 15)), "1×15 values are no square L pictures"),
        (samples(labels=(0, 2)), "label 2 is no class; there are 2"),
        (samples(labels=None), "have no label"),
        (samples(value=np.nan), "missing or infinite"),
        (samples(shape=(0, 1, 16), labels=()), "no samples to write"),
    ):
        with pytest.raises(InputError, match=says):
            write_pictures(wrong, tmp_path / "out", form)
        assert not (tmp_path / "out").exists()
    paths = write_pictures(samples(value=300.0), tmp_path / "out", form)
    assert [path.parent.name for path in paths] == ["a", "b"]
    assert np.asarray(Image.open(paths[0])).tolist() == [[255] * 4] * 4


def test_pictures_that_cannot_be_read_are_left_out_if_asked(tmp_path):
    for name in ("a/1.png", "a/2.png", "b/3.png", "c/4.png"):
        save(tmp_path, name)
    text(tmp_path / "a" / "2.png")
    text(tmp_path / "c" / "4.png")
    with pytest.raises(InputError, match=r"2\.png: is not a picture.*, or leave it out with --skip-bad$"):
        read_pictures(tmp_path, side=4)
    result = read_pictures(tmp_path, side=4, skip_bad=True)
    assert result.samples.frame["record"].tolist() == ["a/1.png", "b/3.png"]
    assert result.samples.frame["label"].tolist() == [0, 1]
    assert result.classes == ("a", "b")  # nothing is left of c
    assert [problem.partition(": ")[0] for problem in result.problems] == [
        str(tmp_path / "a" / "2.png"),
        str(tmp_path / "c" / "4.png"),
    ]
    for name in ("a/1.png", "b/3.png"):
        text(tmp_path / name)
    with pytest.raises(InputError, match=r"1\.png: is not a picture.*; nor can any other picture be read"):
        read_pictures(tmp_path, side=4, skip_bad=True)


def test_the_pictures_are_the_same_whoever_reads(digits):
    def backwards(function, items):
        yield from reversed([function(item) for item in reversed(items)])

    alone, other = read_pictures(digits, side=8), read_pictures(digits, side=8, parallel=backwards)
    np.testing.assert_array_equal(alone.samples.values, other.samples.values)
    assert alone.samples.frame.equals(other.samples.frame)
