"""Commands about files alone: no network is trained."""

from pathlib import Path
from typing import Annotated

import typer

from ..progress import say
from .options import Leads, Set, Source, resolve
from .terminal import command


@command("anonimage encode ~/ptbdb images --leads i")
def encode(
    source: Source,
    to: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make, with the images.")],
    recipe: Annotated[str, typer.Option(help="Recipe that says how signals become images.")] = "ptb-quantile",
    leads: Leads = None,
    settings: Set = None,
) -> None:
    """Turn signals into PNG images, with codec.json and samples.parquet beside them; no GAN."""
    resolved = resolve(recipe, settings, leads=leads)
    from ..image_folder import encode_folder

    encode_folder(resolved, source, to)
    say(f"images:  {to}")


@command("anonimage decode images signals")
def decode(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `anonimage encode` made.")],
    to: Annotated[Path, typer.Argument(help="Folder to make, with WFDB records.")],
) -> None:
    """Turn a folder of encoded images back into WFDB records, each window with its own offset."""
    from ..image_folder import decode_folder

    decode_folder(folder, to)
    say(f"records: {to}")


@command("anonimage fetch ptbdb ~/ptbdb")
def fetch(
    database: Annotated[str, typer.Argument(help="Name of the database, such as ptbdb.")],
    dest: Annotated[Path, typer.Argument(help="Folder to download into.")],
    base_url: Annotated[str | None, typer.Option(help="A mirror laid out as PhysioNet's files/.")] = None,
) -> None:
    """Download a database from PhysioNet; resumes, and verifies the checksums."""
    from ...data.wfdb.fetch import fetch as fetch_database
    from ..progress import progress

    with progress("fetch") as advance:
        fetch_database(database, dest, base_url, progress=lambda done, n: advance(done, "files", n))
    say(f"database: {dest}")
