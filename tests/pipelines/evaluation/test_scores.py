"""The table of scores: whole, without doubles, and it knows which names exist and what they can be."""

from string import Formatter

import pytest
from anonimage.pipelines.evaluation.privacy import attacks, rows
from anonimage.pipelines.evaluation.scores import score_table

TABLE = score_table()
FILLED = {"what", "lead", "leads", "source", "cutoff", "width", "paper_share"}


def test_each_score_is_described_once_and_wholly():
    keys = [definition.key for definition in TABLE]
    assert len(set(keys)) == len(keys)
    for definition in TABLE:
        assert definition.part in TABLE.parts
        assert definition.title
        fields = {name for text in (definition.title, definition.meaning) for _, name, *_ in Formatter().parse(text)}
        assert fields - {None} <= FILLED, definition.key
        assert not definition.headline or definition.best


def test_names_stand_in_the_order_of_the_table_and_unknown_ones_last():
    names = ["ks: b", "unknown: x", "1nnc", "ks_worst", "ks: a", "r_peaks", "r: mean"]
    found = [name for _, mine in TABLE.grouped(names) for name in mine]
    assert found == ["1nnc", "r: mean", "r_peaks", "ks_worst", "ks: b", "ks: a", "unknown: x"]
    assert TABLE.find("r: undetectable").key == "r: undetectable"  # not of the family
    assert TABLE.title("r: mean", {}) == "R amplitude, mean"
    assert TABLE.title("a figure of tomorrow", {}) == "a figure of tomorrow"


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("recall", (0, 1)),
        ("r: undetectable", (0, 1)),
        ("heart_rate: KS", (0, 1)),
        ("heart_rate: mean", None),
        ("tstr: Healthy control PR-AUC", (0, 1)),
        ("tstr − trtr: macro PR-AUC", (-1, 1)),
        ("kernel", None),
    ],
)
def test_what_a_score_can_be(name, ends):
    assert TABLE.unknown(name) == ""
    assert TABLE.find(name).range_of(name) == ends


@pytest.mark.parametrize(
    "name", ["coverrage", "heart_rate: means", "tstr: macro PRAUC", "copiess*", "ks", "linkabillity"]
)
def test_a_name_that_no_score_has_is_unknown(name):
    assert "; " in TABLE.unknown(name)


def test_all_attacks_are_known_and_patterns_of_names_as_well():
    for name in (*attacks.QUESTIONS, *rows.QUESTIONS, "membership: density ratio, TPR at 1 % FPR"):
        units = ("window", "row", "picture", "patient") if name.startswith("membership") else ()
        for each in [f"{name}, {unit}" for unit in units] or [name]:
            assert TABLE.unknown(each) == "", each
    for pattern in ("*TPR*", "copies*", "ks: age*", "*", "tstr*"):
        assert TABLE.unknown(pattern) == "", pattern


def test_headlines_and_the_first_screen():
    assert list(TABLE.headlines())[:2] == ["1nnc", "1nnc_synthetic"]
    assert TABLE.headlines()["tstr − trtr: macro PR-AUC"] == "0 or above"
    assert TABLE.first_screen("utility")[0] == "tstr: macro PR-AUC"
    assert TABLE.group("neighbours") == ("precision", "recall", "density", "coverage")
