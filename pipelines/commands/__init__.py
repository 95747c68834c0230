"""The commands of `anonimage`: options in, one function of the pipelines called.

Only typer and rich are imported here; what needs torch, wfdb or pandas is imported by the command that needs it, so
that `--help` and bad usage answer at once.
"""

# in the order in which --help lists their commands
from . import looking  # isort: skip
from . import running  # isort: skip
from . import studying  # isort: skip
from . import releasing  # isort: skip
from . import converting  # isort: skip
from .terminal import app, main

__all__ = ["app", "converting", "looking", "main", "releasing", "running", "studying"]
