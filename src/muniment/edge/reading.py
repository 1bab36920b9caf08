"""Answer queries for the caller."""

from collections.abc import Sequence
from typing import TypeVar

from starlette.requests import Request

from muniment.core.basis import Basis, Known
from muniment.core.people.callers import NOBODY, Caller
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
    registry, caller = registry_of(request), await _find_caller(request, query)
    return await read(registry, lambda: registry.open_as(caller).ask(query))


async def prove(request: Request, query: Query[object], known: Sequence[Known]) -> Basis:
    """Give the caller what the answer to a query follows from, except for known lists. Raises as `ask`."""
    registry, caller = registry_of(request), await _find_caller(request, query)
    return await read(registry, lambda: registry.open_as(caller).prove(query, known))


async def _find_caller(request: Request, query: Query[object]) -> Caller:
    return NOBODY if query.declared.who is Who.ANYBODY else await require_caller(request)
