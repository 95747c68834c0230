"""Threads give results in order, one failure for one item, and look only a little ahead."""

import threading

import pytest
from anonimage.data.parallel import Failure, map_over, threaded_map
from anonimage.errors import InputError


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
