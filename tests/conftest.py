"""Fixtures that every part of the suite shares."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
# What takes longest comes first, so that no core is left with a long file while the other has nothing more to do
LONG = ("test_ray", "test_studies", "test_study", "test_own_data", "test_faults", "test_distributed", "test_run")
LONG += ("test_evaluating", "test_options", "test_resume", "test_laws", "test_monitor", "test_training")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real recordings, golden images and the yardstick; tests that need it skip where it is absent."""
    data = Path(os.environ.get("ANONIMAGE_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (data / "ptbdb" / "RECORDS").is_file():
        pytest.skip(f"no real recordings at {data}; set ANONIMAGE_TEST_DATA to a folder with ptbdb/, mitdb/, …")
    return data.resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in the order of LONG, then the others as they were found."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))
