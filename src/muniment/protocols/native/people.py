"""People and workloads: who they are, their keys, roles, tokens, and how they come in."""

from asyncio import wrap_future
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from muniment.core import commands as c
from muniment.core import queries as q
from muniment.core import records as r
from muniment.core.people.roles import Act, Role
from muniment.core.receipts import Receipt
from muniment.edge.caller import get_token
from muniment.edge.reading import ask
from muniment.edge.registry import registry_of, write
from muniment.protocols.native.answers import answer, answer_page, confirm, execute, send_encoded
from muniment.protocols.native.parameters import After, At, Entry, Limit, Part
from muniment.protocols.native.wire import (
    Erasure,
    Grant,
    Newcomer,
    NewIssuer,
    NewKey,
    NewPasskey,
    NewSession,
    NewToken,
    Page,
    Quota,
    WorkloadSession,
    encode_page,
)

router = APIRouter(tags=["people"])

Who = Annotated[str, Query(min_length=1, max_length=1000)]


@router.get("/me", response_model=q.Person)
async def get_me(request: Request) -> Response:
    """Say who you are here."""
    return await answer(request, q.GetSelf())


@router.get("/principals", response_model=Page[q.Person])
async def list_principals(request: Request, after: After = -1, limit: Limit = 100) -> Response:
    """List everybody, oldest first."""
    return await answer_page(request, q.ListPeople(after=after, limit=limit))


@router.post("/principals", response_model=Receipt, status_code=201)
async def register_principal(request: Request, body: Newcomer) -> Response:
    """Register a person or workload."""
    return await execute(request, body.read())


@router.get("/principals/find", response_model=q.Person)
async def find_principal(request: Request, principal: Who) -> Response:
    """Find a principal by id or name."""
    return await answer(request, q.GetPerson(principal=principal))


@router.post("/principals/erasures", response_model=Receipt, status_code=201)
async def erase_principal(request: Request, body: Erasure) -> Response:
    """Forget a principal's name, logins and what their keys and tokens are called."""
    return await execute(request, c.ErasePrincipal(principal=body.principal, typed=body.typed))


@router.post("/keys", response_model=Receipt, status_code=201)
async def enrol_key(request: Request, body: NewKey) -> Response:
    """Add a public key to a principal."""
    return await execute(request, body.read())


@router.get("/keys/{key}", response_model=r.KeyRecord)
async def get_key(request: Request, key: Part) -> Response:
    """Give a key."""
    return await answer(request, q.GetKey(key_id=key))


@router.delete("/keys/{key}", response_model=Receipt)
async def revoke_key(
    request: Request, key: Part, effective: Annotated[int | None, Query(ge=0, le=2**53)] = None
) -> Response:
    """Revoke a key, from now on or as of an earlier entry of the log."""
    return await execute(request, c.RevokeKey(key_id=key, effective=effective))


@router.post("/grants", response_model=Receipt, status_code=201)
async def grant_role(request: Request, body: Grant) -> Response:
    """Grant a role."""
    return await execute(request, body.read())


@router.delete("/grants", response_model=Receipt)
async def revoke_role(request: Request, principal: Who, role: Role, namespace: Who) -> Response:
    """End a grant."""
    return await execute(request, c.RevokeRole(principal=principal, role=role, namespace=namespace))


@router.get("/permissions", response_model=Page[q.Person])
async def who_may(request: Request, act: Act, namespace: Who, at: At = None) -> Response:
    """List who may do something in a namespace, now or at a time, with the grants that say so."""
    people = await ask(request, q.WhoMay(act=act, namespace=namespace, at=at))
    return send_encoded(request, encode_page(people, None))


@router.get("/tokens", response_model=Page[q.Token])
async def list_tokens(request: Request, principal: Who | None = None) -> Response:
    """List your tokens that still count, or another's."""
    return send_encoded(request, encode_page(await ask(request, q.ListTokens(principal=principal)), None))


@router.post("/tokens", response_model=Receipt, status_code=201)
async def issue_token(request: Request, body: NewToken) -> Response:
    """Let a token in. Make it yourself, keep it, and send the sha256 of its text."""
    return await execute(request, body.read())


@router.delete("/tokens/{token}", response_model=Receipt)
async def revoke_token(request: Request, token: Part) -> Response:
    """End a token, by its id."""
    return await execute(request, c.RevokeToken(token=token))


@router.post("/sessions", response_model=Receipt, status_code=201)
async def begin_session(request: Request, body: NewSession) -> Response:
    """Sign in on a machine with an invitation: its key is enrolled and its token let in."""
    return await execute(request, body.read())


@router.post("/passkeys", response_model=Receipt, status_code=201)
async def enrol_passkey(request: Request, body: NewPasskey) -> Response:
    """Enrol a passkey that a browser made at this address, for whoever shows an invitation."""
    token = get_token(request)
    registry, origin = registry_of(request), request.app.state.address
    credential, name = body.credential(), body.name.read()
    enrolled = await write(lambda: registry.enrol_passkey(token, credential, origin, name))
    return confirm(await wrap_future(enrolled))


@router.post("/sessions/workload", response_model=Receipt, status_code=201)
async def begin_workload_session(request: Request, body: WorkloadSession) -> Response:
    """Sign a workload in by the identity token of its platform."""
    registry, verify = registry_of(request), request.app.state.verify_workload
    issuer, claims = await verify(body.identity)
    return confirm(await write(lambda: registry.admit_workload(issuer, claims, body.identity, body.read())))


@router.get("/issuers", response_model=Page[r.IssuerRecord])
async def list_issuers(request: Request) -> Response:
    """List the rules that let workloads in."""
    return send_encoded(request, encode_page(await ask(request, q.ListIssuers()), None))


@router.post("/issuers", response_model=Receipt, status_code=201)
async def trust_issuer(request: Request, body: NewIssuer) -> Response:
    """Let workloads in by a rule."""
    return await execute(request, body.read())


@router.delete("/issuers/{rule}", response_model=Receipt)
async def distrust_issuer(request: Request, rule: Entry) -> Response:
    """End a rule, by its entry of the log."""
    return await execute(request, c.DistrustIssuer(rule=rule))


@router.get("/namespaces/{namespace}/usage", response_model=q.Usage)
async def get_usage(request: Request, namespace: Part) -> Response:
    """Say what a namespace holds, and may hold."""
    return await answer(request, q.GetUsage(namespace=namespace))


@router.put("/namespaces/{namespace}/quota", response_model=Receipt)
async def set_quota(request: Request, namespace: Part, body: Quota) -> Response:
    """Bound what a namespace may hold."""
    return await execute(request, c.SetQuota(namespace=namespace, size_bytes=body.size_bytes))
