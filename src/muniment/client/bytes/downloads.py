"""Downloads: parallel ranges, or the server's own file if it is on this machine."""

import io
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import BinaryIO, Final

from typing_extensions import Buffer

from muniment.client.bytes.handover import open_kept
from muniment.client.connection.transport import API, Transport, retrying
from muniment.core.bytes.hashing import CHUNK_BYTES, rotate_buffers
from muniment.core.digests import Digest
from muniment.core.errors import LengthMismatch, RegistryUnreachable

_SEGMENT_BYTES: Final = 8 << 20
_AHEAD: Final = 4
_THREADS: Final = 3


class Downloads:
    """Downloads from a server."""

    def __init__(self, transport: Transport) -> None:
        """Download over a transport."""
        self._transport = transport

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob.

        Raises:
            BlobNotFound: the blob does not exist, or we may not read it.
        """
        # The server may have closed an idle connection.
        return retrying(RegistryUnreachable, LengthMismatch)(self._open, digest)

    def _open(self, digest: Digest) -> BinaryIO:
        path = f"{API}/blobs/{digest}"
        with self._transport.stream("GET", path, {"range": f"bytes=0-{_SEGMENT_BYTES - 1}"}) as response:
            first = bytearray(min(int(response.headers["content-length"]), _SEGMENT_BYTES))
            _read_all(response, memoryview(first))
            total = response.headers.get("content-range", "").rpartition("/")[2]
            kept = response.headers.get("content-location", "")
        size = int(total) if total else len(first)
        if kept and size > len(first) and self._transport.is_local:
            # If the file cannot be opened, we run as another user than the server.
            with suppress(OSError, ValueError):
                return open_kept(kept, digest, size)
        return _Download(_Ranges(self._transport, path, first, size))


class _Download(io.BufferedReader):
    """A blob as a stream, which also yields its buffered bytes without copying."""

    def __init__(self, ranges: "_Ranges") -> None:
        super().__init__(ranges)
        self._ranges = ranges

    def views(self) -> Iterator[memoryview]:
        at, buffered = self.tell(), self._ranges.tell()
        self._ranges.seek(at)
        try:
            yield from self._ranges.views()
        finally:
            if not self.closed:
                at = self._ranges.tell()
                # The buffer assumes that nobody else moves the underlying stream.
                self._ranges.seek(buffered)
                self.seek(at)


class _Ranges(io.RawIOBase):
    """A blob as a stream, which fetches several segments ahead in parallel."""

    def __init__(self, transport: Transport, path: str, first: bytearray, size: int) -> None:
        super().__init__()
        self._transport = transport
        self._path = path
        self._size = size
        self._at = 0
        self._segment = (0, memoryview(first))
        self._ahead: deque[tuple[int, Future[memoryview]]] = deque()
        # Reusing memory costs less than allocating it.
        self._free: deque[bytearray] = deque()
        self._done: bytearray | None = None
        self._pool = ThreadPoolExecutor(max_workers=_THREADS) if size > len(first) else None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        if self._at >= self._size:
            return 0
        start, data = self._find(self._at)
        part = data[self._at - start : self._at - start + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def views(self) -> Iterator[memoryview]:
        """Yield the following bytes in chunks; each is valid while the next two are used."""
        while self._at < self._size:
            start, data = self._find(self._at)
            view = data[self._at - start :][:CHUNK_BYTES]
            self._at += len(view)
            yield view
            if self._transport.is_local and start + len(data) == self._at < self._size:
                # After a break, continue in segments, which are retried.
                with suppress(RegistryUnreachable):
                    yield from self._stream()

    def _stream(self) -> Iterator[memoryview]:
        """Yield the following bytes as they arrive on one connection."""
        with self._transport.stream("GET", self._path, {"range": f"bytes={self._at}-"}) as response:
            for buffer in rotate_buffers():
                count = response.readinto(buffer)
                if not count:
                    return
                self._at += count
                yield buffer[:count]

    def readall(self) -> bytes:
        parts = bytearray(max(0, self._size - self._at))
        view = memoryview(parts)
        while view and (count := self.readinto(view)):
            view = view[count:]
        return bytes(parts)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        super().close()

    def _find(self, at: int) -> tuple[int, memoryview]:
        """Return the segment that contains an offset."""
        start, data = self._segment
        if start <= at < start + len(data):
            return self._segment
        wanted = at - at % _SEGMENT_BYTES
        while self._ahead and self._ahead[0][0] != wanted:
            self._ahead.popleft()[1].cancel()
        self._fetch_ahead(wanted)
        start, future = self._ahead.popleft()
        self._segment = (start, future.result())
        # Views of the last segment may still be in use.
        if self._done is not None:
            self._free.append(self._done)
        self._done = data.obj if isinstance(data.obj, bytearray) and len(data.obj) == _SEGMENT_BYTES else None
        self._fetch_ahead(start + _SEGMENT_BYTES)
        return self._segment

    def _fetch_ahead(self, wanted: int) -> None:
        following = self._ahead[-1][0] + _SEGMENT_BYTES if self._ahead else wanted
        # On one machine, more connections only compete for its cores.
        most = 1 if self._transport.is_local else _AHEAD
        while self._pool and len(self._ahead) < most and following < self._size:
            self._ahead.append((following, self._pool.submit(self._fetch, following)))
            following += _SEGMENT_BYTES

    def _fetch(self, start: int) -> memoryview:
        data = self._free.popleft() if self._free else bytearray(_SEGMENT_BYTES)
        view = memoryview(data)[: min(_SEGMENT_BYTES, self._size - start)]
        retrying(RegistryUnreachable, LengthMismatch)(self._fetch_once, start, view)
        return view

    def _fetch_once(self, start: int, view: memoryview) -> None:
        wanted = {"range": f"bytes={start}-{start + len(view) - 1}"}
        with self._transport.stream("GET", self._path, wanted) as response:
            _read_all(response, view)


def _read_all(response: BinaryIO, view: memoryview) -> None:
    size = len(view)
    while view:
        count = response.readinto(view)  # type: ignore[attr-defined] # every binary stream has it
        if not count:
            raise LengthMismatch(expected=size, actual=size - len(view))
        view = view[count:]
