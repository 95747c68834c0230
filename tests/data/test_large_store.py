"""Memory does not grow with a store: neither where it is written nor where windows are drawn from it."""

import subprocess
import sys
from pathlib import Path

import pytest

RECORDS, CHANNELS, SAMPLES = 80, 12, 110_000  # 211 MB
SIZE = RECORDS * CHANNELS * SAMPLES * 2 / 1e6

COMMON = f"""
import re, sys
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from anonimage.data.store.store import open_store
from anonimage.data.store.writing import Cut, placed, stage_store
from anonimage.data.recording import RecordHead
from anonimage.data.recording import Recording

def peak():  # MB
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1e3

@dataclass(frozen=True)
class Noise:
    name: str
    stamp: str = ""

    def read(self):
        rng = np.random.default_rng(int(self.name))
        values = rng.integers(-999, 999, ({CHANNELS}, {SAMPLES}), dtype=np.int16)
        head = RecordHead(self.name, Path(self.name), self.name, fs=1000, n_samples={SAMPLES})
        ones, names = np.ones({CHANNELS}), tuple("abcdefghijkl")
        return Recording(head, values, names, ("mV",) * {CHANNELS}, 1000.0, ones, 0 * ones, ones)
"""

WRITE = f"""
before = peak()
placed(stage_store(sys.argv[1], [Noise(str(number)) for number in range({RECORDS})], Cut(2025)))
print(peak() - before)
"""

DRAW = """
store = open_store(sys.argv[1], int(sys.argv[2]))
rng = np.random.default_rng(0)
store.values(np.arange(64))
before = peak()
total = 0.0
for _ in range(80):
    values = store.values(rng.integers(0, len(store), 64))
    total += float(values.sum(dtype=np.float64))
print(peak() - before, total)
"""


def run(code, *arguments):
    command = [sys.executable, "-c", COMMON + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process's memory is read from /proc")
def test_memory_stays_flat(tmp_path):
    (written,) = run(WRITE, tmp_path / "store")
    assert float(written) < SIZE / 2
    drawn, total = run(DRAW, tmp_path / "store", 1 << 20)
    assert float(drawn) < SIZE / 8
    held, same = run(DRAW, tmp_path / "store", 1 << 30)
    assert float(held) > SIZE * 0.8  # so the measurement would have shown it
    assert total == same
