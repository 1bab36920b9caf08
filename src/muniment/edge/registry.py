"""Reach the registry from a door without blocking the event loop."""

from collections.abc import Callable
from typing import TypeVar

from anyio import to_thread
from starlette.requests import Request

from muniment.services.serving.registry import ServedRegistry

T = TypeVar("T")


def registry_of(request: Request) -> ServedRegistry:
    """Return the registry that a request is for."""
    registry = request.app.state.registry
    if not isinstance(registry, ServedRegistry):
        raise TypeError(registry)
    return registry


async def read(registry: ServedRegistry, act: Callable[[], T]) -> T:
    """Read: directly where that needs no network, else in a thread."""
    return act() if registry.local else await to_thread.run_sync(act)


async def write(act: Callable[[], T]) -> T:
    """Write in a thread; concurrent writes share a commit."""
    return await to_thread.run_sync(act)
