"""Small WFDB databases written by wfdb itself, and a small table."""

from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest
import wfdb
from store_cases import Noise


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """Write one record of noise under tmp_path/db and return the path of its header."""

    def write(
        name: str = "rec",
        n_samples: int = 600,
        leads: tuple[str, ...] = ("i", "ii"),
        fs: float = 100,
        reason: str | None = None,
        digital: np.ndarray | None = None,
        fmt: str = "16",
        gain: float = 200.0,
        baseline: int = 0,
        units: str = "mV",
    ) -> Path:
        path = tmp_path / "db" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if digital is None:
            digital = np.random.default_rng(len(name)).integers(-400, 400, (len(leads), n_samples))
        n = len(digital)
        wfdb.wrsamp(
            path.name,
            fs=fs,
            units=[units] * n,
            sig_name=list(leads[:n]),
            d_signal=np.asarray(digital, dtype=np.int64).T,
            fmt=[fmt] * n,
            adc_gain=[gain] * n,
            baseline=[baseline] * n,
            comments=[] if reason is None else [f"Reason for admission: {reason}"],
            write_dir=str(path.parent),
        )
        return path.with_name(f"{path.name}.hea")

    return write


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "db"


@pytest.fixture
def people():
    """Twelve rows with each kind of column."""
    return pd.DataFrame(
        {
            "id": [f"P{k // 2}" for k in range(12)],
            "age": [31, 45, 62, 28, 77, 51, 39, 44, 58, 66, 72, 81],
            "sex": ["f", "m"] * 6,
            "ca": [0.0, 1.0, 2.0, np.nan] * 3,
            "st": [0.5, 1.25, np.nan, 2.0, 0.1, 0.2, 0.3, 0.4, 1.5, 2.5, 3.0, 3.75],
            "site": ["x"] * 12,
            "void": [np.nan] * 12,
            "sick": ["no", "no", "yes"] * 4,
        }
    )


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def noise(log):
    return [Noise(name, log) for name in ("a1", "a2", "b1", "c1", "d1", "e1")]


@pytest.fixture
def bucket():
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield "memory://bucket"
    system.store.clear()
