"""All routes of the native protocol."""

from typing import Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from muniment.edge.problems import MEDIA_TYPE
from muniment.protocols.native import bytes as bytes_
from muniment.protocols.native import log, people, verbs

PREFIX: Final = "/api/v1"


_REFUSAL: Final = {
    "description": "A refusal: a problem document (RFC 9457) with a stable code.",
    "content": {MEDIA_TYPE: {"schema": {"type": "object", "required": ["code", "detail", "status"]}}},
}


def add_routes(app: FastAPI) -> None:
    """Add the routes to an app. They are tried in turn: verbs first."""
    for router in (verbs.make_router(), bytes_.router, log.router, people.router):
        app.include_router(
            router, prefix=PREFIX, generate_unique_id_function=_name, responses={"default": _REFUSAL}
        )


def _name(route: APIRoute) -> str:
    """Name an operation by the function that does it."""
    return route.name
