"""Commands that check and move aliases."""

import json
import sys
import time
from pathlib import Path

import click

from muniment.cli.completing import ALIAS, REFERENCE
from muniment.cli.gates.proposals import answer_change
from muniment.cli.gates.reports import write_junit, write_sarif
from muniment.cli.session import (
    answer_receipt,
    connect,
    describe_receipt,
    describe_unchanged,
    find_named,
    warn_unguarded,
)
from muniment.cli.terminal import ENTRY, NO, Amount, FilePath, Terminal, at_option, json_option
from muniment.cli.viewing import answer_view
from muniment.client.sdk.registry import Registry
from muniment.client.versions.showing import show_gate
from muniment.client.versions.version import Version
from muniment.core.counting import count
from muniment.core.errors import GateFailed, InvalidReference, MunimentError, PolicyNotFound
from muniment.core.events import AliasMoved, AliasRemoved
from muniment.core.receipts import Receipt

_POLL_S = 5.0


@click.command()
@click.argument("reference", type=REFERENCE)
@click.argument("alias", type=ALIAS)
@click.option("--junit", type=FilePath(dir_okay=False), help="Also write the result as JUnit XML.")
@click.option("--sarif", type=FilePath(dir_okay=False), help="Also write the result as SARIF.")
@at_option
@json_option
@click.pass_obj
def check(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal, reference: str, alias: str, *, junit: Path | None, sarif: Path | None, at: str | None
) -> None:
    """Check a version against the policies of an alias.

    Print every rule and whether it is met. Exit 0 if all are, 1 if one is not.
    """
    with connect(terminal) as registry:
        version = registry.version(reference, at=at)
        gate = version.check(alias)
        view = show_gate(version.session.backend, gate, version.at)
        named = gate.name_people(find_named(registry, gate.list_people()))
    if junit is not None:
        junit.write_bytes(write_junit(named))
    if sarif is not None:
        sarif.write_text(json.dumps(write_sarif(named), indent=2) + "\n")
    answer_view(terminal, view)
    if not gate.passed:
        sys.exit(NO)


@click.command()
@click.argument("reference", type=REFERENCE)
@click.argument("alias", type=ALIAS)
@click.option("--reason", default="", help="The reason, kept on record.")
@click.option("--wait", is_flag=True, help="Wait until the policies are met.")
@click.option(
    "--timeout", type=Amount(0), default=3600.0, show_default=True, help="How many seconds to wait."
)
@json_option
@click.pass_obj
def promote(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal, reference: str, alias: str, *, reason: str, wait: bool, timeout: float
) -> None:
    """Point an alias at a version.

    A guarded alias moves only if the version meets its policies.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        if wait:
            receipt = _promote_when_met(registry, version, alias, reason, timeout)
        else:
            receipt = registry.promote(version, alias, reason=reason)
        warnings = _find_warnings(version, alias)
    event = receipt.read(AliasMoved)
    unguarded = warn_unguarded(receipt)
    judged = f", {count(len(event.verdicts), 'verdict')} on record" if event.verdicts else ""
    terminal.answer(
        {**describe_receipt(receipt), "warnings": [*warnings, *unguarded]},
        [
            f"{event.name}@{alias} is version {event.number} (entry {receipt.index}{judged})",
            *(f"warning: {text}" for text in warnings),
            *describe_unchanged(receipt, reason),
        ],
    )


@click.command("break-glass")
@click.argument("reference", type=REFERENCE)
@click.argument("alias", type=ALIAS)
@click.option("--reason", required=True, help="What the emergency is.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
@click.pass_obj
def break_glass(terminal: Terminal, reference: str, alias: str, *, reason: str, yes: bool) -> None:
    """Move an alias past its gate, in an emergency.

    Everyone concerned is told, and somebody else has to close it.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        if not yes:
            click.confirm(f"move {alias} to {version} past its gate?", abort=True, err=True)
        receipt = registry.break_glass(version, alias, reason)
    event = receipt.read(AliasMoved)
    answer_receipt(
        terminal,
        receipt,
        [
            f"EMERGENCY: {event.name}@{event.alias} is version {event.number} (entry {receipt.index})",
            f"somebody else must close it by {event.due}:",
            f"  muniment close-emergency {receipt.index} --reason TEXT",
        ],
    )


@click.command("close-emergency")
@click.argument("entry", type=ENTRY)
@click.option("--reason", required=True, help="What came of it.")
@json_option
@click.pass_obj
def close_emergency(terminal: Terminal, entry: int, reason: str) -> None:
    """Close an emergency after looking into it.

    ENTRY is that of the move or, if a protected policy was changed, that of the proposal.
    """
    with connect(terminal) as registry:
        receipt = registry.close_emergency(entry, reason)
    answer_receipt(terminal, receipt, [f"the emergency of entry {entry} is closed"])


@click.command()
@click.argument("reference", type=REFERENCE, metavar="NAME@ALIAS")
@click.option("--reason", default="", help="The reason, kept on record.")
@json_option
@click.pass_obj
def rollback(terminal: Terminal, reference: str, reason: str) -> None:
    """Point an alias back at its previous version.

    A guarded alias goes back to the newest earlier version that still meets its policies.
    """
    name, alias = split_alias(reference)
    with connect(terminal) as registry:
        receipt = registry.rollback(name, alias, reason=reason)
    event = receipt.read(AliasMoved)
    before = "removed" if event.previous is None else event.previous
    warnings = warn_unguarded(receipt)
    terminal.answer(
        {**describe_receipt(receipt), "warnings": warnings},
        [f"{reference} is version {event.number} again (was {before}, entry {receipt.index})"],
    )


@click.group()
def alias() -> None:
    """Remove aliases.

    `muniment promote` creates and moves them.
    """


@alias.command("remove")
@click.argument("reference", type=REFERENCE, metavar="NAME@ALIAS")
@click.option("--reason", required=True, help="The reason, kept on record.")
@json_option
@click.pass_obj
def remove_alias(terminal: Terminal, reference: str, reason: str) -> None:
    """Remove an alias.

    Its history stays. Removing a guarded alias takes the right to set its policy, and the name stays guarded.
    """
    name, which = split_alias(reference)
    with connect(terminal) as registry:
        receipt = registry.remove_alias(name, which, reason=reason)
        previous = receipt.event.previous if isinstance(receipt.event, AliasRemoved) else None
        lines = [f"removed {reference}, which was version {previous} (entry {receipt.index})"]
        answer_change(terminal, registry, receipt, lines)


def split_alias(reference: str) -> tuple[str, str]:
    """Split `NAME@ALIAS`.

    Raises:
        InvalidReference: it has another form.
    """
    name, at, alias = reference.partition("@")
    if not at or not alias:
        remedy = "write NAME@ALIAS, such as acme/readmission@production"
        raise InvalidReference(reference=reference, remedy=remedy)
    return name, alias


def _find_warnings(version: Version, alias: str) -> tuple[str, ...]:
    """Find the policies that are not met and only warn. The move is done, also if this fails."""
    try:
        return version.check(alias).warnings
    except PolicyNotFound:
        return ()
    except MunimentError as error:
        return (f"the policies of {alias} cannot be judged ({error.code}): {error}",)


def _promote_when_met(
    registry: Registry, version: Version, alias: str, reason: str, timeout: float
) -> Receipt:
    """Retry until the gate passes or the time is up; any other refusal is raised."""
    end = time.monotonic() + timeout
    while True:
        try:
            return registry.promote(version, alias, reason=reason)
        except GateFailed:
            left = end - time.monotonic()
            if left <= 0:
                raise
            time.sleep(min(_POLL_S, left))
