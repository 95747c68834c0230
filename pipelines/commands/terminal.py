"""The command `anonimage` as a program: its options, exit codes, Ctrl-C, and errors as one line."""

import errno
import functools
import inspect
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer import Argument, Exit, Option, Typer, echo

from ... import __version__
from ...errors import InputError, one_line
from ...files import locked
from ...launch import rank
from ..recipe import SETTINGS, Recipe, load_recipe
from ..settings import Setting

if TYPE_CHECKING:  # what reads a source waits for pandas
    from ..kinds.kind import Inspection

FAULT, BAD_INPUT, NOT_RELEASED, INTERRUPTED = 1, 2, 3, 130
RESUME, AGAIN = "--resume goes on", "the same command goes on"  # after a stop
REMEDIES = {
    errno.ENOSPC: "disk full; free some space and run the same command again",
    errno.EDQUOT: "disk quota reached; free some space and run the same command again",
    errno.EFBIG: "file size limit reached; raise it and run the same command again",
    errno.EACCES: "no permission; choose a folder that you may read or write",
    errno.EPERM: "not permitted; choose a folder that you may read or write",
    errno.EROFS: "read-only; choose another folder",
    errno.ENOTDIR: "a part of this path is a file; choose another folder",
    errno.EISDIR: "this is a folder; name a file",
    errno.EEXIST: "exists already; choose another name",
    errno.ENOENT: "missing, or gone while it was needed; check the path and run the same command again",
    errno.ENAMETOOLONG: "name too long; choose a shorter one",
}

app = Typer(
    name="anonimage",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Turn private ECGs, time series, tables and pictures into images, train a GAN on them, decode what it "
    "generates, and measure the result.\n\n"
    "Begin with [bold]anonimage demo OUT[/bold], then [bold]anonimage inspect[/bold] your own data.",
)


Source = Annotated[
    Path,
    Argument(
        help="What to read: a WFDB database (RECORDS, or any tree of .hea files), a table (CSV, Parquet), signals as "
        "CSV or npz, or a folder of pictures; the recipe says which."
    ),
]
Out = Annotated[Path, Argument(help="Folder of the run.")]
RecipeName = Annotated[str, Argument(help="Name of a recipe (see `anonimage recipes`) or path of a TOML file.")]
Resume = Annotated[bool, Option("--resume", help="Go on with the run that is in OUT.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Delete the run that is in OUT and begin anew.")]
PolicyName = Annotated[str, Option("--policy", help="default, strict, or the path of a TOML file.")]
EngineName = Annotated[
    Literal["local", "ray"],
    Option("--engine", help="local: processes of this machine; ray: a Ray cluster, or one begun here."),
]
Address = Annotated[str | None, Option(help="Of the Ray cluster, as `ray start --head` prints it.")]
Jobs = Annotated[
    int | None,
    Option(min=1, help="How many at a time, in processes; default: records in threads on all cores, cells one."),
]


@dataclass(frozen=True)
class Changes:
    """Settings that a command line gives, with --set or with options of their own.

    A command with a parameter `changes` has --set and an option for each setting that names the command.
    """

    texts: tuple[str, ...]  # "key=value" of --set
    options: dict[str, Any]  # values by setting; they win over the texts

    def recipe(self, name: str, resumed: Path | None = None) -> Recipe:
        """The recipe of that name with the changes; of a run that is resumed, as it was resolved then."""
        from ..run_folder import RunFolder

        recipe = load_recipe(name)
        if resumed is not None and RunFolder(resumed).recipe_file.is_file():
            before = RunFolder(resumed).recipe
            recipe = before if before.name == recipe.name else recipe
        return self.of(recipe)

    def of(self, recipe: Recipe) -> Recipe:
        """The recipe with all changes, which are checked together."""
        values: dict[str, Any] = {}
        for text in self.texts:
            key, equals, value = text.partition("=")
            if not equals:
                raise InputError(f"--set {text}: should be key=value, for example --set stride=500")
            values[key.strip()] = value.strip()
        origins = {key: SETTINGS[key].option for key in self.options}
        return recipe.changed(values | self.options, origins=origins)


def command(
    example: str, after_stop: str = "", alone: bool = False, together: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command whose errors of input become one line and exit code 2, and Ctrl-C one line and exit code 130.

    Arguments:
        example: stands at the end of its help.
        after_stop: what goes on with a stopped one; empty: nothing was kept.
        alone: keeps further processes from its folder OUT meanwhile.
        together: except those that train with it.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        signature, called = _with_options(function)

        @functools.wraps(function)
        def guarded(**given: Any) -> None:
            try:
                if alone and not together and rank():
                    name = function.__name__
                    raise InputError(f"{name} is for one process; under torchrun or SLURM only train is not")
                with locked(given["out"]) if alone else nullcontext():
                    called(**given)
            except InputError as error:
                _fail(str(error), BAD_INPUT)
            except OSError as error:
                if error.errno not in REMEDIES:
                    raise
                _fail(f"{error.filename or 'writing'}: {REMEDIES[error.errno]}", BAD_INPUT)
            except KeyboardInterrupt:
                go_on = f"; what is complete was kept, and {after_stop}"
                _fail(f"stopped{go_on if after_stop else ''}", INTERRUPTED)

        guarded.__signature__ = signature  # type: ignore[attr-defined]
        return app.command(epilog=f"Example:  [bold]{example}[/bold]")(guarded)

    return register


def _fail(line: str, code: int) -> None:
    echo(f"anonimage: {one_line(line)}", err=True)
    raise Exit(code)


def main() -> None:
    """Entry point of the command; bad usage is one line; an error of the program shows its traceback and exits 1."""
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except Exception as error:  # the outermost boundary: whatever it is must not look like the user's mistake
        if type(error).__name__ == "Abort":  # Ctrl-C before a command took over
            sys.exit(INTERRUPTED)
        if hasattr(error, "format_message"):  # typer's usage errors, which have no public base class
            echo(f"anonimage: {one_line(error.format_message())} See `anonimage --help`.", err=True)
            sys.exit(BAD_INPUT)
        traceback.print_exc()
        echo(
            "anonimage: this is a fault of the program, not of your input; please report it with the lines above",
            err=True,
        )
        sys.exit(FAULT)
    sys.exit(code)


def _version(asked: bool) -> None:
    if asked:
        echo(f"anonimage {__version__}")
        raise Exit


@app.callback()
def _options(
    version: Annotated[
        bool, Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    pass


def print_inspection(inspection: "Inspection", recipe: str) -> None:
    """Print what a recipe of this name would read of a source."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    for listing in inspection.listings:
        table = Table(*listing.texts, title=f"\n{listing.title}", box=None, title_justify="left")
        for column in listing.numbers:
            table.add_column(column, justify="right")
        for row in listing.rows:
            table.add_row(*(Text(str(cell)) for cell in row))
        console.print(table)
    for line in (*inspection.lines, f"problems: {len(inspection.problems) or 'none'}"):
        console.print(Text(line))
    records: defaultdict[str, list[str]] = defaultdict(list)
    for problem in inspection.problems:
        record, colon, what = problem.partition(": ")
        records[what if colon else problem].append(record if colon else "")
    for what, (first, *more) in records.items():  # each once, with the first record that has it
        count = f" (and {len(more)} more)" if more else ""
        console.print(Text(f"  {first}{count}: {what}" if first else f"  {what}{count}"), soft_wrap=True)
    console.print(Text(f"(read as recipe {recipe} does; --recipe names another)"))


def _with_options(function: Callable[..., None]) -> tuple[inspect.Signature, Callable[..., None]]:
    """A command's signature with an option for each of its settings, and the command that takes their values."""
    signature = inspect.signature(function, eval_str=True)
    if "changes" not in signature.parameters:
        return signature, function
    known = [one for one in SETTINGS.values() if function.__name__ in one.commands]
    parameters = [
        option
        for name, one in signature.parameters.items()
        for option in ((_SET, *map(_option, known)) if name == "changes" else (one,))
    ]

    def called(**values: Any) -> None:
        options = {one.name: values.pop(one.name) for one in known}
        given = {name: value for name, value in options.items() if value not in (None, False)}
        texts = tuple(values.pop("texts") or ())
        function(**values, changes=Changes(texts, given))

    keyword = inspect.Parameter.KEYWORD_ONLY
    return signature.replace(parameters=[one.replace(kind=keyword) for one in parameters]), called


def _parameter(name: str, default: bool | None, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_SET_OPTION = Option("--set", metavar="KEY=VALUE", help="Change a setting of the recipe: docs/settings.md.")
_SET = _parameter("texts", None, Annotated[list[str] | None, _SET_OPTION])


def _option(setting: Setting) -> inspect.Parameter:
    """A setting's option; its value stays a text, which the recipe's model reads."""
    sentence = setting.description[:1].upper() + setting.description[1:] + "."
    flag = setting.default is False
    given = Option(setting.option, metavar=None if flag else setting.metavar, help=sentence)
    return _parameter(setting.name, False if flag else None, Annotated[bool if flag else str | None, given])
