"""Many runs that differ in what is varied, with the same seeds in each: one table that says what made a difference."""

from .study import ablate, compare

__all__ = ["ablate", "compare"]
