"""`muniment reproduce`: rebuild a version from its record."""

import sys
from pathlib import Path

import click

from muniment.cli.completing import REFERENCE
from muniment.cli.session import connect
from muniment.cli.terminal import NO, FilePath, Terminal, json_option
from muniment.client.reproduction.planning import Plan, plan
from muniment.client.reproduction.reproducing import TOLERANCE
from muniment.client.reproduction.reproducing import reproduce as rebuild
from muniment.client.reproduction.sandbox import find_sandbox
from muniment.core.errors import InvalidOption, NotConfirmed


@click.command()
@click.argument("reference", type=REFERENCE)
@click.option("--plan", "only_plan", is_flag=True, help="Print what would be done and what is missing.")
@click.option("--yes", is_flag=True, help="Run the recorded code without asking.")
@click.option(
    "--data", "data", multiple=True, metavar="NAME=PATH", help="A dataset that is not in the registry."
)
@click.option("--code", type=FilePath(exists=True), help="A checkout that contains the commit.")
@click.option(
    "--tolerance",
    default=TOLERANCE,
    show_default=True,
    help="The relative tolerance for metrics and tensors.",
)
@click.option("--trust", "trusted", multiple=True, metavar="TYPE", help="Trust this type in a skops file.")
@click.option("--keep", type=FilePath(), help="Rebuild in this new directory and keep it.")
@click.option("--no-record", is_flag=True, help="Do not record the outcome.")
@json_option
@click.pass_obj
def reproduce(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal,
    reference: str,
    *,
    only_plan: bool,
    yes: bool,
    data: tuple[str, ...],
    code: Path | None,
    tolerance: float,
    trusted: tuple[str, ...],
    keep: Path | None,
    no_record: bool,
) -> None:
    """Rebuild a version from its record and compare.

    The outcome is bit-identical, within tolerance, or failed; it is signed and recorded. The recorded code
    runs only after you confirm it, in a sandbox without a network where the system has one. Exit 0 if the
    version was rebuilt, 1 if it was not.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        made = plan(version, data=dict(map(_read_pair, data)), code=code)
        lines = [*made.describe(), f"sandbox   {find_sandbox()}"]
        if only_plan:
            terminal.answer({"plan": lines, "missing": list(made.missing)}, lines)
            if made.missing:
                sys.exit(NO)
            return
        if made.missing:
            raise made.refuse()
        _confirm(terminal, made, lines, yes=yes)

        def say(line: str) -> None:
            if not terminal.as_json:
                click.echo(line)

        rebuilt = rebuild(
            version,
            made,
            directory=keep,
            tolerance=tolerance,
            trusted=trusted,
            say=say,
            record=not no_record,
        )
    terminal.answer(rebuilt.predicate, [])
    if rebuilt.verdict == "failed":
        sys.exit(NO)


def _confirm(terminal: Terminal, made: Plan, lines: list[str], *, yes: bool) -> None:
    if yes:
        return
    if terminal.as_json or not sys.stdin.isatty():
        raise NotConfirmed(reference=made.reference)
    for line in lines:
        click.echo(line)
    if not click.confirm("Run this?"):
        raise NotConfirmed(reference=made.reference)


def _read_pair(pair: str) -> tuple[str, Path]:
    name, separator, path = pair.partition("=")
    if not separator:
        raise InvalidOption(option="--data", reason=f"expected NAME=PATH, got {pair!r}")
    return name, Path(path)
