"""What a record was made for: its diagnosis, the classes that the paper groups diagnoses into, or the user's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from ..errors import InputError, nearest

CLASSES: tuple[str, ...] = ("Myocardial infarction", "Miscellaneous", "Healthy control")
UNKNOWN = "n/a"  # what PTB itself writes
NO_LABEL = "none"  # as the name of a label: there is none

# Source: Piacentino, Guarner and Angulo, "Generating Fake ECGs Using GANs for Anonymizing Healthcare Data", section 3:
# whatever is neither of these two is Miscellaneous, a missing diagnosis included.
_GROUPING = {"myocardial infarction": 0, "healthy control": 2}
_MISCELLANEOUS = 1
_KEY = "reason for admission:"

# Source: the paper's Table 1. Beside each of its rows what PTB's headers write; what is in no row is Miscellaneous.
TABLE_1 = {
    "Myocardial infarction": ("myocardial infarction",),
    "Cardiomyopathy or Heart failure": ("cardiomyopathy", "heart failure"),
    "Bundle branch block": ("bundle branch block",),
    "Dysrhythmia": ("dysrhythmia",),
    "Myocardial hypertrophy": ("hypertrophy", "myocardial hypertrophy"),
    "Valvular heart disease": ("valvular heart disease",),
    "Myocarditis": ("myocarditis",),
    "Miscellaneous": (),
    "Healthy control": ("healthy control",),
}


def diagnosis_of(comments: Iterable[str]) -> str:
    """The text after `Reason for admission:` in a header's comments, with or without their `#`; "n/a" without one."""
    for comment in comments:
        text = comment.lstrip("# \t")
        if text.lower().startswith(_KEY):
            return text[len(_KEY) :].strip() or UNKNOWN
    return UNKNOWN


def label_of(diagnosis: str) -> int:
    """The paper's class of a diagnosis: 0 infarction, 1 miscellaneous, 2 healthy; an index into CLASSES."""
    return _GROUPING.get(diagnosis.strip().lower(), _MISCELLANEOUS)


def table_1_row(diagnosis: str) -> str:
    """The row of the paper's Table 1 that counts a diagnosis, whatever its degree (`Heart failure (NYHA 2)`)."""
    plain = diagnosis.partition("(")[0].strip().lower()
    return next((row for row, written in TABLE_1.items() if plain in written), CLASSES[_MISCELLANEOUS])


def classes_of(names: Sequence[str], known: Sequence[str] = ()) -> tuple[tuple[str, ...], list[int]]:
    """The classes in order (numbers by their value), and of which of them each sample is.

    Arguments:
        names: the class of each sample.
        known: the classes and their order, where that is settled; another one raises InputError.
    """
    if known:
        unique = list(known)
        if strange := set(names) - set(known):
            raise InputError(f"class '{min(strange)}' is not known{nearest(min(strange), known)}")
    else:
        unique = sorted(set(names))
        try:
            unique.sort(key=float)
        except ValueError:  # words
            unique.sort()
    numbers = {name: number for number, name in enumerate(unique)}
    return tuple(unique), [numbers[name] for name in names]


def class_names(frame: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    """The class of each sample, whose label is an index into them; "" where there are no classes."""
    if not classes:
        return [""] * len(frame)
    if "label" not in frame:
        raise InputError(f"the samples have no label; they need one of the classes {', '.join(classes)} each")
    labels = [int(label) for label in frame["label"]]
    for label in labels:
        if not 0 <= label < len(classes):
            raise InputError(f"label {label} is no class; there are {len(classes)}, counted from 0")
    return [classes[label] for label in labels]
