"""Classes of a run: which there are, what is drawn of them, what is refused."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from anonimage.errors import InputError
from anonimage.pipelines.classes import Classes, check_classes

NAMES = ("infarction", "block", "healthy")


@pytest.fixture
def classes():
    return Classes(NAMES, (60, 30, 10))


@pytest.mark.parametrize("shares", ["source", "balanced"])
def test_a_sample_has_its_class_however_many_are_drawn(classes, shares):
    whole = classes.draw(500, shares, seed=3)
    assert np.array_equal(classes.draw(40, shares, seed=3), whole[:40])
    assert np.array_equal(classes.draw(70, shares, seed=3, first=211), whole[211:281])


def test_shares_are_those_of_training_or_equal(classes):
    drawn = np.bincount(classes.draw(20_000, "source", seed=0)) / 20_000
    assert drawn == pytest.approx([0.6, 0.3, 0.1], abs=0.015)  # four standard deviations
    assert np.bincount(classes.draw(9, "balanced", seed=0)).tolist() == [3, 3, 3]
    assert not np.array_equal(classes.draw(50, "source", seed=0), classes.draw(50, "source", seed=1))


def test_a_class_that_training_has_not_is_never_drawn():
    classes = Classes.counted(np.array([2, 0, 2, 2]), NAMES)
    assert (classes.names, classes.counts) == (("infarction", "healthy"), (1, 3))
    assert set(classes.draw(200, "source", seed=0)) == {0, 1}


def test_numbers_point_into_the_classes_of_training():
    classes = Classes(("infarction", "healthy"), (1, 3))
    assert classes.numbers(pd.DataFrame({"label": [2, 1, 0, 2]}), NAMES).tolist() == [1, -1, 0, 1]
    assert Classes((), ()).numbers(pd.DataFrame({"label": [0, 0]}), ()).tolist() == [0, 0]


def test_names_go_without_regard_to_case(classes):
    assert classes.number("Healthy") == 2
    with pytest.raises(InputError, match="'helthy' is no class of this run; did you mean 'healthy'"):
        classes.number("helthy")
    with pytest.raises(InputError, match="know no classes"):
        Classes((), ()).number("healthy")


def test_a_form_gives_the_classes_back(classes):
    assert Classes.from_form(classes.to_form()) == classes
    assert Classes.from_form({}) == Classes((), ())


def test_a_class_needs_two_patients_and_a_run_two_classes():
    def store(labels, patients):
        return SimpleNamespace(frame=pd.DataFrame({"label": labels, "patient": patients}), classes=NAMES)

    check_classes(store([0, 0, 1, 1], ["a", "b", "c", "d"]))
    with pytest.raises(InputError, match="class 'block' has one patient"):
        check_classes(store([0, 0, 1, 1], ["a", "b", "c", "c"]))
    with pytest.raises(InputError, match="only one class"):
        check_classes(store([2, 2, 2], ["a", "b", "c"]))
