"""README, docs/own-data.md, docs/scaling.md and docs/choices.md: every command in them is one that there is."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from anonimage.pipelines.commands import app
from tiny import anonimage, judge_hastily, write_database

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/own-data.md", "docs/scaling.md", "docs/choices.md")
STARTERS = ("torchrun", "srun")  # of several processes; the command stands behind their own options


def commands(text: str) -> list[list[str]]:
    """Arguments of every `anonimage …` in blocks and in backticks that has at least one word behind the verb."""
    lines = [line for block in re.findall(r"```(?:sh)?\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    lines += re.findall(r"`(anonimage [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    words = [shlex.split(line, comments=True) for line in lines]
    found = []
    for line in words:
        names = [k for k, word in enumerate(line) if Path(word).name == "anonimage"]
        if names and (names[0] == 0 or line[0] in STARTERS):
            end = line.index(">") if ">" in line else len(line)
            found.append(["ADDRESS" if word == "…" else word for word in line[names[0] + 1 : end]])
    return [line for line in found if len(line) > 1]


def parse(arguments: list[str]) -> None:
    """Resolve verb and options as the command line does, without running anything."""
    group = typer.main.get_command(app)
    context = group.make_context("anonimage", list(arguments), resilient_parsing=True)
    name, command, rest = group.resolve_command(context, list(arguments))
    assert command, f"No such command {arguments[0]!r}"
    command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_one_that_there_is(page):
    found = commands((REPOSITORY / page).read_text("utf-8"))
    assert len(found) >= 3
    for arguments in found:
        try:
            parse(arguments)
        except Exception as error:
            message = getattr(error, "format_message", lambda error=error: repr(error))()
            pytest.fail(f"{page}: anonimage {shlex.join(arguments)}: {message}")


@pytest.mark.parametrize("line", ["anonimage run ptb-z a b --no-such-option", "anonimage nonsense a b"])
def test_a_planted_command_that_is_not_there_is_found(line):
    (arguments,) = commands(f"```\n{line}\n```")
    with pytest.raises(Exception, match="No such"):
        parse(arguments)


def test_the_four_commands_of_the_readme_run_as_they_stand(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    judge_hastily(monkeypatch)
    write_database(tmp_path / "ptbdb", fs=1000)
    section = (REPOSITORY / "README.md").read_text("utf-8").split("\n## Your own data\n")[1].split("\n## ")[0]
    block = re.search(r"```\n(.*?)```", section, re.DOTALL)
    assert block
    codes = []
    for arguments in commands(block[0]):
        arguments = [str(Path(word).expanduser()) for word in arguments]
        brief = {"run": ("--steps", 4, "--set", "batch=4", "--set", "samples=30"), "generate": ("-n", 50)}
        codes.append(anonimage(*arguments, *brief.get(arguments[0], ())).exit_code)
    assert codes == [0, 0, 0, 3]  # nine people are too few for any release
    assert [path.name for path in (tmp_path / "bundle").iterdir()] == ["refusal.md"]
