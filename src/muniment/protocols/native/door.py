"""What every route does: know who asks, call a service, answer with tags that caches understand."""

import hashlib
from asyncio import wrap_future
from collections.abc import Callable
from typing import Final, TypeVar

from anyio import to_thread
from fastapi import Request
from starlette.responses import Response

from muniment.core.errors import InvalidBody, NotIdentified
from muniment.core.people.callers import NOBODY, Caller
from muniment.core.receipts import Receipt
from muniment.core.records import Record
from muniment.core.verbs.verb import Command, ListQuery, Query, Who
from muniment.edge.credentials import read_token
from muniment.edge.ranges import is_match
from muniment.protocols.native.wire import encode, encode_page
from muniment.services.serving.registry import ServedRegistry

A = TypeVar("A")
T = TypeVar("T")

_JSON: Final = "application/json"
_MAX_KEY_CHARACTERS: Final = 200


def registry_of(request: Request) -> ServedRegistry:
    """Give the registry behind a request."""
    found = request.app.state.registry
    if not isinstance(found, ServedRegistry):
        raise TypeError(found)
    return found


async def identify(request: Request) -> Caller:
    """Say who asks.

    Raises:
        BadToken: the credential is not valid.
    """
    token = read_token(request.headers)
    if token is None:
        return NOBODY
    registry = registry_of(request)
    caller = await read(registry, lambda: registry.identify(token))
    # For the line in the log: an opaque id, never the token.
    request.scope["principal"] = caller.principal
    return caller


async def require_caller(request: Request) -> Caller:
    """Say who asks; nobody is refused.

    Raises:
        NotIdentified: there is no credential.
    """
    caller = await identify(request)
    if caller.principal is None:
        raise NotIdentified
    return caller


async def read(registry: ServedRegistry, act: Callable[[], T]) -> T:
    """Read: at once where that needs no network, and beside the event loop where it does."""
    return act() if registry.local else await to_thread.run_sync(act)


async def write(act: Callable[[], T]) -> T:
    """Write, beside the event loop: whoever writes meanwhile shares the commit."""
    return await to_thread.run_sync(act)


async def ask(request: Request, query: Query[A]) -> A:
    """Ask a question for whoever asks; some are answered to anybody."""
    caller = NOBODY if query.declared.who is Who.ANYBODY else await require_caller(request)
    registry = registry_of(request)
    return await read(registry, lambda: registry.open_as(caller).ask(query))


async def answer(request: Request, query: Query[object]) -> Response:
    """Answer a question; a list with what to ask with for its next page."""
    if isinstance(query, ListQuery):
        items = await ask(request, query)
        return send_encoded(request, encode_page(items, query.following(items)))
    return send(request, await ask(request, query))


def send(request: Request, found: object) -> Response:
    """Send an answer, or say that the caller has it already (RFC 9110 13.1.2)."""
    return send_encoded(request, encode(found), tag_of(found))


def send_encoded(request: Request, body: bytes, tag: str | None = None) -> Response:
    """Send an encoded answer."""
    tag = tag or f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # What one may see depends on who asks: only their own cache may keep it, and has to ask again.
    headers = {"etag": tag, "cache-control": "private, no-cache", "vary": "authorization"}
    if is_match(request.headers.get("if-none-match"), tag):
        return Response(None, 304, headers)
    return Response(body, 200, headers, _JSON)


def tag_of(found: object) -> str | None:
    """Give the entity tag of a record: the entry that made it, which If-Match names."""
    return f'"{found.index}"' if isinstance(found, Record) else None


async def execute(request: Request, command: Command) -> Response:
    """Do a command for whoever asks; 201 if it made an entry, 200 if one was there."""
    token = read_token(request.headers)
    if token is None:
        raise NotIdentified
    answer = registry_of(request).execute(token, command, retry_key(request))
    return confirm(await wrap_future(answer))


def confirm(receipt: Receipt) -> Response:
    """Send a receipt."""
    headers = {"cache-control": "no-store", "etag": f'"{receipt.index}"'}
    return Response(encode(receipt), 201 if receipt.created else 200, headers, _JSON)


def expected_entry(request: Request) -> int | None:
    """Read which entry the caller takes for the newest: If-Match names it, If-None-Match: * means none.

    Raises:
        InvalidBody: it is not a tag that we gave.
    """
    if request.headers.get("if-none-match", "").strip() == "*":
        return -1
    header = request.headers.get("if-match")
    if header is None:
        return None
    text = header.strip().strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004 - beyond any entry
        raise InvalidBody(reason="If-Match is not a tag of this registry")
    return int(text)


def retry_key(request: Request) -> str:
    """Give the key under which a request may come again; empty if there is none.

    Raises:
        InvalidBody: it is too long, or not plain text.
    """
    key = request.headers.get("idempotency-key", "")
    if len(key) > _MAX_KEY_CHARACTERS or not key.isprintable() or not key.isascii():
        raise InvalidBody(reason="the Idempotency-Key is too long, or not plain text")
    return f"key:{key}" if key else ""
