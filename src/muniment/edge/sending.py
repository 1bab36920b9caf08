"""Send a blob or a range of it, a MiB at a time.

Each chunk costs a step of the event loop and, where reading needs a network, a change of threads; a
MiB is large enough that neither is felt.
"""

from collections.abc import Mapping
from typing import BinaryIO, Final

from anyio import to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

CHUNK_BYTES: Final = 1 << 20


class BlobResponse(Response):
    """A response that reads as it sends. It closes its source."""

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
        found = {**headers, "content-length": str(self._count)}
        if part is not None:
            found["content-range"] = f"bytes {self._start}-{end - 1}/{size}"
        super().__init__(None, 200 if part is None else 206, found)
        self.headers["content-length"] = str(self._count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; to HEAD, the headers alone."""
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
                # The bytes end early: breaking off tells the client, who has the length, so.
                raise EOFError
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})
        if not self._count:
            await send({"type": "http.response.body", "body": b""})

    async def _read(self, count: int) -> bytes:
        if self._inline:
            return self._source.read(count)
        return await to_thread.run_sync(self._source.read, count)
