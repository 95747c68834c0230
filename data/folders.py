"""All files below a folder, wherever links lead."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path


def files_below(folder: Path) -> list[Path]:
    """Every file below a folder, in order of name; see `iter_files_below`."""
    return sorted(iter_files_below(folder))


def iter_files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, as it is found.

    Links to folders are followed, which `Path.rglob` does not do: a folder of links is how databases are put together.
    A folder that can be reached in several ways counts once, under its own name rather than a link's: the same record
    under two names could land among the training and the control records.
    """
    visited: set[Path] = set()
    folders, links = deque([folder]), deque[Path]()
    while folders or links:
        here = folders.popleft() if folders else links.popleft()
        real = here.resolve()
        if real in visited:
            continue
        visited.add(real)
        for entry in sorted(here.iterdir()):
            if entry.is_dir():
                (links if entry.is_symlink() else folders).append(entry)
            else:
                yield entry
