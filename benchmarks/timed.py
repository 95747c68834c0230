"""A command of anonimage in a process of its own: how long it took, and how much memory."""

import subprocess
import sys
import time
from typing import Any

# The system counts a child from its parent's memory on, of which it was forked; VmHWM does not
_CODE = """
import atexit, sys
from pathlib import Path
def say():
    print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
atexit.register(say)
from anonimage.pipelines.commands import main
main()
"""


def timed(*words: Any) -> tuple[float, float]:
    """Run a command.

    Arguments:
        words: of the command, after `anonimage`.

    Returns:
        Seconds, and peak memory in GB.

    Raises:
        SystemExit: it failed; with what it said.
    """
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _CODE, *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{words[0]}: {done.stderr}")
    return time.perf_counter() - began, int(done.stdout.split()[-1]) / 1e6
