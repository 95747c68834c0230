"""Databases from PhysioNet or a mirror laid out like it, by wfdb's downloader: resumed, and verified file by file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from ...errors import InputError, nearest
from ...files import new_file, sweep
from ...parallel import ordered_map

# name -> project and version under physionet.org/files/
DATABASES = {
    "ecgiddb": "ecgiddb/1.0.0",
    "ludb": "ludb/1.0.1",
    "mitdb": "mitdb/1.0.0",
    "ptb-xl": "ptb-xl/1.0.3",
    "ptbdb": "ptbdb/1.0.0",
}
PHYSIONET = "https://physionet.org/files/"
CHECKSUMS = "SHA256SUMS.txt"

_CONNECTIONS = 2  # what wfdb allows itself, out of regard for the server
_ATTEMPTS = 2  # per file: a second one mends a dropped connection


def fetch(
    database: str,
    dest: Path,
    base_url: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Download a database, or go on where an earlier download stopped.

    Takes the files of the records, and what lies beside RECORDS (licence, tables). A file appears under its name only
    when its SHA-256 is the one in the database's SHA256SUMS.txt; one on disk with that sum is not
    downloaded again, and one with another sum (cut short, edited) is replaced.

    Arguments:
        database: one of DATABASES.
        dest: the folder to fill; made if it does not exist.
        base_url: address that stands for https://physionet.org/files/, http or https.
        progress: called with (files done, files), in the calling thread.

    Returns:
        dest.

    Raises:
        InputError: an unknown database, a server that does not answer or lacks a file, a wrong checksum.
        OSError: the disk is full or not writable.
    """
    if database not in DATABASES:
        raise InputError(f"database '{database}' is not known{nearest(database, DATABASES)}")
    if dest.exists() and not dest.is_dir():
        raise InputError(f"{dest}: is a file; name a folder for {database}")
    base = base_url if base_url is not None else PHYSIONET
    if not re.match(r"https?://[^/]", base):
        raise InputError(f"base URL '{base}' is no web address; give one such as {PHYSIONET}")
    root = f"{base.rstrip('/')}/{DATABASES[database]}"
    dest.mkdir(parents=True, exist_ok=True)
    sweep(dest)
    _download(root, CHECKSUMS, dest, None)
    sums = _read_sums(dest / CHECKSUMS)
    if "RECORDS" not in sums:
        raise InputError(f"{root}/{CHECKSUMS}: lists no RECORDS file, so this is no WFDB database; check the base URL")
    if not _is_good(dest / "RECORDS", sums["RECORDS"]):
        _download(root, "RECORDS", dest, sums["RECORDS"])
    records = set((dest / "RECORDS").read_text(encoding="utf-8", errors="replace").split())
    names = [name for name in sums if "/" not in name or str(PurePosixPath(name).with_suffix("")) in records]
    names.sort(key=lambda name: name.endswith(".hea"))  # headers last, for they promise their signals
    _fetch_files(root, {name: sums[name] for name in names}, dest, progress)
    return dest


def _fetch_files(root: str, files: dict[str, str], dest: Path, progress: Callable[[int, int], None] | None) -> None:
    for folder in {(dest / name).parent for name in files}:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)

    def fetch_one(name: str) -> None:
        if not _is_good(dest / name, files[name]):
            _download(root, name, dest, files[name])

    # Ctrl-C begins no other file; a large one holds up no other
    with closing(ordered_map(fetch_one, files, _CONNECTIONS, most=len(files))) as fetched:
        for done, _ in enumerate(fetched, start=1):
            if progress:
                progress(done, len(files))


def _download(root: str, name: str, dest: Path, checksum: str | None) -> None:
    """One file, under its name only when complete and right."""
    from wfdb.io.download import dl_full_file

    url = f"{root}/{quote(name)}"
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with new_file(dest / name, "wb") as file:
                dl_full_file(url, file.name)
                if checksum is not None and not _is_good(Path(file.name), checksum):
                    raise InputError(
                        f"{url}: what came has not the SHA-256 that {CHECKSUMS} gives; "
                        "run the same command again, or use another --base-url"
                    )
            return
        except InputError:
            if attempt == _ATTEMPTS:
                raise
        except OSError as error:
            if error.errno is not None:  # of the disk; errors of the network carry no number
                raise
            if attempt == _ATTEMPTS:
                raise InputError(
                    f"{url}: cannot be fetched ({_reason(error)}); check the network and the address (--base-url), "
                    "then run the same command again: it goes on where it stopped"
                ) from error


def _reason(error: OSError) -> str:
    """The few words of an HTTP or network error that help."""
    status = getattr(error, "status_code", None)
    if status is not None:
        return f"HTTP {status}"
    cause: BaseException | None = error
    while cause is not None:  # requests wraps urllib3, which wraps the system's own error
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _read_sums(path: Path) -> dict[str, str]:
    """SHA256SUMS.txt: lines of a sum and a path."""
    sums = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        match = re.fullmatch(r"([0-9a-fA-F]{64}) [ *]?(.+)", line)
        if not match:
            raise InputError(f"{path}: line {number} is no SHA-256 and file name; check the base URL")
        name = match[2].removeprefix("./")
        path_in = PurePosixPath(name)
        if path_in.is_absolute() or ".." in path_in.parts or "\\" in name or not path_in.name:
            raise InputError(
                f"{path}: line {number} names '{name}', outside of the database; use a mirror you can trust"
            )
        if name != CHECKSUMS:
            sums[name] = match[1].lower()
    return sums


def _is_good(path: Path, checksum: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == checksum
