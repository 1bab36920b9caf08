"""Blobs in a directory, in the shape of an OCI image layout (OCI image spec, image-layout.md).

A blob is written under a temporary name, made read-only, fsynced, renamed to its digest, and then
the directory is fsynced: a crash leaves a temporary file, never a partial blob.
"""

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from muniment.core.backend import Stored
from muniment.core.bytes.hashing import BackgroundHasher, rotate_buffers
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, InvalidDigest
from muniment.ports.blobs import Kept
from muniment.stores.failures import disk_failures

# Sync after this many bytes while more arrive, so that little is left to wait for at the end.
_SYNC_BYTES: Final = 64 << 20
# Larger writes are slower: from 2 MiB on they take twice as long (ext4, Linux 6.18).
_WRITE_BYTES: Final = 1 << 19
_LAYOUT: Final = {"imageLayoutVersion": "1.0.0"}


class LocalBlobs:
    """A BlobStore in a directory."""

    def __init__(self, root: Path) -> None:
        """Use a directory that `create` has made."""
        self._blobs = root / "blobs" / "sha256"
        self._uploads = root / "uploads"
        self._quarantine = root / "quarantine"

    @classmethod
    def create(cls, root: Path) -> "LocalBlobs":
        """Create the directories of the layout, if they do not exist."""
        store = cls(root)
        with disk_failures(str(root)):
            store._blobs.mkdir(parents=True, exist_ok=True)
            store._uploads.mkdir(mode=0o700, exist_ok=True)
            (root / "oci-layout").write_text(json.dumps(_LAYOUT))
        return store

    def add(self, source: BinaryIO) -> Stored:
        """Store a stream, reading it once."""
        with disk_failures(str(self._uploads)):
            stored = self._write(source)
            sync_directory(self._blobs)
        return stored

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs; the directory is fsynced once for all."""
        digests = [Digest.of(document) for document in documents]
        with disk_failures(str(self._uploads)):
            for digest, document in zip(digests, documents, strict=True):
                try:
                    # Refresh an existing blob: garbage is only what nobody has stored lately.
                    os.utime(self._path(digest))
                except FileNotFoundError:
                    self._write_whole(digest, document)
            sync_directory(self._blobs)
        return digests

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob."""
        try:
            return self._path(digest).open("rb")
        except FileNotFoundError as error:
            raise BlobNotFound(digest=str(digest)) from error

    def find(self, digest: Digest) -> Kept | None:
        """Find a blob."""
        try:
            status = self._path(digest).stat()
        except FileNotFoundError:
            return None
        return Kept(digest, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def list(self) -> Iterator[Kept]:
        """List all blobs."""
        with disk_failures(str(self._blobs)), os.scandir(self._blobs) as entries:
            for entry in entries:
                try:
                    status = entry.stat()
                    digest = Digest.parse(f"sha256:{entry.name}")
                except (FileNotFoundError, InvalidDigest):
                    continue
                yield Kept(digest, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def remove(self, digest: Digest) -> None:
        """Remove a blob."""
        with disk_failures(str(self._blobs)):
            self._path(digest).unlink(missing_ok=True)

    def set_aside(self, digest: Digest) -> str:
        """Move a blob to `quarantine/`."""
        place = self._quarantine / digest.hex
        with disk_failures(str(self._quarantine)):
            self._quarantine.mkdir(mode=0o700, exist_ok=True)
            self._path(digest).rename(place)
            sync_directory(self._blobs)
        return str(place)

    def _path(self, digest: Digest) -> Path:
        return self._blobs / digest.hex

    def _write(self, source: BinaryIO) -> Stored:
        temporary = self._uploads / secrets.token_hex(16)
        size = synced = 0
        syncing: Future[None] | None = None
        try:
            with (
                temporary.open("xb", buffering=0) as file,
                ThreadPoolExecutor(max_workers=1) as behind,
                BackgroundHasher() as hasher,
            ):
                for buffer in rotate_buffers():
                    count = source.readinto(buffer)  # type: ignore[attr-defined] # every binary stream has it
                    if not count:
                        break
                    hasher.update(buffer[:count])
                    write_all(file.fileno(), buffer[:count])
                    size += count
                    if size - synced >= _SYNC_BYTES:
                        if syncing is not None:
                            syncing.result()
                        syncing, synced = behind.submit(os.fdatasync, file.fileno()), size
                if syncing is not None:
                    syncing.result()
                os.fchmod(file.fileno(), 0o444)
                os.fsync(file.fileno())
                digest = hasher.finish()
            temporary.rename(self._path(digest))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return Stored(digest=digest, size_bytes=size)

    def _write_whole(self, digest: Digest, document: bytes) -> None:
        temporary = self._uploads / secrets.token_hex(16)
        try:
            file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
            try:
                write_all(file, memoryview(document))
                os.fsync(file)
            finally:
                os.close(file)
            temporary.rename(self._path(digest))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_all(file: int, data: memoryview) -> None:
    """Write all bytes to a file descriptor."""
    while data:
        data = data[os.write(file, data[:_WRITE_BYTES]) :]


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
