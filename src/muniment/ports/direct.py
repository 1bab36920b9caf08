"""Direct transfers: bytes that go straight from a client to the object store (see `LandingArea`)."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from muniment.core.digests import Digest


class Ticket(NamedTuple):
    """A presigned request, which the store accepts from anybody for a while."""

    url: str
    headers: Mapping[str, str]


class Direct(Protocol):
    """Presigned requests to the object store."""

    @property
    def most_bytes(self) -> int:
        """The size of the largest blob that fits in one request."""

    def part_bytes(self, size_bytes: int) -> int:
        """Return the size of the parts of a larger blob; the last one may be smaller."""

    def presign_put(self, upload: str, digest: Digest, size_bytes: int) -> Ticket:
        """Presign one PUT of an upload; the store checks its digest and that it is new."""

    def presign_part(self, upload: str, session: str, number: int, digest: Digest) -> Ticket:
        """Presign the PUT of one part; the store checks its digest."""
