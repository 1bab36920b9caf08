"""Policies, statuses, requests, comments and emergencies."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from muniment.core import commands as c
from muniment.core import queries as q
from muniment.core import records as r
from muniment.core.digests import Digest
from muniment.core.gates.policy import Gate
from muniment.core.names import Alias, ModelName, Models
from muniment.core.receipts import Receipt
from muniment.edge.reading import ask
from muniment.protocols.native.answers import answer, answer_page, execute, send_encoded
from muniment.protocols.native.models import refer
from muniment.protocols.native.parameters import After, At, Entry, Limit, Part
from muniment.protocols.native.wire import (
    Emergency,
    NewStatus,
    NewWebhook,
    Page,
    Reason,
    Remark,
    Replay,
    Retention,
    Rules,
    Tier,
    Wish,
    encode_page,
)

router = APIRouter(tags=["governance"])


_MODEL = "/models/{namespace}/{model}"
_VERSION = _MODEL + "/versions/{selector}"
_ALIAS = _MODEL + "/aliases/{alias}"


@router.get(_VERSION + "/gates/{alias}", response_model=Gate)
async def judge_gate(  # noqa: PLR0913, PLR0917 - the parts of its path
    request: Request,
    namespace: Part,
    model: Part,
    selector: Part,
    alias: Part,
    policy: Annotated[str | None, Query(max_length=71, description="A stored one, instead.")] = None,
) -> Response:
    """Say what the policies of an alias say of a version; nothing is recorded."""
    reference = refer(namespace, model, selector)
    instead = None if policy is None else Digest.parse(policy)
    return await answer(request, q.JudgeGate(reference=reference, alias=Alias(alias), policy=instead))


@router.put(_VERSION + "/status", response_model=Receipt)
async def set_status(
    request: Request, namespace: Part, model: Part, selector: Part, body: NewStatus
) -> Response:
    """Deprecate, retire or revoke a version, or take that back."""
    return await execute(request, body.read(refer(namespace, model, selector)))


@router.put(_VERSION + "/retention", response_model=Receipt)
async def set_retention(
    request: Request, namespace: Part, model: Part, selector: Part, body: Retention
) -> Response:
    """Keep a version for longer, or hold it, or end a hold."""
    return await execute(request, body.read(refer(namespace, model, selector)))


@router.post(_VERSION + "/purge", response_model=Receipt, status_code=201)
async def purge_version(
    request: Request, namespace: Part, model: Part, selector: Part, body: Reason
) -> Response:
    """Let the bytes of a version go for good; the record and a signed tombstone stay."""
    reference = refer(namespace, model, selector)
    return await execute(request, c.PurgeVersion(reference=reference, reason=body.read()))


@router.get(_ALIAS + "/policies", response_model=Page[r.PolicyRecord])
async def get_policies(
    request: Request, namespace: Part, model: Part, alias: Part, at: At = None
) -> Response:
    """Give the policies in force for an alias; the document of one is the blob of its digest."""
    query = q.GetPolicies(name=ModelName(namespace, model), alias=Alias(alias), at=at)
    return send_encoded(request, encode_page(await ask(request, query), None))


@router.get("/namespaces/{namespace}/policies", response_model=Page[r.PolicyRecord])
async def list_policies(request: Request, namespace: Part, after: After = -1, limit: Limit = 100) -> Response:
    """List all policies that were ever set for the models of a namespace, oldest first."""
    return await answer_page(request, q.ListPolicies(namespace=namespace, after=after, limit=limit))


@router.get(_MODEL + "/tier", response_model=r.TierRecord)
async def get_tier(request: Request, namespace: Part, model: Part) -> Response:
    """Give the risk tier of a model."""
    return await answer(request, q.GetTier(name=ModelName(namespace, model)))


@router.put(_MODEL + "/tier", response_model=Receipt)
async def set_tier(request: Request, namespace: Part, model: Part, body: Tier) -> Response:
    """Put a model into a risk tier."""
    return await execute(request, c.SetTier(name=ModelName(namespace, model), tier=body.tier))


@router.put(_ALIAS + "/policy", response_model=Receipt)
async def set_policy(request: Request, namespace: Part, model: Part, alias: Part, body: Rules) -> Response:
    """Put a stored policy in force for an alias of a model, or (`*`) of all models of the namespace."""
    return await execute(request, body.read(Models(namespace, model), Alias(alias)))


@router.post(_ALIAS + "/emergencies", response_model=Receipt, status_code=201)
async def break_glass(
    request: Request, namespace: Part, model: Part, alias: Part, body: Emergency
) -> Response:
    """Point an alias at a version past its gate, as a policy allows; somebody else has to review it."""
    return await execute(request, body.read(ModelName(namespace, model), Alias(alias)))


@router.post("/emergencies/{entry}/reviews", response_model=Receipt, status_code=201)
async def review_move(request: Request, entry: Entry, body: Reason) -> Response:
    """Say that an emergency move was looked at, and what came of that."""
    return await execute(request, c.ReviewMove(move=entry, reason=body.read()))


@router.post(_VERSION + "/requests", response_model=Receipt, status_code=201)
async def open_request(
    request: Request, namespace: Part, model: Part, selector: Part, body: Wish
) -> Response:
    """Ask those who may approve to look at a version for an alias; again, as a reminder."""
    return await execute(request, body.read(refer(namespace, model, selector)))


@router.get(_MODEL + "/requests", response_model=Page[q.Request])
async def list_requests(  # noqa: PLR0913, PLR0917 - what a page is asked with
    request: Request,
    namespace: Part,
    model: Part,
    closed: bool = False,  # noqa: FBT001, FBT002 - a parameter of a URL
    after: After = -1,
    limit: Limit = 100,
) -> Response:
    """List the open requests for the versions of a model, oldest first; with `closed` all of them."""
    name = ModelName(namespace, model)
    return await answer_page(request, q.ListRequests(name=name, closed=closed, after=after, limit=limit))


@router.post("/requests/{entry}/withdrawals", response_model=Receipt, status_code=201)
async def close_request(request: Request, entry: Entry, body: Reason) -> Response:
    """Take a request of yours back."""
    return await execute(request, c.CloseRequest(request=entry, reason=body.read()))


@router.post(_VERSION + "/comments", response_model=Receipt, status_code=201)
async def post_comment(
    request: Request, namespace: Part, model: Part, selector: Part, body: Remark
) -> Response:
    """Say something of a version, in Markdown; whoever is named with @ finds it in their inbox."""
    return await execute(request, body.read(refer(namespace, model, selector)))


@router.get(_VERSION + "/comments", response_model=Page[q.Comment])
async def list_comments(  # noqa: PLR0913, PLR0917 - as above
    request: Request,
    namespace: Part,
    model: Part,
    selector: Part,
    after: After = -1,
    limit: Limit = 100,
) -> Response:
    """List what was said of a version, oldest first."""
    reference = refer(namespace, model, selector)
    return await answer_page(request, q.ListComments(reference=reference, after=after, limit=limit))


@router.delete("/comments/{entry}", response_model=Receipt)
async def erase_comment(request: Request, entry: Entry) -> Response:
    """Let the text of a comment go for good."""
    return await execute(request, c.EraseComment(comment=entry))


@router.post("/namespaces/{namespace}/webhooks", response_model=Receipt, status_code=201)
async def set_webhook(request: Request, namespace: Part, body: NewWebhook) -> Response:
    """Send the events of a namespace to an address, as signed CloudEvents, from now on."""
    command = c.SetWebhook(namespace=namespace, target=body.target.read(), events=tuple(body.events))
    return await execute(request, command)


@router.get("/namespaces/{namespace}/webhooks", response_model=Page[q.Webhook])
async def list_webhooks(request: Request, namespace: Part) -> Response:
    """List the webhooks of a namespace, and what could not be delivered."""
    return send_encoded(request, encode_page(await ask(request, q.ListWebhooks(namespace=namespace)), None))


@router.delete("/webhooks/{entry}", response_model=Receipt)
async def end_webhook(request: Request, entry: Entry) -> Response:
    """Send nothing more, and forget the address and the secret."""
    return await execute(request, c.EndWebhook(webhook=entry))


@router.post("/webhooks/{entry}/replays", response_model=Receipt, status_code=201)
async def replay_webhook(request: Request, entry: Entry, body: Replay) -> Response:
    """Send again what could not be delivered or, with `since`, everything from an entry on."""
    return await execute(request, c.ReplayWebhook(webhook=entry, since=body.since))


@router.get("/inbox", response_model=Page[q.Item])
async def get_inbox(request: Request) -> Response:
    """Say what waits for you, and what you should know."""
    return send_encoded(request, encode_page(await ask(request, q.GetInbox()), None))
