"""Bytes to and from a server: uploads that go on where they broke off, downloads in parallel ranges."""

import hashlib
import io
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential
from typing_extensions import Buffer

from muniment.capture.tree import WatchedFile
from muniment.client.bytes.copying import copy, hash_rest
from muniment.client.bytes.handover import open_handover, open_kept, share
from muniment.client.connection.transport import Transport, retrying
from muniment.core.backend import Stored
from muniment.core.bytes.hashing import CHUNK_BYTES, BackgroundHasher, rotate_buffers
from muniment.core.digests import Digest
from muniment.core.errors import (
    DigestMismatch,
    LengthMismatch,
    OffsetMismatch,
    RegistryUnreachable,
    UploadNotFound,
)

_API: Final = "/api/v1"
_SEGMENT_BYTES: Final = 8 << 20
_AHEAD: Final = 4
_THREADS: Final = 3
# How long a registry may take to read what came in parts: some minutes, and more for more bytes.
_PATIENCE_S: Final = 600.0
_SLOWEST_PROOF: Final = 10_000_000


class _Transfer(msgspec.Struct):
    id: str
    size_bytes: int
    offset: int
    digest: str | None
    method: str
    url: str
    headers: dict[str, str]
    part_bytes: int = 0
    place: str = ""


class _Part(msgspec.Struct):
    number: int
    size_bytes: int = 0
    url: str = ""
    headers: dict[str, str] = {}


class _Parts(msgspec.Struct):
    parts: list[_Part]


class _About(msgspec.Struct):
    hash_first: bool = False


class Uploads:
    """Uploads to a server. What is under way is remembered, so that another process can go on with it."""

    def __init__(self, transport: Transport, state: Path) -> None:
        """Send over a transport; remember in a directory."""
        self._transport = transport
        self._state = state / "uploads"

    def send_bytes(self, data: bytes) -> Stored:
        """Send bytes that are in memory."""
        return self.send(io.BytesIO(data))

    def send(self, source: BinaryIO) -> Stored:
        """Send a stream from its beginning to its end, reading it once unless the connection breaks.

        Raises:
            DigestMismatch: the server has other bytes than we read.
            RegistryUnreachable: it does not come through, after some tries.
        """
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        note = self._note_of(source, size)
        transfer = self._resume(note)
        if size >= _SEGMENT_BYTES and self._hashes_first:
            stored = self._send_direct(source, size, transfer, note)
            if stored is not None:
                return stored
            transfer = None
        transfer = transfer or self._begin(size)
        if transfer.method == "link" and size >= _SEGMENT_BYTES and self._transport.is_local:
            stored = self._hand_over(source, transfer)
            if stored is not None:
                return stored
        if note is not None:
            self._remember(note, transfer.id)
        stored = None
        for attempt in retrying(RegistryUnreachable, OffsetMismatch):
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    transfer = self._get(transfer.id)
                stored = self._send_from(source, transfer)
        assert stored is not None  # noqa: S101 - the loop ends with it or raises
        if note is not None:
            note.unlink(missing_ok=True)
        return stored

    @cached_property
    def _hashes_first(self) -> bool:
        """Say whether the server can send us straight to its store, if it knows the digest beforehand."""
        return msgspec.json.decode(self._transport.call("GET", _API), type=_About).hash_first

    def _send_direct(
        self, source: BinaryIO, size: int, known: _Transfer | None, note: Path | None
    ) -> Stored | None:
        """Send a stream straight to the store, after reading it once more for its digest.

        None if that cannot be done from here: the store may be out of our reach.
        """
        digest = _hash_beforehand(source, size)
        is_known = known is not None and known.digest == str(digest) and known.method == "parts"
        transfer = known if known is not None and is_known else self._begin(size, digest)
        digests: list[str] = []
        try:
            if transfer.method == "put":
                body = _read_chunks(source, size)
                source.seek(0)
                self._transport.put_elsewhere(transfer.url, transfer.headers, body)
            elif transfer.method == "parts" and isinstance(source, io.FileIO):
                if note is not None:
                    self._remember(note, transfer.id)
                digests = self._send_parts(source, transfer)
            else:
                return None
        except RegistryUnreachable:
            return None
        if not self._arrives(transfer, digests):
            return None
        if note is not None:
            note.unlink(missing_ok=True)
        return Stored(digest=digest, size_bytes=size)

    def _send_parts(self, source: io.FileIO, transfer: _Transfer) -> list[str]:
        """Send the parts that are not there yet, several at once; give the digests of all."""
        answer = self._transport.call("GET", transfer.url)
        here = {part.number: part.size_bytes for part in msgspec.json.decode(answer, type=_Parts).parts}
        with ThreadPoolExecutor(max_workers=_THREADS) as pool:
            sending = [
                pool.submit(
                    retrying(RegistryUnreachable), self._send_part, source, transfer, number, start, here
                )
                for number, start in enumerate(range(0, transfer.size_bytes, transfer.part_bytes), 1)
            ]
            try:
                return [part.result() for part in sending]
            finally:
                pool.shutdown(cancel_futures=True)

    def _send_part(
        self, source: io.FileIO, transfer: _Transfer, number: int, start: int, here: Mapping[int, int]
    ) -> str:
        size = min(transfer.part_bytes, transfer.size_bytes - start)
        count = source.count if isinstance(source, WatchedFile) else None
        is_here = here.get(number) == size
        hasher = hashlib.sha256()
        for part in _read_range(source, start, size, count if is_here else None):
            hasher.update(part)
        digest = str(Digest(hasher.hexdigest()))
        if not is_here:
            body = {"parts": [{"number": number, "digest": digest}]}
            answer = self._transport.call("POST", transfer.url, body=body)
            (ticket,) = msgspec.json.decode(answer, type=_Parts).parts
            headers = {**ticket.headers, "content-length": str(size)}
            self._transport.put_elsewhere(ticket.url, headers, _read_range(source, start, size, count))
        return digest

    def _arrives(self, transfer: _Transfer, digests: list[str]) -> bool:
        """Say that all was sent, and wait while the registry reads what the store could not check."""
        self._transport.call("POST", f"{_API}/uploads/{transfer.id}/arrival", body={"digests": digests})
        waiting = Retrying(
            retry=retry_if_result(lambda found: found.method != "patch"),
            wait=wait_exponential(0.2, max=10),
            stop=stop_after_delay(_PATIENCE_S + transfer.size_bytes / _SLOWEST_PROOF),
            retry_error_callback=lambda _: None,
        )
        return waiting(self._get, transfer.id) is not None

    def _hand_over(self, source: BinaryIO, transfer: _Transfer) -> Stored | None:
        """Leave the bytes where a server on this machine takes them, and hears from us when they are there.

        None if that cannot be done from here: we may be somebody else than the server, or on another machine.
        """
        place = Path(transfer.place)
        try:
            with BackgroundHasher() as hasher, open_handover(place, transfer.id) as target:
                if share(source, target):
                    hash_rest(source, hasher)
                else:
                    copy(source, target, hasher)
                digest = hasher.finish()
        except OSError:
            source.seek(0)
            return None
        try:
            answer = self._transport.call("POST", f"{_API}/uploads/{transfer.id}/arrival")
        except LengthMismatch:
            # Nothing has arrived: behind a tunnel, a server may call a directory its own that we have, too.
            place.unlink(missing_ok=True)
            source.seek(0)
            return None
        arrived = msgspec.json.decode(answer, type=_Transfer)
        if arrived.digest != str(digest):
            raise DigestMismatch(expected=str(digest), actual=str(arrived.digest))
        return Stored(digest=digest, size_bytes=transfer.size_bytes)

    def _send_from(self, source: BinaryIO, transfer: _Transfer) -> Stored:
        with BackgroundHasher() as hasher:
            _hash_until(source, transfer.offset, hasher)
            if transfer.digest is None or transfer.offset < transfer.size_bytes or not transfer.size_bytes:
                left = transfer.size_bytes - transfer.offset
                headers = {
                    "content-type": "application/partial-upload",
                    "content-length": str(left),
                    "upload-offset": str(transfer.offset),
                    "upload-complete": "?1",
                }
                body = _hash_each(_read_chunks(source, left), hasher)
                with self._transport.stream("PATCH", transfer.url, headers, body) as response:
                    transfer = msgspec.json.decode(response.read(), type=_Transfer)
            digest = hasher.finish()
        if transfer.digest != str(digest):
            raise DigestMismatch(expected=str(digest), actual=str(transfer.digest))
        return Stored(digest=digest, size_bytes=transfer.size_bytes)

    def _begin(self, size: int, digest: Digest | None = None) -> _Transfer:
        body = {"size_bytes": size, "digest": None if digest is None else str(digest)}
        answer = self._transport.call("POST", f"{_API}/uploads", body=body)
        return msgspec.json.decode(answer, type=_Transfer)

    def _get(self, upload: str) -> _Transfer:
        answer = self._transport.call("GET", f"{_API}/uploads/{upload}")
        return msgspec.json.decode(answer, type=_Transfer)

    def _resume(self, note: Path | None) -> _Transfer | None:
        """Find the upload that an earlier process began of the same file, if it still stands."""
        try:
            upload = json.loads(note.read_text())["upload"] if note is not None else None
            return None if upload is None else self._get(str(upload))
        except (OSError, ValueError, KeyError, UploadNotFound):
            return None

    def _note_of(self, source: BinaryIO, size: int) -> Path | None:
        """Name the note of an upload: by the server and by the very file, as it is now."""
        if size < _SEGMENT_BYTES or not isinstance(source, io.FileIO):
            return None
        found = os.fstat(source.fileno())
        identity = [self._transport.location, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns]
        return self._state / f"{hashlib.sha256(repr(identity).encode()).hexdigest()[:32]}.json"

    def _remember(self, note: Path, upload: str) -> None:
        try:
            self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
            note.write_text(json.dumps({"upload": upload}))
        except OSError:
            # Without the note the upload cannot be gone on with by another process; it can be made.
            return


class Downloads:
    """Downloads from a server."""

    def __init__(self, transport: Transport) -> None:
        """Receive over a transport."""
        self._transport = transport

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob.

        Raises:
            BlobNotFound: there is none, or none for us.
        """
        # A connection that was left open may have been closed over there meanwhile.
        return retrying(RegistryUnreachable, LengthMismatch)(self._open, digest)

    def _open(self, digest: Digest) -> BinaryIO:
        path = f"{_API}/blobs/{digest}"
        with self._transport.stream("GET", path, {"range": f"bytes=0-{_SEGMENT_BYTES - 1}"}) as response:
            first = bytearray(min(int(response.headers["content-length"]), _SEGMENT_BYTES))
            _read_all(response, memoryview(first))
            total = response.headers.get("content-range", "").rpartition("/")[2]
            kept = response.headers.get("content-location", "")
        size = int(total) if total else len(first)
        if kept and size > len(first) and self._transport.is_local:
            # Where the file cannot be opened, we are somebody else than the server.
            with suppress(OSError, ValueError):
                return open_kept(kept, digest, size)
        return _Download(_Ranges(self._transport, path, first, size))


class _Download(io.BufferedReader):
    """A blob as a stream, which also gives what it holds of the bytes without copying them."""

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
                # The buffer takes it that nobody else has moved what it reads from.
                self._ranges.seek(buffered)
                self.seek(at)


class _Ranges(io.RawIOBase):
    """A blob as a stream: the segments after the place of reading are fetched ahead, several at once."""

    def __init__(self, transport: Transport, path: str, first: bytearray, size: int) -> None:
        super().__init__()
        self._transport = transport
        self._path = path
        self._size = size
        self._at = 0
        self._segment = (0, memoryview(first))
        self._ahead: deque[tuple[int, Future[memoryview]]] = deque()
        # Memory that was used before costs less than new memory.
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
        """Give the bytes that follow, as far as they are there; each holds while the next two are used."""
        while self._at < self._size:
            start, data = self._find(self._at)
            view = data[self._at - start :][:CHUNK_BYTES]
            self._at += len(view)
            yield view
            if self._transport.is_local and start + len(data) == self._at < self._size:
                # What breaks off is gone on with by segments, which are asked for more than once.
                with suppress(RegistryUnreachable):
                    yield from self._stream()

    def _stream(self) -> Iterator[memoryview]:
        """Give the bytes that follow as they come, by one connection."""
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
        """Give the segment that holds a place."""
        start, data = self._segment
        if start <= at < start + len(data):
            return self._segment
        wanted = at - at % _SEGMENT_BYTES
        while self._ahead and self._ahead[0][0] != wanted:
            self._ahead.popleft()[1].cancel()
        self._fetch_ahead(wanted)
        start, future = self._ahead.popleft()
        self._segment = (start, future.result())
        # What was given of the last segment may still be in use.
        if self._done is not None:
            self._free.append(self._done)
        self._done = data.obj if isinstance(data.obj, bytearray) and len(data.obj) == _SEGMENT_BYTES else None
        self._fetch_ahead(start + _SEGMENT_BYTES)
        return self._segment

    def _fetch_ahead(self, wanted: int) -> None:
        following = self._ahead[-1][0] + _SEGMENT_BYTES if self._ahead else wanted
        # On one machine, more connections only take its cores.
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


def _hash_beforehand(source: BinaryIO, size: int) -> Digest:
    """Hash a stream that will be read again: whoever counts what is read counts it then."""
    with BackgroundHasher() as hasher:
        if isinstance(source, io.FileIO):
            for chunk in _read_range(source, 0, size):
                hasher.update(chunk)
        else:
            _hash_until(source, size, hasher)
        return hasher.finish()


def _hash_until(source: BinaryIO, offset: int, hasher: BackgroundHasher) -> None:
    source.seek(0)
    for chunk in _read_chunks(source, offset):
        hasher.update(chunk)


def _hash_each(chunks: Iterator[memoryview], hasher: BackgroundHasher) -> Iterator[memoryview]:
    """Hand chunks on while they are hashed."""
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk


def _read_range(
    source: io.FileIO, start: int, size: int, on_bytes: Callable[[int], None] | None = None
) -> Iterator[memoryview]:
    """Read a range, whatever else is read of the file meanwhile. A chunk holds as `_read_chunks` says."""
    buffers = rotate_buffers()
    while size > 0:
        buffer = next(buffers)
        count = os.preadv(source.fileno(), [buffer[: min(CHUNK_BYTES, size)]], start)
        if not count:
            raise LengthMismatch(expected=size, actual=0)
        start, size = start + count, size - count
        if on_bytes is not None:
            on_bytes(count)
        yield buffer[:count]


def _read_chunks(source: BinaryIO, count: int) -> Iterator[memoryview]:
    """Read so many bytes, a chunk at a time; each holds while the next two are used."""
    buffers = rotate_buffers()
    while count > 0:
        buffer = next(buffers)
        size = source.readinto(buffer[: min(CHUNK_BYTES, count)])  # type: ignore[attr-defined] # every binary stream has it
        if not size:
            raise LengthMismatch(expected=count, actual=0)
        count -= size
        yield buffer[:size]
