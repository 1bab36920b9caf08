"""A door: one protocol, by which the registry is reached under a prefix of its own.

A protocol is an app with routes of its own. `open_door` makes a door of it, and `server/app.py` has a list of
those that it opens. No door knows of another:

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
    """What a door opens into.

    Attributes:
        registry: the registry.
        address: by which clients reach the server.
        login: how people log in, if there is a provider of identities; else None.
        verify_workload: verifies the identity token of a workload; gives its issuer and claims.
    """

    registry: ServedRegistry
    address: str
    login: str | None
    verify_workload: Callable[[str], Awaitable[tuple[str, Mapping[str, object]]]]


@dataclass(frozen=True, slots=True)
class Door:
    """A door that is open.

    Attributes:
        prefix: what the paths of its routes begin with; they bear it themselves.
        app: answers.
        form: writes refusals, also those that come before a route.
    """

    prefix: str
    app: ASGIApp
    form: Form

    def leads(self, path: str) -> bool:
        """Say whether a path is one of this door."""
        return path.startswith(self.prefix) and path[len(self.prefix) :][:1] in {"", "/"}


def open_door(prefix: str, app: Starlette, house: House, form: Form) -> Door:
    """Make a door of an app: its routes reach the registry, and refuse in its form."""
    app.state.registry = house.registry
    add_handlers(app, form)
    return Door(prefix, app, form)
