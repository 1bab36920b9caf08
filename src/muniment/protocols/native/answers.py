"""The form of answers: JSON, with tags that caches understand."""

import hashlib
from typing import Final

from fastapi import Request
from starlette.responses import Response

from muniment.core.receipts import Receipt
from muniment.core.records import Record
from muniment.core.verbs.verb import Command, ListQuery, Query
from muniment.edge import writing
from muniment.edge.conditions import has_already, tag_of_entry
from muniment.edge.reading import ask
from muniment.protocols.native.wire import encode, encode_page

_JSON: Final = "application/json"


async def answer(request: Request, query: Query[object]) -> Response:
    """Answer a question; a list with what to ask with for its next page."""
    if isinstance(query, ListQuery):
        items = await ask(request, query)
        return send_encoded(request, encode_page(items, query.following(items)))
    return send(request, await ask(request, query))


def send(request: Request, found: object) -> Response:
    """Send an answer, or say that the caller has it already."""
    tag = tag_of_entry(found.index) if isinstance(found, Record) else None
    return send_encoded(request, encode(found), tag)


def send_encoded(request: Request, body: bytes, tag: str | None = None) -> Response:
    """Send an encoded answer."""
    tag = tag or f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # What one may see depends on who asks: only their own cache may keep it, and has to ask again.
    headers = {"etag": tag, "cache-control": "private, no-cache", "vary": "authorization"}
    if has_already(request, tag):
        return Response(None, 304, headers)
    return Response(body, 200, headers, _JSON)


async def execute(request: Request, command: Command) -> Response:
    """Do a command for whoever asks; 201 if it made an entry, 200 if one was there."""
    return confirm(await writing.execute(request, command))


def confirm(receipt: Receipt) -> Response:
    """Send a receipt."""
    headers = {"cache-control": "no-store", "etag": tag_of_entry(receipt.index)}
    return Response(encode(receipt), 201 if receipt.created else 200, headers, _JSON)
