"""Answer queries for the caller."""

from typing import TypeVar

from starlette.requests import Request

from muniment.core.people.callers import NOBODY
from muniment.core.verbs.verb import Query, Who
from muniment.edge.caller import require_caller
from muniment.edge.registry import read, registry_of

A = TypeVar("A")


async def ask(request: Request, query: Query[A]) -> A:
    """Answer a query for the caller; some queries are open to anybody.

    Raises:
        NotIdentified: there is no credential.
        BadToken: the credential is not valid.
    """
    caller = NOBODY if query.declared.who is Who.ANYBODY else await require_caller(request)
    registry = registry_of(request)
    return await read(registry, lambda: registry.open_as(caller).ask(query))
