"""Real data in, synthetic data out; what is needed inside is imported from the module that defines it."""

from .samples import Samples

__all__ = ["Samples"]
