"""Uploads: bytes that come in pieces, from one end to the other, and are hashed as they come.

How far an upload has come, and the state of its hash, are kept with it: whichever replica gets the
next piece goes on from there, and finishing never reads the bytes again.
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

# A request that ends in order leaves its stretch to the next. One that dies, or is overtaken, costs one more.
_MOST_STRETCHES: Final = 1000
_WORKERS: Final = 8
# Steps that are taken while one is stored; more of them, or larger ones, no longer fit a core's cache.
_MOST_WAITING: Final = 2


class Uploading:
    """The uploads of a registry."""

    def __init__(  # noqa: PLR0913 - what uploads stand on, and their bounds
        self,
        *,
        units: Units,
        staging: Staging,
        clock: Clock,
        nonces: Nonces,
        most_bytes: int,
        most_pending_bytes: int,
    ) -> None:
        """Stand on stores; `most_bytes` bounds a blob, `most_pending_bytes` what a principal leaves open."""
        self._units = units
        self._staging = staging
        self._clock = clock
        self._nonces = nonces
        self._most_bytes = most_bytes
        self._most_pending_bytes = most_pending_bytes
        # Hashing, writing and making durable take as long as receiving, and go on beside one another.
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="uploads")

    def begin(
        self, caller: Caller, size_bytes: int | None, digest: Digest | None, retry_key: str = ""
    ) -> Upload:
        """Begin an upload; with a `retry_key`, the one that the same caller has begun under it.

        Without a size, its bounds are kept to as its bytes come, and it ends where the caller says so.

        Raises:
            RequestReplayed: the key was used for another upload.
            NotPermitted: the caller may write nowhere.
            BodyTooLarge: blobs of that size are not taken.
            QuotaExceeded: the caller has too much under way.
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
        """Say how far an upload has come.

        Raises:
            UploadNotFound: there is none, or it is somebody else's.
            DigestMismatch: it came whole, and is not what was announced.
        """
        found = self._units.read(lambda unit: self._get(unit, caller, upload))
        if found.result is not None and found.digest not in {None, found.result}:
            raise DigestMismatch(expected=str(found.digest), actual=str(found.result))
        return found

    def resume(self, caller: Caller, upload: str, offset: int) -> "Receiver":
        """Go on with an upload at the place that it has come to, as the one writer from now on.

        Raises:
            UploadNotFound: there is none, or it is somebody else's.
            OffsetMismatch: it has come to another place.
        """

        def work(unit: Unit) -> Upload:
            found = self._get(unit, caller, upload)
            if offset != found.offset or found.result is not None:
                raise OffsetMismatch(upload=upload, offset=found.offset)
            mine = () if found.rests else (Stretch(found.offset, self._nonces()),)
            stretches = (*found.stretches, *mine)
            if found.session or len(stretches) > _MOST_STRETCHES:
                # One that goes to the store in parts goes on there; whoever cannot begins another.
                raise UploadNotFound(upload=upload)
            taken = replace(found, stretches=stretches, rests=False, touched=self._now())
            unit.uploads.put(taken)
            return taken

        taken = self._units.write(work)
        if not self._staging.take_over(taken.id, taken.stretches, taken.offset):
            # A request that was given up on has finished after all, and may not say so any more.
            self.keep(replace(taken, offset=0, state=b"", stretches=(Stretch(0, taken.writer),)), None)
            raise OffsetMismatch(upload=upload, offset=0)
        return Receiver(taken, self._staging, self.keep, self._workers, self._most_bytes)

    def abort(self, caller: Caller, upload: str) -> Upload:
        """Drop an upload; give what was known of it."""

        def work(unit: Unit) -> Upload:
            found = self._get(unit, caller, upload)
            unit.uploads.drop(upload)
            return found

        dropped = self._units.write(work)
        self._staging.abort(upload, dropped.stretches)
        return dropped

    def keep(self, upload: Upload, stored: Stored | None) -> None:
        """Keep how far an upload has come; one that is whole is its principal's to publish.

        The caller MUST have the bytes of `stored`, hashed, in the blob store.

        Raises:
            OffsetMismatch: another request has taken over.
            UploadNotFound: it was dropped.
            QuotaExceeded: it has no size, and has come to more than its principal may have under way.
        """

        def work(unit: Unit) -> None:
            found = unit.uploads.find(upload.id)
            if found is None:
                raise UploadNotFound(upload=upload.id)
            if found.writer != upload.writer:
                # Another request has taken over: what this one wrote since does not count.
                raise OffsetMismatch(upload=upload.id, offset=found.offset)
            now = self._now()
            unit.uploads.put(replace(upload, touched=now, result=None if stored is None else stored.digest))
            if stored is not None:
                refuse_garbage(unit, [stored])
                unit.holdings.add(holder_of(upload.principal), [stored], now)
            if upload.size_bytes is None:
                self._check_room(unit, upload.principal)

        self._units.write(work)

    def close(self) -> None:
        """Finish what is being hashed and made durable."""
        self._workers.shutdown()

    def _check_room(self, unit: Unit, principal: str) -> None:
        held = unit.holdings.measure(holder_of(principal))
        if held + unit.uploads.measure(principal, self._staging.checkpoint_bytes) > self._most_pending_bytes:
            raise QuotaExceeded(namespace="your uploads", quota_bytes=self._most_pending_bytes)

    def _get(self, unit: Unit, caller: Caller, upload: str) -> Upload:
        found = unit.uploads.find(upload)
        if found is None or found.principal != caller.principal:
            raise UploadNotFound(upload=upload)
        return found

    def _now(self) -> str:
        return write_time(self._clock())


class Receiver:
    """The receiving end of one request that goes on with an upload, to be closed with it."""

    def __init__(
        self,
        upload: Upload,
        staging: Staging,
        keep: Callable[[Upload, Stored | None], None],
        workers: Executor,
        most_bytes: int,
    ) -> None:
        """Go on where the upload stands."""
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
        """Whether enough has come to be stored."""
        return bool(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be stored that no more is to be taken."""
        return len(self._waiting) >= _MOST_WAITING

    def take(self, data: bytes) -> None:
        """Take the next bytes, also while `store` is busy in another thread.

        Raises:
            LengthMismatch: more come than were announced.
            BodyTooLarge: nothing was announced, and more come than a blob may have.
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
        """Hash and store what waits; what is made durable now and then is all that a crash leaves.

        `on_room` is called whenever there is room for more.

        Raises:
            OffsetMismatch: another request has taken over.
            QuotaExceeded: its principal may not have as much under way.
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
        """Make durable what has come, keep how far that is, and leave the rest to another request.

        Raises as `store`.
        """
        self._flush()
        self._settle()
        self._upload = self._save(replace(self._stand(), rests=True))
        return self._upload

    def finish(self) -> Stored:
        """Put the bytes under their digest.

        Raises:
            LengthMismatch: fewer came than were announced; what came stays, to go on with.
            DigestMismatch: they are not the ones that were announced; they are dropped.
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
        stored = Stored(digest=digest, size_bytes=self._received)
        self._staging.finish(self._upload.id, self._upload.stretches, digest, stored.size_bytes)
        self._keep(replace(self._upload, offset=stored.size_bytes, state=b""), stored)
        self._staging.abort(self._upload.id, self._upload.stretches)
        return stored

    def __enter__(self) -> Self:
        """Give the receiver."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what hashes."""
        self._hasher.close()

    def _cut(self) -> None:
        self._waiting.append(self._parts)
        self._parts, self._buffered = [], 0

    def _flush(self) -> None:
        if self._parts:
            self._cut()
        self.store()

    def _stand(self) -> Upload:
        """Say how far the upload is, once what was stored is durable."""
        if self._stored == self._upload.offset:
            return self._upload
        self._hasher.settle()
        return replace(self._upload, offset=self._stored, state=self._hashed.save())

    def _save(self, upload: Upload) -> Upload:
        self._staging.sync(upload.id, upload.writer)
        self._keep(upload, None)
        return upload

    def _settle(self) -> None:
        """Wait for what is being made durable. Raises as `store`."""
        if self._saving is not None:
            saving, self._saving = self._saving, None
            self._upload = saving.result()


def size_of(upload: Upload) -> int:
    """Give the size that was announced of an upload.

    Raises:
        InvalidBody: none was: its bytes are to come through us, which say where they end.
    """
    if upload.size_bytes is None:
        raise InvalidBody(reason="an upload without a size is sent here, from its offset on")
    return upload.size_bytes


def _name(principal: str, retry_key: str) -> str:
    """Name an upload by who began it, under which key."""
    return hashlib.sha256(f"{principal} {retry_key}".encode()).hexdigest()[:32]


def _principal(caller: Caller) -> str:
    if caller.principal is None:
        raise NotIdentified
    return caller.principal
