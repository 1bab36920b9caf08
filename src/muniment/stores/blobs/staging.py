"""Unfinished uploads in the directory of the blobs: one file each, renamed when it is complete."""

import fcntl
import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from muniment.core.bytes.hashing import CHUNK_BYTES
from muniment.core.digests import Digest
from muniment.core.errors import OffsetMismatch, UploadNotFound
from muniment.ports.staging import Stretch
from muniment.stores.blobs.local import sync_directory, write_all
from muniment.stores.failures import disk_failures

_ID: Final = re.compile(r"[0-9a-f-]{1,64}")


class LocalStaging:
    """A Staging in the directory of a LocalBlobs."""

    step_bytes: Final = CHUNK_BYTES
    checkpoint_bytes: Final = 64 * CHUNK_BYTES

    def __init__(self, root: Path) -> None:
        """Use a directory that `LocalBlobs.create` has made."""
        self._blobs = root / "blobs" / "sha256"
        self._uploads = root / "uploads"

    def take_over(self, upload: str, stretches: Sequence[Stretch], offset: int) -> bool:
        """Rename the file to the last writer, so that earlier writers no longer find it."""
        last = stretches[-1]
        with disk_failures(str(self._uploads)):
            for stretch in reversed(stretches):
                with suppress(OffsetMismatch), self._open(upload, stretch.writer):
                    # The lock rules out a running write, and later writers check the name.
                    self._path(upload, stretch.writer).rename(self._path(upload, last.writer))
                    return True
            if offset:
                return False
            self._path(upload, last.writer).touch(0o600, exist_ok=False)
            return True

    def append(self, upload: str, writer: str, offset: int, parts: Sequence[bytes]) -> None:
        """Write bytes at an offset."""
        with disk_failures(str(self._uploads)), self._open(upload, writer, offset) as file:
            os.lseek(file, offset, os.SEEK_SET)
            for part in parts:
                write_all(file, memoryview(part))

    def sync(self, upload: str, writer: str) -> None:
        """Make the appended bytes durable."""
        with disk_failures(str(self._uploads)), self._open(upload, writer) as file:
            # Others may write in the meantime; a takeover is noticed when the offset is saved.
            fcntl.flock(file, fcntl.LOCK_UN)
            os.fsync(file)

    def finish(self, upload: str, stretches: Sequence[Stretch], digest: Digest, size_bytes: int) -> None:
        """Rename the file to its digest."""
        writer = stretches[-1].writer
        with disk_failures(str(self._uploads)), self._open(upload, writer, size_bytes) as file:
            # An interrupted request may have written beyond the end.
            os.ftruncate(file, size_bytes)
            os.fchmod(file, 0o444)
            os.fsync(file)
            self._path(upload, writer).rename(self._blobs / digest.hex)
            sync_directory(self._blobs)

    def abort(self, upload: str, stretches: Sequence[Stretch]) -> None:
        """Remove the file."""
        with disk_failures(str(self._uploads)):
            for stretch in stretches:
                self._path(upload, stretch.writer).unlink(missing_ok=True)

    def sweep(self, before: datetime, known: Collection[str]) -> int:
        """Remove files of abandoned uploads and writes that are older than a time."""
        count = 0
        with disk_failures(str(self._uploads)):
            for path in self._uploads.iterdir():
                is_known = any(upload in path.name for upload in known)
                if not is_known and datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                    path.unlink(missing_ok=True)
                    count += 1
        return count

    @contextmanager
    def _open(self, upload: str, writer: str, offset: int = 0) -> Iterator[int]:
        """Open and lock the file of a writer, if it still belongs to that writer."""
        path = self._path(upload, writer)
        try:
            file = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError as error:
            raise OffsetMismatch(upload=upload, offset=offset) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(path, file):
                raise OffsetMismatch(upload=upload, offset=offset)
            yield file
        finally:
            os.close(file)

    def _path(self, upload: str, writer: str) -> Path:
        if _ID.fullmatch(upload) is None or _ID.fullmatch(writer) is None:
            raise UploadNotFound(upload=upload)
        return self._uploads / f"upload-{upload}-{writer}"


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False
