"""People told apart by their ECG: what the audit asks whom a synthetic window looks like."""

from .equal_error import equal_error_rate
from .verifier import Verifier, train_verifier

__all__ = ["Verifier", "equal_error_rate", "train_verifier"]
