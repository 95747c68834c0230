"""Which records a WFDB database has, whose each is, and what their headers say; no signal is read here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import wfdb
from wfdb.io.header import parse_header_content, rx_record, rx_signal

from ...errors import InputError, one_line
from ..labels import classes_of, diagnosis_of, label_of
from ..patients import column_of, files_below, patients_of
from ..recording import RecordEntry, RecordHead, Signal
from ..units import in_millivolt

# What wfdb raises at files that it cannot read; it has no error class of its own.
UNREADABLE = (OSError, ValueError, IndexError, TypeError, KeyError, AttributeError, RuntimeError)
_BYTES = {"8": 1, "16": 2, "24": 3, "32": 4, "61": 2, "80": 1, "160": 2, "212": 1.5, "310": 4 / 3, "311": 4 / 3}
# of a signal line, as wfdb calls them
_FIELDS = ("file_name", "fmt", "samps_per_frame", "skew", "byte_offset", "adc_gain", "baseline", "units")


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


def read_heads(entries: Iterable[RecordEntry]) -> list[RecordHead]:
    """The headers of all entries; one that cannot be used says so in `problem`."""
    return [read_head(entry) for entry in entries]


def read_head(entry: RecordEntry) -> RecordHead:
    """Read one header; what is wrong with it is in `problem`, never raised."""
    try:
        return _head(entry)
    except InputError as fault:
        return RecordHead(entry.name, entry.path, entry.patient, problem=str(fault))


def header_text(header: Path) -> str:
    """A header as text; `wfdb` drops what is not ASCII, and so reads µV as V."""
    raw = header.read_bytes()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def relabel(heads: Sequence[RecordHead], table: Path) -> tuple[list[RecordHead], tuple[str, ...]]:
    """Classes of the user's own instead of the paper's: the heads with an index into them as label, and their names.

    Arguments:
        heads: from `read_heads`.
        table: CSV file with the columns record and label; records that are not among the heads do not matter.
    """
    classes, labels = classes_of(column_of([head.name for head in heads], Path(table), "label"))
    return [replace(head, label=label) for head, label in zip(heads, labels, strict=True)], classes


def file_problem(head: RecordHead, chosen: Sequence[int]) -> str | None:
    """What is wrong with the files that hold these signals, judged by their presence and size; None if nothing is."""
    if head.segmented:
        return None  # wfdb looks for the segments' files
    for file in dict.fromkeys(head.signals[k].file for k in chosen):
        path = head.path.parent / file
        if not file or not path.is_file():
            return f"{head.name}: its signal file {file} is missing; put it beside the header or fetch the record again"
        offset, width, per_frame = _frame(head, file)
        size, needed = path.stat().st_size, offset + math.floor(head.n_samples * per_frame * width)
        if size < needed:
            return (
                f"{head.name}: {file} is cut short: {size} bytes, where the header's {head.n_samples} samples take "
                f"{needed}; fetch the record again"
            )
    return None


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
        # a folder in itself, by a link
        elif any((folder / below).samefile(one) for one in (folder, *folder.parents) if one.is_relative_to(root)):
            raise InputError(f"{listing}: line {number}, '{entry}', leads back to a folder it lies in; delete the line")
        else:
            names += _listed(folder / below, root)
    return names


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


def _head(entry: RecordEntry) -> RecordHead:
    header = entry.path.with_name(f"{entry.path.name}.hea")
    if not header.is_file():
        raise InputError(f"{entry.name}: its header {header.name} is missing; correct RECORDS or fetch the record")
    try:
        lines, comments = parse_header_content(header_text(header))
        announced, signals, n_samples, segmented = _parse(lines, entry.path)
    except UNREADABLE as fault:
        raise InputError(f"{entry.name}: {header.name} is not a WFDB header ({one_line(fault)}); replace it") from fault
    if not signals or len(signals) != announced:
        raise InputError(
            f"{entry.name}: {header.name} announces {announced} signals and describes {len(signals)}; "
            "use a record with signals and a complete header"
        )
    diagnosis = diagnosis_of(comments)
    head = RecordHead(
        name=entry.name,
        path=entry.path,
        patient=entry.patient,
        diagnosis=diagnosis,
        label=label_of(diagnosis),
        fs=_frequency(entry, lines[0]),
        n_samples=n_samples or 0,
        signals=signals,
        segmented=segmented,
    )
    if n_samples is None and not segmented:
        head = replace(head, n_samples=_samples_in_file(head))
    if head.n_samples < 1:
        raise InputError(f"{entry.name}: {header.name} gives no number of samples; write it after the frequency")
    return head


def _parse(lines: list[str], path: Path) -> tuple[int, tuple[Signal, ...], int | None, bool]:
    """Of a header's lines: signals announced, signals described, samples of each, and whether it is multi-segment.

    The grammar is wfdb's. Its `rdheader` looks every field up in a pandas table, which takes longer than reading ten
    seconds of 12 leads; it is left to multi-segment records, which are long.
    """
    if not lines:
        raise ValueError("it holds no line")
    first = rx_record.match(lines[0])
    if first is None:
        raise ValueError(f"cannot make sense of '{lines[0][:60]}'")
    n_samples = int(first["sig_len"]) if first["sig_len"] else None
    if first["n_seg"]:
        record = wfdb.rdheader(str(path), rd_segments=True)
        return record.n_sig, tuple(_segment_signals(record)), record.sig_len, True
    return int(first["n_sig"]), tuple(_signal(k, line) for k, line in enumerate(lines[1:])), n_samples, False


def _signal(position: int, line: str) -> Signal:
    fields = rx_signal.match(line)
    if fields is None:
        raise ValueError(f"cannot make sense of '{line[:60]}'")
    return _in_millivolt(fields["sig_name"].strip() or str(position + 1), fields.groupdict())


def _frequency(entry: RecordEntry, record_line: str) -> float:
    """Sampling frequency in Hz as stated: wfdb puts 250 Hz where there is none, which for real data is a guess."""
    fields = record_line.split()
    stated = fields[2].split("/")[0].split("(")[0] if len(fields) > 2 else "nothing"
    try:
        fs = float(stated)
    except ValueError:
        fs = 0.0
    if not (math.isfinite(fs) and fs > 0):
        raise InputError(
            f"{entry.name}: the header gives {stated} as sampling frequency; "
            "write Hz above 0 as the third field of its first line"
        )
    return fs


def _in_millivolt(name: str, fields: Mapping[str, Any]) -> Signal:
    """A signal whose line has these fields, with voltages in mV; defaults for what it leaves out are header(5)'s."""
    units, scale = in_millivolt(fields["units"] or "")
    return Signal(
        name=name,
        units=units,
        gain=(float(fields["adc_gain"] or 0) or 200.0) / scale,
        baseline=int(fields["baseline"] or fields.get("adc_zero") or 0),
        scale=scale,
        file=fields["file_name"],
        fmt=fields["fmt"],
        offset=int(fields["byte_offset"] or 0),
        per_frame=int(fields["samps_per_frame"] or 1),
        skew=int(fields["skew"] or 0),
    )


def _segment_signals(record: wfdb.MultiRecord) -> Iterator[Signal]:
    """The signals of a multi-segment record, each as the first segment that holds it describes it."""
    described: dict[str, Signal] = {}
    for segment in record.segments:
        for k, name in enumerate(segment.sig_name if segment is not None else ()):
            if name not in described or described[name].file == "~":  # "~" only lays out what comes
                described[name] = _in_millivolt(name, {field: getattr(segment, field)[k] for field in _FIELDS})
    return (described[name] for name in record.get_sig_name() if name in described)


def _frame(head: RecordHead, file: str) -> tuple[int, float, int]:
    """Of one file: byte offset, bytes per sample (0: compressed), samples per frame over all its signals."""
    together = [signal for signal in head.signals if signal.file == file]
    return together[0].offset, _BYTES.get(together[0].fmt, 0), sum(signal.per_frame for signal in together)


def _samples_in_file(head: RecordHead) -> int:
    """The number of samples is optional in a header; without it, a record is as long as its first file."""
    path = head.path.parent / head.signals[0].file
    offset, width, per_frame = _frame(head, head.signals[0].file)
    if not width or not path.is_file():
        return 0
    return max(0, int((path.stat().st_size - offset) / (width * per_frame)))
