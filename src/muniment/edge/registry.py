"""The registry behind a door, and how it is reached without holding up the event loop."""

from collections.abc import Callable
from typing import TypeVar

from anyio import to_thread
from starlette.requests import Request

from muniment.services.serving.registry import ServedRegistry

T = TypeVar("T")


def registry_of(request: Request) -> ServedRegistry:
    """Give the registry behind the door that a request came to."""
    registry = request.app.state.registry
    if not isinstance(registry, ServedRegistry):
        raise TypeError(registry)
    return registry


async def read(registry: ServedRegistry, act: Callable[[], T]) -> T:
    """Read: at once where that needs no network, and beside the event loop where it does."""
    return act() if registry.local else await to_thread.run_sync(act)


async def write(act: Callable[[], T]) -> T:
    """Write, beside the event loop: those who write meanwhile share the commit."""
    return await to_thread.run_sync(act)
