"""The one error that is the user's to mend, and the words that make it useful."""

import difflib
from collections.abc import Iterable

LISTED = 12  # words that an error lists at most


class InputError(Exception):
    """Bad input: a file, a value or an option that cannot be used; the command prints it as one line and exits 2.

    Arguments:
        message: one line naming the file, the value, and what would be right.
    """


class ResumableError(InputError):
    """Bad input that can be mended: what was done of the rest is kept, and the same call goes on with it."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The middle of a sentence about an unknown word: the one that was probably meant, and what there is."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    few = ", ".join(known[:LISTED]) + (", …" if len(known) > LISTED else "")
    return f"; did you mean '{near[0]}'? There are {few}" if near else f"; there are {few}"


def one_line(fault: BaseException | str) -> str:
    """What another library's error says, without its line breaks."""
    return " ".join(str(fault).split()) or type(fault).__name__
