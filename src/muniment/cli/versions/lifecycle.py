"""`muniment deprecate`, `retire`, `revoke`, `restore`, `retain` and `purge`."""

from collections.abc import Callable

import click

from muniment.cli.completing import REFERENCE
from muniment.cli.session import answer_receipt, connect, describe_receipt, describe_unchanged
from muniment.cli.terminal import WHEN, Terminal, json_option
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.canonical import Json, JsonObject
from muniment.core.catalog.statuses import Status
from muniment.core.events import RetentionSet


def _ending(command: Callable[..., None]) -> click.Command:
    """Make a command that sets the status of a version; they all take the same arguments."""
    for option in (
        click.pass_obj,
        json_option,
        click.option("--reason", required=True, help="The reason, kept on record."),
        click.argument("reference", type=REFERENCE),
    ):
        command = option(command)
    return click.command()(command)


@_ending
def deprecate(terminal: Terminal, reference: str, reason: str) -> None:
    """Mark a version as not for new use."""
    _say(terminal, reference, Status.DEPRECATED, reason)


@_ending
def retire(terminal: Terminal, reference: str, reason: str) -> None:
    """Take a version out of service.

    No alias can move to a retired version.
    """
    _say(terminal, reference, Status.RETIRED, reason)


@_ending
def restore(terminal: Terminal, reference: str, reason: str) -> None:
    """Undo a deprecation, retirement or revocation."""
    _say(terminal, reference, Status.PUBLISHED, reason)


@_ending
def revoke(terminal: Terminal, reference: str, reason: str) -> None:
    """Revoke a version and quarantine its files.

    Only security and auditors can read its files afterwards. Prints the versions made from it, the aliases
    that point at it and the targets where it serves; none of them is changed.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.set_status(Status.REVOKED, reason)
        affected = _find_affected(registry, version)
    lines = [f"{version} is revoked (entry {receipt.index})", *describe_unchanged(receipt, reason)]
    lines += [f"  affected  {line}" for line in _describe_affected(affected)]
    terminal.answer_found({**describe_receipt(receipt), "affected": affected}, lines)


@click.command()
@click.argument("reference", type=REFERENCE)
@click.option("--until", metavar="TIME", help=f"Keep it until this time at least ({WHEN}).")
@click.option("--hold/--no-hold", default=False, help="Set or lift a legal hold.")
@click.option("--reason", required=True, help="The reason, kept on record.")
@json_option
@click.pass_obj
def retain(terminal: Terminal, reference: str, *, until: str | None, hold: bool, reason: str) -> None:
    """Set a retention period or a legal hold.

    A retention period can be extended and never shortened.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.retain(until, hold=hold, reason=reason)
    event = receipt.read(RetentionSet)
    kept = f"until {event.until}" if event.until else "for no set time"
    held = ", under a legal hold" if event.hold else ""
    answer_receipt(terminal, receipt, [f"{version} is kept {kept}{held}"], reason=reason)


@click.command()
@click.argument("reference", type=REFERENCE)
@click.option("--reason", required=True, help="The reason, kept on record.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
@click.pass_obj
def purge(terminal: Terminal, reference: str, *, reason: str, yes: bool) -> None:
    """Delete the files of a version permanently.

    Its record, its digests and a signed tombstone stay.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        if not yes:
            click.confirm(f"delete the files of {version} permanently?", abort=True, err=True)
        receipt = version.purge(reason)
    line = f"{version} is purged (entry {receipt.index}); `muniment admin gc` frees the space"
    answer_receipt(terminal, receipt, [line])


def _say(terminal: Terminal, reference: str, status: Status, reason: str) -> None:
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.set_status(status, reason)
    answer_receipt(terminal, receipt, [f"{version} is {status} (entry {receipt.index})"], reason=reason)


def _find_affected(registry: Registry, version: Version) -> list[JsonObject]:
    """List the version and its descendants, with the aliases and targets of each."""
    nodes = registry.lineage(str(version), "down").nodes
    return [
        {
            "versions": list(node.versions),
            "aliases": list(node.aliases),
            "targets": list(node.targets),
            "steps": node.depth,
        }
        for node in nodes
        if node.versions and (node.depth or node.aliases or node.targets)
    ]


def _describe_affected(affected: list[JsonObject]) -> list[str]:
    return [
        ", ".join(
            [
                *_texts(one["versions"]),
                *(f"({alias})" for alias in _texts(one["aliases"])),
                *(f"serves at {target}" for target in _texts(one["targets"])),
            ]
        )
        for one in affected
    ]


def _texts(value: Json) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
