"""A store of whole samples gives back what was written, and tells a whole store from half of one."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.samples import Samples
from anonimage.data.store.store import open_store
from anonimage.data.wfdb.header import find_records, read_heads
from anonimage.data.wfdb.signals import RecordSource
from anonimage.errors import InputError
from store_cases import write, write_samples

FORM = {"kind": "images", "size": [3, 2], "classes": ["arch", "whorl"]}


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    values = rng.uniform(-2, 5, (7, 2, 3)).astype(np.float32)
    values[3, 1, 2] = np.nan
    frame = pd.DataFrame(
        {"patient": list("aabbccd"), "label": [0, 0, 1, 1, 0, 0, 1], "part": ["train", "control"] * 3 + ["train"]}
    )
    return Samples(values, frame, ("x", "y"), ("mV", ""), 50.0)


@pytest.fixture
def store(samples, tmp_path):
    return write_samples(tmp_path / "store", samples, FORM, ("arch", "whorl"), ["one line"])


def test_what_was_written_is_read(store, samples, tmp_path):
    again = open_store(tmp_path / "store")
    assert (again.channels, again.units, again.fs, again.length) == (("x", "y"), ("mV", ""), 50.0, 3)
    assert (again.form, again.classes, again.gains) == (FORM, ("arch", "whorl"), None)
    assert (again.dropped, again.problems, len(again)) == ({}, ["one line"], 7)
    read = again.samples()
    np.testing.assert_array_equal(read.values, samples.values)
    pd.testing.assert_frame_equal(read.frame, samples.frame)


def test_rows_are_those_asked_for_in_that_order(store, samples):
    np.testing.assert_array_equal(store.values([5, 0, 5]), samples.values[[5, 0, 5]])
    some = store.samples(np.array([6, 1]))
    assert some.frame["patient"].tolist() == ["d", "a"]
    np.testing.assert_array_equal(some.values, samples.values[[6, 1]])
    mask = samples.frame["label"].to_numpy() == 1
    np.testing.assert_array_equal(store.samples(mask).values, samples.values[mask])
    store.values([0])[:] = 9  # a copy
    np.testing.assert_array_equal(store.values([0]), samples.values[:1])


@pytest.mark.parametrize(
    ("part", "rows"), [("train", [0, 2, 4, 6]), ("control", [1, 3, 5]), (None, range(7)), ("x", [])]
)
def test_parts_come_in_pieces_in_order(store, samples, part, rows):
    pieces = list(store.iter_windows(part, chunk=3))
    assert all(1 <= len(piece) <= 3 for piece in pieces)
    together = np.concatenate([np.empty((0, 2, 3), np.float32), *pieces])
    np.testing.assert_array_equal(together, samples.values[list(rows)])


def test_the_step_is_the_range_in_16_bit(tmp_path):
    def step(values):
        samples = Samples(np.array(values, np.float32).reshape(-1, 1, 1), pd.DataFrame(index=range(3)), ("x",), ("",))
        return write_samples(tmp_path / "s", samples, {}).step

    assert step([-1, np.nan, 3]) == pytest.approx(4 / 65535)
    assert step([2, 2, 2]) == step([np.nan] * 3) == pytest.approx(1 / 65535)


def test_parts_are_empty_where_nobody_split(samples, tmp_path):
    whole = Samples(samples.values, samples.frame.drop(columns="part"), samples.channels, samples.units)
    store = write_samples(tmp_path / "s", whole, FORM)
    assert (store.frame["part"] == "").all()
    assert store.fs is None
    assert not list(store.iter_windows("train"))


def test_nothing_to_store(samples, tmp_path):
    with pytest.raises(InputError, match="no sample to store"):
        write_samples(tmp_path / "s", samples.select(np.array([], int)), FORM)
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_the_old_store(store, samples, tmp_path):
    with pytest.raises(ValueError, match="Out of range"):  # JSON has no NaN
        write_samples(tmp_path / "store", samples, {"size": float("nan")})
    assert open_store(tmp_path / "store").form == FORM
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def edit_form(path):
    path.write_text(path.read_text().replace("arch", "loop"))


def edit_value(path):
    stored = bytearray(path.read_bytes())
    stored[-3] ^= 1
    path.write_bytes(stored)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("r000000.npy", cut),
        ("samples.parquet", cut),
        ("samples.parquet", edit_value),
        ("manifest.json", cut),
        ("manifest.json", edit_form),
        ("r000000.npy", lambda path: path.unlink()),
        ("samples.parquet", lambda path: path.unlink()),
        ("r000000.npy", lambda path: np.save(path, np.zeros((7, 2, 3)))),
    ],
)
def test_half_a_store_is_told(store, tmp_path, name, fault):
    fault(tmp_path / "store" / name)
    with pytest.raises(InputError, match=r"store: only part of a store .*; run `prepare` again") as refusal:
        open_store(tmp_path / "store")
    assert "\n" not in str(refusal.value)


def test_a_changed_value_is_told_before_it_is_used(store, tmp_path):
    edit_value(tmp_path / "store" / "r000000.npy")
    with pytest.raises(InputError, match=r"r000000.npy: the signal is damaged .*; run `prepare` again"):
        open_store(tmp_path / "store").values([0])


def test_either_store_is_opened_by_what_lies_there(store, record, database, tmp_path):
    record()
    write(tmp_path / "signals", [RecordSource(head) for head in read_heads(find_records(database))], 100)
    assert not open_store(tmp_path / "signals").is_whole
    assert open_store(tmp_path / "store").is_whole
    with pytest.raises(InputError, match="no store here"):
        open_store(tmp_path)


def test_the_step_tells_nothing_of_control_samples(samples, tmp_path):
    """Values 0 and 65535 train; a control value of a thousand times that must not widen their step."""
    values = np.zeros((3, 1, 2), np.float32)
    values[0], values[1], values[2] = [[0, 65535]], [[0, 1]], [[0, 65535e3]]
    frame = pd.DataFrame({"patient": list("abc"), "label": 0})
    steps = []
    for parts in (["train", "train", "control"], ["", "", ""]):
        given = Samples(values, frame.assign(part=parts), ("x",), ("",))
        steps.append(write_samples(tmp_path / "store", given, FORM).step)
    assert steps == pytest.approx([1, 1000])
