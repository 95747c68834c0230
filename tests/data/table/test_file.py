"""Any text table and Parquet are read as pandas would type them, and written the way the source is."""

import json

import numpy as np
import pandas as pd
import pytest
from anonimage.data.table.file import read_table
from anonimage.errors import InputError
from hypothesis import given, settings
from hypothesis import strategies as st
from writer_cases import write_table


@pytest.fixture
def table(tmp_path):
    def write(text, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def again(read, folder):
    """The same table, written by its dialect (through JSON) and read once more."""
    write_table(read.frame, folder / "out" / read.name, json.loads(json.dumps(read.dialect)))
    return read_table(folder / "out" / read.name)


MIXED = pd.DataFrame({"age": [31, 45], "bp": [1.5, np.nan], "town": ["Bonn", "Köln"]})


@pytest.mark.parametrize(
    "text",
    [
        "age,bp,town\n31,1.5,Bonn\n45,,Köln\n",
        '"age","bp","town"\n31,1.5,"Bonn"\n45,NA,"Köln"\n',
        "age;bp;town\n31;1,5;Bonn\n45;?;Köln\n",
        "age\tbp\ttown\n31\t1.5\tBonn\n45\t\tKöln\n",
        "age|bp|town\n31|1.5|Bonn\n45|null|Köln\n",
        "age bp town\n31 1.5 Bonn\n45 NA Köln\n",
    ],
)
def test_the_source_is_written_as_it_was(table, tmp_path, text):
    read = read_table(table(text))
    pd.testing.assert_frame_equal(read.frame, MIXED)
    pd.testing.assert_frame_equal(again(read, tmp_path).frame, MIXED)
    assert (tmp_path / "out" / "t.csv").read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffage,bp,town\r\n31,1.5,Bonn\r\n45,,Köln\r\n",
        " age , bp,town ,\n31, 1.5 ,Bonn,\n45,,Köln,\n",
        "age,bp,town\n31,1.5,Bonn,\n45,,Köln,  \n\n   \n",
        "  age   bp town\n 31  1.5  Bonn  \n 45   ?   Köln\n",
    ],
)
def test_what_stands_around_cells_does_not_matter(table, tmp_path, text):
    read = read_table(table(text))
    pd.testing.assert_frame_equal(read.frame, MIXED)
    pd.testing.assert_frame_equal(again(read, tmp_path).frame, MIXED)


@pytest.mark.parametrize(
    ("text", "names", "n_rows"),
    [
        ("1,2\n3,4\n", ["column1", "column2"], 2),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n6.3,3.3,virginica\n", ["column1", "column2", "column3"], 3),
        ("39,State-gov\n50,Private\n28,State-gov\n", ["column1", "column2"], 3),  # names do not recur as values
        ("land,2019,2020\nA,1,2\nB,3,4\n", ["land", "2019", "2020"], 2),
        ("?,2\n3.0,4\n", ["column1", "column2"], 2),
        (",a\n0,5\n1,6\n", ["Unnamed: 0", "a"], 2),
        ("a\n1\n2\n", ["a"], 2),
        ('a\n1.0\n""\n2.0\n', ["a"], 3),  # a row without a value is not an empty line
    ],
)
def test_the_header_row_is_inferred(table, tmp_path, text, names, n_rows):
    read = read_table(table(text))
    assert (list(read.frame.columns), len(read.frame)) == (names, n_rows)
    pd.testing.assert_frame_equal(again(read, tmp_path).frame, read.frame)
    assert (tmp_path / "out" / "t.csv").read_text() == text


def test_cells_keep_what_they_say(table, tmp_path):
    text = 'code,note,flag,tiny\n007,"a, b",TRUE,1e-05\n012,"say ""x""",FALSE,0.30000000000000004\n120,None,TRUE,-3.5\n'
    read = read_table(table(text))
    assert read.frame["code"].tolist() == ["007", "012", "120"]
    assert read.frame["note"].tolist() == ["a, b", 'say "x"', "None"]
    assert read.frame["flag"].dtype == bool
    assert read.frame["tiny"].tolist() == [1e-05, 0.30000000000000004, -3.5]
    again(read, tmp_path)
    assert (tmp_path / "out" / "t.csv").read_text() == text


def test_marks_for_missing_may_be_given(table, tmp_path):
    read = read_table(table("a,b\n1,x\n-9,unknown\n3,y\n-9,x\n"), missing=["-9", "unknown"])
    assert read.frame["a"].isna().tolist() == [False, True, False, True]
    assert read.frame["b"].isna().tolist() == [False, True, False, False]
    write_table(read.frame, tmp_path / "o.csv", read.dialect)
    assert (tmp_path / "o.csv").read_text() == "a,b\n1.0,x\n-9,-9\n3.0,y\n-9,x\n"  # one mark: the usual one


def test_numbers_may_stand_among_names_when_asked(table, tmp_path):
    path = table("icd,n\n250,1\nV45,2\n410,3\n")
    with pytest.raises(
        InputError, match=r"t.csv: line 3: 'V45' in column 'icd' is text among numbers; .*--category icd"
    ):
        read_table(path)
    read = read_table(path, as_text=["icd"])
    assert read.frame["icd"].tolist() == ["250", "V45", "410"]


@pytest.mark.parametrize("path", ["thyroid/ann-train.data", "tabular/processed.cleveland.data"])
def test_real_tables(shared, tmp_path, path):
    source = shared / "data" / path
    read = read_table(source)
    header = 0 if "cleveland" in path else None
    expected = pd.read_csv(source, sep=",", header=header, na_values="?").dropna(axis=1, how="all")
    np.testing.assert_array_equal(read.frame.to_numpy(), expected.to_numpy())
    assert read.frame.dtypes.tolist() == expected.dtypes.tolist()
    once_more = again(read, tmp_path)
    pd.testing.assert_frame_equal(once_more.frame, read.frame, check_exact=True)
    assert once_more.dialect == read.dialect
    if header == 0:
        assert (tmp_path / "out" / read.name).read_bytes() == source.read_bytes()


CELL = st.text("abé \"',;|\t\n", min_size=1, max_size=6).map(str.strip).filter(lambda cell: cell and cell != "NA")


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(-99, 99), st.floats(allow_nan=False, width=64), CELL, CELL), min_size=2, max_size=9
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|", " "]),
    quote=st.booleans(),
)
def test_written_rows_are_read_exactly(rows, delimiter, quote, tmp_path_factory):
    frame = pd.DataFrame(rows, columns=["whole", "number", "text", "name é"])
    frame.loc[0, "text"] = np.nan
    frame.loc[1, "number"] = np.nan
    frame = frame.astype({"number": float})
    decimal = "," if delimiter != "," else "."
    dialect = {"kind": "text", "delimiter": delimiter, "decimal": decimal, "header": True, "unnamed": []}
    dialect |= {"missing": "NA", "quote_names": True, "quote_text": quote, "truth": {}}
    path = tmp_path_factory.mktemp("t") / "t.csv"
    write_table(frame, path, dialect)
    pd.testing.assert_frame_equal(read_table(path, as_text=["text", "name é"]).frame, frame, check_exact=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n", "line 3 has 1 field, the table 2; mend or delete this line"),
        ("a,b\n1,2\n3,4,5\n6,7\n", "line 3 has 3 fields, the table 2"),
        ('a,b\n1,"x\ny"\n3\n', "line 4 has 1 field, the table 2"),  # lines of the file, not rows
        ("1,2,\n3,4,\n5,\n", "line 3 has 1 field, the table 2"),
        ('a,b\n1,x\n2,"y\n3,z\n4,w\n', "line 3: unexpected end of data; mend or delete this line"),
        ("a,b,a\n1,2,3\n", "2 columns are called 'a'; give each its own name"),
        ("", "the table has no rows"),
        ("\n\n", "the table has no rows"),
        ("a,b\n", "the table has no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not a text file in UTF-8"),
        ("alter,größe\n1,2\n".encode("latin-1"), "is not a text file in UTF-8; save the table as CSV in UTF-8"),
        ("a,b\n1,2\n3,4\nhigh,5\n6,7\n", "line 4: 'high' in column 'a' is text among numbers; .*--missing high"),
        ("a,b\nx,1\ny,1\n5,2\nz,3\n", "line 4: '5' in column 'a' is a number among text; .*--category a"),
    ],
)
def test_faults_are_one_line(table, text, message):
    with pytest.raises(InputError, match=message) as error:
        read_table(table(text))
    assert str(error.value).startswith(str(table(text)))
    assert "\n" not in str(error.value)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r"t.csv: no such file; give a table"):
        read_table(tmp_path / "t.csv")


def test_parquet_keeps_its_types(tmp_path):
    frame = pd.DataFrame(
        {
            "n": pd.array([1, None, 3], "Int64"),
            "when": pd.to_datetime(["2020-01-01", "2021-02-03", None]),
            "grade": pd.Categorical(["lo", "hi", "lo"], ["lo", "mid", "hi"], ordered=True),
            "town": ["Bonn", None, "Köln"],
        },
        index=pd.Index(["x", "y", "z"], name="key"),
    )
    frame.to_parquet(tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet")
    assert list(read.frame.columns) == ["key", "n", "when", "grade", "town"]
    once_more = again(read, tmp_path)
    pd.testing.assert_frame_equal(once_more.frame, read.frame)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "t.parquet"), frame)
    marked = read_table(tmp_path / "t.parquet", missing=["3", "Bonn"]).frame
    assert marked["n"].isna().tolist() == [False, True, True]
    assert marked["town"].isna().tolist() == [True, True, False]


def test_row_numbers_of_parquet_mean_nothing(tmp_path):
    pd.DataFrame({"a": range(9)}).iloc[::3].to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").frame.to_dict("list") == {"a": [0, 3, 6]}


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing", b"a,b\n1,2\n"])
def test_parquet_that_is_none(table, content):
    with pytest.raises(InputError, match=r"t.parquet: is not readable as Parquet \(.*\)$"):
        read_table(table(content, "t.parquet"))


def test_parquet_without_rows(tmp_path):
    pd.DataFrame({"a": []}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="the table has no rows"):
        read_table(tmp_path / "t.parquet")
