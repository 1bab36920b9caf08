"""A door: one protocol, which serves the registry under its own path prefix.

A protocol is a Starlette app. `open_door` makes a door from it, and `server/app.py` lists the doors to open.
No door knows about another:

    def open_native(house: House) -> Door:
        app = FastAPI()
        app.include_router(router, prefix="/api/v1")
        return open_door("/api/v1", app, house, write_problem)
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.types import ASGIApp

from muniment.edge.refusals import Form, add_handlers
from muniment.services.serving.registry import ServedRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What a door needs from the server.

    Attributes:
        registry: the registry.
        address: the URL at which clients reach the server.
        login: the login URL for people; None if no identity provider is set.
        verify_workload: verifies the identity token of a workload and returns its issuer and claims.
    """

    registry: ServedRegistry
    address: str
    login: str | None
    verify_workload: Callable[[str], Awaitable[tuple[str, Mapping[str, object]]]]


@dataclass(frozen=True, slots=True)
class Door:
    """An open door.

    Attributes:
        prefix: the prefix of its paths; the routes include it.
        app: the app that answers.
        form: writes refusals, including those before any route.
    """

    prefix: str
    app: ASGIApp
    form: Form

    def leads(self, path: str) -> bool:
        """Return whether a path belongs to this door."""
        return path.startswith(self.prefix) and path[len(self.prefix) :][:1] in {"", "/"}


def open_door(prefix: str, app: Starlette, house: House, form: Form) -> Door:
    """Make a door from an app: give its routes the registry and its refusals their form."""
    app.state.registry = house.registry
    add_handlers(app, form)
    return Door(prefix, app, form)
