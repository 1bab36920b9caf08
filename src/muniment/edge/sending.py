"""Send a blob or a range of it, a MiB at a time.

Each chunk costs a step of the event loop and, if reading needs a network, a switch of threads; with a MiB
both are negligible.
"""

from collections.abc import Mapping
from typing import BinaryIO, Final

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from muniment.core.digests import Digest
from muniment.edge.caller import require_caller
from muniment.edge.conditions import has_already
from muniment.edge.ranges import read_range
from muniment.edge.registry import read, registry_of

CHUNK_BYTES: Final = 1 << 20


async def send_blob(request: Request, digest: Digest, headers: Mapping[str, str] = {}) -> Response:
    """Send a blob or the requested range to a caller who may read a namespace that holds it.

    A caller who has it already gets 304. `headers` are added to the answer.

    Raises:
        NotIdentified, BadToken: the caller is not known.
        BlobNotFound: the blob does not exist, or the caller may not read it.
        InvalidRange: the range begins beyond the end.
    """
    registry, caller = registry_of(request), await require_caller(request)
    source = await read(registry, lambda: registry.open_as(caller).open_blob(digest))
    tag = f'"{digest}"'
    sent = {
        "etag": tag,
        "cache-control": "private, immutable, max-age=31536000",
        "vary": "authorization",
        "accept-ranges": "bytes",
        # A browser must not interpret the bytes.
        "content-type": "application/octet-stream",
        "x-content-type-options": "nosniff",
        "content-disposition": "attachment",
        **headers,
    }
    try:
        if has_already(request, tag):
            source.close()
            return Response(None, 304, sent)
        size = source.seek(0, 2)
        part = read_range(request.headers.get("range"), size)
    except BaseException:
        source.close()
        raise
    return BlobResponse(source, size, part, sent, inline=registry.local)


class BlobResponse(Response):
    """A response that reads its source while it sends, then closes it."""

    def __init__(
        self,
        source: BinaryIO,
        size: int,
        part: tuple[int, int] | None,
        headers: Mapping[str, str],
        *,
        inline: bool,
    ) -> None:
        """Send `part` (start and end), or all of `size` bytes; `inline` reads on the event loop."""
        self._source = source
        self._inline = inline
        self._start, end = part or (0, size)
        self._count = end - self._start
        sent = {**headers, "content-length": str(self._count)}
        if part is not None:
            sent["content-range"] = f"bytes {self._start}-{end - 1}/{size}"
        super().__init__(None, 200 if part is None else 206, sent)
        self.headers["content-length"] = str(self._count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; only the headers to HEAD."""
        del receive
        try:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            await self._send_body(send)
        finally:
            self._source.close()

    async def _send_body(self, send: Send) -> None:
        self._source.seek(self._start)
        left = self._count
        while left:
            chunk = await self._read(min(CHUNK_BYTES, left))
            if not chunk:
                # The source is short: a broken connection tells the client, who knows the length.
                raise EOFError
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})
        if not self._count:
            await send({"type": "http.response.body", "body": b""})

    async def _read(self, count: int) -> bytes:
        if self._inline:
            return self._source.read(count)
        return await to_thread.run_sync(self._source.read, count)
