"""Pull: lay a version's files out in a directory, each checked while it is copied."""

import hashlib
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from muniment.client.checking import check_signature, read_revision, resolve_proven
from muniment.client.tree import OnBytes
from muniment.client.trust import TrustedBackend
from muniment.core.digests import Digest
from muniment.core.errors import ContentCorrupt, DestinationNotEmpty, StorageFailed
from muniment.core.names import Reference
from muniment.core.records import VersionRecord
from muniment.core.revisions import File

_CHUNK_BYTES: Final = 1 << 20


def pull(
    backend: TrustedBackend, reference: Reference, destination: Path, on_bytes: OnBytes | None = None
) -> VersionRecord:
    """Lay out the files of a version. Files that are there already, with the right bytes, stay.

    Raises:
        ContentCorrupt: a blob was altered; the file it would have made is not there.
        DestinationNotEmpty: the directory holds other files.
        BadSignature: the author did not sign these files.
    """
    version = resolve_proven(backend, reference)
    revision = read_revision(backend, version)
    check_signature(backend, version, revision)
    _check_destination(destination, {file.path for file in revision.files})
    try:
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            list(pool.map(lambda file: _pull_file(backend, file, destination, on_bytes), revision.files))
    except OSError as error:
        raise StorageFailed(path=str(destination), reason=error.strerror or str(error)) from error
    return version


def _check_destination(destination: Path, paths: set[str]) -> None:
    for found in destination.rglob("*") if destination.exists() else ():
        if found.is_symlink() or (found.is_file() and found.relative_to(destination).as_posix() not in paths):
            raise DestinationNotEmpty(path=str(destination))


def _pull_file(backend: TrustedBackend, file: File, destination: Path, on_bytes: OnBytes | None) -> None:
    target = destination / file.path
    if target.is_file() and _hash(target) == file.digest:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{secrets.token_hex(16)}")
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    try:
        with backend.open_blob(file.digest) as blob, temporary.open("xb", buffering=0) as copy:
            while count := blob.readinto(buffer):  # type: ignore[attr-defined] # every binary stream has it
                hasher.update(buffer[:count])
                left = buffer[:count]
                while left:
                    left = left[copy.write(left) :]
                if on_bytes is not None:
                    on_bytes(count)
        actual = Digest(hasher.hexdigest())
        if actual != file.digest:
            raise ContentCorrupt(path=file.path, expected=str(file.digest), actual=str(actual))
        # Only a file that was checked whole gets its name.
        temporary.rename(target)
    finally:
        temporary.unlink(missing_ok=True)


def _hash(path: Path) -> Digest:
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest())
