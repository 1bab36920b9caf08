"""Uploads that go straight from a client to the object store: in one request, or in parts.

What came counts once it is known to have the digest that was announced: the store checks that of one
request; of parts, which it cannot check together, a job reads the whole.
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

    def __init__(  # noqa: PLR0913 - what they stand on
        self,
        *,
        uploads: Uploading,
        units: Units,
        clock: Clock,
        direct: Direct,
        landing: LandingArea,
        proven_at_once: int = 4 << 30,
    ) -> None:
        """Stand on stores; `proven_at_once` is how much `prove` reads before other jobs have their turn."""
        self._uploads = uploads
        self._units = units
        self._clock = clock
        self._direct = direct
        self._landing = landing
        self._proven_at_once = proven_at_once

    def find_ticket(self, upload: Upload) -> Ticket | None:
        """Let an upload that has not begun go to the store in one request, if it is not too large."""
        if upload.digest is None or upload.offset or upload.stretches or upload.result is not None:
            return None
        size = upload.size_bytes or 0
        if not 0 < size <= self._direct.most_bytes:
            return None
        return self._direct.presign_put(upload.id, upload.digest, size)

    def part_bytes(self, upload: Upload) -> int:
        """Say in parts of which size an upload goes to the store; 0 if it does not, or is there."""
        if upload.digest is None or upload.stretches or upload.result is not None:
            return 0
        size = upload.size_bytes or 0
        return self._direct.part_bytes(size) if size > self._direct.most_bytes else 0

    def let_parts(self, caller: Caller, upload: str, digests: Mapping[int, Digest]) -> dict[int, Ticket]:
        """Let parts of an upload go to the store, by their numbers.

        Raises:
            UploadNotFound: there is none that goes in parts, or it is somebody else's.
        """
        found = self._get_parted(caller, upload)
        session = found.session or self._begin_parts(found)
        return {n: self._direct.presign_part(upload, session, n, digest) for n, digest in digests.items()}

    def list_parts(self, caller: Caller, upload: str) -> Mapping[int, Part]:
        """List the parts that have come. Raises as `let_parts`."""
        found = self._get_parted(caller, upload)
        return self._landing.list_parts(upload, found.session) if found.session else {}

    def accept(self, caller: Caller, upload: str, digests: Sequence[Digest]) -> Upload:
        """Take an upload that is in the store. One that came in parts, of those digests, is put together.

        It has a result at once if it came in one request, and when a job has read it if in parts.

        Raises:
            LengthMismatch: the store does not have it, or not all of it.
            InvalidBody: its parts have other digests, or it has no size and comes through us.
        """
        found = self._uploads.get(caller, upload)
        if found.result is not None:
            return found
        if self.part_bytes(found):
            self._join(found, digests)
        else:
            self._accept_whole(found)
        return self._uploads.get(caller, upload)

    def prove(self, upload: str) -> bool:
        """Read on in an upload that came in parts; say whether that is done. Any replica can go on with it.

        What is not what was announced is removed, and whoever sent it is told.
        """
        found = self._units.read(lambda unit: unit.uploads.find(upload))
        if found is None or not found.session or found.result is not None:
            return True
        hasher = start_hashing(found.state)
        with self._landing.open(found.id) as whole:
            offset = _hash_on(whole, found.offset, hasher, self._proven_at_once)
        if offset is not None:
            self._uploads.keep(replace(found, offset=offset, state=hasher.save()), None)
            return False
        stored = Stored(digest=hasher.finish(), size_bytes=size_of(found))
        if stored.digest == found.digest:
            self._landing.accept(found.id, stored.digest, stored.size_bytes)
            self._uploads.keep(replace(found, offset=stored.size_bytes, state=b""), stored)
        else:
            wrong = replace(found, state=b"", result=stored.digest, touched=self._now())
            self._units.write(lambda unit: unit.uploads.put(wrong))
        self.drop(found)
        return True

    def drop(self, upload: Upload) -> None:
        """Remove what came."""
        self._landing.drop(upload.id, upload.session)

    def _accept_whole(self, upload: Upload) -> None:
        announced, size = size_of(upload), self._landing.find_size(upload.id)
        if upload.digest is None or size != announced:
            raise LengthMismatch(expected=announced, actual=size or 0)
        # What is under the digest already may be another's: that it was sent is what counts.
        self._landing.accept(upload.id, upload.digest, size)
        self._uploads.keep(replace(upload, offset=size), Stored(digest=upload.digest, size_bytes=size))
        self.drop(upload)

    def _join(self, upload: Upload, digests: Sequence[Digest]) -> None:
        if self._landing.find_size(upload.id) is None:
            parts = self._landing.list_parts(upload.id, upload.session) if upload.session else {}
            come = sum(part.size_bytes for part in parts.values())
            if come != size_of(upload):
                raise LengthMismatch(expected=size_of(upload), actual=come)
            self._landing.join(upload.id, upload.session, digests)
        job = Job(id=f"{PROOF}-{upload.id}", kind=PROOF, payload=upload.id, due=self._now())
        self._units.write(lambda unit: unit.jobs.add(job))

    def _get_parted(self, caller: Caller, upload: str) -> Upload:
        found = self._uploads.get(caller, upload)
        if not self.part_bytes(found):
            raise UploadNotFound(upload=upload)
        return found

    def _begin_parts(self, upload: Upload) -> str:
        session = self._landing.begin_parts(upload.id)

        def work(unit: Unit) -> str:
            known = unit.uploads.find(upload.id) or upload
            if not known.session:
                unit.uploads.put(replace(known, session=session, touched=self._now()))
            return known.session or session

        # Of two requests that begin at once, one does.
        return self._units.write(work)

    def _now(self) -> str:
        return write_time(self._clock())


def _hash_on(whole: BinaryIO, offset: int, hasher: Hashing, most: int) -> int | None:
    """Hash a slice of a stream from an offset on; give where it ends, None at the end of the stream."""
    whole.seek(offset)
    for _ in range(max(1, most // _CHUNK_BYTES)):
        data = whole.read(_CHUNK_BYTES)
        if not data:
            return None
        hasher.update(data)
        offset += len(data)
    return offset
