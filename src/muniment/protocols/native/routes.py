"""The door of the native protocol: its routes, its description, its refusals."""

from typing import Final

from fastapi import FastAPI

from muniment import __version__
from muniment.edge.door import Door, House, open_door
from muniment.edge.problems import write_problem
from muniment.protocols.native import blobs, governance, log, models, people
from muniment.protocols.native.errors import add_body_handler

PREFIX: Final = "/api/v1"


def open_native(house: House) -> Door:
    """Open the native protocol."""
    app = FastAPI(
        title="Muniment",
        description="A model registry that can prove every answer it gives.",
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        # The pages of these load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.state.address = house.address
    app.state.login = house.login
    app.state.verify_workload = house.verify_workload
    # They are tried in turn: what is asked for most comes first.
    for part in (models, blobs, log, governance, people):
        app.include_router(part.router, prefix=PREFIX)
    add_body_handler(app)
    return open_door(PREFIX, app, house, write_problem)
