"""Threads give results in order, one failure for one item, and look only a little ahead."""

import threading
import time

import pytest
from anonimage.errors import InputError
from anonimage.parallel import Failure, map_over, prefetched, threaded_map


def reciprocal(number):
    if number < 0:
        raise InputError(f"{number}: is negative")
    return 1 / number


def test_each_item_has_its_result_or_its_failure():
    results = list(threaded_map(reciprocal, [1, -2, 4, 0, 5]))
    assert results == [
        1,
        Failure(1, "-2: is negative", is_input=True),
        0.25,
        Failure(3, "ZeroDivisionError: division by zero"),
        0.2,
    ]


def test_few_are_ahead_and_nobody_works_when_it_is_closed():
    started: list[int] = []

    with map_over(None, started.append, list(range(1000))) as results:
        next(results)
        assert len(started) < 20
    n = len(started)
    assert n < 20
    assert threading.active_count() == 1 or not any(t.name.startswith("read") for t in threading.enumerate())
    assert len(started) == n


def test_another_map_is_asked_only_if_there_is_something_to_do():
    def refuse(function, items):
        raise AssertionError(items)

    with map_over(refuse, reciprocal, []) as results:
        assert list(results) == []
    with map_over(refuse, reciprocal, [1]) as results, pytest.raises(AssertionError):
        next(results)


@pytest.mark.parametrize("most", [1, 3])
def test_what_is_made_ahead_comes_in_order_and_in_bounds(most):
    made = []

    def items():
        for k in range(20):
            made.append(k)
            yield k

    for k, item in enumerate(prefetched(items(), most)):
        assert item == k
        time.sleep(0.002)
        assert len(made) <= k + most + 2
    assert made == list(range(20))


def test_of_nothing_nothing_is_made_ahead():
    assert list(prefetched([], 1)) == []


@pytest.mark.parametrize("most", [1, 4])
def test_errors_of_what_is_made_ahead_come_in_their_turn(most):
    def items():
        yield 1
        yield 2
        raise ValueError("of 3")

    given = prefetched(items(), most)
    assert [next(given), next(given)] == [1, 2]
    with pytest.raises(ValueError, match="of 3"):
        next(given)


def test_who_stops_asking_stops_the_making():
    made = []

    def items():
        for k in range(1000):
            made.append(k)
            time.sleep(0.005)
            yield k

    given = prefetched(items(), 500)
    next(given)
    given.close()
    assert len(made) < 50


def test_the_next_batch_is_made_while_one_is_in_use():
    began = threading.Event()

    def batch(step):
        if step == 1:
            began.set()
        return step

    batches = prefetched(map(batch, range(2)), 1)
    assert next(batches) == 0
    assert began.wait(10)  # nobody has asked for batch 1 yet
    batches.close()
