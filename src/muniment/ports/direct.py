"""Direct transfers: bytes that go straight from a client to the object store (see `LandingArea`)."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from muniment.core.digests import Digest


class Ticket(NamedTuple):
    """A request that the store will take from whoever has it, for a while."""

    url: str
    headers: Mapping[str, str]


class Direct(Protocol):
    """What the store can take without us."""

    @property
    def most_bytes(self) -> int:
        """The largest blob that can be put in one request."""

    def part_bytes(self, size_bytes: int) -> int:
        """Say how large the parts of a larger blob are; the last one may be smaller."""

    def let_put(self, upload: str, digest: Digest, size_bytes: int) -> Ticket:
        """Let an upload be put once, if and only if its bytes have that digest: the store checks both."""

    def let_put_part(self, upload: str, session: str, number: int, digest: Digest) -> Ticket:
        """Let a part be put, if its bytes have that digest."""
