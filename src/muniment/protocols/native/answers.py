"""Answers as JSON with entity tags."""

import hashlib
from typing import Final

from fastapi import Request
from starlette.responses import Response

from muniment.core.receipts import Receipt
from muniment.core.records import Record
from muniment.core.verbs.verb import Command, ListQuery, Query
from muniment.core.verbs.wire import BASIS, KNOWN
from muniment.edge import writing
from muniment.edge.conditions import has_already, tag_of_entry
from muniment.edge.reading import ask, prove
from muniment.protocols.native.wire import encode, encode_page, read_known

_JSON: Final = "application/json"


async def answer(request: Request, query: Query[object]) -> Response:
    """Answer a query; a list comes with the cursor of its next page.

    A caller who accepts `BASIS` gets what the answer follows from instead.
    """
    if BASIS in request.headers.get("accept", ""):
        return send(request, await prove(request, query, read_known(request.headers.get(KNOWN, "[]"))))
    if isinstance(query, ListQuery):
        items = await ask(request, query)
        return send_encoded(request, encode_page(items, query.following(items)))
    return send(request, await ask(request, query))


def send(request: Request, result: object) -> Response:
    """Send an answer, or 304 if the caller has it already."""
    tag = tag_of_entry(result.index) if isinstance(result, Record) else None
    return send_encoded(request, encode(result), tag)


def send_encoded(request: Request, body: bytes, tag: str | None = None) -> Response:
    """Send an encoded answer."""
    tag = tag or f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # The answer depends on the caller: only a private cache may keep it, and it must revalidate.
    headers = {"etag": tag, "cache-control": "private, no-cache", "vary": f"authorization, accept, {KNOWN}"}
    if has_already(request, tag):
        return Response(None, 304, headers)
    return Response(body, 200, headers, _JSON)


async def execute(request: Request, command: Command) -> Response:
    """Execute a command for the caller; 201 if it made an entry, 200 if the entry existed."""
    return confirm(await writing.execute(request, command))


def confirm(receipt: Receipt) -> Response:
    """Send a receipt."""
    headers = {"cache-control": "no-store", "etag": tag_of_entry(receipt.index)}
    return Response(encode(receipt), 201 if receipt.created else 200, headers, _JSON)
