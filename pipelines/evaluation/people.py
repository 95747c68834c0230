"""Whose windows they are: control patients must be strangers to the training."""

from collections.abc import Set

from ...errors import InputError


def refuse_seen_patients(training: Set[str], control: Set[str]) -> None:
    """Control patients must be strangers to the training.

    Raises:
        InputError: some patients are in both; names them.
    """
    seen = sorted(training & control)
    if seen:
        names = ", ".join(seen[:5]) + (", …" if len(seen) > 5 else "")
        raise InputError(f"{len(seen)} control patients were seen in training ({names}); evaluate on other patients")
