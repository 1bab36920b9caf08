"""Open the registry that a command was told of."""

from muniment.cli.terminal import Terminal
from muniment.client.opening import open as open_registry
from muniment.client.registry import Registry
from muniment.core.canonical import JsonObject
from muniment.core.receipts import Receipt


def connect(terminal: Terminal, *, create: bool = False) -> Registry:
    """Open it; with `create`, make one if there is none."""
    return open_registry(terminal.location, identity=terminal.identity, create=create)


def describe_receipt(receipt: Receipt) -> JsonObject:
    """Give a receipt as a document; its proof was checked when it came."""
    event = receipt.event
    return {
        "index": receipt.index,
        "created": receipt.created,
        "event": str(event.type),
        "actor": event.actor,
        "time": event.time,
        "data": event.data,
        "path": [node.hex() for node in receipt.path],
        "checkpoint": receipt.checkpoint.decode(),
    }
