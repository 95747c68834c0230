"""The size and shape of the code: lines, files, functions, and who imports whom.

    python benchmarks/structure.py [FOLDER]
prints the figures of a checkout (this one if none is named), read from its source as text; nothing of it is run.
"""

import argparse
import ast
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PILLARS = ("data", "transforms", "gan")
TOPS = (*PILLARS, "pipelines")
# Folders from the bottom up: none imports one that stands after it. Folders of one tuple do not import each other.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("data/wfdb", "gan/networks", "transforms/layouts"),
    ("data/series", "data/table", "gan/objectives"),
    ("data/store",),
    ("gan/training",),
    ("pipelines/evaluation",),
    ("pipelines/kinds",),
    ("pipelines/release",),
    ("pipelines/report",),
    ("pipelines/ablation",),
    ("pipelines/commands",),
)


@dataclass(frozen=True)
class Function:
    """A function or method.

    Arguments:
        name: with its file.
        lines: from `def` to its last line, decorators left out.
        parameters: without self and cls.
        generated: whether a decorator turns it into a command, whose parameters are its options.
    """

    name: str
    lines: int
    parameters: int
    generated: bool


def sources(root: Path) -> list[Path]:
    """Files of the package: the root's own and those of the four folders, sorted."""
    files = [*root.glob("*.py"), *(file for top in TOPS for file in (root / top).rglob("*.py"))]
    return sorted(files)


def functions(root: Path) -> list[Function]:
    """All functions of the package."""
    found = []
    for file in sources(root):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
                n = len([name for name in names if name not in ("self", "cls")])
                generated = any("command" in ast.unparse(decorator) for decorator in node.decorator_list)
                where = f"{file.relative_to(root)}:{node.name}"
                found.append(Function(where, (node.end_lineno or node.lineno) - node.lineno + 1, n, generated))
    return found


def imports(root: Path) -> dict[str, set[str]]:
    """Which file of the package imports which, by their paths below the root; imports inside functions count too.

    A package's __init__ is a file like any other, and importing a name from a package is an import of its __init__.
    """
    modules = {_module(file, root): str(file.relative_to(root)) for file in sources(root)}
    return {
        str(file.relative_to(root)): {modules[name] for name in _imported(file, root, modules)}
        - {str(file.relative_to(root))}
        for file in sources(root)
    }


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of nodes that reach each other (strongly connected components of more than one), sorted."""
    order: list[str] = []
    for node in _postorder(graph, sorted(graph)):
        order.append(node)
    reverse: dict[str, set[str]] = {node: set() for node in graph}
    for node, targets in graph.items():
        for target in targets:
            reverse[target].add(node)
    done: set[str] = set()
    groups = []
    for node in reversed(order):
        group = [other for other in _postorder(reverse, [node]) if other not in done]
        done.update(group)
        if len(group) > 1:
            groups.append(sorted(group))
    return sorted(groups)


def floors(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The same graph between the folders below the top ones; files outside of these stand for themselves."""
    folded: dict[str, set[str]] = {}
    for file, targets in graph.items():
        folded.setdefault(_room(file), set()).update(_room(target) for target in targets)
    return {room: targets - {room} for room, targets in folded.items()}


def upward(graph: Mapping[str, set[str]]) -> list[str]:
    """Imports between folders that run upward or in a circle, as 'file -> file'."""
    height = {folder: floor for floor, folders in enumerate(FLOORS) for folder in folders}
    rooms = floors(graph)
    circle = {room: k for k, group in enumerate(circles(rooms)) for room in group}
    wrong = []
    for file, targets in sorted(graph.items()):
        for target in sorted(targets):
            room, goal = _room(file), _room(target)
            if room == goal:
                continue
            rises = room in height and goal in height and height[goal] >= height[room]
            if rises or (room in circle and circle[room] == circle.get(goal)):
                wrong.append(f"{file} -> {target}")
    return wrong


def figures(root: Path) -> dict[str, str]:
    """The figures, by name."""
    files = sources(root)
    lines = sum(len(file.read_text("utf-8").splitlines()) for file in files)
    folders = Counter(str(file.parent.relative_to(root)) for file in files)
    fullest, most = folders.most_common(1)[0]
    longest = max(files, key=lambda file: len(file.read_text("utf-8").splitlines()))
    known = functions(root)
    widest = max((f for f in known if not f.generated), key=lambda f: f.parameters)
    lengths = sorted(f.lines for f in known)
    graph = imports(root)
    return {
        "source lines": f"{lines}",
        "source files": f"{len(files)}",
        "files in a folder, at most": f"{most} ({fullest})",
        "longest file": f"{len(longest.read_text('utf-8').splitlines())} ({longest.relative_to(root)})",
        "circles between files": f"{len(circles(graph))}",
        "imports upward between folders": f"{len(upward(graph))}",
        "functions": f"{len(known)}",
        "lines of a function, median": f"{statistics.median(lengths):g}",
        "lines of a function, 90 %": f"{lengths[int(0.9 * len(lengths))]}",
        "parameters of a function, at most": f"{widest.parameters} ({widest.name})",
        "functions of more than 8 parameters": f"{sum(f.parameters > 8 and not f.generated for f in known)}",
    }


def _module(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(file: Path, root: Path, modules: Mapping[str, str]) -> Iterator[str]:
    package = list(file.relative_to(root).parent.parts)
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            elif (node.module or "").split(".")[0] == "anonimage":
                base = (node.module or "").split(".")[1:]
            else:
                continue
            name = ".".join(part for part in base if part)
            for alias in node.names:
                inner = f"{name}.{alias.name}" if name else alias.name
                if inner in modules:
                    yield inner
                elif name in modules:
                    yield name


def _room(file: str) -> str:
    """What a file counts to: the folder below a top folder; files outside of such a folder stand for themselves."""
    parts = Path(file).parts
    return "/".join(parts[:2]) if len(parts) > 2 else file


def _postorder(graph: Mapping[str, set[str]], starts: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for start in starts:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(sorted(graph[start])))]
        while stack:
            node, targets = stack[-1]
            for target in targets:
                if target not in seen:
                    seen.add(target)
                    stack.append((target, iter(sorted(graph[target]))))
                    break
            else:
                stack.pop()
                yield node


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parents[1], metavar="FOLDER")
    root = parser.parse_args().root
    for name, value in figures(root).items():
        print(f"{name:38} {value}")
    graph = imports(root)
    for group in circles(graph):
        print("circle:", ", ".join(group))
    for arrow in upward(graph):
        print("upward:", arrow)


if __name__ == "__main__":
    main()
