"""Uploads that go straight from a client to the object store: in one request, or in parts.

An upload counts once its digest is known to be the announced one. The store checks the digest of a single
request; for an upload in parts, a job reads and hashes the whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO, Final

from muniment.core.backend import Stored
from muniment.core.digests import Digest
from muniment.core.errors import LengthMismatch, UploadNotFound
from muniment.core.people.callers import Caller
from muniment.core.times import write_time
from muniment.ports.clock import Clock
from muniment.ports.direct import Direct, Ticket
from muniment.ports.jobs import Job
from muniment.ports.landing import LandingArea, Part
from muniment.ports.unit import Unit, Units
from muniment.ports.uploads import Upload
from muniment.services.bytes.hashing import Hashing, start_hashing
from muniment.services.bytes.uploads import Uploading, size_of

PROOF: Final = "proof"
_CHUNK_BYTES: Final = 8 << 20


class DirectUploads:
    """The uploads of a registry that go straight to its object store."""

    def __init__(  # noqa: PLR0913 - its dependencies
        self,
        *,
        uploads: Uploading,
        units: Units,
        clock: Clock,
        direct: Direct,
        landing: LandingArea,
        proven_at_once: int = 4 << 30,
    ) -> None:
        """Use stores; `proven_at_once` is how many bytes `prove` reads before other jobs get a turn."""
        self._uploads = uploads
        self._units = units
        self._clock = clock
        self._direct = direct
        self._landing = landing
        self._proven_at_once = proven_at_once

    def find_ticket(self, upload: Upload) -> Ticket | None:
        """Presign one request for an upload that has not started, if it is small enough."""
        if upload.digest is None or upload.offset or upload.stretches or upload.result is not None:
            return None
        size = upload.size_bytes or 0
        if not 0 < size <= self._direct.most_bytes:
            return None
        return self._direct.presign_put(upload.id, upload.digest, size)

    def part_bytes(self, upload: Upload) -> int:
        """Return the part size of an upload; 0 if it does not go to the store in parts."""
        if upload.digest is None or upload.stretches or upload.result is not None:
            return 0
        size = upload.size_bytes or 0
        return self._direct.part_bytes(size) if size > self._direct.most_bytes else 0

    def presign_parts(self, caller: Caller, upload: str, digests: Mapping[int, Digest]) -> dict[int, Ticket]:
        """Presign the requests for some parts of an upload, by their numbers.

        Raises:
            UploadNotFound: it does not exist, does not go in parts, or belongs to somebody else.
        """
        parted = self._get_parted(caller, upload)
        session = parted.session or self._begin_parts(parted)
        return {n: self._direct.presign_part(upload, session, n, digest) for n, digest in digests.items()}

    def list_parts(self, caller: Caller, upload: str) -> Mapping[int, Part]:
        """List the received parts. Raises like `presign_parts`."""
        session = self._get_parted(caller, upload).session
        return self._landing.list_parts(upload, session) if session else {}

    def accept(self, caller: Caller, upload: str, digests: Sequence[Digest]) -> Upload:
        """Accept an upload that is in the store, joining its parts, which must have these digests.

        An upload in one request has a result at once; one in parts when a job has hashed it.

        Raises:
            LengthMismatch: the store does not have all of it.
            InvalidBody: its parts have other digests, or it has no size and must be sent here.
        """
        known = self._uploads.get(caller, upload)
        if known.result is not None:
            return known
        if self.part_bytes(known):
            self._join(known, digests)
        else:
            self._accept_whole(known)
        return self._uploads.get(caller, upload)

    def prove(self, upload: str) -> bool:
        """Hash more of an upload that came in parts; return whether it is done. Any replica can continue.

        An upload with another digest than announced is removed, and its sender gets an error.
        """
        known = self._units.read(lambda unit: unit.uploads.find(upload))
        if known is None or not known.session or known.result is not None:
            return True
        hasher = start_hashing(known.state)
        with self._landing.open(known.id) as whole:
            offset = _hash_on(whole, known.offset, hasher, self._proven_at_once)
        if offset is not None:
            self._uploads.keep(replace(known, offset=offset, state=hasher.save()), None)
            return False
        stored = Stored(digest=hasher.finish(), size_bytes=size_of(known))
        if stored.digest == known.digest:
            self._landing.accept(known.id, stored.digest, stored.size_bytes)
            self._uploads.keep(replace(known, offset=stored.size_bytes, state=b""), stored)
        else:
            wrong = replace(known, state=b"", result=stored.digest, touched=self._now())
            self._units.write(lambda unit: unit.uploads.put(wrong))
        self.drop(known)
        return True

    def drop(self, upload: Upload) -> None:
        """Remove the received bytes."""
        self._landing.drop(upload.id, upload.session)

    def _accept_whole(self, upload: Upload) -> None:
        announced, size = size_of(upload), self._landing.find_size(upload.id)
        if upload.digest is None or size != announced:
            raise LengthMismatch(expected=announced, actual=size or 0)
        # A blob with this digest may belong to somebody else: only bytes that were sent count.
        self._landing.accept(upload.id, upload.digest, size)
        self._uploads.keep(replace(upload, offset=size), Stored(digest=upload.digest, size_bytes=size))
        self.drop(upload)

    def _join(self, upload: Upload, digests: Sequence[Digest]) -> None:
        if self._landing.find_size(upload.id) is None:
            parts = self._landing.list_parts(upload.id, upload.session) if upload.session else {}
            received = sum(part.size_bytes for part in parts.values())
            if received != size_of(upload):
                raise LengthMismatch(expected=size_of(upload), actual=received)
            self._landing.join(upload.id, upload.session, digests)
        job = Job(id=f"{PROOF}-{upload.id}", kind=PROOF, payload=upload.id, due=self._now())
        self._units.write(lambda unit: unit.jobs.add(job))

    def _get_parted(self, caller: Caller, upload: str) -> Upload:
        known = self._uploads.get(caller, upload)
        if not self.part_bytes(known):
            raise UploadNotFound(upload=upload)
        return known

    def _begin_parts(self, upload: Upload) -> str:
        session = self._landing.begin_parts(upload.id)

        def work(unit: Unit) -> str:
            known = unit.uploads.find(upload.id) or upload
            if not known.session:
                unit.uploads.put(replace(known, session=session, touched=self._now()))
            return known.session or session

        # If two requests start it at once, only one session is kept.
        return self._units.write(work)

    def _now(self) -> str:
        return write_time(self._clock())


def _hash_on(whole: BinaryIO, offset: int, hasher: Hashing, most: int) -> int | None:
    """Hash a slice of a stream from an offset on; return its end, or None at the end of the stream."""
    whole.seek(offset)
    for _ in range(max(1, most // _CHUNK_BYTES)):
        data = whole.read(_CHUNK_BYTES)
        if not data:
            return None
        hasher.update(data)
        offset += len(data)
    return offset
