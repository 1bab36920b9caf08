"""Bytes: small ones at once, large ones as uploads that can go on, all of them by digest, in ranges."""

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

router = APIRouter(tags=["bytes"])

UploadId = Annotated[str, Path(max_length=64)]
Offset = Annotated[int, Header(ge=0, le=2**53)]
Hash = Annotated[str, Path(max_length=200)]


@router.post("/documents", response_model=Digests)
async def add_documents(request: Request, body: Documents) -> Response:
    """Store small blobs. They are yours alone until a namespace takes them."""
    backend = registry_of(request).open_as(await require_caller(request))
    digests = await write(lambda: backend.add_documents(body.documents))
    answer = Digests(digests=[str(digest) for digest in digests])
    return _say(answer)


@router.post("/uploads", response_model=Transfer, status_code=201)
async def begin_upload(request: Request, body: NewUpload) -> Response:
    """Begin an upload: the answer says how its bytes travel."""
    digest = None if body.digest is None else Digest.parse(body.digest)
    upload = await uploads.begin_upload(request, body.size_bytes, digest)
    return _show(request, upload, 201)


@router.get("/uploads/{upload}", response_model=Transfer)
async def get_upload(request: Request, upload: UploadId) -> Response:
    """Say how far an upload has come, and how to go on."""
    return _show(request, await uploads.get_upload(request, upload), 200)


@router.post("/uploads/{upload}/arrival", response_model=Transfer)
async def confirm_upload(request: Request, upload: UploadId, body: Arrival | None = None) -> Response:
    """Say that an upload has gone straight to the store.

    It has checked the digest of one that came in one piece; one that came in parts is read after this.
    """
    registry, caller = registry_of(request), await require_caller(request)
    digests = [Digest.parse(digest) for digest in body.digests] if body is not None else []
    found = await write(lambda: registry.accept_upload(caller, upload, digests))
    return _show(request, found, 200)


@router.get("/uploads/{upload}/parts", response_model=SentParts)
async def list_parts(request: Request, upload: UploadId) -> Response:
    """List the parts of an upload that have come to the store."""
    caller, direct = await require_caller(request), _direct_of(request, upload)
    found = await write(lambda: direct.list_parts(caller, upload))
    parts = [SentPart(number=number, size_bytes=part.size_bytes) for number, part in sorted(found.items())]
    return _say(SentParts(parts=parts))


@router.post("/uploads/{upload}/parts", response_model=PartTickets)
async def presign_parts(request: Request, upload: UploadId, body: WantedParts) -> Response:
    """Let parts of an upload go straight to the store, which checks the digest of each."""
    caller, direct = await require_caller(request), _direct_of(request, upload)
    wanted = {part.number: Digest.parse(part.digest) for part in body.parts}
    found = await write(lambda: direct.presign_parts(caller, upload, wanted))
    parts = [
        PartTicket(number=number, url=ticket.url, headers=dict(ticket.headers))
        for number, ticket in found.items()
    ]
    return _say(PartTickets(parts=parts))


@router.patch("/uploads/{upload}", response_model=Transfer)
@limits(streams=True)
async def continue_upload(
    request: Request,
    upload: UploadId,
    upload_offset: Offset,
    upload_complete: Annotated[str, Header(pattern=r"^\?[01]$")] = "?0",
) -> Response:
    """Send bytes from an offset on; `Upload-Complete: ?1` says that the last of them is the last of all.

    A request that breaks off loses nothing: what came is kept, and the upload says how far it is.
    """
    complete = upload_complete == "?1"
    found = await uploads.continue_upload(request, upload, upload_offset, complete=complete)
    return _show(request, found, 200)


@router.delete("/uploads/{upload}", status_code=204, response_class=Response)
async def abort_upload(request: Request, upload: UploadId) -> Response:
    """Drop an upload."""
    await uploads.abort_upload(request, upload)
    return Response(None, 204)


@router.head("/blobs/{digest}", operation_id="head_blob", response_class=Response)
@router.get("/blobs/{digest}", response_class=Response)
async def get_blob(request: Request, digest: Hash) -> Response:
    """Give a blob, or a range of it, to those who may read where it is held."""
    wanted, handovers = Digest.parse(digest), registry_of(request).handovers
    if handovers is None or not is_on_this_machine(request):
        return await send_blob(request, wanted)
    return await send_blob(request, wanted, {"content-location": handovers.locate(wanted)})


def _say(answer: BaseModel, status: int = 200, headers: Mapping[str, str] = {}) -> Response:
    sent = {**headers, "cache-control": "no-store"}
    return Response(answer.model_dump_json(), status, sent, "application/json")


def _show(request: Request, upload: Upload, status: int) -> Response:
    digest, here = upload.result or upload.digest, f"/api/v1/uploads/{upload.id}"
    transfer = Transfer(
        id=upload.id,
        size_bytes=upload.offset if upload.result is not None else upload.size_bytes,
        offset=upload.offset,
        digest=None if digest is None else str(digest),
        **_way_of(request, upload, here),
    )
    headers = {
        "location": here,
        "upload-offset": str(upload.offset),
        "upload-complete": "?0" if upload.result is None else "?1",
    }
    return _say(transfer, status, headers)


def _way_of(request: Request, upload: Upload, here: str) -> dict[str, Any]:
    """Say how the bytes of an upload travel."""
    direct, handovers = registry_of(request).direct, registry_of(request).handovers
    ticket = None if direct is None else direct.find_ticket(upload)
    if ticket is not None:
        return {"method": "put", "url": ticket.url, "headers": dict(ticket.headers)}
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
