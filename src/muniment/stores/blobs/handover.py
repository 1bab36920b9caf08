"""Handover in the directory of the blobs: a rename, where sending would copy every byte twice.

Only its owner can write to that directory, and could write to the blobs directly, so this grants nothing new;
other clients send their bytes over HTTP. Likewise, we only name the file of a blob, and the file system
decides who may open it.
"""

import os
import re
from pathlib import Path
from typing import BinaryIO, Final

from muniment.core.digests import Digest
from muniment.core.errors import UploadNotFound
from muniment.stores.blobs.local import sync_directory
from muniment.stores.failures import disk_failures

_ID: Final = re.compile(r"[0-9a-f-]{1,64}")


class LocalHandover:
    """A Handover in the directory of a LocalBlobs."""

    def __init__(self, root: Path) -> None:
        """Use a directory that `LocalBlobs.create` has made."""
        self._blobs = root.resolve() / "blobs" / "sha256"
        self._uploads = root.resolve() / "uploads"

    def place_of(self, upload: str) -> str:
        """Return the path."""
        return str(self._path(upload, "handover"))

    def take(self, upload: str) -> BinaryIO | None:
        """Rename and open the file."""
        taken = self._path(upload, "taken")
        with disk_failures(str(self._uploads)):
            try:
                self._path(upload, "handover").rename(taken)
            except FileNotFoundError:
                return None
            return os.fdopen(os.open(taken, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb", buffering=0)

    def keep(self, upload: str, digest: Digest) -> None:
        """Rename the file to its digest."""
        taken = self._path(upload, "taken")
        with disk_failures(str(self._uploads)):
            file = os.open(taken, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                os.fchmod(file, 0o444)
                os.fsync(file)
            finally:
                os.close(file)
            taken.rename(self._blobs / digest.hex)
            sync_directory(self._blobs)

    def drop(self, upload: str) -> None:
        """Remove the file."""
        with disk_failures(str(self._uploads)):
            for state in ("handover", "taken"):
                self._path(upload, state).unlink(missing_ok=True)

    def locate(self, digest: Digest) -> str:
        """Return the URL of the blob's file."""
        return (self._blobs / digest.hex).as_uri()

    def _path(self, upload: str, state: str) -> Path:
        if _ID.fullmatch(upload) is None:
            raise UploadNotFound(upload=upload)
        return self._uploads / f"{state}-{upload}"
