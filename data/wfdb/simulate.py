"""A PTB-shaped WFDB database of simulated patients: for the demo and for tests.

The heart is three of neurokit2's ECGSYN signals, one per axis of Frank's orthogonal leads, with one sequence of RR
intervals: the three-dimensional form of that model by Sameni et al. 2007, doi:10.1155/2007/43407. simulate.toml has
the waves of each diagnosis, the leads as sums of axes, and what a header says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np

from ...errors import InputError
from ...files import new_folder
from .writer import write_record

LEADS = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6", "vx", "vy", "vz")
GAIN = 2000.0  # ADC units per mV, as PTB

_MODEL = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
DOWER = np.array(_MODEL["dower"])
_SHARES = {"Myocardial infarction": 368, "Miscellaneous": 101, "Healthy control": 80}  # records of the real PTB
_RECORDS_OF_A_PATIENT = (2, 1, 1)  # in turn; PTB has 549 records of 290 patients


@dataclass(frozen=True)
class _Patient:
    diagnosis: str  # as in PTB's header
    localization: str  # of an infarction, else "no"
    vessels: str  # how many coronary ones are involved
    age: int
    sex: str
    rate: float  # mean heart rate, bpm
    rate_std: float
    axes: np.ndarray  # (3, 5) waves in mV along x, y, z
    degrees: np.ndarray  # (5,)
    widths: np.ndarray  # (5,)
    turn: np.ndarray  # (3, 3) rotation of the heart in the chest
    wander: float  # baseline wander, mV
    noise: float  # muscle noise, mV


def simulate_database(
    dest: Path,
    patients: int = 24,
    seconds: float = 20.0,
    fs: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Make a database laid out as PTB: patient001/s0001_re.hea, .dat (12 leads), .xyz (3 Frank leads), and RECORDS.

    Patients differ in heart rate, electrical axis, wave heights and widths, baseline wander and noise. The classes keep
    the real database's proportions (368 : 101 : 80), with at least two patients of each from six patients on. iii, avr,
    avl and avf are made of i and ii as digitized, so Einthoven's and Goldberger's laws hold within one ADC step. Every
    header says that the record is simulated, by which version and seed, and at which heart rate.

    Arguments:
        dest: the folder to make; must not hold anything yet. It is returned.
        patients: how many; every third one has two records, the others one.
        seconds: length of each record.
        fs: Hz, whole.
        seed: the same seed gives the same bytes.
        progress: called with (patients done, patients).
    """
    if dest.is_file() or (dest.is_dir() and any(dest.iterdir())):
        raise InputError(f"{dest}: is already there; name a new or an empty folder for the simulated database")
    for name, value, low, high in (
        ("patients", patients, 1, 999),
        ("seconds", seconds, 2, 3600),
        ("fs", fs, 100, 10_000),
        ("seed", seed, 0, 2**63),
    ):
        if not low <= value <= high:
            raise InputError(f"{name}={value}: a simulated database needs {name} from {low} to {high}")
    _neurokit2()  # before anything is written
    mark = f"Simulated by anonimage {version('anonimage')} (neurokit2 {version('neurokit2')}); no real person"
    records: list[str] = []
    with new_folder(dest) as folder:
        for number, diagnosis in enumerate(_diagnoses(patients, np.random.default_rng([seed, 0])), start=1):
            rng = np.random.default_rng([seed, number])
            patient = _draw_patient(diagnosis, rng)
            home = folder / f"patient{number:03d}"
            home.mkdir()
            for session in range(_RECORDS_OF_A_PATIENT[(number - 1) % len(_RECORDS_OF_A_PATIENT)]):
                name = f"s{len(records) + 1:04d}_re"
                rate = float(np.round(patient.rate + rng.uniform(-3, 3), 1))
                digital = _leads(_vectorcardiogram(patient, rate, seconds, fs, rng), patient, fs, rng)
                about = [line.format(patient, session + 1) for line in _MODEL["header"]]
                about += [mark, f"Simulation: seed {seed}, heart rate {rate} bpm"]
                suffixes = ["dat"] * 12 + ["xyz"] * 3
                write_record(home / name, digital, fs, [GAIN] * 15, ["mV"] * 15, LEADS, about, suffixes)
                records.append(f"{home.name}/{name}")
            if progress:
                progress(number, patients)
        (folder / "RECORDS").write_text("\n".join(records) + "\n", encoding="utf-8")
    return dest


def _neurokit2() -> ModuleType:
    """An optional dependency that takes two seconds to import."""
    try:
        import neurokit2
    except ImportError as fault:
        raise InputError("simulated records need neurokit2; install it with: pip install 'anonimage[demo]'") from fault
    return neurokit2


def _diagnoses(patients: int, rng: np.random.Generator) -> list[str]:
    """One raw diagnosis per patient, shuffled: the classes in the real proportions, the small ones never lost."""
    least = 2 if patients >= 6 else 1 if patients >= 3 else 0
    share = sum(_SHARES.values())
    miscellaneous = max(least, round(patients * _SHARES["Miscellaneous"] / share))
    healthy = max(least, round(patients * _SHARES["Healthy control"] / share))
    different = list(_MODEL["miscellaneous"])
    names = [different[k % len(different)] for k in range(miscellaneous)]
    names += ["Healthy control"] * healthy
    names += ["Myocardial infarction"] * (patients - len(names))
    return [names[k] for k in rng.permutation(patients)]


def _draw_patient(diagnosis: str, rng: np.random.Generator) -> _Patient:
    localization = str(rng.choice(list(_MODEL["infarction"])))
    if diagnosis == "Myocardial infarction":
        form = _MODEL["usual"] | _MODEL["infarction"][localization]
    else:
        localization, form = "no", _MODEL["usual"] | _MODEL["miscellaneous"].get(diagnosis, _MODEL["healthy"])
    heights = rng.lognormal(0, 0.15) * rng.lognormal(0, 0.12, 5)  # of all waves, and of each
    return _Patient(
        diagnosis=diagnosis,
        localization=localization,
        vessels="0" if localization == "no" else "n/a",
        age=int(rng.integers(25, 85)),
        sex=str(rng.choice(["male", "female"])),
        rate=rng.uniform(*form["rate"]),
        rate_std=form["rate_std"] * rng.uniform(0.6, 1.4),
        axes=np.array([form["x"], form["y"], form["z"]]) * heights + rng.normal(0, 0.015, (3, 5)),
        degrees=np.array(form["degrees"]) + rng.normal(0, [4, 1, 0, 1, 5]),
        widths=np.array(form["widths"]) * rng.uniform(0.88, 1.12, 5),
        turn=_rotation(rng.normal(0, 15), rng.normal(0, 12)),
        wander=rng.uniform(0.01, 0.1),
        noise=rng.uniform(0.003, 0.015),
    )


def _rotation(frontal: float, horizontal: float) -> np.ndarray:
    """Turn the heart's axis by degrees in the frontal plane (x, y), then in the horizontal one (x, z): (3, 3)."""
    a, b = np.deg2rad([frontal, horizontal])
    in_front = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1.0]])
    across = np.array([[np.cos(b), 0, -np.sin(b)], [0, 1.0, 0], [np.sin(b), 0, np.cos(b)]])
    return across @ in_front


def _vectorcardiogram(patient: _Patient, rate: float, seconds: float, fs: int, rng: np.random.Generator) -> np.ndarray:
    """Frank's vx, vy, vz in mV: (3, T)."""
    neurokit2 = _neurokit2()
    length = round(seconds * fs)
    start = round(rng.uniform(4.0, 4.0 + 60 / rate) * fs)  # ECGSYN settles within e^-t; then any phase of the beat
    beats = int(rng.integers(2**31))  # one seed for three axes: the same beats
    axes = []
    for waves in patient.axes:
        raw = neurokit2.ecg_simulate(
            length=start + length + 2 * fs,  # ECGSYN may come out a beat short
            duration=None,
            sampling_rate=fs,
            noise=0,
            heart_rate=rate,
            heart_rate_std=patient.rate_std,
            random_state=beats,
            ti=patient.degrees,
            # a wave's height is a·b²/ω; 0.2 keeps ECGSYN's own drift small
            ai=0.2 * 2 * np.pi * waves / patient.widths**2,
            bi=patient.widths,
        )
        axis = np.asarray(raw)[start : start + length]
        axis = axis - np.median(axis)  # between the beats 0 mV
        axes.append(axis / np.ptp(axis) * _range(waves, patient, rate))  # neurokit2 stretches every signal to 1.6
    return patient.turn @ np.array(axes)


def _range(waves: np.ndarray, patient: _Patient, rate: float) -> float:
    """Highest minus lowest value in mV of one ideal beat on one axis, with ECGSYN's stretch of waves by heart rate."""
    quick = np.sqrt(rate / 60)
    peaks = np.deg2rad(patient.degrees) * [quick**0.5, quick, 1, quick, quick**0.5]
    cycle = np.linspace(-np.pi, np.pi, 2000)[:, None]
    away = np.angle(np.exp(1j * (cycle - peaks)))  # (2000, 5) nearest way round the circle
    beat = np.exp(-0.5 * (away / (patient.widths * quick)) ** 2) @ waves
    return float(np.ptp(beat))


def _leads(frank: np.ndarray, patient: _Patient, fs: int, rng: np.random.Generator) -> np.ndarray:
    """(3, T) Frank leads in mV -> (15, T) int16 ADC units of what the electrodes would give."""
    clean = np.vstack([DOWER @ frank, frank])  # (11, T): i, ii, v1 … v6, vx, vy, vz
    noisy = clean + _disturbance(clean.shape, patient, fs, rng)
    digital = np.rint(noisy * GAIN).astype(np.int64)
    i, ii = digital[:2]
    limbs = [i, ii, ii - i, -np.rint((i + ii) / 2), np.rint(i - ii / 2), np.rint(ii - i / 2)]
    return np.vstack([*limbs, digital[2:]]).astype(np.int16)


def _disturbance(shape: tuple[int, ...], patient: _Patient, fs: int, rng: np.random.Generator) -> np.ndarray:
    """Electrode offset, breathing and slower wander, muscle noise and mains hum, in mV: (C, T)."""
    channels, length = shape
    seconds = np.arange(length) / fs
    slow = np.array([rng.uniform(0.03, 0.1), rng.uniform(0.15, 0.35)])  # Hz
    phases = 2 * np.pi * rng.uniform(size=(channels, 2, 1))
    wander = np.sin(2 * np.pi * slow[:, None] * seconds + phases)  # (C, 2, T)
    heights = patient.wander * rng.uniform(0.3, 1.0, (channels, 2, 1))
    hum = rng.uniform(0, 0.004, (channels, 1)) * np.sin(2 * np.pi * 50 * seconds)
    offset = rng.uniform(-0.2, 0.2, (channels, 1))
    return offset + (heights * wander).sum(axis=1) + hum + rng.normal(0, patient.noise, shape)
