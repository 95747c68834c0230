"""Threads give results in order, one failure for one item, and look only a little ahead."""

import threading
import time

import pytest
from anonimage.errors import InputError
from anonimage.parallel import Failure, map_over, ordered_map, prefetched, threaded_map


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


def test_what_is_made_ahead_comes_in_order_and_in_bounds():
    made = []

    def items():
        for k in range(20):
            made.append(k)
            yield k

    for k, item in enumerate(prefetched(items(), 3)):
        assert item == k
        time.sleep(0.002)
        assert len(made) <= k + 5
    assert made == list(range(20))


def test_errors_of_what_is_made_ahead_come_in_their_turn():
    def items():
        yield 1
        raise ValueError("of 2")

    given = prefetched(items(), 4)
    assert next(given) == 1
    with pytest.raises(ValueError, match="of 2"):
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


def ahead(function, items):
    return ordered_map(function, items, workers=1, most=1)


def test_batches_come_in_order_and_each_is_made_once():
    made = []

    def batch(step):
        made.append(step)
        return step * step

    assert list(ahead(batch, range(3, 7))) == [9, 16, 25, 36]
    assert made == [3, 4, 5, 6]
    assert list(ahead(batch, range(5, 5))) == []
    assert made == [3, 4, 5, 6]


def test_the_next_batch_is_made_while_one_is_in_use():
    began = threading.Event()

    def batch(step):
        if step == 1:
            began.set()
        return step

    batches = ahead(batch, range(2))
    assert next(batches) == 0
    assert began.wait(10)  # nobody has asked for batch 1 yet
    batches.close()


def test_an_error_in_a_batch_is_raised_where_the_batch_is_due():
    def batch(step):
        if step == 2:
            raise OSError("cut")
        return step

    batches = ahead(batch, range(5))
    assert [next(batches), next(batches)] == [0, 1]
    with pytest.raises(OSError, match="cut"):
        next(batches)
