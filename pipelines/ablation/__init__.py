"""Many runs that differ in what is varied, with the same seeds in each: one table that says what made a difference."""

from .compare import compare
from .run import ablate

__all__ = ["ablate", "compare"]
