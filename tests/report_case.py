"""Finished runs made of drawn numbers, so that a report can be written without any training."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from anonimage.data.samples import Samples
from anonimage.data.table.form import TableForm
from anonimage.pipelines.evaluation.privacy.findings import Attack, Audit, Control
from anonimage.pipelines.evaluation.scores import Evidence, Score
from anonimage.pipelines.evaluation.sets import DrawnSamples
from anonimage.pipelines.kinds import kind_of_recipe
from anonimage.pipelines.kinds.kind import SampleInfo
from anonimage.pipelines.recipe import Recipe, load_recipe
from anonimage.pipelines.release.gate import Area, LimitCheck
from anonimage.pipelines.report.content import Run

COUNTS = {"synthetic": 200, "training": 90, "control": 40, "training_patients": 30, "control_patients": 12}
COUNTS |= {"records": 42, "steps": 600}
OF_HEARTS = ("heart_rate: mean", "heart_rate: KS", "r: undetectable", "r_peaks", "lead_distance", "noise", "qt_rr: r")
OF_HEARTS += ("saturated_windows", "wide_windows")
WAVES = ((0.16, 0.12, 0.025), (0.28, -0.1, 0.008), (0.3, 1.2, 0.011), (0.325, -0.2, 0.009), (0.55, 0.3, 0.05))


def ecg(n: int, leads: int, length: int, fs: float, noise: float, seed: int) -> np.ndarray:
    """(n, leads, length) in mV: P, Q, R, S and T as bells, each window at its own rate."""
    rng = np.random.default_rng(seed)
    time = np.arange(length) / fs
    windows = np.zeros((n, leads, length))
    for window in windows:
        phase = time * rng.uniform(0.9, 1.4) % 1
        wave = sum(height * np.exp(-((phase - at) ** 2) / (2 * width**2)) for at, height, width in WAVES)
        window += rng.uniform(0.4, 1.1, (leads, 1)) * wave + rng.uniform(-0.4, 0.4, (leads, 1))
    return (windows + rng.normal(0, noise, windows.shape)).astype(np.float32)


def ecg_run(leads: Sequence[str] = ("i",), length: int = 2025, fs: float = 1000, units: str = "mV", **known) -> Run:
    """A run on signals, with everything that a report can show; `known` goes to `Run`."""
    recipe = load_recipe("ptb-acgan").changed(
        {"leads": tuple(leads), "side": "auto", "length": length, "arrangement": "z"}
    )
    names = ("Healthy control", "Myocardial infarction")
    frames = [
        pd.DataFrame({"patient": [f"secret{k % 9}" for k in range(36)], "diagnosis": [names[k % 2] for k in range(36)]})
        for _ in range(3)
    ]
    values = [ecg(36, len(leads), length, fs, noise, seed) for seed, noise in enumerate((0.01, 0.01, 0.04))]
    samples = [
        Samples(each, frame, tuple(leads), (units,) * len(leads), fs)
        for each, frame in zip(values, frames, strict=True)
    ]
    info = SampleInfo(leads, [units] * len(leads), fs, 0.001, length, form={"classes": list(names)})
    codec = kind_of_recipe(recipe).new_codec(recipe, info)
    return _run(recipe, codec.fit(samples[0].values), DrawnSamples(*samples), known)


def table_run(**known) -> Run:
    """A run on a table of numbers and a binary column."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "age": rng.normal(60, 12, 60).round(1),
            "height": rng.normal(170, 9, 60).round(1),
            "sick": rng.choice(["no", "yes"], 60),
        }
    )
    recipe = load_recipe("table").changed({"side": "auto"})
    form = TableForm.fit(frame, "people")
    rows = form.to_samples(frame)
    info = SampleInfo(rows.channels, rows.units, None, 0.1, 1, form={"table": form.to_state()})
    codec = kind_of_recipe(recipe).new_codec(recipe, info).fit(rows.values)
    return _run(recipe, codec, DrawnSamples(rows, rows, rows), _without_hearts() | known)


def _without_hearts() -> dict:
    """What there is of data that are no ECG."""
    figures = {name: score for name, score in scores().items() if name not in OF_HEARTS}
    fidelity, *others = areas()
    held = tuple(check for check in fidelity.checks if check.name not in OF_HEARTS)
    reasons = ("r: undetectable: not measured (this run has no such score), which the policy tolerates",)
    features = Evidence(features=evidence().features)
    return {
        "scores": figures,
        "evidence": features,
        "areas": (replace(fidelity, reasons=reasons, checks=held), *others),
    }


def _run(recipe: Recipe, codec, samples: DrawnSamples, known: dict) -> Run:
    rng = np.random.default_rng(1)
    steps = np.arange(0, 600, 25)
    metrics = pd.DataFrame({"step": steps, "critic_loss": 1 / (1 + steps / 99), "generator_loss": 0.7 + steps / 1000})
    metrics = metrics.assign(real_accuracy=0.6, fake_accuracy=np.linspace(0.2, 0.9, len(steps)))
    monitor = pd.DataFrame({"step": steps, "ratio": rng.uniform(0.6, 1, len(steps)), "event": [None] * len(steps)})
    monitor.loc[[5, 9], "event"] = ["collapse: two images differ by 0.01", "the discriminator has won"]
    images = rng.integers(0, 255, (8, *codec.image_shape), np.uint8)
    whole = {
        "scores": scores(),
        "against": {},
        "evolution": {100: images, 600: images},
        "counts": COUNTS,
        "dropped": {"flat": 3},
        "versions": {"torch": "2"},
        "evidence": evidence(),
        "audit": audit(),
        "areas": areas(),
        "not_measured": {"trts: macro PR-AUC": "a class has nobody in it"},
    }
    return Run(recipe=recipe, codec=codec, samples=samples, metrics=metrics, monitor=monitor, **whole | known)


def scores() -> dict[str, Score]:
    return {
        "tstr: macro PR-AUC": Score(0.61, 0.55, 0.67, 0.7, 40),
        "1nnc": Score(0.8775, 0.81, 0.92, 0.78, 200),
        "coverage": Score(0.42, 0.31, 0.52, 0.93, 40),
        "recall": Score(0.37, 0.28, 0.47, 0.91, 40),
        "r: undetectable": Score(0.03, 0.01, 0.06, 0.02, 200),
        "r_peaks": Score(2.21, 2.1, 2.3, 2.25, 200),
        "r_kernel": Score(3.4, 2.6, 4.9, 1, 40),
        "lead_distance": Score(0.4, 0.3, 0.5, 0.45, 40),
        "noise": Score(0.02, 0.01, 0.03, 0.01, 200),
        "qt_rr: r": Score(0.31, 0.2, 0.4, 0.6, 200),
        "heart_rate: mean": Score(71.5, 69, 74, 70.2, 180, "bpm"),
        "heart_rate: KS": Score(0.12, 0.05, 0.2, 0.08, 180),
        "saturated_windows": Score(0.013, 0, 0.03, 0.04, 1152),
        "wide_windows": Score(0.0, 0, 0, None, 1152),
        "a figure of tomorrow": Score(1234.5, 1200, 1300, None, 7),
    }


def evidence() -> Evidence:
    rng = np.random.default_rng(2)
    tables = {}
    for kind, rate in (("control", 70), ("synthetic", 74)):
        beat = rng.normal(rate, 9, 300)
        drawn = {"heart_rate": beat, "rr": 60000 / beat, "qt": 250 + 60000 / beat * 0.16 + rng.normal(0, 14, 300)}
        drawn |= {"p_duration": rng.normal(105, 12, 300), "pr": rng.normal(158, 20, 300)}
        drawn |= {"qrs": rng.normal(96, 9, 300), "stj": rng.normal(20, 35, 300)}
        drawn |= {"r": rng.normal(1100, 300, 300), "t": rng.normal(290, 90, 300)}
        tables[kind] = pd.DataFrame(drawn)
        tables[kind].loc[::20, "p_duration"] = np.nan
    frequency = np.arange(0, 150, 0.5)
    middle = -1 - 2 * np.log10(1 + frequency / 8)
    spectra = {kind: np.stack([middle - 0.5, middle, middle + 0.5]) + k * 0.1 for k, kind in enumerate(tables)}
    features = pd.DataFrame(rng.normal(size=(300, 2)), columns=["x", "y"])
    features["kind"] = np.repeat(["training", "control", "synthetic"], 100)
    return Evidence(tables, {"frequency": frequency, **spectra}, features)


def audit() -> Audit:
    rates = np.linspace(0, 1, 50)
    roc = {
        kind: [(float(x), float(x**power)) for x in rates]
        for kind, power in (("synthetic", 0.8), ("positive", 0.05), ("negative", 1))
    }
    controls = {"positive": Score(0.98, 0.95, 1, 0.5, 42), "negative": Score(0.5, 0.42, 0.58, 0.5, 42)}
    question = "Was this person's record used for training?"
    given = {"question": question, "members": 30, "non_members": 12, "controls": controls}
    attacks = (
        Attack(
            "membership: distance, patient",
            "membership_auc",
            score=Score(0.56, 0.44, 0.68, 0.5, 42),
            p_value=0.31,
            roc=roc,
            **given,
        ),
        Attack(
            "membership: discriminator, window",
            "model_auc",
            score=Score(0.58, 0.5, 0.66, 0.5, 42),
            p_value=0.02,
            roc=roc,
            **given,
        ),
        Attack(
            "copies: near duplicates",
            "copy_share",
            score=Score(0.12, 0.09, 0.16, 0.01, 200),
            p_value=0.0001,
            roc={},
            **given,
        ),
    )
    both = (Control("positive", 20, 20, 19), Control("negative", 18, 20, 19))
    return Audit(attacks, both, {"re-identification": "no verifier"}, "0123456789abcdef0123", COUNTS)


def areas() -> tuple[Area, ...]:
    privacy = audit().attacks
    return (
        Area(
            "fidelity",
            "pass",
            (),
            (
                LimitCheck("1nnc", scores()["1nnc"], 0.99, "pass"),
                LimitCheck("coverage", scores()["coverage"], 0.05, "pass"),
                LimitCheck("recall", scores()["recall"], 0.05, "pass"),
                LimitCheck("r: undetectable", scores()["r: undetectable"], 0.5, "pass"),
            ),
        ),
        Area("utility", "not judged", ("measured, but the policy sets no limit",), ()),
        Area(
            "privacy",
            "inconclusive",
            ("the audit's own controls failed", "42 people are too few", "one more", "and another"),
            (
                LimitCheck(privacy[0].name, privacy[0].score, 0.6, "undecided"),
                LimitCheck(privacy[2].name, privacy[2].score, 0.05, "fail"),
            ),
        ),
    )
