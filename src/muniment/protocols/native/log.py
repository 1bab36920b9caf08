"""The log: who keeps it, its checkpoint, its entries with proof. Hashes are for everybody."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from muniment import __version__
from muniment.core import queries as q
from muniment.core.people.callers import NOBODY
from muniment.core.receipts import Proof
from muniment.edge.reading import ask
from muniment.edge.registry import read, registry_of
from muniment.protocols.native.answers import answer, send, send_encoded
from muniment.protocols.native.parameters import Limit
from muniment.protocols.native.wire import About, Page, encode_page

router = APIRouter(tags=["log"])

Index = Annotated[int, Query(ge=0, le=2**53)]


@router.get("", response_model=About)
async def describe_registry(request: Request) -> Response:
    """Say who answers, and how one signs in."""
    registry = registry_of(request)
    said = registry.open_as(NOBODY).ask(q.GetLogIdentity())
    login = request.app.state.login
    about = About(
        version=__version__,
        origin=said.origin,
        verifier=said.verifier,
        login=login,
        hash_first=registry.direct is not None,
    )
    return send_encoded(request, about.model_dump_json().encode())


@router.get("/log", response_model=q.LogIdentity)
async def get_log(request: Request) -> Response:
    """Give the origin of the log and its verifier key (C2SP signed-note)."""
    return send(request, registry_of(request).open_as(NOBODY).ask(q.GetLogIdentity()))


@router.get("/log/checkpoint", response_class=Response)
async def get_checkpoint(request: Request) -> Response:
    """Give a signed checkpoint of the log as it is now (C2SP tlog-checkpoint)."""
    registry = registry_of(request)
    growth = await read(registry, lambda: registry.open_as(NOBODY).ask(q.GetGrowth(size=0)))
    return Response(growth.checkpoint, 200, {"cache-control": "no-store"}, "text/plain; charset=utf-8")


@router.get("/log/growth", response_model=q.Growth)
async def get_growth(request: Request, size: Index, until: Index | None = None) -> Response:
    """Prove that the log still contains what it had at a size (RFC 6962 2.1.2)."""
    registry = registry_of(request)
    query = q.GetGrowth(size=size, until=until)
    return send(request, await read(registry, lambda: registry.open_as(NOBODY).ask(query)))


@router.get("/log/entries", response_model=Page[str])
async def list_entries(request: Request, start: Index = 0, limit: Limit = 1000) -> Response:
    """List entries of the log, in base64; only for those who may read everywhere."""
    leaves = await ask(request, q.GetLeaves(start=start, limit=limit))
    following = start + len(leaves) if len(leaves) == limit else None
    return send_encoded(request, encode_page(leaves, following))


@router.get("/log/entries/{index}", response_model=Proof)
async def get_entry(request: Request, index: int) -> Response:
    """Give an entry of the log with its proof (RFC 6962 2.1.1) and a signed checkpoint."""
    return await answer(request, q.GetProof(index=index))
