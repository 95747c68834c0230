"""Makes small.py, which the script killing.py shares, a fixture; and keeps small networks on one thread."""

import importlib.util
from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="session")
def small():
    spec = importlib.util.spec_from_file_location("small", Path(__file__).with_name("small.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """On a busy machine two threads that wait for each other after every small operation take ten times longer.

    Of a whole module, so that what its fixtures train is trained alike: other sums, other bits.
    """
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    yield usual
    torch.set_num_threads(usual)


@pytest.fixture
def threads(one_thread):
    """The number of threads that torch would take by itself, for a test that sets it."""
    yield one_thread
    torch.set_num_threads(1)
