"""Which files were scored and audited, so that no others are released on their account."""

import hashlib
from pathlib import Path

from ..errors import InputError

_PIECE = 1 << 20  # bytes


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names, relative to a folder, and the contents of all files in it, in the order of the names.

    Raises:
        InputError: the folder is not there, or holds no file.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    if not names:
        raise InputError(f"{folder}: holds no file; run `anonimage generate {folder.parent}`")
    whole = hashlib.sha256()
    for name in names:
        whole.update(f"{name}\0{sha256(folder / name)}\n".encode())
    return whole.hexdigest()


def sha256(path: Path) -> str:
    """Of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
