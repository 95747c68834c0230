"""The house stands as docs/architecture.md draws it: who may import whom, and what the wheel holds."""

import ast
import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import structure

REPOSITORY = Path(__file__).resolve().parent.parent
PILLARS = {"data", "transforms", "gan"}
# What each pillar may import besides the standard library, numpy and the root modules; pipelines may import anything.
ALLOWED = {
    "data": {"numpy", "pandas", "wfdb", "scipy", "neurokit2", "pyarrow", "PIL", "fsspec"},
    "transforms": {"numpy", "scipy", "skimage"},
    "gan": {"numpy", "torch", "lightning_fabric", "safetensors"},
}
ROOT_MODULES = {"errors", "files", "launch", "parallel"}


def violations(root: Path) -> list[str]:
    """Imports that break the floors, as 'file: module'."""
    found = []
    for pillar in sorted(PILLARS):
        for file in sorted((root / pillar).rglob("*.py")):
            depth = len(file.relative_to(root).parts)  # dots that lead to the package's root
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                for module, level in _imports(node):
                    if not _may(pillar, module, level, depth):
                        found.append(f"{file.relative_to(root)}: {'.' * level}{module}")
    return found


def _imports(node: ast.AST) -> list[tuple[str, int]]:
    if isinstance(node, ast.Import):
        return [(alias.name, 0) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        if node.module is None:  # from .. import name
            return [(alias.name, node.level) for alias in node.names]
        return [(node.module, node.level)]
    return []


def _may(pillar: str, module: str, level: int, depth: int) -> bool:
    first = module.split(".")[0]
    if level >= depth:  # reaches the root of the package
        return first in ROOT_MODULES | {pillar, "__version__"}
    if level:  # stays inside the pillar
        return True
    return first in ALLOWED[pillar] or first in sys.stdlib_module_names


def test_the_pillars_do_not_lean_on_each_other():
    assert violations(REPOSITORY) == []


@pytest.mark.parametrize(
    ("pillar", "line"),
    [
        ("transforms", "import torch"),
        ("transforms", "from ..data.samples import Samples"),
        ("gan", "from ..transforms import Codec"),
        ("gan", "def f():\n    import wfdb"),
        ("data", "from .. import gan"),
        ("data", "from anonimage.pipelines import recipe"),
    ],
)
def test_a_planted_violation_is_found(tmp_path, pillar, line):
    for name in PILLARS:
        (tmp_path / name).mkdir()
    (tmp_path / pillar / "planted.py").write_text(line + "\n")
    assert len(violations(tmp_path)) == 1


def test_what_the_floors_allow_is_not_called_a_violation(tmp_path):
    for name in PILLARS:
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "fine.py").write_text(
        "import json\nfrom ..errors import InputError\nfrom .samples import Samples\n"
    )
    assert violations(tmp_path) == []


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    return structure.imports(REPOSITORY)


def test_no_files_import_each_other_in_a_circle(graph):
    assert structure.circles(graph) == []


def test_no_folder_imports_one_above_it(graph):
    assert structure.upward(graph) == []


def test_every_folder_stands_on_a_floor(graph):
    folders = {room for room in structure.floors(graph) if not room.endswith(".py")} - {"pipelines/recipes"}
    assert folders == {folder for floor in structure.FLOORS for folder in floor}


def _planted(graph: dict[str, set[str]], file: str, target: str) -> dict[str, set[str]]:
    return graph | {file: graph.get(file, set()) | {target}, target: graph.get(target, set())}


@pytest.mark.parametrize(
    ("file", "target"),
    [
        ("gan/networks/dcgan.py", "gan/training/trainer.py"),
        ("gan/objectives/objective.py", "gan/training/trainer.py"),
        ("transforms/layouts/paths.py", "transforms/codec.py"),
        ("data/wfdb/header.py", "data/table/planted.py"),
        ("pipelines/evaluation/planted.py", "pipelines/kinds/kind.py"),
        ("pipelines/release/gate.py", "pipelines/report/page.py"),
        ("pipelines/report/page.py", "pipelines/commands/__init__.py"),
    ],
)
def test_a_planted_import_upward_is_found(graph, file, target):
    assert any(line == f"{file} -> {target}" for line in structure.upward(_planted(graph, file, target)))


def test_a_planted_circle_is_found(tmp_path):
    (tmp_path / "gan").mkdir()
    lines = {"a": "from .b import x", "b": "def f():\n    from . import c", "c": "from .a import y"}
    for name, line in lines.items():
        (tmp_path / "gan" / f"{name}.py").write_text(line + "\n")
    assert structure.circles(structure.imports(tmp_path)) == [["gan/a.py", "gan/b.py", "gan/c.py"]]


def test_the_figures_are_counted_right(tmp_path):
    (tmp_path / "gan").mkdir()
    code = "def f(x, *, y):\n    return x\n\n\nclass A:\n    def g(self, z):\n        return z\n"
    (tmp_path / "gan" / "a.py").write_text(code)
    counted = structure.figures(tmp_path)
    assert counted["source lines"] == "7"
    assert counted["source files"] == "1"
    assert counted["functions"] == "2"
    assert counted["parameters of a function, at most"] == "2 (gan/a.py:f)"


def declared_packages() -> set[str]:
    config = configparser.ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    return set(config["options"]["packages"].split())


def test_every_package_folder_is_declared():
    folders = {
        ".".join(("anonimage", *init.parent.relative_to(REPOSITORY).parts))
        for top in (*PILLARS, "pipelines")
        for init in (REPOSITORY / top).rglob("__init__.py")
    }
    assert folders | {"anonimage"} == declared_packages()


def test_every_module_lies_in_a_declared_package():
    for top in (*PILLARS, "pipelines"):
        for module in (REPOSITORY / top).rglob("*.py"):
            assert (module.parent / "__init__.py").is_file(), module


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path):
    # build from a copy: setuptools leaves build/ and egg-info beside the sources
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    if not shutil.which("git") or subprocess.run(listing, cwd=REPOSITORY, capture_output=True).returncode:
        pytest.skip("not a git checkout, so the files of the project are not known")
    tracked = subprocess.run(listing, cwd=REPOSITORY, capture_output=True, text=True)
    for name in tracked.stdout.splitlines():
        source, target = REPOSITORY / name, tmp_path / "source" / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    build = "from setuptools import build_meta; build_meta.build_wheel('..')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path / "source", check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in names} == {"anonimage"}
    assert not [name for name in names if "/tests/" in name]
    for package in declared_packages():
        assert package.replace(".", "/") + "/__init__.py" in names
    data = (
        "recipes/ptb-quantile.toml",
        "ablation/page.html",
        "report/page.html",
        "report/style.css",
        "release/datasheet.md",
    )
    assert {f"anonimage/pipelines/{name}" for name in (*data, "release/policies/default.toml")} <= names
