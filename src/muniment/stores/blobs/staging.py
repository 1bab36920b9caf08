"""Uploads that are under way, in the directory of the blobs: a file each, renamed when it is whole."""

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
    """Staging in the directory of a LocalBlobs."""

    step_bytes: Final = CHUNK_BYTES
    checkpoint_bytes: Final = 64 * CHUNK_BYTES

    def __init__(self, root: Path) -> None:
        """Stand on a directory that `LocalBlobs.create` has made."""
        self._blobs = root / "blobs" / "sha256"
        self._uploads = root / "uploads"

    def take_over(self, upload: str, stretches: Sequence[Stretch], offset: int) -> bool:
        """Give the file the name of the last writer, if it is not there; the earlier ones find it no more."""
        last = stretches[-1]
        with disk_failures(str(self._uploads)):
            for stretch in reversed(stretches):
                with suppress(OffsetMismatch), self._open(upload, stretch.writer):
                    # Nobody is in the middle of writing to it: whoever comes later looks at the name.
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
        """Make durable what was appended."""
        with disk_failures(str(self._uploads)), self._open(upload, writer) as file:
            # It may be written to meanwhile, and what others made of it is told when this is to count.
            fcntl.flock(file, fcntl.LOCK_UN)
            os.fsync(file)

    def finish(self, upload: str, stretches: Sequence[Stretch], digest: Digest, size_bytes: int) -> None:
        """Give the file its name."""
        writer = stretches[-1].writer
        with disk_failures(str(self._uploads)), self._open(upload, writer, size_bytes) as file:
            # What a request that broke off may have written beyond the end is not part of it.
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
        """Remove files that nobody has written to since a time: uploads and writes that broke off."""
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
        """Open the file of a writer, alone, if it is that writer's still."""
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
