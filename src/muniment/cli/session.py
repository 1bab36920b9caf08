"""Open the registry of a command."""

from collections.abc import Iterable, Sequence

import click

from muniment.cli.terminal import Terminal
from muniment.client.connection.settings import DEFAULT_LOCATION, Settings
from muniment.client.gates.moving import find_unguarded
from muniment.client.proofs.naming import find_names
from muniment.client.sdk.opening import open as open_registry
from muniment.client.sdk.registry import Registry
from muniment.core.canonical import JsonObject
from muniment.core.counting import count
from muniment.core.errors import InvalidOption, RegistryNotFound
from muniment.core.events import write_event
from muniment.core.naming import find_ids
from muniment.core.receipts import Receipt
from muniment.core.texts import in_line


def connect(terminal: Terminal, *, create: bool = False) -> Registry:
    """Open the registry. If it is only read, say as of when.

    With `create`, create it in the default place if there is none, and say so; a place that was named and has
    none is more likely a slip.
    """
    try:
        registry = _open(terminal)
    except RegistryNotFound:
        if not create or (terminal.location or Settings.read().location) != DEFAULT_LOCATION:
            raise
        registry = _open(terminal, create=True)
        click.echo(f"created a registry in ./{DEFAULT_LOCATION}", err=True)
    if registry.read_only:
        click.echo(in_line(f"read-only: {_describe_age(registry)}"), err=True)
    return registry


def _open(terminal: Terminal, *, create: bool = False) -> Registry:
    return open_registry(
        terminal.location,
        identity=terminal.identity,
        create=create,
        read_only=terminal.read_only or None,
    )


def _describe_age(registry: Registry) -> str:
    when = f"as of {registry.as_of}" if registry.as_of else "as of its newest entry, which you may not read"
    if not registry.behind:
        return when
    return f"{when}; it is an older copy: {count(registry.behind, 'newer entry')} seen elsewhere"


def refuse_at(at: str | None) -> None:
    """Refuse `--at` with a change, which is made now.

    Raises:
        InvalidOption: it is given.
    """
    if at is not None:
        raise InvalidOption(option="--at", reason="says as of when to list, and cannot go with a change")


def find_named(registry: Registry, texts: Iterable[str]) -> dict[str, str]:
    """Return the proven names of the principals whose ids are in some texts."""
    return find_names(registry.session.backend, find_ids(texts))


def warn_unguarded(receipt: Receipt) -> list[str]:
    """Warn on standard error if an alias was moved that no policy guards; return the warnings."""
    return warn(text for text in (find_unguarded(receipt),) if text)


def warn(texts: Iterable[str]) -> list[str]:
    """Warn on standard error; return the warnings."""
    warnings = [*texts]
    for text in warnings:
        click.echo(in_line(f"warning: {text}"), err=True)
    return warnings


def answer_receipt(terminal: Terminal, receipt: Receipt, lines: Sequence[str], *, reason: str = "") -> None:
    """Print what a command did. If it changed nothing, say so: a reason is not recorded either."""
    terminal.answer(describe_receipt(receipt), [*lines, *describe_unchanged(receipt, reason)])


def describe_unchanged(receipt: Receipt, reason: str = "") -> list[str]:
    """Say in a line that a command has changed nothing; no line if it has."""
    if receipt.created:
        return []
    dropped = ", and the reason is not recorded" if reason else ""
    return [f"already so since entry {receipt.index}: nothing was changed{dropped}"]


def describe_receipt(receipt: Receipt) -> JsonObject:
    """Describe a receipt, whose proof was already checked."""
    entry = receipt.entry
    return {
        "index": receipt.index,
        "created": receipt.created,
        "event": entry.event.type,
        "actor": entry.actor,
        "time": entry.time,
        "data": write_event(entry.event),
        "path": [node.hex() for node in receipt.path],
        "checkpoint": receipt.checkpoint.decode(),
    }
