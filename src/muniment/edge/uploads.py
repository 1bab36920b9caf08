"""Receive uploads: store bytes as they arrive, over any number of requests.

A door begins an upload, with its size and digest if they are known, and continues it with the body of each
request. The last request completes it.
"""

from asyncio import Event, Task, create_task, get_running_loop

from starlette.requests import ClientDisconnect, Request

from muniment.core.digests import Digest
from muniment.core.errors import BodyTooLarge, LengthMismatch, RequestTimeout
from muniment.edge.caller import require_caller
from muniment.edge.limits import limits_in
from muniment.edge.registry import read, registry_of, write
from muniment.edge.writing import retry_key
from muniment.ports.uploads import Upload
from muniment.services.bytes.uploads import Receiver


async def begin_upload(
    request: Request, size_bytes: int | None = None, digest: Digest | None = None
) -> Upload:
    """Begin an upload for the caller, or return the one begun under the same Idempotency-Key.

    Raises like `Uploading.begin`.
    """
    registry, caller, key = registry_of(request), await require_caller(request), retry_key(request)
    return await write(lambda: registry.uploads.begin(caller, size_bytes, digest, key))


async def get_upload(request: Request, upload: str) -> Upload:
    """Return an upload of the caller, with its progress. Raises like `Uploading.get`."""
    registry, caller = registry_of(request), await require_caller(request)
    return await read(registry, lambda: registry.uploads.get(caller, upload))


async def continue_upload(request: Request, upload: str, offset: int, *, complete: bool) -> Upload:
    """Continue an upload of the caller with the body of a request; `complete` if that ends the upload.

    A broken request loses nothing: the bytes that arrived are kept, and the upload's offset counts them. The
    route MUST declare that it streams.

    Raises like `Uploading.resume`, `Receiver.take`, `Receiver.finish` and `Uploading.get`.
    """
    if not limits_in(request.scope).streams:
        message = f"{request.scope.get('endpoint')} does not declare that it streams"
        raise TypeError(message)
    registry, caller = registry_of(request), await require_caller(request)
    receiver = await write(lambda: registry.uploads.resume(caller, upload, offset))
    with receiver:
        await _receive(request, receiver)
        await write(receiver.finish if complete else receiver.pause)
    return await read(registry, lambda: registry.uploads.get(caller, upload))


async def abort_upload(request: Request, upload: str) -> None:
    """Abort an upload of the caller. Raises like `Uploading.abort`."""
    registry, caller = registry_of(request), await require_caller(request)
    await write(lambda: registry.abort_upload(caller, upload))


async def _receive(request: Request, receiver: Receiver) -> None:
    """Receive bytes while earlier ones are being stored; keep those that came before a break."""
    storing: Task[None] | None = None
    loop, room = get_running_loop(), Event()

    def store() -> None:
        receiver.store(lambda: loop.call_soon_threadsafe(room.set))

    try:
        async for chunk in request.stream():
            receiver.take(chunk)
            room.clear()
            if storing is not None and not storing.done() and receiver.is_full:
                await room.wait()
            if storing is not None and storing.done():
                await storing
                storing = None
            if storing is None and receiver.waits:
                storing = create_task(write(store))
                storing.add_done_callback(lambda _: room.set())
    except (BodyTooLarge, ClientDisconnect, LengthMismatch, RequestTimeout):
        if storing is not None:
            await storing
        await write(receiver.pause)
        raise
    if storing is not None:
        await storing
