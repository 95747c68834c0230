"""The commands of `anonimage`: options in, one function of the pipelines called.

What needs torch, wfdb or pandas is imported by the command that needs it, so that `--help` and bad usage answer at
once.
"""

from . import runs, sources
from .terminal import app, main

__all__ = ["app", "main", "runs", "sources"]
