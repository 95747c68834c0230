"""Fixtures made of tests/tiny.py."""

import shutil
from pathlib import Path

import pytest
from anonimage.pipelines.recipe import Recipe, load_recipe
from tiny import TINY, anonimage, sets, write_database


@pytest.fixture(scope="session")
def database(tmp_path_factory) -> Path:
    """Nine patients of three classes; do not write into it."""
    return write_database(tmp_path_factory.mktemp("source") / "ptb")


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    return load_recipe("ptb-quantile").changed(TINY)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, database) -> Path:
    """A finished run; do not write into it."""
    out = tmp_path_factory.mktemp("runs") / "out"
    result = anonimage("run", "ptb-quantile", database, out, *sets())
    assert result.exit_code == 0, (result.output, result.exception)
    return out


@pytest.fixture
def source(tmp_path):
    """A database to spoil."""
    return write_database(tmp_path / "source", patients=6)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def copy(finished, tmp_path):
    """A finished run to spoil."""
    return shutil.copytree(finished, tmp_path / "copy")
