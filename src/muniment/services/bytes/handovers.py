"""Handovers: a client on this machine moves or reads files in the store's own directory (see `Handover`)."""

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
    """The uploads that are handed over."""

    def __init__(self, uploads: Uploading, handover: Handover) -> None:
        """Use the uploads and the handover of a registry."""
        self._uploads = uploads
        self._handover = handover

    def find_place(self, upload: Upload) -> str | None:
        """Return the path where a local client can leave an upload, if it has not started."""
        if upload.size_bytes is None or upload.offset or upload.result is not None:
            return None
        return self._handover.place_of(upload.id)

    def accept(self, caller: Caller, upload: str) -> Upload:
        """Take the file that was left, and hash it.

        Raises:
            LengthMismatch: it is missing or has another size.
            InvalidBody: it has no announced size, so it must be sent.
            DigestMismatch: it has other bytes than announced.
        """
        known = self._uploads.get(caller, upload)
        if known.result is not None:
            return known
        stored = self._take(known)
        if known.digest not in {None, stored.digest}:
            self._handover.drop(upload)
            raise DigestMismatch(expected=str(known.digest), actual=str(stored.digest))
        self._handover.keep(upload, stored.digest)
        self._uploads.keep(replace(known, offset=stored.size_bytes), stored)
        return self._uploads.get(caller, upload)

    def drop(self, upload: Upload) -> None:
        """Remove the file that was left."""
        self._handover.drop(upload.id)

    def locate(self, digest: Digest) -> str:
        """Return the URL of a blob's file for a local client. The caller MUST have checked access."""
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
