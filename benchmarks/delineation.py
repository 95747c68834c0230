"""Delineation against the hand annotations of LUDB, on whole records and on cuts of two seconds.

    python benchmarks/delineation.py ../shared/data/ludb
prints two Markdown tables.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import wfdb
from anonimage.pipelines.evaluation.beats import delineate

LEADS = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
TOLERANCE_S = 0.15  # between an annotated peak and a found one, as AAMI EC57 has it
CUT_S = 2.0
BORDER_S = 0.05  # nearer to the end of what is annotated, a wave found may have its peak behind it
# symbol in the annotation, names of onset, peak and end in the table of beats
WAVES = {
    "P": ("p", ("p_on", "p_peak", "p_off")),
    "QRS": ("N", ("qrs_on", "r", "qrs_off")),
    "T": ("t", ("t_on", "t_peak", "t_off")),
}


class Lead(NamedTuple):
    """One annotated lead.

    Arguments:
        signal: (L,) in mV.
        fs: Hz.
        waves: by name, onsets, peaks and ends (B, 3) in seconds; NaN where a border was not annotated.
        whole: seconds between which every wave is annotated, so that one found besides is a false one.
    """

    signal: np.ndarray
    fs: float
    waves: dict[str, np.ndarray]
    whole: tuple[float, float]


class Found(NamedTuple):
    """How one wave was found: annotated, of these found, found where none is annotated, errors (found, 3) in ms."""

    annotated: int
    found: int
    false: int
    errors: np.ndarray


def read_leads(source: Path, leads: Sequence[str] = LEADS, records: slice = slice(None)) -> list[Lead]:
    """Annotated leads of LUDB.

    Arguments:
        source: its folder.
        leads: names.
        records: which of its records, by number.
    """
    read = []
    for path in sorted((source / "data").glob("*.hea"), key=lambda path: int(path.stem))[records]:
        record = wfdb.rdrecord(str(path.with_suffix("")))
        for lead in leads:
            signal = record.p_signal[:, record.sig_name.index(lead)].astype(np.float32)
            notes = wfdb.rdann(str(path.with_suffix("")), lead)
            waves = {name: _marks(notes.symbol, notes.sample / record.fs, sign) for name, (sign, _) in WAVES.items()}
            peaks = waves["QRS"][:, 1]  # before the first and after the last, only some waves are annotated
            read.append(Lead(signal, record.fs, waves, (peaks[0] - BORDER_S, peaks[-1] + BORDER_S)))
    return read


def cuts(lead: Lead) -> list[Lead]:
    """The annotated middle of a lead in pieces of two seconds, without waves whose complex is in another piece."""
    marks = np.concatenate(list(lead.waves.values()))
    peaks = lead.waves["QRS"][:, 1]
    pieces = []
    for start in np.arange(np.nanmin(marks), np.nanmax(marks) - CUT_S, CUT_S):
        first = round(start * lead.fs)
        signal = lead.signal[first : first + round(CUT_S * lead.fs)]
        ends = first / lead.fs, (first + len(signal) - 1) / lead.fs
        waves = {}
        for name, all_marks in lead.waves.items():
            inside = (all_marks[:, 1] >= ends[0]) & (all_marks[:, 1] <= ends[1])
            if name != "QRS":  # the complex after a P wave, before a T wave
                place = np.searchsorted(peaks, all_marks[:, 1]) - (name == "T")
                own = np.append(peaks, np.nan)[place]  # place -1: no complex before
                inside &= (own >= ends[0]) & (own <= ends[1])
            piece = all_marks[inside]
            waves[name] = np.where((piece >= ends[0]) & (piece <= ends[1]), piece, np.nan) - ends[0]
        pieces.append(Lead(signal, lead.fs, waves, (BORDER_S, CUT_S - BORDER_S)))
    return pieces


def compare(leads: Sequence[Lead]) -> tuple[dict[str, Found], float]:
    """Delineate and match.

    Arguments:
        leads: of one length and rate.

    Returns:
        What was found of each wave, and milliseconds a signal.
    """
    signals = np.stack([lead.signal for lead in leads])
    began = time.perf_counter()
    beats = delineate(signals, leads[0].fs)
    took = (time.perf_counter() - began) / len(leads) * 1000
    by_signal = dict(iter(beats.groupby("window")))
    none = beats.iloc[:0]
    results = {}
    for name, (_, columns) in WAVES.items():
        pairs = [
            _match(lead.waves[name], by_signal.get(number, none)[list(columns)].to_numpy(), lead.whole)
            for number, lead in enumerate(leads)
        ]
        annotated, found, false = (sum(pair[k] for pair in pairs) for k in range(3))
        results[name] = Found(annotated, found, false, np.concatenate([pair.errors for pair in pairs]))
    return results, took


def table(results: dict[str, Found]) -> pd.DataFrame:
    """A row for each wave: rates in percent, median absolute errors in ms."""
    rows = {}
    for name, found in results.items():
        onset, peak, end = np.nanmedian(np.abs(found.errors), axis=0)
        rows[name] = {
            "annotated": found.annotated,
            "found, %": 100 * found.found / found.annotated,
            "of those found, annotated, %": 100 * found.found / (found.found + found.false),
            "onset, ms": onset,
            "peak, ms": peak,
            "end, ms": end,
            "onset found, %": 100 * np.isfinite(found.errors[:, 0]).sum() / found.annotated,
            "end found, %": 100 * np.isfinite(found.errors[:, 2]).sum() / found.annotated,
        }
    return pd.DataFrame(rows).T


def _marks(symbols: Sequence[str], seconds: np.ndarray, sign: str) -> np.ndarray:
    """Onsets, peaks and ends (B, 3) of one wave; NaN where a border was not annotated."""
    rows = []
    for place in np.flatnonzero(np.array(symbols) == sign):
        onset = seconds[place - 1] if place and symbols[place - 1] == "(" else np.nan
        end = seconds[place + 1] if place + 1 < len(symbols) and symbols[place + 1] == ")" else np.nan
        rows.append((onset, seconds[place], end))
    return np.array(rows).reshape(-1, 3)


def _match(annotated: np.ndarray, found: np.ndarray, whole: tuple[float, float]) -> Found:
    """Each annotated wave with the nearest one found, if it is within tolerance; no two with one."""
    found = found[~np.isnan(found[:, 1])]
    free = np.ones(len(found), bool)
    errors = []
    for wave in annotated:
        away = np.where(free, np.abs(found[:, 1] - wave[1]), np.inf)
        if len(away) and away.min() <= TOLERANCE_S:
            nearest = away.argmin()
            free[nearest] = False
            errors.append((found[nearest] - wave) * 1000)
    free &= (found[:, 1] >= whole[0]) & (found[:, 1] <= whole[1])
    return Found(len(annotated), len(errors), int(free.sum()), np.array(errors).reshape(-1, 3))


def _markdown(results: pd.DataFrame) -> str:
    lines = ["| wave | " + " | ".join(results.columns) + " |", "|---|" + "---:|" * len(results.columns)]
    for name, row in results.iterrows():
        figures = [f"{row.iloc[0]:.0f}", *(f"{value:.1f}" for value in row.iloc[1:])]
        lines.append(f"| {name} | " + " | ".join(figures) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--leads", default=",".join(LEADS), help="names, with commas")
    given = parser.parse_args()
    whole = read_leads(given.source, given.leads.split(","))
    pieces = [piece for lead in whole for piece in cuts(lead)]
    for title, leads in (("whole records", whole), (f"cuts of {CUT_S:g} s", pieces)):
        results, took = compare(leads)
        print(f"\n{len(leads)} {title} ({took:.2f} ms each)\n\n{_markdown(table(results))}")


if __name__ == "__main__":
    main()
