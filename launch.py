"""Which of several processes this is: known from the environment of whoever started them, before torch is imported."""

import os

# torchrun, Lightning Fabric, SLURM: the first that is there says it; what Fabric starts inherits SLURM's of its parent
_VARIABLES = ("RANK", "LOCAL_RANK", "SLURM_PROCID")


def rank() -> int:
    """Return the number of this process among those that train together: 0 is the only one that writes and speaks."""
    return next((int(os.environ[name]) for name in _VARIABLES if name in os.environ), 0)
