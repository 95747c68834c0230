"""encode and decode: signals through PNG files and back, each window with its own offset."""

import json

import numpy as np
import pandas as pd
import pytest
import wfdb
from PIL import Image
from tiny import anonimage, refused, sets

RECIPE = sets(side=9)
HALF_A_LEVEL = 2.5 / 255 / 2


@pytest.fixture
def encoded(database, tmp_path):
    to = tmp_path / "images"
    result = anonimage("encode", database, to, *RECIPE, "--leads", "i,ii,iii", "--set", "arrangement=rgb")
    assert result.exit_code == 0, result.output
    return to


def test_an_image_holds_the_window_that_the_table_says(encoded, database):
    table = pd.read_parquet(encoded / "samples.parquet")
    row = table.iloc[7]
    signal = wfdb.rdrecord(str(database / row["record"])).p_signal[row["start"] : row["start"] + 81]
    image = np.asarray(Image.open(encoded / "images" / row["image"]))
    assert image.shape == (9, 9, 3)
    bounds = json.loads((encoded / "codec.json").read_text())["content"]["standardizer"]["parts"][0]["bounds"]
    signal = np.clip(signal, *bounds)
    for lead, name in enumerate(("i", "ii", "iii")):
        assert row[f"offset_{name}"] == pytest.approx(signal[:, lead].min(), abs=1e-6)
        levels = (signal[:, lead] - signal[:, lead].min()) / 2.5 * 255
        outside = levels > 255
        assert np.abs(image[..., lead].reshape(-1) - levels)[~outside].max() <= 0.51


def test_decoding_gives_the_signals_back(encoded, database, tmp_path):
    assert anonimage("decode", encoded, tmp_path / "signals").exit_code == 0
    table = pd.read_csv(tmp_path / "signals" / "samples.csv")
    bounds = json.loads((encoded / "codec.json").read_text())["content"]["standardizer"]["parts"][0]["bounds"]
    compared = 0
    for row in table.itertuples():
        decoded = wfdb.rdrecord(str(tmp_path / "signals" / row.record)).p_signal
        real = wfdb.rdrecord(str(database / row.source_record)).p_signal[row.start : row.start + 81]
        if (real >= bounds[0]).all() and (real <= bounds[1]).all() and np.ptp(real, axis=0).max() <= 2.5:
            assert np.abs(decoded - real).max() <= HALF_A_LEVEL + 0.5 / 1000 + 1e-5  # and half an ADC step
            compared += 1
    assert compared > 0.8 * len(table)


@pytest.mark.parametrize(("leads", "size"), [("i", (9, 9)), ("i,ii", (9, 18)), ("i,ii,iii", (9, 9))])
def test_pictures_of_any_number_of_channels(leads, size, database, tmp_path):
    assert anonimage("encode", database, tmp_path / "a", *RECIPE, "--leads", leads).exit_code == 0
    assert Image.open(tmp_path / "a" / "images" / "000001.png").size == size
    assert anonimage("decode", tmp_path / "a", tmp_path / "b").exit_code == 0
    assert wfdb.rdrecord(str(tmp_path / "b" / "window000001")).sig_name == leads.split(",")


def test_the_signals_themselves_do_not_stay_in_the_folder(encoded):
    assert {path.name for path in encoded.iterdir()} == {"images", "codec.json", "samples.parquet"}


def spoil_codec(folder):
    path = folder / "codec.json"
    path.write_text(path.read_text().replace("2.5", "2.6"))


def spoil_image(folder):
    (folder / "images" / "000003.png").write_text("not an image")


def cut_image(folder):
    path = folder / "images" / "000003.png"
    path.write_bytes(path.read_bytes()[:60])


def resize_image(folder):
    path = folder / "images" / "000003.png"
    Image.open(path).resize((10, 9)).save(path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_codec, ["codec.json", "edited"]),
        (lambda folder: (folder / "codec.json").unlink(), ["codec.json", "not there"]),
        (lambda folder: (folder / "samples.parquet").unlink(), ["no samples.parquet"]),
        (lambda folder: (folder / "samples.parquet").write_text("x"), ["samples.parquet", "cannot be read"]),
        (lambda folder: (folder / "images" / "000003.png").unlink(), ["000003.png", "missing"]),
        (spoil_image, ["000003.png", "cannot be read"]),
        (cut_image, ["000003.png", "cannot be read"]),
        (resize_image, ["000003.png", "(9, 10, 3)"]),
    ],
)
def test_a_spoilt_folder_is_refused(spoil, words, encoded, tmp_path):
    spoil(encoded)
    refused(anonimage("decode", encoded, tmp_path / "signals"), *words)
    assert not (tmp_path / "signals").exists()


def test_records_are_written_at_the_source_s_resolution(encoded, tmp_path):
    assert anonimage("decode", encoded, tmp_path / "signals").exit_code == 0
    assert wfdb.rdheader(str(tmp_path / "signals" / "window000001")).adc_gain == [1000.0] * 3


def test_folders_in_use_are_refused(encoded, database, tmp_path):
    (tmp_path / "file").write_text("years of work")
    refused(anonimage("encode", database, tmp_path / "file", *RECIPE), "is a file")
    assert (tmp_path / "file").read_text() == "years of work"
    refused(anonimage("encode", database, encoded, *RECIPE), str(encoded), "holds files")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine.txt").write_text("x")
    refused(anonimage("decode", encoded, tmp_path / "used"), "holds files")


def test_a_folder_that_encode_did_not_make(tmp_path):
    refused(anonimage("decode", tmp_path, tmp_path / "to"), "no samples.parquet")


def test_an_unreadable_source_leaves_nothing(tmp_path):
    refused(anonimage("encode", tmp_path / "absent", tmp_path / "to"), "no such file or folder")
    assert list(tmp_path.iterdir()) == []
