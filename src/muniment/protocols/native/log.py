"""Describe the registry and its log: identity, logins, checkpoint."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from muniment import __version__
from muniment.core.people.callers import NOBODY
from muniment.core.verbs.log import GetGrowth, GetLogIdentity
from muniment.edge.registry import read, registry_of
from muniment.protocols.native.answers import send_encoded
from muniment.protocols.native.wire import About

router = APIRouter(tags=["log"])


@router.get("", response_model=About)
async def describe_registry(request: Request) -> Response:
    """Describe the registry and how to sign in."""
    registry = registry_of(request)
    said = registry.open_as(NOBODY).ask(GetLogIdentity())
    login = request.app.state.login
    about = About(
        version=__version__,
        origin=said.origin,
        verifier=said.verifier,
        login=login,
        hash_first=registry.direct is not None,
    )
    return send_encoded(request, about.model_dump_json().encode())


@router.get("/log/checkpoint", response_class=Response)
async def get_checkpoint(request: Request) -> Response:
    """Return a signed checkpoint of the current log (C2SP tlog-checkpoint)."""
    registry = registry_of(request)
    growth = await read(registry, lambda: registry.open_as(NOBODY).ask(GetGrowth(size=0)))
    return Response(growth.checkpoint, 200, {"cache-control": "no-store"}, "text/plain; charset=utf-8")
