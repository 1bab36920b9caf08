"""Uploads: bytes that arrive in pieces, in order, and are hashed on arrival.

The offset of an upload and the state of its hash are saved with it. So any replica can take the next piece,
and finishing never reads the bytes again.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final, Self, TypeVar

from muniment.core.backend import Stored
from muniment.core.bytes.hashing import BackgroundHasher
from muniment.core.digests import Digest
from muniment.core.errors import (
    BodyTooLarge,
    DigestMismatch,
    InvalidBody,
    LengthMismatch,
    NotIdentified,
    OffsetMismatch,
    QuotaExceeded,
    RequestReplayed,
    UploadNotFound,
)
from muniment.core.people.callers import Caller
from muniment.core.times import write_time
from muniment.ports.clock import Clock, Nonces
from muniment.ports.staging import Staging, Stretch
from muniment.ports.unit import Unit, Units
from muniment.ports.uploads import Upload
from muniment.services.bytes.custody import check_may_upload, holder_of, refuse_garbage
from muniment.services.bytes.hashing import start_hashing

T = TypeVar("T")

# A request that ends cleanly leaves its stretch to the next; one that dies or is overtaken costs one more.
_MOST_STRETCHES: Final = 1000
_WORKERS: Final = 8
# The steps to take while one is stored; more or larger ones do not fit a core's cache.
_MOST_WAITING: Final = 2


class Uploading:
    """The uploads of a registry."""

    def __init__(  # noqa: PLR0913 - its dependencies and bounds
        self,
        *,
        units: Units,
        staging: Staging,
        clock: Clock,
        nonces: Nonces,
        most_bytes: int,
        most_pending_bytes: int,
    ) -> None:
        """Use stores; `most_bytes` bounds a blob, `most_pending_bytes` the open uploads of a principal."""
        self._units = units
        self._staging = staging
        self._clock = clock
        self._nonces = nonces
        self._most_bytes = most_bytes
        self._most_pending_bytes = most_pending_bytes
        # Hashing, writing and syncing take as long as receiving, so they run in parallel.
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="uploads")

    def begin(
        self, caller: Caller, size_bytes: int | None, digest: Digest | None, retry_key: str = ""
    ) -> Upload:
        """Start an upload; with a `retry_key`, return the one that the caller already started under it.

        Without a size, the bounds are checked as bytes arrive, and the caller marks the end.

        Raises:
            RequestReplayed: the key was used for another upload.
            NotPermitted: the caller may not write anywhere.
            BodyTooLarge: the size exceeds the largest blob.
            QuotaExceeded: the caller has too many open uploads.
        """
        if size_bytes is not None and not 0 <= size_bytes <= self._most_bytes:
            raise BodyTooLarge(limit_bytes=self._most_bytes)

        def work(unit: Unit) -> Upload:
            check_may_upload(unit, caller)
            principal = _principal(caller)
            identity = _name(principal, retry_key) if retry_key else self._nonces()
            known = unit.uploads.find(identity)
            if known is not None:
                if (known.size_bytes, known.digest) != (size_bytes, digest):
                    raise RequestReplayed(key=retry_key)
                return known
            upload = Upload(
                id=identity,
                principal=principal,
                size_bytes=size_bytes,
                digest=digest,
                offset=0,
                state=b"",
                touched=self._now(),
            )
            unit.uploads.put(upload)
            self._check_room(unit, principal)
            return upload

        return self._units.write(work)

    def get(self, caller: Caller, upload: str) -> Upload:
        """Return an upload with its state.

        Raises:
            UploadNotFound: it does not exist, or belongs to somebody else.
            DigestMismatch: it is complete and has another digest than announced.
        """
        known = self._units.read(lambda unit: self._get(unit, caller, upload))
        if known.result is not None and known.digest not in {None, known.result}:
            raise DigestMismatch(expected=str(known.digest), actual=str(known.result))
        return known

    def resume(self, caller: Caller, upload: str, offset: int) -> "Receiver":
        """Resume an upload at its offset, as its only writer from now on.

        Raises:
            UploadNotFound: it does not exist, or belongs to somebody else.
            OffsetMismatch: it is at another offset.
        """

        def work(unit: Unit) -> Upload:
            known = self._get(unit, caller, upload)
            if offset != known.offset or known.result is not None:
                raise OffsetMismatch(upload=upload, offset=known.offset)
            mine = () if known.rests else (Stretch(known.offset, self._nonces()),)
            stretches = (*known.stretches, *mine)
            if known.session or len(stretches) > _MOST_STRETCHES:
                # An upload in parts continues in the store; other clients must start a new one.
                raise UploadNotFound(upload=upload)
            taken = replace(known, stretches=stretches, rests=False, touched=self._now())
            unit.uploads.put(taken)
            return taken

        taken = self._units.write(work)
        if not self._staging.take_over(taken.id, taken.stretches, taken.offset):
            # An overtaken request finished the upload after all: start over.
            self.keep(replace(taken, offset=0, state=b"", stretches=(Stretch(0, taken.writer),)), None)
            raise OffsetMismatch(upload=upload, offset=0)
        return Receiver(taken, self._staging, self.keep, self._workers, self._most_bytes)

    def abort(self, caller: Caller, upload: str) -> Upload:
        """Drop an upload; return its last state."""

        def work(unit: Unit) -> Upload:
            known = self._get(unit, caller, upload)
            unit.uploads.drop(upload)
            return known

        dropped = self._units.write(work)
        self._staging.abort(upload, dropped.stretches)
        return dropped

    def keep(self, upload: Upload, stored: Stored | None) -> None:
        """Save the state of an upload; once it is complete, its principal may publish it.

        The caller MUST have the bytes of `stored`, hashed, in the blob store.

        Raises:
            OffsetMismatch: another request has taken over.
            UploadNotFound: it was dropped.
            QuotaExceeded: it has no size, and its principal now has too many open bytes.
        """

        def work(unit: Unit) -> None:
            known = unit.uploads.find(upload.id)
            if known is None:
                raise UploadNotFound(upload=upload.id)
            if known.writer != upload.writer:
                # Another request has taken over, so later writes of this one do not count.
                raise OffsetMismatch(upload=upload.id, offset=known.offset)
            now = self._now()
            unit.uploads.put(replace(upload, touched=now, result=None if stored is None else stored.digest))
            if stored is not None:
                refuse_garbage(unit, [stored])
                unit.holdings.add(holder_of(upload.principal), [stored], now)
            if upload.size_bytes is None:
                self._check_room(unit, upload.principal)

        self._units.write(work)

    def close(self) -> None:
        """Finish hashing and syncing."""
        self._workers.shutdown()

    def check_room(self, caller: Caller, size_bytes: int) -> None:
        """Check that a caller may send so many bytes more before publishing some.

        Raises:
            QuotaExceeded: they may not.
        """
        self._units.read(lambda unit: self._check_room(unit, _principal(caller), size_bytes))

    def _check_room(self, unit: Unit, principal: str, more_bytes: int = 0) -> None:
        held = unit.holdings.measure(holder_of(principal))
        pending = unit.uploads.measure(principal, self._staging.checkpoint_bytes)
        if held + pending + more_bytes > self._most_pending_bytes:
            raise QuotaExceeded(namespace="your uploads", quota_bytes=self._most_pending_bytes)

    def _get(self, unit: Unit, caller: Caller, upload: str) -> Upload:
        known = unit.uploads.find(upload)
        if known is None or known.principal != caller.principal:
            raise UploadNotFound(upload=upload)
        return known

    def _now(self) -> str:
        return write_time(self._clock())


class Receiver:
    """The receiving end of one request that resumes an upload; it closes with the request."""

    def __init__(
        self,
        upload: Upload,
        staging: Staging,
        keep: Callable[[Upload, Stored | None], None],
        workers: Executor,
        most_bytes: int,
    ) -> None:
        """Continue at the offset of the upload."""
        self._upload = upload
        self._staging = staging
        self._keep = keep
        self._hashed = start_hashing(upload.state)
        self._hasher = BackgroundHasher(self._hashed)
        self._parts: list[bytes] = []
        self._buffered = 0
        self._waiting: deque[list[bytes]] = deque()
        self._received = upload.offset
        self._stored = upload.offset
        self._workers = workers
        self._most_bytes = most_bytes
        self._saving: Future[Upload] | None = None
        self._marked = upload.offset

    @property
    def waits(self) -> bool:
        """Whether enough bytes have arrived to be stored."""
        return bool(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether so many bytes wait to be stored that no more should be taken."""
        return len(self._waiting) >= _MOST_WAITING

    def take(self, data: bytes) -> None:
        """Take the next bytes, even while `store` is busy in another thread.

        Raises:
            LengthMismatch: more bytes arrive than were announced.
            BodyTooLarge: no size was announced, and more bytes arrive than a blob may have.
        """
        received, announced = self._received + len(data), self._upload.size_bytes
        if announced is None and received > self._most_bytes:
            raise BodyTooLarge(limit_bytes=self._most_bytes)
        if announced is not None and received > announced:
            raise LengthMismatch(expected=announced, actual=received)
        self._parts.append(data)
        self._received = received
        self._buffered += len(data)
        if self._buffered >= self._staging.step_bytes:
            self._cut()

    def store(self, on_room: Callable[[], object] = lambda: None) -> None:
        """Hash and store the waiting bytes. A crash leaves those that were synced, which happens regularly.

        `on_room` is called whenever there is room for more.

        Raises:
            OffsetMismatch: another request has taken over.
            QuotaExceeded: its principal has too many open bytes.
        """
        while self._waiting:
            parts = self._waiting.popleft()
            on_room()
            self._store(parts)

    def _store(self, parts: Sequence[bytes]) -> None:
        self._hasher.update(*parts)
        self._staging.append(self._upload.id, self._upload.writer, self._stored, parts)
        self._stored += sum(map(len, parts))
        if self._stored - self._marked >= self._staging.checkpoint_bytes:
            self._settle()
            self._marked = self._stored
            self._saving = self._workers.submit(self._save, self._stand())

    def pause(self) -> Upload:
        """Sync the received bytes, save the offset, and leave the rest to another request.

        Raises like `store`.
        """
        self._flush()
        self._settle()
        self._upload = self._save(replace(self._stand(), rests=True))
        return self._upload

    def finish(self) -> Stored:
        """Store the bytes under their digest.

        Raises:
            LengthMismatch: fewer bytes arrived than were announced; they stay, so the upload can resume.
            DigestMismatch: the bytes have another digest than announced; they are dropped.
        """
        announced = self._upload.size_bytes
        if announced is not None and self._received < announced:
            raise LengthMismatch(expected=announced, actual=self.pause().offset)
        self._flush()
        self._settle()
        digest = self._hasher.finish()
        if self._upload.digest not in {None, digest}:
            self._staging.abort(self._upload.id, self._upload.stretches)
            self._keep(
                replace(self._upload, offset=0, state=b"", stretches=(Stretch(0, self._upload.writer),)), None
            )
            raise DigestMismatch(expected=str(self._upload.digest), actual=str(digest))
        if announced is None:
            # What was announced was counted at the beginning; this is, before the bytes join the others.
            self._upload = self._save(self._stand())
        stored = Stored(digest=digest, size_bytes=self._received)
        self._staging.finish(self._upload.id, self._upload.stretches, digest, stored.size_bytes)
        self._keep(replace(self._upload, offset=stored.size_bytes, state=b""), stored)
        self._staging.abort(self._upload.id, self._upload.stretches)
        return stored

    def __enter__(self) -> Self:
        """Return the receiver."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the hasher."""
        self._hasher.close()

    def _cut(self) -> None:
        self._waiting.append(self._parts)
        self._parts, self._buffered = [], 0

    def _flush(self) -> None:
        if self._parts:
            self._cut()
        self.store()

    def _stand(self) -> Upload:
        """Return the state of the upload, valid once the stored bytes are durable."""
        if self._stored == self._upload.offset:
            return self._upload
        self._hasher.settle()
        return replace(self._upload, offset=self._stored, state=self._hashed.save())

    def _save(self, upload: Upload) -> Upload:
        self._staging.sync(upload.id, upload.writer)
        self._keep(upload, None)
        return upload

    def _settle(self) -> None:
        """Wait for a running sync. Raises like `store`."""
        if self._saving is not None:
            saving, self._saving = self._saving, None
            self._upload = saving.result()


def size_of(upload: Upload) -> int:
    """Return the announced size of an upload.

    Raises:
        InvalidBody: no size was announced, so its bytes must be sent here.
    """
    if upload.size_bytes is None:
        raise InvalidBody(reason="an upload without a size must be sent here, from its offset on")
    return upload.size_bytes


def _name(principal: str, retry_key: str) -> str:
    """Derive the id of an upload from its principal and retry key."""
    return hashlib.sha256(f"{principal} {retry_key}".encode()).hexdigest()[:32]


def _principal(caller: Caller) -> str:
    if caller.principal is None:
        raise NotIdentified
    return caller.principal
