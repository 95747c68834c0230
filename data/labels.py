"""What a record was made for: the diagnosis in its header, and the three classes the paper groups diagnoses into."""

from collections.abc import Iterable

CLASSES = ("Myocardial infarction", "Miscellaneous", "Healthy control")
UNKNOWN = "n/a"  # what PTB itself writes

# Source: Piacentino, Guarner and Angulo, "Generating Fake ECGs Using GANs for Anonymizing Healthcare Data", section 3:
# whatever is neither of these two is Miscellaneous, a missing diagnosis included.
_GROUPING = {"myocardial infarction": 0, "healthy control": 2}
_MISCELLANEOUS = 1
_KEY = "reason for admission:"


def diagnosis_of(comments: Iterable[str]) -> str:
    """The text after `Reason for admission:` in a header's comments, "n/a" where there is none.

    Arguments:
        comments: the header's comment lines, with or without their `#`.
    """
    for comment in comments:
        text = comment.lstrip("# \t")
        if text.lower().startswith(_KEY):
            return text[len(_KEY) :].strip() or UNKNOWN
    return UNKNOWN


def label_of(diagnosis: str) -> int:
    """The paper's class of a diagnosis: 0 infarction, 1 miscellaneous, 2 healthy; an index into CLASSES."""
    return _GROUPING.get(diagnosis.strip().lower(), _MISCELLANEOUS)
