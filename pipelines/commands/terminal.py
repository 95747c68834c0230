"""The command `anonimage` as a program: its name and help, exit codes, Ctrl-C, and errors as one line."""

import errno
import functools
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from typing import Annotated, Any

import typer

from ...errors import InputError, one_line
from ...launch import rank
from ..lock import locked
from .options import with_options

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

app = typer.Typer(
    name="anonimage",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Turn private ECGs, time series, tables and pictures into images, train a GAN on them, decode what it "
    "generates, and measure the result.\n\n"
    "Begin with [bold]anonimage demo OUT[/bold], then [bold]anonimage inspect[/bold] your own data.",
)


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
        signature, called = with_options(function)

        @functools.wraps(function)
        def guarded(**given: Any) -> None:
            try:
                if alone and not together and rank():
                    raise InputError(
                        f"{function.__name__} is for one process; under torchrun or SLURM only train is not"
                    )
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
    typer.echo(f"anonimage: {one_line(line)}", err=True)
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the command; bad usage is one line; an error of the program shows its traceback and exits 1."""
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except Exception as error:  # the outermost boundary: whatever it is must not look like the user's mistake
        if type(error).__name__ == "Abort":  # Ctrl-C before a command took over
            sys.exit(INTERRUPTED)
        if hasattr(error, "format_message"):  # typer's usage errors, which have no public base class
            typer.echo(f"anonimage: {one_line(error.format_message())} See `anonimage --help`.", err=True)
            sys.exit(BAD_INPUT)
        traceback.print_exc()
        typer.echo(
            "anonimage: this is a fault of the program, not of your input; please report it with the lines above",
            err=True,
        )
        sys.exit(FAULT)
    sys.exit(code)


def _version(asked: bool) -> None:
    if asked:
        from ... import __version__

        typer.echo(f"anonimage {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    pass
