"""Leads by name: finding them in a record, and the laws that hold between the limb leads."""

from collections.abc import Sequence

import numpy as np

from ...errors import InputError

# Each limb lead as (a, b) of a·I + b·II: Einthoven's III = II − I, and Goldberger's augmented leads.
_LIMB = {
    "i": (1.0, 0.0),
    "ii": (0.0, 1.0),
    "iii": (-1.0, 1.0),
    "avr": (-0.5, -0.5),
    "avl": (1.0, -0.5),
    "avf": (-0.5, 1.0),
}


def match_leads(wanted: Sequence[str], available: Sequence[str], record: str) -> list[int]:
    """Where the wanted leads are in a record, compared without regard to case.

    Arguments:
        wanted: lead names in the order they shall have; none means all that the record has.
        available: the record's lead names.
        record: its name, for the error.

    Returns:
        One position in `available` per wanted lead.

    Raises:
        InputError: a lead that is not there, is asked for twice, or that two signals of the record are called.
    """
    if not wanted:
        wanted = available
    folded = [name.strip().casefold() for name in available]
    positions: list[int] = []
    for name in wanted:
        key = name.strip().casefold()
        if key not in folded:
            raise InputError(
                f"{record}: lead '{name}' is not in this record (has {', '.join(available) or 'none'}); "
                "leave it out with --leads or use another record"
            )
        if folded.count(key) > 1:
            raise InputError(f"{record}: {folded.count(key)} signals are called '{name}'; choose others with --leads")
        if folded.index(key) in positions:
            raise InputError(f"{record}: lead '{name}' is asked for twice; name each lead once in --leads")
        positions.append(folded.index(key))
    return positions


def limb_relations(channels: Sequence[str]) -> np.ndarray:
    """Which combinations of these channels are zero in an ideal recording.

    Two limb leads determine the other four (I + III = II, aVR = −(I + II)/2, aVL = I − II/2, aVF = II − I/2),
    so k limb leads obey k − 2 relations: each further lead minus what the first two make of it.

    Arguments:
        channels: C lead names in any case; those that are no limb leads take no part.

    Returns:
        (K, C) float64: every row r has r @ x = 0 for ideal x (C, L). K is 0 with fewer than three limb leads.
    """
    names = [name.strip().casefold() for name in channels]
    limb = [position for position, name in enumerate(names) if name in _LIMB]
    relations = np.zeros((max(0, len(limb) - 2), len(names)))
    if not len(relations):
        return relations
    basis = np.array([_LIMB[names[position]] for position in limb[:2]]).T  # columns: the two leads in (I, II)
    for row, position in zip(relations, limb[2:], strict=True):
        row[position] = 1.0
        row[limb[:2]] = -np.linalg.solve(basis, np.array(_LIMB[names[position]]))
    return relations
