"""Bytes to and from a server: uploads that go on where they broke off, downloads in parallel ranges."""

import hashlib
import io
import json
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import msgspec
from typing_extensions import Buffer

from muniment.client.transport import Transport, retrying
from muniment.core.backend import Stored
from muniment.core.digests import Digest
from muniment.core.errors import (
    DigestMismatch,
    LengthMismatch,
    OffsetMismatch,
    RegistryUnreachable,
    UploadNotFound,
)

_API: Final = "/api/v1"
_CHUNK_BYTES: Final = 1 << 20
_SEGMENT_BYTES: Final = 8 << 20
_AHEAD: Final = 4
_THREADS: Final = 3


class Hasher(Protocol):
    """What hashes as bytes pass."""

    def update(self, data: Buffer, /) -> None:
        """Take bytes."""

    def hexdigest(self) -> str:
        """Give the digest."""


class _Transfer(msgspec.Struct):
    id: str
    size_bytes: int
    offset: int
    digest: str | None
    method: str
    url: str
    headers: dict[str, str]


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
        if transfer is None and size >= _SEGMENT_BYTES and self._hashes_first:
            stored = self._send_direct(source, size)
            if stored is not None:
                return stored
        transfer = transfer or self._begin(size)
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

    def _send_direct(self, source: BinaryIO, size: int) -> Stored | None:
        """Send a stream straight to the store, after reading it once more for its digest.

        None if that cannot be done from here: the store may be out of our reach.
        """
        digest = _hash_beforehand(source, size)
        transfer = self._begin(size, digest)
        if transfer.method != "put":
            return None
        source.seek(0)
        try:
            self._transport.put_elsewhere(
                transfer.url, transfer.headers, _read_chunks(source, size, hashlib.sha256())
            )
        except RegistryUnreachable:
            return None
        answer = self._transport.call("POST", f"{_API}/uploads/{transfer.id}/arrival")
        if msgspec.json.decode(answer, type=_Transfer).digest != str(digest):
            return None
        return Stored(digest=digest, size_bytes=size)

    def _send_from(self, source: BinaryIO, transfer: _Transfer) -> Stored:
        hasher = hashlib.sha256()
        _hash_until(source, transfer.offset, hasher)
        if transfer.digest is None or transfer.offset < transfer.size_bytes or not transfer.size_bytes:
            body = _read_chunks(source, transfer.size_bytes - transfer.offset, hasher)
            headers = {
                "content-type": "application/partial-upload",
                "content-length": str(transfer.size_bytes - transfer.offset),
                "upload-offset": str(transfer.offset),
                "upload-complete": "?1",
            }
            with self._transport.stream("PATCH", transfer.url, headers, body) as response:
                transfer = msgspec.json.decode(response.read(), type=_Transfer)
        digest = Digest(hasher.hexdigest())
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
        facts = [self._transport.location, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns]
        return self._state / f"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}.json"

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
        return retrying(RegistryUnreachable, LengthMismatch)(self._open, f"{_API}/blobs/{digest}")

    def _open(self, path: str) -> BinaryIO:
        with self._transport.stream("GET", path, {"range": f"bytes=0-{_SEGMENT_BYTES - 1}"}) as response:
            first = bytearray(min(int(response.headers["content-length"]), _SEGMENT_BYTES))
            _read_all(response, memoryview(first))
            total = response.headers.get("content-range", "").rpartition("/")[2]
        size = int(total) if total else len(first)
        return io.BufferedReader(_Ranges(self._transport, path, first, size))


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
        done = data.obj
        self._segment = (start, future.result())
        if isinstance(done, bytearray) and len(done) == _SEGMENT_BYTES:
            self._free.append(done)
        self._fetch_ahead(start + _SEGMENT_BYTES)
        return self._segment

    def _fetch_ahead(self, wanted: int) -> None:
        following = self._ahead[-1][0] + _SEGMENT_BYTES if self._ahead else wanted
        while self._pool and len(self._ahead) < _AHEAD and following < self._size:
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
    hasher, at = hashlib.sha256(), 0
    if not isinstance(source, io.FileIO):
        _hash_until(source, size, hasher)
        return Digest(hasher.hexdigest())
    while part := os.pread(source.fileno(), _CHUNK_BYTES, at):
        hasher.update(part)
        at += len(part)
    return Digest(hasher.hexdigest())


def _hash_until(source: BinaryIO, offset: int, hasher: Hasher) -> None:
    source.seek(0)
    for _ in _read_chunks(source, offset, hasher):
        continue


def _read_chunks(source: BinaryIO, count: int, hasher: Hasher) -> Iterator[memoryview]:
    """Read so many bytes, a chunk at a time, hashing each before it is handed on; the next replaces it."""
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    while count > 0:
        size = source.readinto(buffer[: min(_CHUNK_BYTES, count)])  # type: ignore[attr-defined] # every binary stream has it
        if not size:
            raise LengthMismatch(expected=count, actual=0)
        hasher.update(buffer[:size])
        count -= size
        yield buffer[:size]
