"""Real PTB records and thyroid rows: golden images bit for bit, and the figures that the documentation states."""

import hashlib
import json

import numpy as np
import pytest
import wfdb
from anonimage.transforms import AdaptedRange, Codec, Compose, Equalize, MinMax, QuantileBounds, arrangement, table_grid

SIDE = 45
LEADS = ("i", "ii", "iii")


def windows(record, lead):
    """(N, 1, L) mV, not overlapping, the tail dropped."""
    signal = record.p_signal[:, [name.lower() for name in record.sig_name].index(lead)]
    n = len(signal) // SIDE**2
    return signal[: n * SIDE**2].reshape(n, 1, SIDE**2).astype(np.float32)


@pytest.fixture(scope="module")
def ptb(shared):
    """All windows of all records, by lead: {lead: (N, 1, L)}."""
    folder = shared / "data" / "ptbdb"
    records = [wfdb.rdrecord(str(folder / name)) for name in (folder / "RECORDS").read_text().split()]
    return {lead: np.concatenate([windows(record, lead) for record in records]) for lead in LEADS}


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("path", ["z", "transposed", "reversed"])
def test_golden_images(shared, lead, path):
    """Made by `python make_golden.py ../data/ptbdb > golden.json`, an independent script in float64."""
    golden = json.loads((shared / "golden" / "golden.json").read_text())
    x = windows(wfdb.rdrecord(str(shared / "data" / "ptbdb" / "patient001" / "s0010_re")), lead)[:3]
    standardizer = AdaptedRange(2.5, rounding="ceil", a=0)
    codec = Codec(standardizer, arrangement(path, 1, SIDE**2), (lead,), "mV", 1000)
    for w, (image, offset) in enumerate(zip(codec.encode(x)[:, 0], codec.offset(x)[:, 0], strict=True)):
        expected = golden[f"{lead}/{w}/{path}"]
        assert image[0, :8].tolist() == expected["head"]
        assert image[-1, -4:].tolist() == expected["tail"]
        assert hashlib.sha256(image.tobytes()).hexdigest() == expected["sha256"]
        assert offset == np.float32(golden[f"{lead}/{w}"]["offset_mv"])
        counted = standardizer.saturated(x[w : w + 1])["AdaptedRange"]
        assert counted.values == golden[f"{lead}/{w}"]["saturated"]


@pytest.mark.parametrize("lead", LEADS)
def test_real_windows_come_back_within_half_a_level(ptb, lead):
    """2.5 mV / 255 / 2 is 4.902 µV; evenly spread errors have a root mean square of 9.804 / √12 = 2.83 µV."""
    x = ptb[lead]
    standardizer = Compose(QuantileBounds(step=0.0005), AdaptedRange(2.5))
    codec = Codec(standardizer, arrangement("z", 1, SIDE**2), (lead,), "mV", 1000).fit(x)
    low, high = standardizer.parts[0].bounds[:, 0]
    offset = codec.offset(x)
    inside = (x >= low) & (x <= high) & (x - offset[..., None] <= 2.5)
    assert inside.mean() > 0.98
    error_uv = 1000 * (codec.decode(codec.encode(x), offset).astype(float) - x)[inside]
    assert np.abs(error_uv).max() < 4.91
    assert codec.tolerance < 0.00491
    assert np.sqrt(np.square(error_uv).mean()) == pytest.approx(2.83, abs=0.02)
    assert abs(error_uv.mean()) < 0.05


def test_the_share_of_windows_with_a_value_outside_the_bounds(ptb):
    """The figures in the docstring of QuantileBounds: the two readings of §4.1, with electrode voltages and without."""

    def share(of, x):
        counted = QuantileBounds(of=of, step=0.0005).fit(x).saturated(x)["QuantileBounds"]
        return counted.windows / counted.n_windows

    level = {lead: x - np.median(x, axis=-1, keepdims=True) for lead, x in ptb.items()}
    assert [share("values", ptb[lead]) for lead in LEADS] == pytest.approx([0.067, 0.034, 0.046], abs=0.001)
    assert [share("values", level[lead]) for lead in LEADS] == pytest.approx([0.765, 0.630, 0.450], abs=0.001)
    assert [share("windows", ptb[lead]) for lead in LEADS] == pytest.approx([0.025] * 3, abs=0.001)
    assert [share("windows", level[lead]) for lead in LEADS] == pytest.approx([0.025] * 3, abs=0.001)


def test_nearly_all_windows_fit_into_two_and_a_half_millivolts(ptb):
    """The paper: 2.5 mV "will cover almost all samples" (§4.1)."""
    wider = [AdaptedRange(2.5).saturated(ptb[lead])["AdaptedRange"] for lead in LEADS]
    assert [(counted.windows, counted.n_windows) for counted in wider] == [(0, 238), (1, 238), (4, 238)]


def moved(x, back):
    """Kolmogorov and Smirnov's distance between two columns: the most that the share below any value differs."""
    at = np.unique(np.concatenate([x, back]))
    below = [np.searchsorted(np.sort(column), at, side="right") / len(column) for column in (x, back)]
    return np.abs(below[0] - below[1]).max()


def test_equalised_windows_keep_their_distribution(ptb):
    """The figures in the docstring of Equalize for lead ii, whose values electrodes shift by up to 5 mV."""
    x = ptb["ii"]
    by_rank, mixed, linear = (
        Codec(standardizer, arrangement("z", 1, SIDE**2), ("ii",), "mV", 1000).fit(x)
        for standardizer in (Equalize(step=0.0005, linear=0), Equalize(step=0.0005), MinMax())
    )
    assert [codec.tolerance for codec in (by_rank, mixed, linear)] == pytest.approx([0.75, 0.084, 0.023], rel=0.02)
    for codec, most_moved in ((by_rank, 0.005), (mixed, 0.006)):
        back = codec.decode(codec.encode(x))
        error = np.abs(back.astype(float) - x)
        assert error.max() <= codec.tolerance
        assert np.median(error) < 0.005  # MinMax: 0.011
        assert moved(x.ravel(), back.ravel()) < most_moved


def test_columns_with_a_heavy_tail_keep_their_distribution(shared):
    """The figures in the docstring of Equalize for thyroid's TSH (column 17), and its other continuous columns."""
    lines = (shared / "data" / "thyroid" / "ann-train.data").read_text().splitlines()
    rows = np.array([line.split(",")[:21] for line in lines], np.float32)
    x = rows[:, [16, 0, 17, 18, 19, 20], None]

    def there_and_back(standardizer):
        codec = Codec(standardizer, table_grid("kinds", ["continuous"] * 6), list("abcdef"), "", None).fit(x)
        back = codec.decode(codec.encode(x))
        assert np.abs(back.astype(float) - x).max() <= codec.tolerance
        return back, [moved(x[:, column, 0], back[:, column, 0]) for column in range(6)]

    mixed, shares = there_and_back(Equalize(a=1))
    assert max(shares) < 0.0055
    assert (mixed == x).mean(axis=(0, 2)).min() > 0.7  # the rows whose value many share
    assert max(there_and_back(Equalize(a=1, linear=0))[1]) < 0.005
    _, shares = there_and_back(MinMax(a=1))
    assert min(shares) > 0.02
    assert shares[0] == pytest.approx(0.36, abs=0.001)
    tolerance = [Equalize(1, linear=share).fit(x[:, :1]).tolerance for share in (0, 0.25)]
    assert [*tolerance, MinMax(1).fit(x[:, :1]).tolerance] == pytest.approx([0.197, 0.0041, 0.00104], rel=0.01)
