"""The door of the native protocol: its routes, description and refusals."""

from typing import Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from muniment import __version__
from muniment.edge.door import Door, House, open_door
from muniment.edge.problems import MEDIA_TYPE, write_problem
from muniment.protocols.native import bytes as bytes_
from muniment.protocols.native import log, people, verbs
from muniment.protocols.native.errors import add_body_handler

PREFIX: Final = "/api/v1"
_REFUSAL: Final = {
    "description": "Refused: a problem document (RFC 9457) with a stable code.",
    "content": {MEDIA_TYPE: {"schema": {"type": "object", "required": ["code", "detail", "status"]}}},
}


def open_native(house: House) -> Door:
    """Open the native protocol."""
    app = make_app()
    app.state.address = house.address
    app.state.login = house.login
    app.state.verify_workload = house.verify_workload
    return open_door(PREFIX, app, house, write_problem)


def make_app() -> FastAPI:
    """Make the app with all routes. Those of verbs are tried first."""
    app = FastAPI(
        title="Muniment",
        description="A model registry that can prove every answer it gives.",
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        # FastAPI's documentation pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
    )
    for router in (verbs.make_router(), bytes_.router, log.router, people.router):
        app.include_router(
            router, prefix=PREFIX, generate_unique_id_function=_name, responses={"default": _REFUSAL}
        )
    add_body_handler(app)
    return app


def _name(route: APIRoute) -> str:
    """Name an operation after its function."""
    return route.name
