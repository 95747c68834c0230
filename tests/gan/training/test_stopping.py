import pytest
from anonimage.errors import InputError
from anonimage.gan.training.callbacks import Checkpoints, Stopping
from anonimage.gan.training.checkpoint import latest, load
from anonimage.gan.training.trainer import Callback

SCORES = {5: 9.0, 10: 4.0, 15: 6.0, 20: 3.0, 25: 3.0, 30: 8.0, 35: 5.0, 40: 1.0}


class Clock(Callback):
    """Stands before Stopping and tells its score function which step it is."""

    def step(self, trainer, losses):
        self.now = trainer.step


def run(small, folder, until=60, patience=3, scores=SCORES, end=()):
    clock, reports = Clock(), []
    stopping = Stopping(
        lambda generator: scores[clock.now], 5, patience, folder / "best", lambda *report: reports.append(report)
    )
    trainer = small.trainer([clock, stopping, Checkpoints(folder / "checkpoints", every=7), *end])
    if latest(folder / "checkpoints"):
        trainer.resume(lambda: load(latest(folder / "checkpoints")))
    trainer.train(until)
    return trainer, reports


def test_it_ends_when_no_better_score_follows_and_the_best_remains(tmp_path, small):
    trainer, reports = run(small, tmp_path)
    assert trainer.step == 35
    assert trainer.finished == "no score in 3 since step 20 was below its 3"
    assert reports == [(step, SCORES[step]) for step in range(5, 36, 5)]
    assert [path.name for path in (tmp_path / "best").iterdir()] == ["000020"]
    assert latest(tmp_path / "checkpoints").name == "000035"
    assert (tmp_path / "best.csv").read_text().splitlines()[:3] == ["step,score,restarts", "5,9.0,0", "10,4.0,0"]


def test_more_patience_finds_more(tmp_path, small):
    trainer, _ = run(small, tmp_path, until=40, patience=4)
    assert (trainer.step, trainer.finished) == (40, None)
    assert latest(tmp_path / "best").name == "000040"


def test_a_finished_run_stays_finished_until_it_gets_more_patience(tmp_path, small):
    first, _ = run(small, tmp_path)
    again, reports = run(small, tmp_path)
    assert (again.step, again.finished, reports) == (35, first.finished, [])
    patient, _ = run(small, tmp_path, until=40, patience=9)
    assert (patient.step, latest(tmp_path / "best").name) == (40, "000040")


class KilledError(Exception):
    pass


class Kill(Callback):
    def __init__(self, step):
        self.at = step

    def step(self, trainer, losses):
        if trainer.step == self.at:
            raise KilledError


@pytest.mark.parametrize("at", [3, 12, 20, 22, 34])
def test_killed_and_resumed_it_comes_to_the_same_end(tmp_path, small, at):
    whole, _ = run(small, tmp_path / "whole")
    with pytest.raises(KilledError):
        run(small, tmp_path / "killed", end=[Kill(at)])
    resumed, _ = run(small, tmp_path / "killed")
    assert (resumed.step, resumed.finished) == (whole.step, whole.finished)
    assert (tmp_path / "killed" / "best.csv").read_text() == (tmp_path / "whole" / "best.csv").read_text()
    for name in ("weights.safetensors", "optimizer.safetensors"):
        files = [tmp_path / which / "best" / "000020" / name for which in ("killed", "whole")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_the_averaged_generator_is_scored(tmp_path, small):
    seen = []

    def score(generator):
        seen.append(generator)
        return 1.0

    trainer = small.trainer([Stopping(score, 2, 9, tmp_path / "best", print)])
    trainer.train(4)
    assert seen == [trainer.ema.network] * 2


def test_after_going_back_the_best_of_the_left_course_remains(tmp_path, small):
    class Back(Callback):
        def step(self, trainer, losses):
            if trainer.step == 13 and trainer.restarts == 0:
                trainer.roll_back(lambda: load(tmp_path / "checkpoints" / "000007"))

    trainer, _ = run(small, tmp_path, scores=SCORES, until=35, patience=9, end=[Back()])
    rows = [tuple(line.split(",")) for line in (tmp_path / "best.csv").read_text().splitlines()[1:]]
    assert [(int(step), int(restarts)) for step, _, restarts in rows][:4] == [(5, 0), (10, 0), (10, 1), (15, 1)]
    best = latest(tmp_path / "best")
    assert (best.name, load(best).restarts) == ("000020", 1)
    assert trainer.restarts == 1


def test_a_score_that_is_no_number_is_refused(tmp_path, small):
    with pytest.raises(InputError, match="score at step 5 is nan"):
        run(small, tmp_path, scores={5: float("nan")})
