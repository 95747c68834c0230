"""What a process knows of the one that started it, from the environment, before torch is imported."""

import os
import signal
import threading

# torchrun, Lightning Fabric, SLURM: the first that is set says it; what Fabric starts inherits SLURM's of its parent
_VARIABLES = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
LEASH = "ANONIMAGE_LEASH"  # set for a process whose standard input is a pipe that its parent holds open


def rank() -> int:
    """Return the number of this process among those that train together: 0 is the only one that writes and speaks."""
    return next((int(os.environ[name]) for name in _VARIABLES if name in os.environ), 0)


def end_with_parent() -> None:
    """On a leash, end this process and its own processes as soon as its parent ends, even if that is killed."""
    if os.environ.pop(LEASH, None):
        threading.Thread(target=_end_at_release, daemon=True).start()


def _end_at_release() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)
