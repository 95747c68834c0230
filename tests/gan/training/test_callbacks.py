import pytest
import torch
from anonimage.errors import InputError
from anonimage.gan.objectives.acgan import AuxiliaryClassifier
from anonimage.gan.training.callbacks import Checkpoints, Metrics, Progress
from anonimage.gan.training.checkpoint import latest, load


def test_a_row_every_few_steps(tmp_path, small):
    path = tmp_path / "metrics.csv"
    small.trainer([Metrics(path, every=3)]).train(10)
    header, *lines = path.read_text().splitlines()
    assert header == "step,critic_loss,generator_loss,images_per_second,seconds"  # no class head, no accuracy
    table = [[float(word) for word in line.split(",")] for line in lines]
    assert [row[0] for row in table] == [3, 6, 9]
    seconds = [row[4] for row in table]
    assert seconds == sorted(seconds)
    # 24 images from one row to the next, by its own clock; seconds have three digits
    assert table[2][3] == pytest.approx(24 / (seconds[2] - seconds[1]), rel=0.002 / (seconds[2] - seconds[1]))


def test_progress_and_metrics_agree(tmp_path, small):
    readings = []
    small.trainer([Metrics(tmp_path / "metrics.csv", every=2), Progress(readings.append, every=2)]).train(4)
    assert [(r["step"], r["critic_loss"], r["generator_loss"]) for r in readings] == [
        (int(step), float(critic), float(generator)) for step, critic, generator in small.rows(tmp_path / "metrics.csv")
    ]


def test_accuracies_stand_in_the_row_of_their_step(tmp_path, small):
    path, readings = tmp_path / "metrics.csv", []
    trainer = small.trainer([Metrics(path, every=2), Progress(readings.append, every=2)], architecture=small.AUXILIARY)

    class Fixed(AuxiliaryClassifier):
        def critic_losses(self, step):
            losses = super().critic_losses(step)
            step.figures |= {"real_accuracy": torch.tensor(trainer.step / 10), "fake_accuracy": torch.tensor(0.05)}
            return losses

    trainer.objective = Fixed()
    trainer.train(4)
    assert [row["real_accuracy"] for row in readings] == pytest.approx([0.1, 0.3])
    assert [row["fake_accuracy"] for row in readings] == pytest.approx([0.05, 0.05])
    words = [line.split(",") for line in path.read_text().splitlines()[1:]]
    assert [float(row[5]) for row in words] == pytest.approx([0.1, 0.3])


@pytest.mark.parametrize("tail", ["", "14,0.5,0.5,9.0,1.0\n16,0.5", "1"])
def test_rows_beyond_the_checkpoint_and_a_cut_row_are_dropped(tmp_path, small, tail):
    path, folder = tmp_path / "metrics.csv", tmp_path / "checkpoints"
    small.trainer([Metrics(path, every=2), Checkpoints(folder, every=5)]).train(5)
    before = path.read_text()
    small_rows = small.rows(path)
    path.write_text(before + "6,0.5,0.5,9.0,1.0\n" + tail)
    resumed = small.trainer([Metrics(path, every=2), Checkpoints(folder, every=5)])
    resumed.resume(lambda: load(latest(folder)))
    resumed.train(9)
    assert path.read_text().startswith(before)
    rows = small.rows(path)
    assert rows[: len(small_rows)] == small_rows
    assert [int(step) for step, _, _ in rows] == [2, 4, 6, 8]
    assert rows[2][1] != "0.5"


def test_seconds_go_on_where_they_stopped(tmp_path, small):
    path = tmp_path / "metrics.csv"
    small.trainer([Metrics(path, every=1)]).train(2)
    header, first, second = path.read_text().splitlines()
    path.write_text(f"{header}\n{first}\n{','.join(second.split(',')[:4])},100.0\n")
    trainer = small.trainer([Metrics(path, every=1)])
    trainer.step = 2
    trainer.train(3)
    assert float(path.read_text().splitlines()[-1].split(",")[4]) > 100


@pytest.mark.parametrize(
    "content",
    [
        "time,loss\n1,2\n",
        "step,critic_loss,generator_loss,images_per_second\n1,1,1,1\n",
        "step,critic_loss,generator_loss,images_per_second,seconds\na,b\n",
    ],
)
def test_a_file_that_is_not_ours_is_not_touched(tmp_path, small, content):
    path = tmp_path / "metrics.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"metrics\.csv: .*rename or delete this file"):
        small.trainer([Metrics(path)]).train(1)
    assert path.read_text() == content


def test_a_path_that_cannot_be_written_is_one_line(tmp_path, small):
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "folder"
    for callback in (Metrics(folder / "metrics.csv"), Checkpoints(folder, every=1)):
        with pytest.raises(InputError, match=r"cannot be (written|made)"):
            small.trainer([callback]).train(1)
