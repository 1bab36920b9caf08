"""Pull: write a version's files to a directory, checking each while it is copied.

The next pull, even by another process, resumes an interrupted one.
"""

import fcntl
import hashlib
import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from muniment.capture.tree import OnBytes
from muniment.client.bytes.copying import copy as copy_hashing
from muniment.client.bytes.copying import hash_rest
from muniment.client.proofs.aliases import check_alias, resolve_move
from muniment.client.proofs.checking import check_in_service, check_signature, read_revision
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.bytes.hashing import BackgroundHasher
from muniment.core.bytes.revisions import File
from muniment.core.catalog.statuses import Status
from muniment.core.digests import Digest
from muniment.core.errors import ContentCorrupt, DestinationNotEmpty, StorageBusy, StorageFailed
from muniment.core.names import ModelName, Reference
from muniment.core.people.roles import EVERYWHERE, Act, Role, may
from muniment.core.records import VersionRecord
from muniment.core.verbs.people import GetPerson


def pull(
    backend: TrustedBackend, reference: Reference, destination: Path, on_bytes: OnBytes | None = None
) -> VersionRecord:
    """Write the files of a version to a directory. Files that have the right bytes already stay.

    Raises:
        ContentCorrupt: a blob was altered; its file is not written.
        DestinationNotEmpty: the directory holds other files.
        BadSignature: the author did not sign these files.
        VersionPurged: they were deleted permanently.
        VersionWithdrawn: the version is revoked, and we may not read quarantined files.
        MoveUnfounded, GateFailed: the alias does not point at it rightly, as `check_alias` says.

    Warns if it is not in service, or deprecated.
    """
    version, move = resolve_move(backend, reference)
    _check_status(backend, version)
    revision = read_revision(backend, version)
    check_signature(backend, version, revision)
    if move is not None:
        check_alias(backend, move, version, revision)
    parts = {_part_of(destination, file).relative_to(destination).as_posix() for file in revision.files}
    _check_destination(destination, {file.path for file in revision.files} | parts)
    try:
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            list(pool.map(lambda file: _pull_file(backend, file, destination, on_bytes), revision.files))
    except OSError as error:
        raise StorageFailed(path=str(destination), reason=error.strerror or str(error)) from error
    return version


def _check_status(backend: TrustedBackend, version: VersionRecord) -> None:
    """Check that nobody pulls what is purged, or revoked unless it is to be inspected."""
    status = check_in_service(backend, version, Status.PURGED)
    if status is Status.REVOKED and not _may_inspect(backend, ModelName.parse(version.name).namespace):
        check_in_service(backend, version, Status.REVOKED)
    if status is not Status.PUBLISHED:
        warnings.warn(f"{version.name}@{version.number} is {status}", stacklevel=4)


def _may_inspect(backend: TrustedBackend, namespace: str) -> bool:
    me = backend.ask(GetPerson(principal=backend.principal, namespaces=(namespace,)))
    return may(
        (Role(grant.role) for grant in me.grants if grant.namespace in {namespace, EVERYWHERE}), Act.INSPECT
    )


def _check_destination(destination: Path, paths: set[str]) -> None:
    for path in destination.rglob("*") if destination.exists() else ():
        if path.is_symlink() or (path.is_file() and path.relative_to(destination).as_posix() not in paths):
            raise DestinationNotEmpty(path=str(destination))


def _pull_file(backend: TrustedBackend, file: File, destination: Path, on_bytes: OnBytes | None) -> None:
    target = destination / file.path
    if target.is_file() and _hash(target) == file.digest:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part_of(destination, file)
    with _open_part(part) as copy:
        actual = _copy(backend, file, copy, on_bytes)
        if actual != file.digest:
            part.unlink()
            raise ContentCorrupt(path=file.path, expected=str(file.digest), actual=str(actual))
        # A file gets its name only after the whole of it was checked.
        part.rename(target)


def _copy(backend: TrustedBackend, file: File, copy: BinaryIO, on_bytes: OnBytes | None) -> Digest:
    """Copy the missing rest of a file; return the digest of all of it."""
    with BackgroundHasher() as hasher, backend.open_blob(file.digest) as blob:
        hash_rest(copy, hasher)
        blob.seek(copy.tell())
        copy_hashing(blob, copy, hasher, on_bytes)
        return hasher.finish()


def _part_of(destination: Path, file: File) -> Path:
    """Name the partial file: by path and digest, because two files may have the same bytes."""
    name = hashlib.sha256(f"{file.path} {file.digest}".encode()).hexdigest()[:32]
    return (destination / file.path).with_name(f".{name}.part")


@contextmanager
def _open_part(path: Path) -> Iterator[BinaryIO]:
    """Open a partial file exclusively.

    Raises:
        StorageBusy: another process pulls the same file to the same place.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StorageBusy(path=str(path)) from error
        # FileIO has the methods of BinaryIO that are used: read, readinto, write, seek.
        yield cast("BinaryIO", file)


def _hash(path: Path) -> Digest:
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest())
