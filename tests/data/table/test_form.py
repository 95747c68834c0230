"""Rows become samples and come back exactly; nothing comes out that the training rows do not allow."""

import json

import numpy as np
import pandas as pd
import pytest
from anonimage.data.samples import Samples
from anonimage.data.table.file import read_table
from anonimage.data.table.form import TableForm, rows_of
from anonimage.errors import InputError
from hypothesis import assume, given, settings
from hypothesis import strategies as st

N = 40


def there_and_back(frame, **options):
    """Through samples, and through the form's JSON."""
    form = TableForm.fit(frame, "t.csv", **options)
    again = TableForm.from_state(json.loads(json.dumps(form.to_state(), allow_nan=False)))
    assert again == form
    return form, again.to_frame(form.to_samples(frame))


def some(draw, cells, dtype, missing=None):
    """A column of N cells, all different ones of `cells` among them."""
    values = draw(st.lists(cells, min_size=2, max_size=12, unique=True))
    rest = draw(st.lists(st.sampled_from(values), min_size=N - len(values), max_size=N - len(values)))
    column = np.array([*values, *rest, None], dtype=object)[:-1]
    if missing is not None:
        column[draw(st.lists(st.integers(0, N - 1), max_size=5))] = missing
        assume(pd.Series(column).nunique() > 1)
    return pd.Series(column, dtype=object).astype(dtype)


@st.composite
def frames(draw):
    decimals = draw(st.integers(0, 4))
    days = st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2030-01-01")).map(
        lambda time: pd.Timestamp(time.date())
    )
    words = st.text("abc é\"',;", min_size=1, max_size=4)
    columns = {
        "int": some(draw, st.integers(2**40, 2**40 + 2**24), "int64"),
        "small": some(draw, st.integers(0, 255), "uint8"),
        "counts": some(draw, st.integers(-9, 9).map(float), "float64", np.nan),
        "nullable": some(draw, st.integers(-(2**23), 2**23), "Int64", pd.NA),
        "decimals": some(draw, st.integers(-(10**6), 10**6).map(lambda k: k / 10**decimals), "float64", np.nan),
        "single": some(draw, st.integers(-9999, 9999).map(lambda k: k / 100), "float32", np.nan),
        "text": some(draw, words, "object", np.nan),
        "none": some(draw, words, "object", None),
        "string": some(draw, words, "string", pd.NA),
        "bool": some(draw, st.booleans(), "bool"),
        "maybe": some(draw, st.booleans(), "boolean", pd.NA),
        "objects": some(draw, st.booleans(), "object", np.nan),
        "factor": some(
            draw, st.sampled_from(["lo", "mid", "hi"]), pd.CategoricalDtype(["lo", "mid", "hi", "x"], True), np.nan
        ),
        "levels": some(draw, st.integers(1, 5), pd.CategoricalDtype([5, 4, 3, 2, 1]), np.nan),
        "days": some(draw, days, "datetime64[us]", pd.NaT),
        "zone": some(draw, days, "datetime64[ns]", pd.NaT).dt.tz_localize("Europe/Berlin"),
    }
    names = draw(st.permutations(list(columns)))
    return pd.DataFrame({name: columns[name] for name in names[: draw(st.integers(1, len(names)))]})


@settings(max_examples=40, deadline=None)
@given(frames())
def test_rows_come_back_exactly(frame):
    form, back = there_and_back(frame)
    pd.testing.assert_frame_equal(back, frame, check_exact=True)
    assert len(form.features) == len(form.kinds) == len(set(form.features))
    assert set(form.kinds) <= {"continuous", "integer", "binary"}


@settings(max_examples=40, deadline=None)
@given(frames(), st.integers(0, 2**32 - 1))
def test_whatever_a_network_makes_is_a_row_like_those_of_training(frame, seed):
    rng = np.random.default_rng(seed)
    form = TableForm.fit(frame, "t.csv")
    scale = rng.choice([0.5, 1e3, 1e12])
    values = rng.normal(0, scale, (N, len(form.features), 1)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    made = form.to_frame(Samples(values, pd.DataFrame(index=range(N)), form.features, ("",) * len(form.features)))
    assert made.dtypes.tolist() == frame.dtypes.tolist()
    for name, column in frame.items():
        there = made[name].dropna()
        if column.notna().all():
            assert len(there) == N
        if name in ("text", "none", "string", "bool", "maybe", "objects", "factor", "levels"):
            assert set(there) <= set(column.dropna())
        else:
            assert there.between(column.min(), column.max()).all()
    pd.testing.assert_frame_equal(form.to_frame(form.to_samples(made)), made)  # such rows go round as well


@pytest.mark.parametrize(
    ("path", "label", "n_features", "classes"),
    [
        ("thyroid/ann-train.data", "column22", 21, ("1", "2", "3")),
        ("tabular/processed.cleveland.data", "num", 27, ("0", "1", "2", "3", "4")),
    ],
)
def test_real_tables(shared, path, label, n_features, classes):
    frame = read_table(shared / "data" / path).frame
    _, back = there_and_back(frame)
    pd.testing.assert_frame_equal(back, frame, check_exact=True)
    form, back = there_and_back(frame, label=label)
    pd.testing.assert_frame_equal(back, frame, check_exact=True)
    assert (len(form.features), form.classes) == (n_features, classes)
    assert label not in form.features


def test_thyroid_has_the_papers_kinds(shared):
    frame = read_table(shared / "data" / "thyroid" / "ann-train.data").frame
    form = TableForm.fit(frame, "ann-train.data", label="column22")
    assert form.kinds == ("continuous", *["binary"] * 15, *["continuous"] * 5)
    labels = form.to_samples(frame).frame["label"]
    assert labels.value_counts().to_dict() == {2: 3488, 1: 191, 0: 93}


OPTIONS = {"label": "sick", "patient": "id", "drop": ["void"], "keep": ["site"]}


def test_features_by_hand(people):
    form = TableForm.fit(people, "people.csv", **OPTIONS)
    samples = form.to_samples(people.iloc[2:4])
    expected = {
        "age": ("integer", 62, 28),
        "sex": ("binary", 0, 1),
        "ca = 0": ("binary", 0, 0),
        "ca = 1": ("binary", 0, 0),
        "ca = 2": ("binary", 1, 0),
        "ca is missing": ("binary", 0, 1),
        "st": ("continuous", np.nan, 2),
        "st is present": ("binary", 0, 1),
    }
    assert form.features == samples.channels == tuple(expected)
    assert form.kinds == tuple(kind for kind, *_ in expected.values())
    kinds = {column.name: column.kind for column in form.columns}
    assert list(kinds) == ["age", "sex", "ca", "st", "site", "sick"]
    assert list(kinds.values()) == ["integer", "binary", "category", "continuous", "constant", "category"]
    np.testing.assert_array_equal(samples.values[:, :, 0].T, [values for _, *values in expected.values()])
    assert samples.frame.to_dict("list") == {
        "record": ["row3", "row4"],
        "patient": ["P1", "P1"],
        "start": [0, 0],
        "label": [1, 0],
        "diagnosis": ["yes", "no"],
    }


def test_decoding_by_hand(people):
    form = TableForm.fit(people, "people.csv", **OPTIONS)
    values = np.array(
        [
            # age, sex, ca 0, 1, 2, missing, st, present
            [28.4, 0.49, 0.2, 0.9, 0.1, 0.3, 1.254, 0.5],
            [99.0, 0.50, 0.2, 0.1, 0.1, 0.3, 1.254, 0.49],  # older than anybody
            [-5.0, 7.00, np.nan, np.nan, 0.1, np.nan, 9.0, 1.0],
            [np.nan, np.nan, 0.5, 0.5, 0.4, 0.1, np.nan, 1.0],  # NULL where every row has a value is the lowest
        ],
        np.float32,
    )
    frame = pd.DataFrame({"label": [0, 1, 1, 0]})
    made = form.to_frame(Samples(values[:, :, None], frame, form.features, ("",) * 8))
    expected = pd.DataFrame(
        {
            "age": [28, 81, 28, 28],
            "sex": ["f", "m", "m", "f"],
            "ca": [1.0, np.nan, 2.0, 0.0],
            "st": [1.25, np.nan, 3.75, np.nan],
            "site": ["x"] * 4,
            "sick": ["no", "yes", "yes", "no"],
        }
    )
    pd.testing.assert_frame_equal(made, expected)


def test_kinds_may_be_given():
    frame = pd.DataFrame({"grade": range(1, 13), "code": [7, 9] * 6, "mark": [0.5, 1.5, 2.5] * 4})
    assert TableForm.fit(frame, "t").kinds == ("integer", "binary", "continuous")
    form, back = there_and_back(frame, category=["code", "mark"])
    assert form.features == ("grade", "code = 7", "code = 9", "mark = 0.5", "mark = 1.5", "mark = 2.5")
    pd.testing.assert_frame_equal(back, frame)
    assert TableForm.fit(frame, "t", binary=["code"]).kinds[1] == "binary"


def test_names_of_features_never_repeat():
    frame = pd.DataFrame({"a": ["b", "c", "d"] * 2, "a = b": [1, 2] * 3, "m": ["missing", np.nan, "x", "y", "x", "y"]})
    form, back = there_and_back(frame)
    assert form.features[:4] == ("a = b", "a = c", "a = d", "a = b'")
    assert form.features[4:] == ("m = missing", "m = x", "m = y", "m is missing")
    pd.testing.assert_frame_equal(back, frame)


def test_times_between_are_whole_days_and_inside():
    days = pd.to_datetime(["2020-01-01", "2020-01-11", "2024-02-29"] * 2)
    frame = pd.DataFrame({"day": days, "hour": days + pd.to_timedelta([1, 2, 3, 4, 5, 6], "h")})
    form = TableForm.fit(frame, "t")
    assert form.to_samples(frame).values[:3, :, 0].tolist() == [[0, 0], [10, 241], [1520, 1520 * 24 + 2]]
    values = np.array([[4.6, 25], [-3, 9e9]], np.float32)[:, :, None]
    made = form.to_frame(Samples(values, pd.DataFrame(index=range(2)), form.features, ("", "")))
    assert made["day"].astype(str).tolist() == ["2020-01-06", "2020-01-01"]
    assert made["hour"].astype(str).tolist() == ["2020-01-02 02:00:00", str(frame["hour"].max())]


def test_whose_rows_they_are(people):
    rows = rows_of(people, "people.csv", label="sick", patient="id")
    assert rows["patient"].tolist() == people["id"].tolist()
    assert rows["diagnosis"].tolist() == people["sick"].tolist()
    assert rows["label"].tolist() == [0, 0, 1] * 4
    everybody = rows_of(people, "people.csv")
    assert everybody["patient"].nunique() == 12
    assert set(everybody["label"]) == {0}
    people.loc[4, "id"] = None
    with pytest.raises(InputError, match="column 'id' is missing in row 5"):
        rows_of(people, "people.csv", patient="id")


def test_refitted_to_some_rows_only_ranges_and_digits_change(people):
    whole = TableForm.fit(people, "people.csv", **OPTIONS)
    some = people[people["age"] < people["age"].max()]
    form = whole.refit(some)
    columns = {column.name: (column, before) for column, before in zip(form.columns, whole.columns, strict=True)}
    age, before = columns.pop("age")
    assert (age.high, before.high) == (some["age"].max(), people["age"].max())
    assert age.kind == before.kind
    assert form.features == whole.features
    assert all(now == then for now, then in columns.values() if now.name != "st")
