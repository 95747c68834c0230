"""Work spread over a Ray of this machine, started once for all of these tests."""

import socket
import time
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec

import engine_tasks as tasks
import pytest
from anonimage.errors import InputError
from anonimage.pipelines.engine import AHEAD, ProcessMap, RayMap, connected
from tiny import anonimage, files, sets

# not importorskip: the engine has Ray keep quiet before it is imported
pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed; pip install 'anonimage[scale]'")


@pytest.fixture(scope="module")
def engine() -> Iterator[RayMap]:
    with connected(None, 2):
        yield RayMap(jobs=2)


def test_results_are_those_of_the_local_engine(engine, capfd):
    """Failures included, in the same words, each that of its item alone; and nothing of it shows on the terminal."""
    items = [1, tasks.MARKED, tasks.BROKEN, tasks.FATAL, 2, tasks.EXITING, 4]
    results = list(engine(tasks.fare, items))
    assert results == list(ProcessMap(2)(tasks.fare, items))
    assert [getattr(result, "died", result) for result in results] == [1, False, False, True, 4, False, 16]
    time.sleep(1)  # Ray tells of dead workers a little later
    assert capfd.readouterr() == ("", "")


def test_a_run_is_prepared_the_same_on_ray_in_processes_and_alone(engine, database, tmp_path):
    for name, options in {"ray": ("--engine", "ray", "--jobs", 2), "two": ("--jobs", 2), "one": ()}.items():
        given = ("prepare", "ptb-quantile", database, tmp_path / name, *sets(), *options)
        assert anonimage(*given).exit_code == 0
    for name in ("ray", "two"):
        assert files(tmp_path / name / "store") == files(tmp_path / "one" / "store")
        assert (tmp_path / name / "codec.json").read_bytes() == (tmp_path / "one" / "codec.json").read_bytes()


def test_results_are_in_the_order_of_the_items_whichever_is_done_first(engine):
    assert list(engine(tasks.backwards, range(6))) == list(range(6))
    assert list(engine(tasks.square, [])) == []


def test_a_bounded_number_of_items_is_ahead(engine, tmp_path):
    results = engine(partial(tasks.touch, tmp_path), range(1000))
    assert [next(results), next(results)] == [0, 1]
    results.close()
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) <= 2 * AHEAD


def test_an_address_where_nobody_answers_is_refused_at_once(monkeypatch):
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(InputError, match=rf"^address {address}: no Ray answers .* start one with `ray start --head`"):
        list(RayMap(address=address)(tasks.square, [1]))


def test_an_address_where_another_service_answers_is_refused_in_time(monkeypatch):
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("anonimage.pipelines.engine.ANSWER_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(InputError, match=rf"^address {address}: no Ray answers \(nothing in 1 s\)"):
            list(RayMap(address=address)(tasks.square, [1]))


@pytest.mark.parametrize("address", ["head", "ray://127.0.0.1:10001", "127.0.0.1:ray"])
def test_what_is_no_address_is_refused(address, monkeypatch):
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(InputError, match="give host:port"):
        list(RayMap(address=address)(tasks.square, [1]))
