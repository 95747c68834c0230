"""Examples in docstrings: where they are owed there is one, and every one gives what it says."""

import doctest
import importlib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
OWED = ("transforms", "gan/networks", "gan/objectives", "data/samples.py", "pipelines/anonymizer.py")


def modules(*places: str) -> list[str]:
    """Public modules at some places of the package, without the faces of packages."""
    files = [file for place in places for file in _files(REPOSITORY / place)]
    names = [file.relative_to(REPOSITORY).with_suffix("").as_posix().replace("/", ".") for file in files]
    return sorted(name for name in names if not name.endswith("__init__"))


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else list(place.rglob("*.py"))


def examples(name: str) -> list[doctest.DocTest]:
    """The examples of a module of the package."""
    module = importlib.import_module(f"anonimage.{name}")
    return [test for test in doctest.DocTestFinder().find(module) if test.examples]


def failures(tests: list[doctest.DocTest]) -> str:
    """What examples printed that gave something else than they say."""
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in tests:
        runner.run(test, out=said.append)
    return "".join(said)


@pytest.mark.parametrize("name", modules(*OWED))
def test_there_is_an_example(name):
    assert examples(name), f"{name} has no example (>>>) in a docstring"


@pytest.mark.parametrize("name", modules("transforms", "gan", "data", "pipelines"))
def test_examples_give_what_they_say(name):
    assert failures(examples(name)) == ""


def test_a_planted_example_that_is_wrong_is_found():
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "planted", None, None)
    assert "Expected" in failures([test])
