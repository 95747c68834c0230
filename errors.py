"""The one error that is the user's to mend, and the words that make it useful."""

import difflib
from collections.abc import Iterable


class InputError(Exception):
    """Bad input: a file, a value or an option that cannot be used; the command prints it as one line and exits 2.

    Arguments:
        message: one line naming the file, the value, and what would be right.
    """


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the one that was probably meant, and all there are."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    meant = f"did you mean '{near[0]}'? " if near else ""
    return f"; {meant}There are {', '.join(known)}" if len(known) < 12 or not near else f"; {meant.strip()}"


def one_line(fault: BaseException | str) -> str:
    """What another library's error says, without its line breaks."""
    return " ".join(str(fault).split()) or type(fault).__name__
