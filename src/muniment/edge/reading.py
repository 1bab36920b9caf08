"""Reading: a question is answered for the caller."""

from typing import TypeVar

from starlette.requests import Request

from muniment.core.queries import Query
from muniment.edge.caller import require_caller
from muniment.edge.registry import read, registry_of

A = TypeVar("A")


async def ask(request: Request, query: Query[A]) -> A:
    """Ask a question for the caller.

    Raises:
        NotIdentified: there is no credential.
        BadToken: the credential is not valid.
    """
    caller = await require_caller(request)
    registry = registry_of(request)
    return await read(registry, lambda: registry.open_as(caller).ask(query))
