"""Dialects are inferred from the first rows; what marks a missing value depends on the column."""

import pytest
from anonimage.data.text import BLANKS, MISSING, decimal_of, delimiter_of, missing_marks, quoted, read_text, split


@pytest.mark.parametrize(
    ("text", "delimiter", "decimal"),
    [
        ("a,b\n1.5,2\n", ",", "."),
        ("a;b\n1,5;2\n", ";", ","),
        ("1,5;2,5\n3,5;4,5\n", ";", ","),  # commas cut as well, but each stands in a number
        ("a;b,c;d\n1;2,x;3\n", ";", "."),
        ("1\t2,5\n3\t4,5\n", "\t", ","),
        ("1.5 2\n3  4\n", BLANKS, "."),
        ("only\n1\n2\n", ",", "."),
        ('name,note\nx,"a;b"\ny,"c;d"\n', ",", "."),
        ("1,2,\n3,4,\n", ",", "."),
    ],
)
def test_delimiter_and_decimal_mark(text, delimiter, decimal):
    assert delimiter_of(text) == delimiter
    assert decimal_of([split(line, delimiter) for line in text.splitlines()], delimiter) == decimal


@pytest.mark.parametrize(
    ("cells", "marks"),
    [
        (["1", "none", "2.5", "NA"], {"none", "NA"}),
        (["1", "None", "-NAN", "<na>"], {"None", "-NAN", "<na>"}),
        (["mild", "none", "NA"], {"NA"}),
        (["Na", "K", "?"], {"?"}),  # sodium and potassium
        (["none", "none"], set()),  # nothing says that these are numbers
    ],
)
def test_words_mean_no_value_among_numbers_only(cells, marks):
    assert missing_marks(cells, MISSING) == marks


def test_a_cell_is_quoted_where_it_must_be():
    assert [quoted(cell, ";") for cell in ("a", "a;b", 'a"b', "a\nb", "")] == ["a", '"a;b"', '"a""b"', '"a\nb"', ""]
    assert [quoted(cell, ";", always=True) for cell in ("a", "")] == ['"a"', ""]


@pytest.mark.parametrize(
    ("raw", "encodings", "text"),
    [
        ("\ufeffµV".encode(), ["utf-8-sig"], "µV"),
        ("µV".encode("latin-1"), ["utf-8-sig", "latin-1"], "µV"),
        ("µV".encode("latin-1"), ["utf-8-sig"], None),
        (b"a\0b", ["utf-8-sig", "latin-1"], None),
    ],
)
def test_encodings(tmp_path, raw, encodings, text):
    (tmp_path / "t").write_bytes(raw)
    assert read_text(tmp_path / "t", *encodings) == text
