"""Bytes: small blobs in one request, large ones as resumable uploads; downloads by digest, in ranges."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from pydantic import BaseModel
from starlette.responses import Response

from muniment.core.digests import Digest
from muniment.core.errors import UploadNotFound
from muniment.edge import uploads
from muniment.edge.caller import is_on_this_machine, require_caller
from muniment.edge.limits import limits
from muniment.edge.registry import registry_of, write
from muniment.edge.sending import send_blob
from muniment.ports.uploads import Upload
from muniment.protocols.native.wire import (
    Arrival,
    Digests,
    Documents,
    NewUpload,
    PartTicket,
    PartTickets,
    SentPart,
    SentParts,
    Transfer,
    WantedParts,
)
from muniment.services.bytes.direct import DirectUploads
from muniment.signing.tickets import sign_ticket

router = APIRouter(tags=["bytes"])

UploadId = Annotated[str, Path(max_length=64)]
Offset = Annotated[int, Header(ge=0, le=2**53)]
Hash = Annotated[str, Path(max_length=200)]


@router.post("/documents", response_model=Digests)
async def add_documents(request: Request, body: Documents) -> Response:
    """Store small blobs. They are private to you until a namespace takes them."""
    registry, caller = registry_of(request), await require_caller(request)
    digests = await write(lambda: registry.add_documents(caller, body.documents))
    answer = Digests(digests=[str(digest) for digest in digests])
    return _send(answer)


@router.post("/uploads", response_model=Transfer, status_code=201)
async def begin_upload(request: Request, body: NewUpload) -> Response:
    """Begin an upload; the answer says how to send its bytes."""
    digest = None if body.digest is None else Digest.parse(body.digest)
    upload = await uploads.begin_upload(request, body.size_bytes, digest)
    return _show(request, upload, 201)


@router.get("/uploads/{upload}", response_model=Transfer)
async def get_upload(request: Request, upload: UploadId) -> Response:
    """Return the progress of an upload, and how to continue it."""
    return _show(request, await uploads.get_upload(request, upload), 200)


@router.post("/uploads/{upload}/arrival", response_model=Transfer)
async def confirm_upload(request: Request, upload: UploadId, body: Arrival | None = None) -> Response:
    """Confirm that an upload went straight to the store.

    The store has checked the digest of an upload in one piece; an upload in parts is read after this.
    """
    registry, caller = registry_of(request), await require_caller(request)
    digests = [Digest.parse(digest) for digest in body.digests] if body is not None else []
    accepted = await write(lambda: registry.accept_upload(caller, upload, digests))
    return _show(request, accepted, 200)


@router.get("/uploads/{upload}/parts", response_model=SentParts)
async def list_parts(request: Request, upload: UploadId) -> Response:
    """List the parts of an upload that the store has."""
    caller, direct = await require_caller(request), _direct_of(request, upload)
    stored = await write(lambda: direct.list_parts(caller, upload))
    parts = [SentPart(number=number, size_bytes=part.size_bytes) for number, part in sorted(stored.items())]
    return _send(SentParts(parts=parts))


@router.post("/uploads/{upload}/parts", response_model=PartTickets)
async def presign_parts(request: Request, upload: UploadId, body: WantedParts) -> Response:
    """Presign parts of an upload for the store, which checks the digest of each."""
    caller, direct, keys = (
        await require_caller(request),
        _direct_of(request, upload),
        registry_of(request).keys,
    )
    wanted = {part.number: Digest.parse(part.digest) for part in body.parts}
    tickets = await write(lambda: direct.presign_parts(caller, upload, wanted))
    parts = [
        PartTicket(
            number=number,
            url=ticket.url,
            headers=dict(ticket.headers),
            ticket=sign_ticket(keys.log, ticket.url, ticket.headers, wanted[number]),
        )
        for number, ticket in tickets.items()
    ]
    return _send(PartTickets(parts=parts))


@router.patch("/uploads/{upload}", response_model=Transfer)
@limits(streams=True)
async def continue_upload(
    request: Request,
    upload: UploadId,
    upload_offset: Offset,
    upload_complete: Annotated[str, Header(pattern=r"^\?[01]$")] = "?0",
) -> Response:
    """Send bytes from an offset; `Upload-Complete: ?1` says that they end the upload.

    A broken request loses nothing: the bytes that arrived are kept, and the upload's offset counts them.
    """
    complete = upload_complete == "?1"
    continued = await uploads.continue_upload(request, upload, upload_offset, complete=complete)
    return _show(request, continued, 200)


@router.delete("/uploads/{upload}", status_code=204, response_class=Response)
async def abort_upload(request: Request, upload: UploadId) -> Response:
    """Abort an upload."""
    await uploads.abort_upload(request, upload)
    return Response(None, 204)


@router.head("/blobs/{digest}", operation_id="head_blob", response_class=Response)
@router.get("/blobs/{digest}", response_class=Response)
async def get_blob(request: Request, digest: Hash) -> Response:
    """Return a blob or a range of it, if you may read a namespace that holds it."""
    wanted, handovers = Digest.parse(digest), registry_of(request).handovers
    if handovers is None or not is_on_this_machine(request):
        return await send_blob(request, wanted)
    return await send_blob(request, wanted, {"content-location": handovers.locate(wanted)})


def _send(answer: BaseModel, status: int = 200, headers: Mapping[str, str] = {}) -> Response:
    sent = {**headers, "cache-control": "no-store"}
    return Response(answer.model_dump_json(), status, sent, "application/json")


def _show(request: Request, upload: Upload, status: int) -> Response:
    digest, here = upload.result or upload.digest, f"/api/v1/uploads/{upload.id}"
    transfer = Transfer(
        id=upload.id,
        size_bytes=upload.offset if upload.result is not None else upload.size_bytes,
        offset=upload.offset,
        digest=None if digest is None else str(digest),
        **_choose_way(request, upload, here),
    )
    headers = {
        "location": here,
        "upload-offset": str(upload.offset),
        "upload-complete": "?0" if upload.result is None else "?1",
    }
    return _send(transfer, status, headers)


def _choose_way(request: Request, upload: Upload, here: str) -> dict[str, Any]:
    """Choose how the client should send the bytes of an upload."""
    registry = registry_of(request)
    direct, handovers = registry.direct, registry.handovers
    ticket = None if direct is None else direct.find_ticket(upload)
    if ticket is not None and upload.digest is not None:
        signed = sign_ticket(registry.keys.log, ticket.url, ticket.headers, upload.digest)
        return {"method": "put", "url": ticket.url, "headers": dict(ticket.headers), "ticket": signed}
    part_bytes = 0 if direct is None else direct.part_bytes(upload)
    if part_bytes:
        return {"method": "parts", "url": f"{here}/parts", "part_bytes": part_bytes}
    place = handovers.find_place(upload) if handovers is not None and is_on_this_machine(request) else None
    if place is not None:
        return {"method": "link", "url": here, "place": place}
    return {"method": "patch", "url": here}


def _direct_of(request: Request, upload: str) -> DirectUploads:
    direct = registry_of(request).direct
    if direct is None:
        raise UploadNotFound(upload=upload)
    return direct
