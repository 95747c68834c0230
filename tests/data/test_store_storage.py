"""Stores in any place that fsspec knows."""

import fsspec
import numpy as np
import pytest
from anonimage.data.patients import split_patients
from anonimage.data.samples import Samples
from anonimage.data.store.ingest import discard_unfinished
from anonimage.data.store.store import open_store
from anonimage.errors import InputError
from store_cases import content, times_read, write, write_samples


def test_any_place_that_fsspec_knows_holds_the_same_store(tmp_path, noise, bucket):
    there = write(f"{bucket}/store", noise, 100, 50, split=split_patients)
    here = write(f"file://{tmp_path}/store", noise, 100, 50, split=split_patients)
    system = fsspec.filesystem("memory")
    files = {name.removeprefix("/bucket/store/"): system.cat_file(name) for name in system.find("/bucket")}
    assert files == content(tmp_path / "store")
    for cache_bytes in (0, 1 << 30):
        opened = open_store(f"{bucket}/store", cache_bytes)
        np.testing.assert_array_equal(opened.samples().values, here.samples().values)
    assert there.spans().equals(here.spans())


def test_half_a_store_in_a_bucket_is_none_and_goes_on(noise, log, bucket):
    def stopped(function, items):
        yield from map(function, items[:4])
        raise KeyboardInterrupt

    write(f"{bucket}/store", noise, 200)
    times_read(log)
    with pytest.raises(KeyboardInterrupt):
        write(f"{bucket}/store", noise, 100, parallel=stopped)
    with pytest.raises(InputError, match="memory://bucket/store: no store here"):
        open_store(f"{bucket}/store")
    times_read(log)
    write(f"{bucket}/store", noise, 100)
    assert times_read(log) == ["d1", "e1"]
    with pytest.raises(KeyboardInterrupt):
        write(f"{bucket}/other", noise, 100, parallel=stopped)
    discard_unfinished(f"{bucket}/other")
    assert not fsspec.filesystem("memory").find("/bucket/other")
    assert not fsspec.filesystem("memory").find("/bucket/other.unfinished")


def test_a_damaged_block_in_a_bucket_is_noticed(noise, bucket):
    system = fsspec.filesystem("memory")
    write(f"{bucket}/store", noise, 100)
    store = open_store(f"{bucket}/store", 0)
    system.pipe_file("/bucket/store/r000001.npy", b"short")
    system.rm("/bucket/store/r000002.npy")
    with pytest.raises(InputError, match=r"the signal of a2 is damaged .it is cut short"):
        store.windows(["a1", "a2"], [0, 0])
    with pytest.raises(InputError, match=r"the signal of b1 is damaged .it is missing"):
        store.windows(["a1", "b1"], [0, 0])


def test_whole_samples_lie_in_a_bucket_too(noise, bucket):
    values = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    frame = write(f"{bucket}/other", noise, 100).frame.iloc[:4].reset_index(drop=True)
    write_samples(f"{bucket}/store", Samples(values, frame, ("x", "y"), ("", "")), {"kind": "images"})
    for cache_bytes in (0, 1 << 20):
        store = open_store(f"{bucket}/store", cache_bytes)
        assert store.is_whole
        np.testing.assert_array_equal(store.values([3, 0]), values[[3, 0]])
    write(f"{bucket}/store", noise, 100)  # the other kind, in its place
    assert not open_store(f"{bucket}/store").is_whole


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nowhere://x/store", "nowhere://x/store: .*give a folder, or a URL that fsspec knows"),
        ("hdfs3://x/store", "hdfs3://x/store: "),
    ],
)
def test_a_protocol_that_is_not_there(noise, url, says):
    for use in (lambda: open_store(url), lambda: write(url, noise, 100)):
        with pytest.raises(InputError, match=says) as fault:
            use()
        assert "\n" not in str(fault.value)


def test_a_protocol_whose_package_is_not_installed():
    fsspec.register_implementation("far", "farfs.Far", clobber=True, errtxt="Install farfs")
    with pytest.raises(InputError, match=r"far://x: its protocol is in a package of its own \(Install farfs\)"):
        open_store("far://x")
