"""The one error that is the user's to mend; the command line prints it as one line and exits 2."""


class InputError(Exception):
    """Bad input: a file, a value or an option that cannot be used.

    Arguments:
        message: one line naming the file, the value, and what would be right.
    """
