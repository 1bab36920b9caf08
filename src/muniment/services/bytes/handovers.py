"""Bytes that a client on this machine leaves, or reads, in the store's own directory (see `Handover`)."""

import hashlib
import os
from dataclasses import replace

from muniment.core.backend import Stored
from muniment.core.digests import Digest
from muniment.core.errors import DigestMismatch, LengthMismatch
from muniment.core.people.callers import Caller
from muniment.ports.handover import Handover
from muniment.ports.uploads import Upload
from muniment.services.bytes.uploads import Uploading, size_of


class Handovers:
    """The uploads of a registry that are handed over."""

    def __init__(self, uploads: Uploading, handover: Handover) -> None:
        """Stand on the uploads, and on where they are left."""
        self._uploads = uploads
        self._handover = handover

    def find_place(self, upload: Upload) -> str | None:
        """Say where a client on this machine can leave an upload, if it has not begun."""
        if upload.size_bytes is None or upload.offset or upload.result is not None:
            return None
        return self._handover.place_of(upload.id)

    def accept(self, caller: Caller, upload: str) -> Upload:
        """Take what was left, and hash it.

        Raises:
            LengthMismatch: nothing was left, or something else.
            InvalidBody: it has no size, and is to be sent.
            DigestMismatch: other bytes than were announced.
        """
        found = self._uploads.get(caller, upload)
        if found.result is not None:
            return found
        stored = self._take(found)
        if found.digest not in {None, stored.digest}:
            self._handover.drop(upload)
            raise DigestMismatch(expected=str(found.digest), actual=str(stored.digest))
        self._handover.keep(upload, stored.digest)
        self._uploads.keep(replace(found, offset=stored.size_bytes), stored)
        return self._uploads.get(caller, upload)

    def drop(self, upload: Upload) -> None:
        """Remove what was left."""
        self._handover.drop(upload.id)

    def locate(self, digest: Digest) -> str:
        """Say where a client on this machine finds a blob. The caller MUST have found that it may read it."""
        return self._handover.locate(digest)

    def _take(self, upload: Upload) -> Stored:
        announced, source = size_of(upload), self._handover.take(upload.id)
        if source is None:
            raise LengthMismatch(expected=announced, actual=0)
        with source:
            size = source.seek(0, os.SEEK_END)
            source.seek(0)
            digest = Digest(hashlib.file_digest(source, "sha256").hexdigest())  # type: ignore[arg-type] # a raw file will do
        if size != announced:
            self._handover.drop(upload.id)
            raise LengthMismatch(expected=announced, actual=size)
        return Stored(digest=digest, size_bytes=size)
