"""The signals of WFDB records: leads by name, at one sampling frequency, read in parallel; laws between limb leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import wfdb

from ...errors import InputError, one_line
from ...parallel import ordered_map
from ..recording import RecordHead, Recording, stamp_of, to_physical
from ..windows import MISSING, check_rate, resample
from .header import UNREADABLE, file_problem

# The value that stands for "no sample" in the formats of at most 16 bits (wfdb, WFDB library); others come as NaN.
_NO_SAMPLE = {
    "16": -32768, "61": -32768, "160": -32768, "516": -32768,
    "212": -2048, "310": -512, "311": -512, "80": -128, "508": -128,
}  # fmt: skip
# Each limb lead as (a, b) of a·I + b·II: Einthoven's III = II − I, and Goldberger's augmented leads.
_LIMB = {
    "i": (1.0, 0.0),
    "ii": (0.0, 1.0),
    "iii": (-1.0, 1.0),
    "avr": (-0.5, -0.5),
    "avl": (1.0, -0.5),
    "avf": (-0.5, 1.0),
}


@dataclass(frozen=True)
class RecordSource:
    """A WFDB record for a store; see `Source`."""

    head: RecordHead  # from `read_heads`
    leads: tuple[str, ...] = ()  # leads, fs: see `read_record`
    fs: float | None = None

    @property
    def name(self) -> str:
        return self.head.name

    @property
    def stamp(self) -> str:
        path = self.head.path
        header = path.with_name(f"{path.name}.hea")
        if self.head.segmented:  # its segments, too, have headers and files
            files = sorted(path.parent.iterdir())
        else:
            files = [header, *(path.parent / name for name in dict.fromkeys(s.file for s in self.head.signals))]
        return stamp_of(files, self.head, self.leads, self.fs)

    def check(self) -> None:
        """Raise InputError for what is wrong and shows without reading the signals."""
        _readable(self.head, self.leads, self.fs)

    def read(self) -> Recording:
        return read_record(self.head, self.leads, self.fs)


def read_records(
    heads: Iterable[RecordHead], leads: Sequence[str] = (), fs: float | None = None
) -> Iterator[Recording]:
    """Read records with threads, in order; only a few are in memory at a time, however many there are."""
    return ordered_map(lambda head: read_record(head, leads, fs), heads)


def read_record(head: RecordHead, leads: Sequence[str] = (), fs: float | None = None) -> Recording:
    """Read one record.

    Arguments:
        head: from `read_head`.
        leads: lead names without regard to case, in the order wanted; none is all of the record.
        fs: Hz to resample to; None keeps the record's own.
    """
    chosen = _readable(head, leads, fs)
    try:
        stored = _stored(head, chosen)
    except UNREADABLE as fault:
        raise InputError(
            f"{head.name}: wfdb cannot read its signals ({one_line(fault)}); fetch or export the record again"
        ) from fault
    signals = [head.signals[k] for k in chosen]
    gain = np.array([signal.gain for signal in signals])
    baseline = np.array([signal.baseline for signal in signals], dtype=np.float64)
    source_gain = np.abs(gain)
    if fs is not None and fs != head.fs:
        stored = resample(to_physical(stored, gain[:, np.newaxis], baseline[:, np.newaxis]), head.fs, fs)
    if stored.dtype != np.int16:
        gain, baseline = np.ones(len(chosen)), np.zeros(len(chosen))
    return Recording(
        head=head,
        values=stored,
        channels=tuple(signal.name for signal in signals),
        units=tuple(signal.units for signal in signals),
        fs=float(fs or head.fs),
        gain=gain,
        baseline=baseline,
        source_gain=source_gain,
    )


def match_leads(wanted: Sequence[str], available: Sequence[str], record: str) -> list[int]:
    """Position in a record of each wanted lead, or of all if none is named; case does not matter."""
    if not wanted:
        wanted = available
    folded = [name.strip().casefold() for name in available]
    positions: list[int] = []
    for name in wanted:
        key = name.strip().casefold()
        if key not in folded:
            raise InputError(
                f"{record}: lead '{name}' is not in this record (has {', '.join(available) or 'none'}); "
                "leave it out with --leads or use another record"
            )
        if folded.count(key) > 1:
            raise InputError(f"{record}: {folded.count(key)} signals are called '{name}'; choose others with --leads")
        if folded.index(key) in positions:
            raise InputError(f"{record}: lead '{name}' is asked for twice; name each lead once in --leads")
        positions.append(folded.index(key))
    return positions


def limb_relations(channels: Sequence[str]) -> np.ndarray:
    """Which combinations of these channels are zero in an ideal recording.

    Two limb leads determine the other four (I + III = II, aVR = −(I + II)/2, aVL = I − II/2, aVF = II − I/2),
    so k limb leads obey k − 2 relations: each further lead minus what the first two make of it.

    Arguments:
        channels: C lead names in any case; those that are no limb leads take no part.

    Returns:
        (K, C) float64: every row r has r @ x = 0 for ideal x (C, L). K is 0 with fewer than three limb leads.
    """
    names = [name.strip().casefold() for name in channels]
    limb = [position for position, name in enumerate(names) if name in _LIMB]
    relations = np.zeros((max(0, len(limb) - 2), len(names)))
    if not len(relations):
        return relations
    basis = np.array([_LIMB[names[position]] for position in limb[:2]]).T  # columns: the two leads in (I, II)
    for row, position in zip(relations, limb[2:], strict=True):
        row[position] = 1.0
        row[limb[:2]] = -np.linalg.solve(basis, np.array(_LIMB[names[position]]))
    return relations


def _readable(head: RecordHead, leads: Sequence[str], fs: float | None) -> list[int]:
    """The chosen signals of a record, all of whose faults are known that show without reading it."""
    if head.problem:
        raise InputError(head.problem)
    if fs is not None:
        check_rate(head.name, head.fs, fs)
    chosen = match_leads(leads, head.channels, head.name)
    if problem := file_problem(head, chosen):
        raise InputError(problem)
    return chosen


def _stored(head: RecordHead, chosen: list[int]) -> np.ndarray:
    """(C, T) int16 where the formats allow it, else float32 in physical units."""
    signals = [head.signals[k] for k in chosen]
    if head.segmented or any(signal.fmt not in _NO_SAMPLE for signal in signals):
        record = wfdb.rdrecord(str(head.path), channels=chosen)
        scale = np.array([signal.scale for signal in signals])
        stored = np.ascontiguousarray((record.p_signal * scale).T, dtype=np.float32)
    elif _is_plain(head, chosen):
        return _interleaved(head, chosen)
    else:
        record = wfdb.rdrecord(str(head.path), physical=False, return_res=16, channels=chosen)
        stored = np.ascontiguousarray(record.d_signal.T)
        for row, signal in zip(stored, signals, strict=True):
            if _NO_SAMPLE[signal.fmt] != MISSING:
                row[row == _NO_SAMPLE[signal.fmt]] = MISSING
    if any(signal.per_frame > 1 for signal in signals):
        stored[_torn_frames(head, chosen)] = MISSING if stored.dtype == np.int16 else np.nan
    return stored


def _is_plain(head: RecordHead, chosen: list[int]) -> bool:
    """Whether the files of these leads hold nothing but one 16-bit sample of each of their signals in turn."""
    files = {head.signals[k].file for k in chosen}
    together = [signal for signal in head.signals if signal.file in files]
    shifted = any(head.signals[k].skew for k in chosen)
    return not shifted and all(signal.fmt == "16" and signal.per_frame == 1 for signal in together)


def _torn_frames(head: RecordHead, chosen: list[int]) -> np.ndarray:
    """Frames (C, T) of which a sample is missing: wfdb averages a lead's samples per frame, the missing code too."""
    record = wfdb.rdrecord(str(head.path), channels=chosen, smooth_frames=False)
    frames = [row.reshape(head.n_samples, -1) for row in record.e_p_signal]  # T, samples per frame
    return np.stack([np.isnan(row).any(axis=1) for row in frames])


def _interleaved(head: RecordHead, chosen: list[int]) -> np.ndarray:
    """Format 16, most of PhysioNet: plain little-endian int16, lead by lead in turn."""
    # wfdb would parse the header once more for it, which for short records takes longer than the signal
    stored = np.empty((len(chosen), head.n_samples), dtype=np.int16)
    for file in dict.fromkeys(head.signals[k].file for k in chosen):
        together = [k for k, signal in enumerate(head.signals) if signal.file == file]
        count = head.n_samples * len(together)
        samples = np.fromfile(head.path.parent / file, "<i2", count, offset=head.signals[together[0]].offset)
        frames = samples.reshape(head.n_samples, len(together))  # T, leads of this file
        for row, k in enumerate(chosen):
            if head.signals[k].file == file:
                stored[row] = frames[:, together.index(k)]
    return stored
