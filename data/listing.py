"""Which records a WFDB database has, and whose each is."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from ..errors import InputError, one_line

_PERSON = re.compile(r"(?:patient|person|participant|subject|subj|sub|case|pat|p)[-_ ]?\d+", re.IGNORECASE)


@dataclass(frozen=True)
class RecordEntry:
    """A record that a source lists: its name there, its path without extension, and whose it is."""

    name: str
    path: Path
    patient: str


def find_records(source: Path, patient: str = "auto") -> list[RecordEntry]:
    """The records of a source: those its RECORDS file lists, else every header in its tree, else one header file.

    Arguments:
        source: a folder, or one `.hea` file.
        patient: how to tell whose a record is: "record" (each its own), "folder" (the folder it lies in),
            a regular expression with one group over the record's name, the path of a CSV file with the columns record
            and patient, or "auto": the folder, where records lie in several folders or in one called like
            `patient001`; otherwise each its own.

    Raises:
        InputError: no such folder, nothing in it, a record listed twice, a `patient` that does not fit.
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
    patients = _patients(unique, patient)
    return [RecordEntry(name, root / name, who) for name, who in zip(unique, patients, strict=True)], repeated


def header_text(header: Path) -> str:
    """wfdb drops what is not ASCII, and so reads µV as V."""
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


def _is_inside(folder: Path, other: Path, root: Path) -> bool:
    """Whether a folder below `root` is `other` or lies in it; links are followed."""
    return any(other.samefile(above) for above in (folder, *folder.parents) if above.is_relative_to(root))


def _tree(folder: Path, root: Path) -> list[str]:
    """Every header under a folder, in order of name, less those that are segments of another."""
    headers = sorted(folder.rglob("*.hea"))
    segments: set[Path] = set()
    for header in headers:
        lines = header_text(header).splitlines()
        first, *rest = [line.split() for line in lines if line.strip() and not line.startswith("#")] or [["-"]]
        if "/" in first[0]:
            segments.update(header.parent / f"{line[0]}.hea" for line in rest)
    return [header.relative_to(root).with_suffix("").as_posix() for header in headers if header not in segments]


def _patients(names: list[str], patient: str) -> list[str]:
    """Whose each record is; see `find_records`."""
    folders = [PurePosixPath(name).parent.parts for name in names]
    if patient == "record":
        return names
    if patient == "folder":
        return ["/".join(parts) or name for parts, name in zip(folders, names, strict=True)]
    if patient == "auto":
        several = len(set(folders)) > 1
        return [_person(parts, several) or name for parts, name in zip(folders, names, strict=True)]
    if patient.endswith(".csv"):
        return _from_table(names, Path(patient))
    try:
        pattern = re.compile(patient)
    except re.error as fault:
        raise InputError(
            f"patient '{patient}' is not a regular expression ({fault}); or give auto, folder, record, a .csv file"
        ) from fault
    if pattern.groups != 1:
        raise InputError(f"patient '{patient}' has {pattern.groups} groups; put the patient's part in one (…)")
    found = [pattern.search(name) for name in names]
    for name, match in zip(names, found, strict=True):
        if match is None or not match[1]:
            raise InputError(f"{name}: patient '{patient}' finds nobody in this name; widen the expression")
    return [match[1] for match in found if match]


def _from_table(names: list[str], table: Path) -> list[str]:
    """Whose each record is, as a CSV file with the columns record and patient says."""
    try:
        rows = pd.read_csv(table, dtype=str)
    except (FileNotFoundError, IsADirectoryError) as fault:
        raise InputError(f"{table}: no such file; give a CSV file with the columns record and patient") from fault
    except ValueError as fault:  # pandas' parser errors are among these
        raise InputError(f"{table}: not a CSV file ({one_line(fault)}); give columns record,patient") from fault
    if missing := {"record", "patient"} - set(rows.columns):
        raise InputError(f"{table}: no column '{min(missing)}'; it needs record and patient")
    people = dict(zip(rows["record"], rows["patient"], strict=True))
    for name in names:
        if not isinstance(people.get(name), str):
            raise InputError(f"{table}: says no patient for record {name}; add a row for it")
    return [people[name] for name in names]


def _person(folders: tuple[str, ...], several: bool) -> str:
    """The path down to the deepest folder called like a person; failing that the whole path, if it tells any apart."""
    for depth in range(len(folders), 0, -1):
        if _PERSON.fullmatch(folders[depth - 1]):
            return "/".join(folders[:depth])
    return "/".join(folders) if several else ""
