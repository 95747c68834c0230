"""Texts that tell whose a sample is, and the words that every bundle has, which tell nothing."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path

import pandas as pd

from ...data.series.series import find_series
from ...data.series.sheet import read_sheet
from ...data.table.columns import Binary, Category, text_of
from ...data.table.file import read_table
from ...data.table.form import TableForm
from ...data.wfdb.listing import find_records, header_text
from ...transforms import Codec
from ..classes import Classes
from ..kinds import kind_of_source
from ..kinds.table import as_written
from ..recipe import Recipe
from .policy import policy_names

COMMON = 3  # people: a line that stands in the headers of so many tells nothing about one of them
# Modules whose texts and names stand in audit.json, codec.json, policy.toml, the datasheet or the generator's folder
_SAYING = (
    *("pipelines/recipe.py", "pipelines/evaluation/**/*.py", "pipelines/release/*.py"),
    *("transforms/*.py", "gan/*.py", "data/table/*.py", "data/write.py"),
)
_WORD = re.compile(r"[^\W_]+")


class Words:
    """Sorts texts into those that are looked for in texts and those that are only compared with files' names.

    Attributes:
        texts: what a text may not contain, by what it is; its words in lower case.
        literal: those of the texts that are only looked for as they are spelt, being made of common words and numbers.
        ids: names too short or too common to be looked for in texts; no file may have one for its name.
    """

    def __init__(self, declared: set[tuple[str, ...]]) -> None:
        self.declared = declared
        self.texts: dict[tuple[str, ...], str] = {}
        self.literal: dict[tuple[str, ...], str] = {}
        self.ids: set[str] = set()

    def add(self, texts: Iterable[object], kind: str) -> None:
        known, phrases = _program_words()
        for text in texts:
            words = words_of(str(text))
            value = str(text).partition(":")[2]  # a class stands in the headers of generated records, too
            if not words or words in self.declared or (value and words_of(value) in self.declared):
                continue
            is_common = all(word in known or (word.isdecimal() and len(word) < 6) for word in words)
            is_the_programs = is_common and (len(words) == 1 or f" {' '.join(words)} " in phrases)
            if is_telling(words) and not is_the_programs:
                self.texts.setdefault(words, kind)
                if is_common:
                    self.literal.setdefault(words, str(text).strip().casefold())
            elif kind != "header text":
                self.ids.add(str(text).casefold())


def words_of(text: str) -> tuple[str, ...]:
    """Letters and digits only, in lower case: how they are set apart does not matter."""
    return tuple(_WORD.findall(text.casefold()))


def is_telling(words: tuple[str, ...]) -> bool:
    """Whether a text is long enough to be somebody's: 4 characters with a letter among them, or 6 digits."""
    whole = "".join(words)
    return len(whole) >= (6 if whole.isdecimal() else 4)


@cache
def _program_words() -> tuple[set[str], str]:
    """Words and phrases that the program itself writes: an id or a cell of these alone could not be told from them."""
    package, here = Path(__file__).parents[2], resources.files(__package__)
    said = [here.joinpath("datasheet.md").read_text("utf-8"), *policy_names()]
    said += [here.joinpath("policies", f"{name}.toml").read_text("utf-8") for name in policy_names()]
    for pattern in _SAYING:
        for path in sorted(package.glob(pattern)):
            said += _said_by(ast.parse(path.read_text("utf-8")))
    phrases = "\n".join(f" {' '.join(words_of(text))} " for text in said)
    return {word for word in phrases.split() if not any(map(str.isdecimal, word))}, phrases


def _said_by(module: ast.Module) -> Iterator[str]:
    """A module's texts but for its docstrings, and the names of its classes and fields, which become keys."""
    documents = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value
        elif isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield f"{node.target.id} {ast.unparse(node.annotation)}"


def declared_by(codec: Codec) -> set[tuple[str, ...]]:
    """What a codec says openly, because nothing can be decoded without: names of classes, channels, columns, files."""
    form = codec.form
    given = [*Classes.from_form(form).names, *codec.channels, *codec.units]
    given += [str(form[key]) for key in ("file", "name") if key in form]
    given += [Path(str(form["file"])).stem] if "file" in form else []
    if form["kind"] == "table":
        for column in TableForm.from_state(form["table"]).columns:
            given += [column.name, *(map(text_of, column.values) if isinstance(column, (Binary, Category)) else ())]
    return {words_of(text) for text in given}


def names_in(frame: pd.DataFrame) -> Iterator[str]:
    """Names of records, and their last parts unless several people's records are called so."""
    people: defaultdict[str, set[str]] = defaultdict(set)
    for record, patient in frame[["record", "patient"]].astype(str).drop_duplicates().itertuples(index=False):
        yield record
        people[record.rpartition("/")[2]].add(patient)
    yield from (name for name, theirs in people.items() if len(theirs) < COMMON)


def source_texts(recipe: Recipe, source: Path) -> Iterator[tuple[str, str]]:
    """What the source's headers say of few people, and the cells of columns that were left out of a table."""
    kind = kind_of_source(recipe, source).name
    if kind == "table":
        hidden = [*recipe.data.drop, *([recipe.data.patient] if recipe.data.patient not in ("auto", "record") else [])]
        frame = read_table(source, recipe.data.missing, as_written(recipe)).frame
        for column in hidden:
            yield from ((str(cell), "a cell of a column that was left out") for cell in frame[column].dropna().unique())
        return
    if kind == "images":
        return
    said: defaultdict[str, set[str]] = defaultdict(set)
    for entry in find_records(source, recipe.data.patient) if kind == "wfdb" else find_series(source):
        for line in _header_lines(kind, entry.path):
            said[line].add(entry.patient)
    everybody = len(set().union(*said.values()))
    for line, people in said.items():
        if len(people) < COMMON and (len(people) < everybody or everybody == 1):
            yield line, "header text"


def _header_lines(kind: str, path: Path) -> Iterator[str]:
    """Comments of a header, the values that stand in them, and when it was recorded."""
    if kind == "wfdb":
        lines = header_text(path.with_name(f"{path.name}.hea")).splitlines()
        comments = [line.lstrip("# ") for line in lines if line.startswith("#")]
        fields = next((line for line in lines if line.strip() and not line.startswith("#")), "").split()
        yield from fields[4:]  # time and date
    elif path.suffix.lower() == ".npz":
        return
    else:
        comments = [line.lstrip("# ") for line in read_sheet(path).comments]
    for comment in comments:
        yield comment
        _, _, value = comment.partition(":")
        words = words_of(value)
        if len(words) > 1 or (len("".join(words)) >= 6 and any(map(str.isdigit, "".join(words)))):
            yield value.strip()
