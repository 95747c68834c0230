"""Arguments and options that several commands share; those of settings come from the recipe's model."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ...errors import InputError
from ..recipe import SETTINGS, Recipe, load_recipe
from ..settings import Setting

Source = Annotated[
    Path,
    typer.Argument(
        help="What to read: a WFDB database (RECORDS, or any tree of .hea files), a table (CSV, Parquet), signals as "
        "CSV or npz, or a folder of pictures; the recipe says which."
    ),
]
Out = Annotated[Path, typer.Argument(help="Folder of the run.")]
RecipeName = Annotated[str, typer.Argument(help="Name of a recipe (see `anonimage recipes`) or path of a TOML file.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run that is in OUT.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Delete the run that is in OUT and begin anew.")]
PolicyName = Annotated[str, typer.Option("--policy", help="default, strict, or the path of a TOML file.")]
EngineName = Annotated[
    Literal["local", "ray"],
    typer.Option("--engine", help="local: processes of this machine; ray: a Ray cluster, or one begun here."),
]
Address = Annotated[str | None, typer.Option(help="Of the Ray cluster, as `ray start --head` prints it.")]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, help="How many at a time, in processes; default: records in threads on all cores, cells one."),
]


@dataclass(frozen=True)
class Changes:
    """Settings that a command line gives, with --set or with options of their own.

    A command with a parameter of this type has --set and an option for each setting that names the command.

    Arguments:
        texts: "key=value" of --set.
        options: values by setting; they win over the texts.
    """

    texts: tuple[str, ...]
    options: dict[str, Any]

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


def with_options(function: Callable[..., None]) -> tuple[inspect.Signature, Callable[..., None]]:
    """A command's signature with an option for each of its settings, and the command that takes their values."""
    signature = inspect.signature(function, eval_str=True)
    changes = next((name for name, one in signature.parameters.items() if one.annotation is Changes), None)
    if changes is None:
        return signature, function
    known = [one for one in SETTINGS.values() if function.__name__ in one.commands]
    parameters = [
        option
        for name, one in signature.parameters.items()
        for option in ((_SET, *map(_option, known)) if name == changes else (one,))
    ]

    def called(**values: Any) -> None:
        options = {one.name: values.pop(one.name) for one in known}
        given = {name: value for name, value in options.items() if value not in (None, False)}
        texts = tuple(values.pop("texts") or ())
        function(**values, **{changes: Changes(texts, given)})

    keyword = inspect.Parameter.KEYWORD_ONLY
    return signature.replace(parameters=[one.replace(kind=keyword) for one in parameters]), called


_SET = inspect.Parameter(
    "texts",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the recipe: docs/settings.md."),
    ],
)


def _option(setting: Setting) -> inspect.Parameter:
    """A setting's option; its value stays a text, which the recipe's model reads."""
    sentence = setting.description[:1].upper() + setting.description[1:] + "."
    flag = setting.default is False
    given = typer.Option(setting.option, metavar=None if flag else setting.metavar, help=sentence)
    return inspect.Parameter(
        setting.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=False if flag else None,
        annotation=Annotated[bool if flag else str | None, given],
    )
