"""Nothing outside of pipelines/kinds asks which kind of data it is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from anonimage.pipelines import kinds
from anonimage.pipelines.kinds import KINDS

PIPELINES = Path(__file__).resolve().parents[3] / "pipelines"
WORDS = {*KINDS, *(kind.data for kind in KINDS.values())}
OWN = {name for name, one in vars(kinds).items() if getattr(one, "__module__", "") == kinds.__name__}
PUBLIC = {"KINDS", *(name for name in OWN if not name.startswith("_"))}
IN_TEMPLATES = re.compile(rf"[!=]= *['\"]({'|'.join(WORDS)})['\"]")


def questions(root: Path) -> list[str]:
    """Lines that ask which kind of data it is, as 'file:line'."""
    inside = [path for path in sorted(root.rglob("*")) if path.is_file() and root / "kinds" not in path.parents]
    asked = []
    for path in inside:
        name = path.relative_to(root).as_posix()
        if path.suffix == ".py":
            lines = {node.lineno for node in ast.walk(ast.parse(path.read_text("utf-8"))) if _asks(node)}
            asked += [f"{name}:{line}" for line in sorted(lines)]
        elif path.suffix in (".html", ".md", ".txt"):
            text = path.read_text("utf-8").splitlines()
            asked += [f"{name}:{number}" for number, line in enumerate(text, 1) if IN_TEMPLATES.search(line)]
    return asked


def _asks(node: ast.AST) -> bool:
    match node:
        case ast.Compare():  # recipe.data.kind == "table", kind in ("wfdb", "series")
            return any(_names(each) for each in (node.left, *node.comparators))
        case ast.MatchValue(value=value):
            return _names(value)
        case ast.Dict(keys=keys):  # {"signals": …, "table": …}[kind]
            return sum(key is not None and _names(key) for key in keys) > 1
        case ast.Subscript(value=value, slice=ast.Constant("kind")):  # codec.form["kind"]
            return ast.unparse(value).split(".")[-1] == "form"
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[ast.Constant("kind"), *_]):
            return ast.unparse(value).split(".")[-1] == "form"
        case ast.Subscript(value=ast.Name("KINDS"), slice=ast.Constant()):
            return True
        case ast.ImportFrom(module=module, names=names) if module:  # what only one kind has
            known = all(alias.name in PUBLIC for alias in names)
            return re.search(r"(^|\.)kinds\.(?!kind$)\w", module) is not None or (
                module.endswith("kinds") and not known
            )
    return False


def _names(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Constant) and each.value in WORDS for each in _elements(node))


def _elements(node: ast.AST) -> Iterator[ast.AST]:
    return iter(node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node])


def test_nobody_asks_which_kind_of_data_it_is():
    assert questions(PIPELINES) == []


@pytest.mark.parametrize(
    "line",
    [
        'if recipe.data.kind == "table": pass',
        'brighten = "signals" != recipe.data.kind',
        'if kind.name in ("wfdb", "series"): pass',
        'noun = {"signals": "windows", "table": "rows"}[recipe.data.kind]',
        'kind = codec.form["kind"]',
        'kind = form.get("kind")',
        "from ..kinds.table import as_written",
        "from .kinds import Table",
        "from .kinds import _kinds_of",
        'if kind is KINDS["table"]: pass',
        "match recipe.data.kind:\n    case 'images': pass",
    ],
)
def test_a_planted_question_is_found(tmp_path, line):
    (tmp_path / "report").mkdir()
    (tmp_path / "kinds").mkdir()
    for folder in ("report", "kinds"):
        (tmp_path / folder / "planted.py").write_text(line + "\n")
    assert len(questions(tmp_path)) == 1


def test_a_planted_question_in_a_template_is_found(tmp_path):
    (tmp_path / "page.html").write_text('{% if recipe.data.kind == "signals" %}{{ channels }}{% endif %}\n')
    assert questions(tmp_path) == ["page.html:1"]
