import errno
import json
import resource
import shutil

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.gan.sampling import sample_images
from anonimage.gan.training.callbacks import Checkpoints
from anonimage.gan.training.checkpoint import latest, load


@pytest.fixture(scope="module")
def written(tmp_path_factory, small):
    """A run of five steps with a checkpoint at each of the last three, and its trainer."""
    folder = tmp_path_factory.mktemp("run") / "checkpoints"
    trainer = small.trainer([Checkpoints(folder, every=1, keep=3)])
    trainer.train(5)
    return folder, trainer


@pytest.fixture
def checkpoints(written, tmp_path):
    return shutil.copytree(written[0], tmp_path / "checkpoints")


def test_the_newest_few_remain(written):
    assert sorted(path.name for path in written[0].iterdir()) == ["000003", "000004", "000005"]
    files = ["optimizer.safetensors", "state.json", "weights.safetensors"]
    assert sorted(path.name for path in latest(written[0]).iterdir()) == files


def test_no_checkpoint_yet(tmp_path):
    assert latest(tmp_path) is None
    assert latest(tmp_path / "nowhere") is None


def test_the_newest_is_the_highest_number_not_the_last_name(checkpoints):
    (checkpoints / "000005").rename(checkpoints / "1000000")
    assert latest(checkpoints).name == "1000000"


def test_a_checkpoint_that_was_being_deleted_is_none(checkpoints):
    (checkpoints / "000005" / "state.json").unlink()
    assert latest(checkpoints).name == "000004"


def test_a_loaded_generator_samples_what_the_trained_one_does(written):
    folder, trainer = written
    expected = sample_images(trainer.ema.network, 70, seed=2)
    assert np.array_equal(sample_images(load(latest(folder)).averaged_generator(), 70, seed=2), expected)


def test_no_pickle_is_in_the_files(written):
    state = json.loads((latest(written[0]) / "state.json").read_text())
    assert state["step"] == 5
    assert state["architecture"]["image_shape"] == [1, 8, 8]
    assert set(state["versions"]) >= {"torch", "numpy", "python"}
    for name in ("weights.safetensors", "optimizer.safetensors"):
        content = (latest(written[0]) / name).read_bytes()
        length = int.from_bytes(content[:8], "little")
        assert all("dtype" in entry for entry in json.loads(content[8 : 8 + length]).values())


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors", "state.json"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_cut_file_is_named_with_the_remedy(checkpoints, name, share):
    path = checkpoints / "000005" / name
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError) as caught:
        load(latest(checkpoints))
    message = str(caught.value)
    assert str(path) in message
    assert f"delete the folder {path.parent}: training resumes from the checkpoint before it" in message
    assert "\n" not in message
    shutil.rmtree(path.parent)  # what the message says
    assert load(latest(checkpoints)).step == 4


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("state.json", b'"step": 5', b'"step": 4'),
        ("state.json", b'"latent_dim": 6', b'"latent_dim": 7'),
        ("state.json", b"{", b"["),
        ("weights.safetensors", b"F32", b"F16"),
    ],
)
def test_an_edited_file_is_refused(checkpoints, name, old, new):
    path = checkpoints / "000005" / name
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    with pytest.raises(InputError, match="edited"):
        load(path.parent)


def test_a_missing_file_is_named(checkpoints):
    (checkpoints / "000005" / "optimizer.safetensors").unlink()
    with pytest.raises(InputError, match=r"optimizer\.safetensors: is missing"):
        load(latest(checkpoints))


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no checkpoint \(state\.json is missing\)"):
        load(tmp_path)


def test_another_version_is_refused(checkpoints):
    path = checkpoints / "000005" / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(InputError, match="format 99 was written by another version"):
        load(path.parent)


def test_a_full_disk_is_one_line_and_leaves_the_earlier_checkpoints(checkpoints, small):
    trainer = small.trainer([Checkpoints(checkpoints, every=1)])
    trainer.resume(lambda: load(latest(checkpoints)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(InputError, match="000006: cannot be written") as caught:
            trainer.train(8)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.__cause__.errno == errno.EFBIG
    assert sorted(path.name for path in checkpoints.iterdir()) == ["000003", "000004", "000005"]
