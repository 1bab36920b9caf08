"""Blobs in an object store: S3 and compatible stores, Google Cloud Storage, Azure (through obstore).

A blob is one object, `blobs/sha256/<hex>`. An object appears whole or not at all, and its key determines its
bytes, so writing it twice changes nothing.
"""

import hashlib
import io
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import BinaryIO, Final

import obstore
import uuid_utils
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, from_url
from typing_extensions import Buffer

from muniment.core.backend import Stored
from muniment.core.digests import Digest
from muniment.core.errors import (
    BlobNotFound,
    InvalidDigest,
    InvalidSetting,
    StorageFailed,
    StorageReadOnly,
)
from muniment.ports.blobs import Kept
from muniment.ports.staging import Stretch

STEP_BYTES: Final = 8 << 20
_THREADS: Final = 16
_BLOBS: Final = "blobs/sha256"
_UPLOADS: Final = "uploads"
_QUARANTINE: Final = "quarantine"


def open_store(url: str) -> ObjectStore:
    """Open a bucket by its URL: s3://bucket/prefix, gs://…, az://…; credentials come from its usual places.

    Raises:
        InvalidSetting: it is not the URL of a supported store.
    """
    try:
        return from_url(
            url,
            client_options={
                "timeout": timedelta(seconds=60),
                "connect_timeout": timedelta(seconds=5),
                "allow_http": True,
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
        )
    except (BaseError, ValueError, TypeError) as error:
        raise InvalidSetting(name="MUNIMENT_BLOBS", reason="is not the URL of an object store") from error


class ObjectBlobs:
    """A BlobStore in an object store; errors name `place`."""

    def __init__(self, store: ObjectStore, place: str) -> None:
        """Use an object store."""
        self._store = store
        self._place = place
        self._staging = ObjectStaging(store, place)

    def add(self, source: BinaryIO) -> Stored:
        """Store a stream, reading it once: a small one in one request, a large one in steps."""
        upload, stretches = str(uuid_utils.uuid7()), [Stretch(0, "whole")]
        hasher, size = hashlib.sha256(), 0
        step = _read_step(source)
        following = _read_step(source)
        if not following:
            return Stored(digest=self.add_documents([step])[0], size_bytes=len(step))
        try:
            while step:
                hasher.update(step)
                self._staging.append(upload, stretches[0].writer, size, [step])
                size += len(step)
                step, following = following, _read_step(source) if following else b""
            digest = Digest(hasher.hexdigest())
            self._staging.finish(upload, stretches, digest, size)
        finally:
            self._staging.abort(upload, stretches)
        return Stored(digest=digest, size_bytes=size)

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs in parallel."""
        digests = [Digest.of(document) for document in documents]
        new = dict(zip(digests, documents, strict=True))
        if len(new) == 1:
            self._put(*next(iter(new.items())))
        elif new:
            with ThreadPoolExecutor(max_workers=_THREADS) as pool:
                list(pool.map(self._put, new.keys(), new.values()))
        return digests

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob; its bytes are fetched in steps as they are read."""
        reader = open_object(self._store, _key(digest), self._place)
        if reader is None:
            raise BlobNotFound(digest=str(digest))
        return io.BufferedReader(reader, STEP_BYTES)

    def find(self, digest: Digest) -> Kept | None:
        """Find a blob."""
        with store_failures(self._place):
            try:
                head = obstore.head(self._store, _key(digest))
            except FileNotFoundError:
                return None
            return Kept(digest, head["size"], head["last_modified"])

    def list(self) -> Iterator[Kept]:
        """List all blobs."""
        with store_failures(self._place):
            for page in obstore.list(self._store, prefix=f"{_BLOBS}/"):
                for item in page:
                    try:
                        digest = Digest.parse(f"sha256:{item['path'].rpartition('/')[2]}")
                    except InvalidDigest:
                        continue
                    yield Kept(digest, item["size"], item["last_modified"])

    def remove(self, digest: Digest) -> None:
        """Remove a blob."""
        with store_failures(self._place):
            try:
                obstore.delete(self._store, _key(digest))
            except FileNotFoundError:
                return

    def set_aside(self, digest: Digest) -> str:
        """Move a blob to `quarantine/`."""
        place = f"{_QUARANTINE}/{digest.hex}"
        with store_failures(self._place):
            obstore.copy(self._store, _key(digest), place)
            obstore.delete(self._store, _key(digest))
        return place

    def _put(self, digest: Digest, document: bytes) -> None:
        with store_failures(self._place):
            try:
                obstore.put(self._store, _key(digest), document, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return


class ObjectStaging:
    """A Staging in an object store: each step is an object until the upload is complete."""

    step_bytes: Final = STEP_BYTES
    checkpoint_bytes: Final = STEP_BYTES

    def __init__(self, store: ObjectStore, place: str) -> None:
        """Use an object store."""
        self._store = store
        self._place = place

    def take_over(self, upload: str, stretches: Sequence[Stretch], offset: int) -> bool:
        """Do nothing: each writer has its own objects."""
        del upload, stretches, offset
        return True

    def append(self, upload: str, writer: str, offset: int, parts: Sequence[bytes]) -> None:
        """Write a step."""
        with store_failures(self._place):
            key = f"{_steps_of(upload, writer)}{offset:016d}"
            obstore.put(self._store, key, b"".join(parts), use_multipart=False)

    def sync(self, upload: str, writer: str) -> None:
        """Do nothing: a stored object is durable."""

    def finish(self, upload: str, stretches: Sequence[Stretch], digest: Digest, size_bytes: int) -> None:
        """Join the steps under the digest."""
        with store_failures(self._place):
            if size_bytes == 0:
                obstore.put(self._store, _key(digest), b"", use_multipart=False)
            else:
                with obstore.open_writer(self._store, _key(digest), buffer_size=STEP_BYTES) as writer:
                    for part in self._read(upload, stretches, size_bytes):
                        writer.write(part)

    def abort(self, upload: str, stretches: Sequence[Stretch]) -> None:
        """Remove the steps."""
        with store_failures(self._place):
            for stretch in stretches:
                for page in obstore.list(self._store, prefix=_steps_of(upload, stretch.writer)):
                    obstore.delete(self._store, [item["path"] for item in page])

    def sweep(self, before: datetime, known: Collection[str]) -> int:
        """Remove steps that are older than a time."""
        with store_failures(self._place):
            old = [
                item["path"]
                for page in obstore.list(self._store, prefix=f"{_UPLOADS}/")
                for item in page
                if item["last_modified"] < before
                and item["path"].removeprefix(f"{_UPLOADS}/").partition("/")[0] not in known
            ]
            if old:
                obstore.delete(self._store, old)
        return len(old)

    def _read(self, upload: str, stretches: Sequence[Stretch], size_bytes: int) -> Iterator[bytes]:
        """Read the steps of each stretch, up to the start of the next one."""
        ends = [*(stretch.start for stretch in stretches[1:]), size_bytes]
        for stretch, end in zip(stretches, ends, strict=True):
            place = stretch.start
            while place < end:
                key = f"{_steps_of(upload, stretch.writer)}{place:016d}"
                data = bytes(obstore.get(self._store, key).bytes())
                yield data[: end - place]
                place += len(data)


def open_object(store: ObjectStore, key: str, place: str) -> io.RawIOBase | None:
    """Open an object as a seekable stream; None if it does not exist."""
    with store_failures(place):
        try:
            size = obstore.head(store, key)["size"]
        except FileNotFoundError:
            return None
    return _ObjectReader(store, key, size, place)


class _ObjectReader(io.RawIOBase):
    """An object as a seekable stream."""

    def __init__(self, store: ObjectStore, key: str, size: int, place: str) -> None:
        super().__init__()
        self._store = store
        self._key = key
        self._size = size
        self._place = place
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readall(self) -> bytes:
        parts = []
        while part := self.read(STEP_BYTES):
            parts.append(part)
        return b"".join(parts)

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        end = min(self._at + len(view), self._size)
        if end <= self._at:
            return 0
        with store_failures(self._place):
            data = obstore.get_range(self._store, self._key, start=self._at, end=end)
        view[: len(data)] = memoryview(data)
        self._at += len(data)
        return len(data)


@contextmanager
def store_failures(place: str) -> Iterator[None]:
    """Translate an exception of the object store into an error that names the place."""
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise StorageReadOnly(path=place) from error
    except (BaseError, FileNotFoundError) as error:
        # The first line names the fault; later lines quote the requests.
        raise StorageFailed(path=place, reason=str(error).partition("\n")[0][:200]) from error


def _read_step(source: BinaryIO) -> bytes:
    parts, left = [], STEP_BYTES
    while left and (part := source.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _key(digest: Digest) -> str:
    return f"{_BLOBS}/{digest.hex}"


def _steps_of(upload: str, writer: str) -> str:
    return f"{_UPLOADS}/{upload}/{writer}/"
