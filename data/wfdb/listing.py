"""Which records a WFDB database has, and whose each is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath

from ...errors import InputError
from ..patients import files_below, patients_of
from ..recording import RecordEntry


def find_records(source: Path, patient: str = "auto") -> list[RecordEntry]:
    """The records of a source: those its RECORDS file lists, else every header in its tree, else one header file.

    Whose each is, `patient` says; see `patients_of`. A record listed twice is refused.
    """
    entries, repeated = list_records(source, patient)
    if repeated:
        raise InputError(repeated[0])
    return entries


def list_records(source: Path, patient: str = "auto") -> tuple[list[RecordEntry], list[str]]:
    """`find_records` for those who go on: the records, each once, and one line for every one listed again."""
    source = Path(source)
    if source.is_file() and source.suffix == ".hea":
        names, root = [source.stem], source.parent
    elif source.is_dir():
        names, root = _listed(source, source), source
    else:
        raise InputError(f"{source}: no such folder; give a folder with a RECORDS file or .hea headers in it")
    if not names:
        raise InputError(f"{source}: no records in this folder; it needs a RECORDS file or .hea headers")
    times = Counter(names)  # in order of first mention
    unique = list(times)
    repeated = [
        f"{name}: {n} records of this name in {source}; list it once in RECORDS" for name, n in times.items() if n > 1
    ]
    patients = patients_of(unique, patient)
    return [RecordEntry(name, root / name, who) for name, who in zip(unique, patients, strict=True)], repeated


def header_text(header: Path) -> str:
    """A header as text; `wfdb` drops what is not ASCII, and so reads µV as V."""
    raw = header.read_bytes()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _listed(folder: Path, root: Path) -> list[str]:
    """Names below `root`, in the order of RECORDS; a line that ends in a slash is a folder with records of its own."""
    listing = folder / "RECORDS"
    if not listing.is_file():
        return _tree(folder, root)
    names: list[str] = []
    for number, line in enumerate(listing.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        entry = line.strip()
        if not entry:
            continue
        below = PurePosixPath(entry.removesuffix(".hea"))
        if below.is_absolute() or ".." in below.parts:
            raise InputError(f"{listing}: line {number}, '{entry}', leads out of its folder; list what lies below it")
        if not entry.endswith("/"):
            if not below.name:
                raise InputError(f"{listing}: line {number}, '{entry}', names no record; correct or delete it")
            names.append((folder / below).relative_to(root).as_posix())
        elif not (folder / below).is_dir():
            raise InputError(f"{listing}: folder '{entry}' is not there; correct RECORDS or fetch it")
        elif _is_inside(folder, folder / below, root):
            raise InputError(f"{listing}: line {number}, '{entry}', leads back to a folder it lies in; delete the line")
        else:
            names += _listed(folder / below, root)
    return names


def _is_inside(folder: Path, target: Path, root: Path) -> bool:
    """Whether a folder below `root` is `target` or lies in it; links are followed."""
    return any(target.samefile(above) for above in (folder, *folder.parents) if above.is_relative_to(root))


def _tree(folder: Path, root: Path) -> list[str]:
    """Every header under a folder, in order of name, less those that are segments of another."""
    headers = [file for file in sorted(files_below(folder)) if file.suffix == ".hea"]
    segments: set[Path] = set()
    for header in headers:
        lines = header_text(header).splitlines()
        first, *rest = [line.split() for line in lines if line.strip() and not line.startswith("#")] or [["-"]]
        if "/" in first[0]:
            segments.update(header.parent / f"{line[0]}.hea" for line in rest)
    return [header.relative_to(root).with_suffix("").as_posix() for header in headers if header not in segments]
