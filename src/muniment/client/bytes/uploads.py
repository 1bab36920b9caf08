"""Uploads: each by the fastest way that the server offers, and resumable."""

import hashlib
import io
import json
import os
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final

from muniment.client.bytes.chunks import hash_beforehand, hash_each, hash_until, read_chunks
from muniment.client.bytes.direct import Sender, send_to_store
from muniment.client.bytes.handover import hand_over
from muniment.client.bytes.wire import About, Transfer, read_answer
from muniment.client.connection.transport import API, Transport, retrying
from muniment.core.backend import Stored
from muniment.core.bytes.hashing import BackgroundHasher
from muniment.core.digests import Digest
from muniment.core.errors import DigestMismatch, OffsetMismatch, RegistryUnreachable, UploadNotFound
from muniment.signing.notes import NoteVerifier

# Smaller files go through the server in one request.
_LARGE_BYTES: Final = 8 << 20


class Uploads:
    """Uploads to a server. Unfinished ones are remembered, so another process can resume them."""

    def __init__(self, transport: Transport, state: Path) -> None:
        """Upload over a transport, and remember unfinished uploads in a directory."""
        self._transport = transport
        self._state = state / "uploads"
        self._verifier: NoteVerifier | None = None

    def trust(self, verifier: NoteVerifier) -> None:
        """Take the verifier of the log, which the caller MUST trust; without it, no store is used."""
        self._verifier = verifier

    def send_bytes(self, data: bytes) -> Stored:
        """Send bytes from memory."""
        return self.send(io.BytesIO(data))

    def send(self, source: BinaryIO) -> Stored:
        """Send a whole stream, reading it once unless the connection breaks.

        Raises:
            DigestMismatch: the server received other bytes than we read.
            RegistryUnreachable: it still fails after some retries.
        """
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        note = self._note_of(source, size)
        transfer = self._resume(note)
        if size >= _LARGE_BYTES and self._verifier is not None and self._hashes_first:
            stored = self._send_direct(Sender(self._transport, self._verifier), source, transfer, note)
            if stored is not None:
                return stored
            transfer = None
        transfer = transfer or self._begin(size)
        if transfer.method == "link" and size >= _LARGE_BYTES and self._transport.is_local:
            stored = hand_over(self._transport, source, transfer)
            if stored is not None:
                return stored
        self._remember(note, transfer.id)
        stored = self._send_through(source, transfer)
        self._forget(note)
        return stored

    @cached_property
    def _hashes_first(self) -> bool:
        """Return whether we must know the digest first, to send straight to the store."""
        return read_answer(self._transport, self._transport.call("GET", API), About).hash_first

    def _send_direct(
        self, sender: Sender, source: BinaryIO, known: Transfer | None, note: Path | None
    ) -> Stored | None:
        """Send a stream straight to the store, after reading it once for its digest.

        Return None if that is impossible: the store may be out of reach.
        """
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        digest = hash_beforehand(source, size)
        is_known = known is not None and known.digest == str(digest) and known.method == "parts"
        transfer = known if known is not None and is_known else self._begin(size, digest)
        if transfer.method == "parts":
            self._remember(note, transfer.id)
        if not send_to_store(sender, source, transfer, digest):
            return None
        self._forget(note)
        return Stored(digest=digest, size_bytes=size)

    def _send_through(self, source: BinaryIO, transfer: Transfer) -> Stored:
        """Send the rest of a stream through the server; retry if the connection breaks."""

        def send() -> Stored:
            return self._send_from(source, self._get(transfer.id))

        try:
            return self._send_from(source, transfer)
        except (RegistryUnreachable, OffsetMismatch):
            return retrying(RegistryUnreachable, OffsetMismatch)(send)

    def _send_from(self, source: BinaryIO, transfer: Transfer) -> Stored:
        with BackgroundHasher() as hasher:
            hash_until(source, transfer.offset, hasher)
            if transfer.digest is None or transfer.offset < transfer.size_bytes or not transfer.size_bytes:
                left = transfer.size_bytes - transfer.offset
                headers = {
                    "content-type": "application/partial-upload",
                    "content-length": str(left),
                    "upload-offset": str(transfer.offset),
                    "upload-complete": "?1",
                }
                body = hash_each(read_chunks(source, left), hasher)
                with self._transport.stream("PATCH", transfer.path, headers, body) as response:
                    transfer = read_answer(self._transport, response.read(), Transfer)
            digest = hasher.finish()
        if transfer.digest != str(digest):
            raise DigestMismatch(expected=str(digest), actual=str(transfer.digest))
        return Stored(digest=digest, size_bytes=transfer.size_bytes)

    def _begin(self, size: int, digest: Digest | None = None) -> Transfer:
        body = {"size_bytes": size, "digest": None if digest is None else str(digest)}
        answer = self._transport.call("POST", f"{API}/uploads", body=body)
        return read_answer(self._transport, answer, Transfer)

    def _get(self, upload: str) -> Transfer:
        answer = self._transport.call("GET", f"{API}/uploads/{upload}")
        return read_answer(self._transport, answer, Transfer)

    def _resume(self, note: Path | None) -> Transfer | None:
        """Find an unfinished upload of the same file by an earlier process."""
        try:
            upload = json.loads(note.read_text())["upload"] if note is not None else None
            return None if upload is None else self._get(str(upload))
        except (OSError, ValueError, KeyError, UploadNotFound):
            return None

    def _note_of(self, source: BinaryIO, size: int) -> Path | None:
        """Name the note of an upload after the server and the current state of the file."""
        if size < _LARGE_BYTES or not isinstance(source, io.FileIO):
            return None
        file = os.fstat(source.fileno())
        marks = [self._transport.location, file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns]
        return self._state / f"{hashlib.sha256(repr(marks).encode()).hexdigest()[:32]}.json"

    def _remember(self, note: Path | None, upload: str) -> None:
        if note is None:
            return
        try:
            self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
            note.write_text(json.dumps({"upload": upload}))
        except OSError:
            # Without the note, only this process can resume the upload.
            return

    def _forget(self, note: Path | None) -> None:
        if note is not None:
            note.unlink(missing_ok=True)
