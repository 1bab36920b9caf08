"""All routes of the native protocol."""

from typing import Final

from fastapi import FastAPI

from muniment.protocols.native import blobs, governance, log, models, people

PREFIX: Final = "/api/v1"


def add_routes(app: FastAPI) -> None:
    """Add the routes to an app."""
    # They are tried in turn: what is asked for most comes first.
    for part in (models, blobs, log, governance, people):
        app.include_router(part.router, prefix=PREFIX)
