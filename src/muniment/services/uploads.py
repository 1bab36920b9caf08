"""Uploads: bytes that come in pieces, from one end to the other, and are hashed as they come.

How far an upload has come, and the state of its hash, are kept with it: whichever replica gets the
next piece goes on from there, and finishing never reads the bytes again.
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO, Final, TypeVar

import rehashes

from muniment.core.backend import Stored
from muniment.core.callers import Caller
from muniment.core.digests import Digest
from muniment.core.errors import (
    BodyTooLarge,
    DigestMismatch,
    LengthMismatch,
    NotIdentified,
    OffsetMismatch,
    QuotaExceeded,
    RequestReplayed,
    UploadNotFound,
)
from muniment.core.times import write_time
from muniment.ports.blobs import BlobStore
from muniment.ports.clock import Clock, Nonces
from muniment.ports.direct import Direct, Ticket
from muniment.ports.handover import Handover
from muniment.ports.inbox import Inbox, Part
from muniment.ports.jobs import Job
from muniment.ports.staging import Staging, Stretch
from muniment.ports.unit import Unit, Units
from muniment.ports.uploads import Upload
from muniment.services.custody import check_may_upload, holder_of, refuse_garbage

T = TypeVar("T")

PROOF: Final = "proof"
_CHUNK_BYTES: Final = 8 << 20
# A request that goes on adds one; whoever needs more begins anew.
_MOST_STRETCHES: Final = 1000


class Uploading:
    """The uploads of a registry."""

    def __init__(  # noqa: PLR0913 - what uploads stand on, and their bounds
        self,
        *,
        units: Units,
        blobs: BlobStore,
        staging: Staging,
        clock: Clock,
        nonces: Nonces,
        direct: Direct | None,
        inbox: Inbox | None,
        handover: Handover | None,
        most_bytes: int,
        most_pending_bytes: int,
        proven_at_once: int = 4 << 30,
    ) -> None:
        """Stand on stores.

        `most_bytes` bounds a blob, `most_pending_bytes` what a principal leaves open, and
        `proven_at_once` how much `prove` reads before others have their turn.
        """
        self._units = units
        self._blobs = blobs
        self._staging = staging
        self._clock = clock
        self._nonces = nonces
        self._direct = direct
        self._inbox = inbox
        self._handover = handover
        self._most_bytes = most_bytes
        self._most_pending_bytes = most_pending_bytes
        self._proven_at_once = proven_at_once

    @property
    def is_direct(self) -> bool:
        """Say whether an upload whose digest is announced can go straight to the store."""
        return self._direct is not None

    def begin(self, caller: Caller, size_bytes: int, digest: Digest | None, retry_key: str = "") -> Upload:
        """Begin an upload; with a `retry_key`, the one that the same caller has begun under it.

        Raises:
            RequestReplayed: the key was used for another upload.
            NotPermitted: the caller may write nowhere.
            BodyTooLarge: blobs of that size are not taken.
            QuotaExceeded: the caller has too much under way.
        """
        if not 0 <= size_bytes <= self._most_bytes:
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
            held = unit.uploads.measure(principal) + unit.holdings.measure(holder_of(principal))
            if held + size_bytes > self._most_pending_bytes:
                raise QuotaExceeded(namespace="your uploads", quota_bytes=self._most_pending_bytes)
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
            if len(found.stretches) >= _MOST_STRETCHES:
                raise UploadNotFound(upload=upload)
            if found.session and found.offset:
                # What came in parts is being read: the two ways do not mix.
                raise UploadNotFound(upload=upload)
            mine = Stretch(found.offset, self._nonces())
            taken = replace(found, stretches=(*found.stretches, mine), touched=self._now())
            unit.uploads.put(replace(taken, session=""))
            return taken

        taken = self._units.write(work)
        if self._inbox is not None and taken.session:
            self._inbox.drop(taken.id, taken.session)
            taken = replace(taken, session="")
        self._staging.take_over(taken.id, taken.stretches)
        return Receiver(taken, self._staging, self._keep)

    def find_ticket(self, upload: Upload) -> Ticket | None:
        """Let an upload that has not begun go straight to the store, if that can check its digest."""
        if self._direct is None or upload.digest is None or upload.offset or upload.result is not None:
            return None
        if not 0 < upload.size_bytes <= self._direct.most_bytes:
            return None
        return self._direct.let_put(upload.id, upload.digest, upload.size_bytes)

    def part_bytes(self, upload: Upload) -> int:
        """Say in parts of which size an upload goes straight to the store; 0 if it does not."""
        if self._direct is None or self._inbox is None or upload.digest is None or upload.stretches:
            return 0
        is_large = upload.size_bytes > self._direct.most_bytes
        return self._direct.part_bytes(upload.size_bytes) if is_large else 0

    def find_place(self, upload: Upload) -> str | None:
        """Say where a client on this machine can leave an upload that has not begun, if it can."""
        if self._handover is None or upload.offset or upload.result is not None:
            return None
        return self._handover.place_of(upload.id)

    def let_parts(self, caller: Caller, upload: str, digests: Mapping[int, Digest]) -> dict[int, Ticket]:
        """Let parts of an upload go straight to the store, by their numbers.

        Raises:
            UploadNotFound: there is none that goes in parts, or it is somebody else's.
        """
        found, direct, inbox = self._get_parted(caller, upload)
        session = found.session or self._begin_parts(found, inbox)
        return {n: direct.let_put_part(upload, session, n, digest) for n, digest in digests.items()}

    def list_parts(self, caller: Caller, upload: str) -> Mapping[int, Part]:
        """List the parts that have come. Raises as `let_parts`."""
        found, _, inbox = self._get_parted(caller, upload)
        return inbox.list_parts(upload, found.session) if found.session else {}

    def accept(self, caller: Caller, upload: str, digests: Sequence[Digest] = ()) -> Upload:
        """Take an upload that went straight to the store, or was left for us.

        The store has checked the digest of one that came in one piece. One that came in parts, of those
        digests, is put together now and read by a job; until that is done it has no result.

        Raises:
            LengthMismatch: the store does not have it, or not all of it.
            InvalidBody: its parts have other digests.
        """
        found = self.get(caller, upload)
        if found.result is not None:
            return found
        if self.part_bytes(found) or found.session:
            return self._join(caller, found, digests)
        if self._handover is not None:
            return self._take_over(caller, found, self._handover)
        size = None if self._inbox is None else self._inbox.find_size(upload)
        if self._inbox is None or found.digest is None or size != found.size_bytes:
            raise LengthMismatch(expected=found.size_bytes, actual=size or 0)
        # What is under the digest already may be another's: that it was sent is what counts.
        self._inbox.accept(upload, found.digest, size)
        self._keep(replace(found, offset=size), Stored(digest=found.digest, size_bytes=size))
        self._inbox.drop(upload, "")
        return self.get(caller, upload)

    def prove(self, upload: str) -> bool:
        """Read on in an upload that came in parts; say whether that is done. Any replica can go on with it.

        What is not what was announced is removed, and whoever sent it is told.
        """
        found = self._units.read(lambda unit: unit.uploads.find(upload))
        if found is None or found.result is not None or not found.session or self._inbox is None:
            return True
        hasher = rehashes.PySha256.deserialize(found.state) if found.state else rehashes.PySha256()
        with self._inbox.open(found.id) as whole:
            offset = _hash_on(whole, found.offset, hasher, self._proven_at_once)
        if offset is not None:
            self._keep(replace(found, offset=offset, state=bytes(hasher.serialize())), None)
            return False
        stored = Stored(digest=Digest(hasher.finalize()), size_bytes=found.size_bytes)
        if stored.digest == found.digest:
            self._inbox.accept(found.id, stored.digest, stored.size_bytes)
            self._keep(replace(found, offset=stored.size_bytes, state=b""), stored)
        else:
            wrong = replace(found, state=b"", result=stored.digest, touched=self._now())
            self._units.write(lambda unit: unit.uploads.put(wrong))
        self._inbox.drop(found.id, found.session)
        return True

    def abort(self, caller: Caller, upload: str) -> None:
        """Drop an upload."""

        def work(unit: Unit) -> Upload:
            found = self._get(unit, caller, upload)
            unit.uploads.drop(upload)
            return found

        dropped = self._units.write(work)
        self._staging.abort(upload, dropped.stretches)
        if self._inbox is not None and dropped.session:
            self._inbox.drop(upload, dropped.session)
        if self._handover is not None:
            self._handover.drop(upload)

    def _keep(self, upload: Upload, stored: Stored | None) -> None:
        """Keep how far an upload has come; one that is whole is its principal's to publish."""

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

        self._units.write(work)

    def _get_parted(self, caller: Caller, upload: str) -> tuple[Upload, Direct, Inbox]:
        found = self.get(caller, upload)
        if (
            self._direct is None
            or self._inbox is None
            or found.result is not None
            or not self.part_bytes(found)
        ):
            raise UploadNotFound(upload=upload)
        return found, self._direct, self._inbox

    def _begin_parts(self, upload: Upload, inbox: Inbox) -> str:
        session = inbox.begin_parts(upload.id)

        def work(unit: Unit) -> str:
            known = unit.uploads.find(upload.id) or upload
            if not known.session:
                unit.uploads.put(replace(known, session=session, touched=self._now()))
            return known.session or session

        # Of two requests that begin at once, one does.
        return self._units.write(work)

    def _join(self, caller: Caller, upload: Upload, digests: Sequence[Digest]) -> Upload:
        job = Job(id=f"{PROOF}-{upload.id}", kind=PROOF, payload=upload.id, due=self._now())
        jobs = self._units.read(lambda unit: unit.jobs.list())
        if all(known.id != job.id for known in jobs):
            _, _, inbox = self._get_parted(caller, upload.id)
            parts = inbox.list_parts(upload.id, upload.session) if upload.session else {}
            come = sum(part.size_bytes for part in parts.values())
            if come != upload.size_bytes:
                raise LengthMismatch(expected=upload.size_bytes, actual=come)
            inbox.join(upload.id, upload.session, digests)
            self._units.write(lambda unit: unit.jobs.add(job))
        return self.get(caller, upload.id)

    def _take_over(self, caller: Caller, upload: Upload, handover: Handover) -> Upload:
        source = handover.take(upload.id)
        if source is None:
            raise LengthMismatch(expected=upload.size_bytes, actual=0)
        with source:
            size = source.seek(0, os.SEEK_END)
            source.seek(0)
            digest = Digest(hashlib.file_digest(source, "sha256").hexdigest())  # type: ignore[arg-type] # a raw file will do
        if size != upload.size_bytes or upload.digest not in {None, digest}:
            handover.drop(upload.id)
            if size != upload.size_bytes:
                raise LengthMismatch(expected=upload.size_bytes, actual=size)
            raise DigestMismatch(expected=str(upload.digest), actual=str(digest))
        handover.keep(upload.id, digest)
        self._keep(replace(upload, offset=size), Stored(digest=digest, size_bytes=size))
        return self.get(caller, upload.id)

    def _get(self, unit: Unit, caller: Caller, upload: str) -> Upload:
        found = unit.uploads.find(upload)
        if found is None or found.principal != caller.principal:
            raise UploadNotFound(upload=upload)
        return found

    def _now(self) -> str:
        return write_time(self._clock())


class Receiver:
    """The receiving end of one request that goes on with an upload."""

    def __init__(
        self, upload: Upload, staging: Staging, keep: Callable[[Upload, Stored | None], None]
    ) -> None:
        """Go on where the upload stands."""
        self._upload = upload
        self._staging = staging
        self._keep = keep
        self._hasher = rehashes.PySha256()
        if upload.state:
            self._hasher = rehashes.PySha256.deserialize(upload.state)
        self._parts: list[bytes] = []
        self._buffered = 0
        self._received = upload.offset
        self._stored = upload.offset

    def take(self, data: bytes) -> list[bytes] | None:
        """Take the next bytes; give those that are to be stored next, once there are enough.

        Bytes can be taken while `store` is busy in another thread.

        Raises:
            LengthMismatch: more come than were announced.
        """
        if self._received + len(data) > self._upload.size_bytes:
            raise LengthMismatch(expected=self._upload.size_bytes, actual=self._received + len(data))
        self._parts.append(data)
        self._received += len(data)
        self._buffered += len(data)
        return self._cut() if self._buffered >= self._staging.step_bytes else None

    def store(self, parts: list[bytes]) -> None:
        """Hash and store what `take` gave; durably, now and then: a replica that dies loses no more."""
        data = b"".join(parts)
        self._hasher.update(data)
        self._staging.append(self._upload.id, self._upload.writer, self._stored, data)
        self._stored += len(data)
        if self._stored - self._upload.offset >= self._staging.checkpoint_bytes:
            self._save()

    def pause(self) -> Upload:
        """Make durable what has come, and keep how far that is."""
        self._flush()
        self._save()
        return self._upload

    def finish(self) -> Stored:
        """Put the bytes under their digest.

        Raises:
            LengthMismatch: fewer came than were announced; what came stays, to go on with.
            DigestMismatch: they are not the ones that were announced; they are dropped.
        """
        if self._received != self._upload.size_bytes:
            paused = self.pause()
            raise LengthMismatch(expected=paused.size_bytes, actual=paused.offset)
        self._flush()
        digest = Digest(self._hasher.finalize())
        if self._upload.digest not in {None, digest}:
            self._staging.abort(self._upload.id, self._upload.stretches)
            self._keep(
                replace(self._upload, offset=0, state=b"", stretches=(Stretch(0, self._upload.writer),)), None
            )
            raise DigestMismatch(expected=str(self._upload.digest), actual=str(digest))
        stored = Stored(digest=digest, size_bytes=self._upload.size_bytes)
        self._staging.finish(self._upload.id, self._upload.stretches, digest, stored.size_bytes)
        self._keep(replace(self._upload, offset=stored.size_bytes, state=b""), stored)
        return stored

    def _cut(self) -> list[bytes]:
        parts, self._parts, self._buffered = self._parts, [], 0
        return parts

    def _flush(self) -> None:
        if self._parts:
            self.store(self._cut())

    def _save(self) -> None:
        if self._stored > self._upload.offset:
            self._staging.sync(self._upload.id, self._upload.writer)
            state = bytes(self._hasher.serialize())
            self._upload = replace(self._upload, offset=self._stored, state=state)
        self._keep(self._upload, None)


def _hash_on(whole: BinaryIO, offset: int, hasher: rehashes.PySha256, most: int) -> int | None:
    """Hash a slice of a stream from an offset on; give where it ends, None at the end of the stream."""
    whole.seek(offset)
    for _ in range(max(1, most // _CHUNK_BYTES)):
        data = whole.read(_CHUNK_BYTES)
        if not data:
            return None
        hasher.update(data)
        offset += len(data)
    return offset


def _name(principal: str, retry_key: str) -> str:
    """Name an upload by who began it, under which key."""
    return hashlib.sha256(f"{principal} {retry_key}".encode()).hexdigest()[:32]


def _principal(caller: Caller) -> str:
    if caller.principal is None:
        raise NotIdentified
    return caller.principal
