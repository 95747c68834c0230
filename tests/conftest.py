"""Fixtures that every part of the suite shares."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real recordings, golden images and the yardstick; tests that need it skip where it is absent."""
    data = Path(os.environ.get("ANONIMAGE_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (data / "ptbdb" / "RECORDS").is_file():
        pytest.skip(f"no real recordings at {data}; set ANONIMAGE_TEST_DATA to a folder with ptbdb/, mitdb/, …")
    return data.resolve().parent
