"""Runs that stand before the gate."""

import shutil
from pathlib import Path

import pytest
from gated import judged
from tiny import anonimage, quick, sets, write_database


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """A function that makes a run once for each recipe, up to its synthetic samples; do not write into it."""
    made: dict[str, Path] = {}

    def make(recipe: str = "ptb-quantile", source: Path | None = None, **settings: object) -> Path:
        key = f"{recipe} {source} {settings}"
        if key not in made:
            place = tmp_path_factory.mktemp("release")
            if source is None:
                out, database = place / "out", write_database(place / "source" / "ptb")
                steps = (("prepare", "ptb-quantile", database, out, *sets()), ("train", out), ("generate", out))
                results = [anonimage(*step) for step in steps]
            else:
                out = place / "out"
                results = [quick(recipe, source, out, verb="prepare", **settings)]
                results += [anonimage("train", out), anonimage("generate", out)]
            for result in results:
                assert result.exit_code == 0, (result.output, result.exception)
            made[key] = out
        return made[key]

    return make


@pytest.fixture
def ready(generated, tmp_path):
    """A run that may be released, to spoil."""
    return judged(shutil.copytree(generated(), tmp_path / "run"))
