"""Tables that nothing can be learnt from, options that do not fit, rows of another table: one line each."""

import numpy as np
import pandas as pd
import pytest
from anonimage.data.samples import Samples
from anonimage.data.table.form import TableForm
from anonimage.errors import InputError

OPTIONS = {"label": "sick", "patient": "id", "drop": ["void"], "keep": ["site"]}


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"v": [1.0] * 12}, r"column 'v' holds 1\.0 in every row; .*--drop v, or copy it into every row with --keep v"),
        ({"v": ["x", np.nan] * 6}, "column 'v' holds 'x' in every row that has a value"),
        ({"v": [np.nan] * 12}, "column 'v' has no value in any row; .*--drop v.*--keep v"),
        (
            {"v": [f"n{k}" for k in range(12)]},
            r"column 'v' names its rows \(12 different values in 12 rows\); .*--drop v",
        ),
        ({"v": [1, 2.5, np.inf] * 4}, r"column 'v' holds inf in row 3; .*--missing"),
        ({"v": [1, "a", "b"] * 4}, "column 'v' holds int and str; .*--drop v"),
        ({"v": [k * 1e300 for k in range(-5, 7)]}, r"column 'v' runs from -5e\+300 to 6e\+300, which float32 does not"),
        ({"v": [k * 1e-300 for k in range(12)]}, "column 'v' runs from 0.0 to 1.1.*e-299, which float32 does not hold"),
        ({"v": pd.array([2**63 + k for k in range(12)], "uint64")}, "column 'v' holds 9223372036854775819, more than"),
        ({"v": [[1], [2], [3]] * 4}, "column 'v' holds list; .*--drop v"),
        ({"v": pd.to_timedelta(range(12), "h")}, "column 'v' holds Timedelta; .*--drop v"),
    ],
)
def test_columns_that_cannot_be_learnt(column, message):
    with pytest.raises(InputError, match=f"t.csv: {message}") as error:
        TableForm.fit(pd.DataFrame({"age": range(12), **column}), "t.csv")
    assert "\n" not in str(error.value)


def test_text_of_many_values():
    frame = pd.DataFrame({"word": [f"w{k % 60}" for k in range(200)], "age": range(200)})
    with pytest.raises(InputError, match=r"60 different values, more than 50; .*--drop word.*--category word"):
        TableForm.fit(frame, "t.csv")
    assert len(TableForm.fit(frame, "t.csv", category=["word"]).features) == 61
    frame["word"] = [f"w{k % 190}" for k in range(200)]
    with pytest.raises(InputError, match="column 'word' names its rows"):
        TableForm.fit(frame, "t.csv", category=["word"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "sik"}, "people.csv: --label sik: no such column; did you mean 'sick'"),
        ({"patient": "ib"}, "--patient ib: no such column; did you mean 'id'"),
        ({"drop": ["viod"]}, "--drop viod: no such column; did you mean 'void'"),
        ({"category": ["sx"]}, "--category sx: no such column; did you mean 'sex'"),
        ({"binary": ["age"]}, r"column 'age' has 12 different values \(28, 31, 39, 44, 45, …\); --binary takes two"),
        ({"keep": ["age"]}, "column 'age' has 12 different values; only a column of one value is kept"),
        ({"drop": ["sex"], "binary": ["sex"]}, "column 'sex' is named by --binary and --drop; choose one"),
        ({"label": "ca"}, r"label 'ca' is missing in 3 rows, first in row 4; label all rows"),
        ({"label": "site"}, "label 'site' is 'x' in every training row; a label needs two classes or more"),
        ({"drop": ["id", "age", "sex", "ca", "st", "site", "void", "sick"]}, "no column is left to learn from"),
    ],
)
def test_options_that_do_not_fit(people, options, message):
    with pytest.raises(InputError, match=message):
        TableForm.fit(people, "people.csv", **options)


def test_no_training_rows_or_columns_of_one_name(people):
    with pytest.raises(InputError, match="no training rows"):
        TableForm.fit(people.iloc[:0], "people.csv", **OPTIONS)
    with pytest.raises(InputError, match="2 columns are called 'age'"):
        TableForm.fit(people.rename(columns={"st": "age"}), "people.csv", **OPTIONS)


def test_values_that_no_training_row_has_are_refused(people):
    form = TableForm.fit(people, "people.csv", **OPTIONS)
    control = people.iloc[4:9].copy()
    assert not form.unseen(control)[0].any()
    control.loc[[5, 7], "ca"] = 3.0
    control.loc[7, "sick"] = "perhaps"
    control.loc[8, "sex"] = np.nan
    control.loc[4, "st"] = 99.0  # outside the range, but a number
    control.loc[6, "site"] = "y"  # no feature of the network
    mask, lines = form.unseen(control)
    assert mask.tolist() == [False, True, False, True, True]
    assert lines == [
        "people.csv: column 'sex' is missing in 1 row (first row 9), in no training row; leave such rows out",
        "people.csv: column 'ca' is '3.0' in 2 rows (first row 6), in no training row; leave such rows out",
        "people.csv: column 'sick' is 'perhaps' in 1 row (first row 8), in no training row; leave such rows out",
    ]
    with pytest.raises(InputError, match="column 'sex' is missing in 1 row"):
        form.to_samples(control)
    assert form.to_frame(form.to_samples(control[~mask]))["st"].tolist() == [3.75, 0.3]


def test_other_columns_or_types_are_refused(people):
    form = TableForm.fit(people, "people.csv", **OPTIONS)
    with pytest.raises(InputError, match="no column 'age'; did you mean 'aged'"):
        form.to_samples(people.rename(columns={"age": "aged"}))
    with pytest.raises(InputError, match="column 'bmi' is not in the training rows"):
        form.to_samples(people.assign(bmi=1))
    with pytest.raises(InputError, match="column 'age' is no longer of numbers"):
        form.to_samples(people.assign(age="old"))
    with pytest.raises(InputError, match="column 'st' holds -inf in row 1"):
        form.to_samples(people.assign(st=-np.inf))
    written = form.to_frame(form.to_samples(people))  # has neither the patient nor what was dropped
    assert form.to_samples(written).frame["patient"].tolist()[:2] == ["row1", "row2"]


def test_samples_of_another_table_are_refused(people):
    form = TableForm.fit(people, "people.csv", **OPTIONS)
    samples = form.to_samples(people)
    for wrong, message in (
        (Samples(samples.values[:, :3], samples.frame, samples.channels[:3], ("",) * 3), "3 features × 1 are not"),
        (
            Samples(samples.values, samples.frame.drop(columns="label"), samples.channels, samples.units),
            "the samples have no label; they need one of the classes",
        ),
        (
            Samples(samples.values, samples.frame.assign(label=2), samples.channels, samples.units),
            "label 2 is no class; there are 2, counted from 0",
        ),
    ):
        with pytest.raises(InputError, match=message):
            form.to_frame(wrong)


def test_a_state_that_is_no_tables(people):
    state = TableForm.fit(people, "people.csv", **OPTIONS).to_state()
    with pytest.raises(InputError, match="kind 'wfdb' is no table's"):
        TableForm.from_state({"kind": "wfdb"})
    with pytest.raises(InputError, match="damaged"):
        TableForm.from_state({**state, "columns": [{"kind": "integer"}]})
