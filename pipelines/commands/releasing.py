"""Commands that decide what may leave the house."""

from pathlib import Path
from typing import Annotated

import typer

from ...errors import InputError
from ..progress import say
from .options import Out, PolicyName
from .terminal import NOT_RELEASED, command


@command("anonimage audit out --verifier people.safetensors", alone=True)
def audit(
    out: Out,
    policy: PolicyName = "default",
    verifier: Annotated[
        Path | None, typer.Option(help="File that `anonimage verifier` wrote; default: the recipe's, or none.")
    ] = None,
) -> None:
    """Attack the synthetic samples, and two controls that show whether the attacks can be believed."""
    from ..evaluating import audit as attack

    attack(out, policy, verifier)
    say(f"audit:   {out / 'audit.json'}\nreport:  {out / 'report.html'}")


@command("anonimage release out bundle --policy strict")
def release(
    out: Out,
    to: Annotated[Path, typer.Argument(metavar="TO", help="Folder to make, which may leave the house.")],
    policy: PolicyName = "default",
    with_generator: Annotated[
        bool, typer.Option("--with-generator", help="Put the generator's weights in as well.")
    ] = False,
) -> None:
    """Make a bundle of what passes the policy; otherwise exit 3, and TO holds nothing but the reasons."""
    from ..release.bundle import release as hand_out
    from ..release.policy import load_policy

    if not hand_out(out, to, load_policy(policy), with_generator):
        say(f"refusal: {to / 'refusal.md'}")
        raise typer.Exit(NOT_RELEASED)


@command("anonimage policies default > mine.toml")
def policies(name: Annotated[str | None, typer.Argument(help="Print this policy's TOML.")] = None) -> None:
    """List the policies, or print one to start your own from."""
    from ..release.policy import load_policy, policy_names

    if name:
        typer.echo(load_policy(name).to_toml(), nl=False)
        return
    for known in policy_names():
        typer.echo(f"{known:10}{load_policy(known).description}")


@command("anonimage verifier ~/ecgiddb people.safetensors --lead i")
def verifier(
    source: Annotated[Path, typer.Argument(help="WFDB database with several records a person, such as ECG-ID.")],
    to: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, .safetensors.")],
    lead: Annotated[str, typer.Option(help="Lead that people are told apart by.")] = "i",
    seconds: Annotated[float, typer.Option(min=0.5, help="Length of the windows that it shall judge.")] = 2.0,
    also: Annotated[
        list[Path] | None, typer.Option(help="Further databases to learn from, one record a person will do.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the split into people to learn from and to try it on.")] = 0,
) -> None:
    """Train what tells people apart by their ECG, for the audit's re-identification, and say how well it does."""
    from ..evaluation.verification import train_verifier

    if to.exists():
        raise InputError(f"{to}: is there already; name a new file")
    trained = train_verifier(source, lead, seconds, seed=seed, more=also or [])
    trained.save(to)
    for name, score in trained.errors.items():
        interval = f"95 % {score.low:.3f} to {score.high:.3f}; n {score.n} people"
        say(f"equal error rate, {name}: {score.value:.3f} ({interval})")
    say(f"0 is perfect, 0.5 guessing; use it with `anonimage audit OUT --verifier {to}`, and keep it private")
    say(f"verifier: {to}")
