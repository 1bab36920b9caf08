"""Enrol passkeys from a browser, and sign in workloads with identity tokens."""

from asyncio import wrap_future

from fastapi import APIRouter, Request
from starlette.responses import Response

from muniment.core.receipts import Receipt
from muniment.edge.caller import get_token
from muniment.edge.registry import registry_of, write
from muniment.protocols.native.answers import confirm
from muniment.protocols.native.wire import BeginWorkloadSession, EnrolPasskey

router = APIRouter(tags=["people"])


@router.post("/passkeys", response_model=Receipt, status_code=201)
async def enrol_passkey(request: Request, body: EnrolPasskey) -> Response:
    """Enrol a passkey that a browser made at this address, by an invitation."""
    token = get_token(request)
    registry, origin = registry_of(request), request.app.state.address
    credential, name = body.credential(), body.name.read()
    enrolled = await write(lambda: registry.enrol_passkey(token, credential, origin, name))
    return confirm(await wrap_future(enrolled))


@router.post("/sessions/workload", response_model=Receipt, status_code=201)
async def begin_workload_session(request: Request, body: BeginWorkloadSession) -> Response:
    """Sign in a workload with the identity token of its platform."""
    registry, verify = registry_of(request), request.app.state.verify_workload
    issuer, claims = await verify(body.identity)
    return confirm(await write(lambda: registry.admit_workload(issuer, claims, body.identity, body.read())))
