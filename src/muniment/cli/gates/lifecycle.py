"""`muniment deprecate`, `retire`, `revoke`, `restore`, `retain` and `purge`."""

from collections.abc import Callable

import click

from muniment.cli.session import connect, describe_receipt
from muniment.cli.terminal import Terminal, json_option
from muniment.client.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.canonical import Json, JsonObject
from muniment.core.catalog.statuses import Status
from muniment.core.events import RetentionSet


def _ending(command: Callable[..., None]) -> click.Command:
    """Make a command that says what became of a version: they are typed alike."""
    for option in (
        click.pass_obj,
        json_option,
        click.option("--reason", required=True, help="Why."),
        click.argument("reference"),
    ):
        command = option(command)
    return click.command()(command)


@_ending
def deprecate(terminal: Terminal, reference: str, reason: str) -> None:
    """Say that REFERENCE should not be used for anything new."""
    _say(terminal, reference, Status.DEPRECATED, reason)


@_ending
def retire(terminal: Terminal, reference: str, reason: str) -> None:
    """Take REFERENCE out of service: no alias moves to it any more."""
    _say(terminal, reference, Status.RETIRED, reason)


@_ending
def restore(terminal: Terminal, reference: str, reason: str) -> None:
    """Take back that REFERENCE was deprecated, retired or revoked."""
    _say(terminal, reference, Status.PUBLISHED, reason)


@_ending
def revoke(terminal: Terminal, reference: str, reason: str) -> None:
    """Put REFERENCE into quarantine: its bytes are for security and auditors only.

    What was made from it, the aliases that point there and the targets where it serves are listed: they are
    not changed by this.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.set_status(Status.REVOKED, reason)
        affected = _find_affected(registry, version)
    lines = [f"{version} is revoked (entry {receipt.index})"]
    lines += [f"  affected  {line}" for line in _describe_affected(affected)]
    terminal.answer({**describe_receipt(receipt), "affected": affected}, lines)


@click.command()
@click.argument("reference")
@click.option("--until", metavar="TIME", help="Until then at least (RFC 3339).")
@click.option("--hold/--no-hold", default=False, help="Put it under a legal hold, or end that.")
@click.option("--reason", required=True, help="Why.")
@json_option
@click.pass_obj
def retain(terminal: Terminal, reference: str, *, until: str | None, hold: bool, reason: str) -> None:
    """Keep REFERENCE: until a time, or under a legal hold. A time that was promised is never shortened."""
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.retain(until, hold=hold, reason=reason)
    event = receipt.read(RetentionSet)
    kept = f"until {event.until}" if event.until else "for no set time"
    held = ", under a legal hold" if event.hold else ""
    terminal.answer(describe_receipt(receipt), [f"{version} is kept {kept}{held}"])


@click.command()
@click.argument("reference")
@click.option("--reason", required=True, help="Why.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def purge(terminal: Terminal, reference: str, *, reason: str, yes: bool) -> None:
    """Let the bytes of REFERENCE go for good. The record, the digests and a signed tombstone stay."""
    with connect(terminal) as registry:
        version = registry.version(reference)
        if not yes:
            click.confirm(f"let the bytes of {version} go for good?", abort=True, err=True)
        receipt = version.purge(reason)
    line = f"{version} is purged (entry {receipt.index}); `muniment admin gc` frees the space"
    terminal.answer(describe_receipt(receipt), [line])


def _say(terminal: Terminal, reference: str, status: Status, reason: str) -> None:
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.set_status(status, reason)
    terminal.answer(describe_receipt(receipt), [f"{version} is {status} (entry {receipt.index})"])


def _find_affected(registry: Registry, version: Version) -> list[JsonObject]:
    """List the version and what was made from it, with what points at each."""
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
