"""A codec's content as text: JSON with a version and a checksum, and what may have happened to it since."""

import hashlib
import json
from typing import Any

from ..errors import InputError
from .transform import State

VERSION = 2  # 2: colours and the source's own format


def sealed(content: State) -> str:
    """The content as JSON text, with the version of its layout and a checksum."""
    whole = {"format": "anonimage codec", "version": VERSION, "sha256": checksum(content), "content": content}
    return json.dumps(whole, indent=1, allow_nan=False) + "\n"


def unsealed(text: str, name: str) -> Any:
    """The content of such a text.

    Arguments:
        text: as `sealed` gave it.
        name: of the file it is from, for messages.

    Raises:
        InputError: not JSON, not a codec, of another version, or edited.
    """
    try:
        whole = json.loads(text)
    except ValueError as error:
        raise InputError(f"{name}: not JSON ({error}); take the file as it was written, or prepare it anew") from None
    if not isinstance(whole, dict) or whole.get("format") != "anonimage codec":
        raise InputError(f"{name}: JSON, but not a codec of this program; give the codec.json that it wrote")
    if whole.get("version") != VERSION:
        wanted = f"this program reads version {VERSION}: prepare it anew, or use the program that wrote it"
        raise InputError(f"{name}: codec of version {whole.get('version')!r}; {wanted}")
    content = whole.get("content")
    if whole.get("sha256") != checksum(content):
        raise InputError(f"{name}: edited since it was written (checksum differs); restore it, or prepare it anew")
    return content


def checksum(content: Any) -> str:
    """Of the content, not of its spelling: blanks and the order of keys do not matter."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
