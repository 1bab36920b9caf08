"""Direct transfers: bytes that go straight from a client to the object store."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from muniment.core.digests import Digest


class Ticket(NamedTuple):
    """A request that the store will take from whoever has it, for a while."""

    url: str
    headers: Mapping[str, str]


class Direct(Protocol):
    """What an object store can do without us."""

    @property
    def most_bytes(self) -> int:
        """The largest blob that can be put so."""

    def let_put(self, digest: Digest, size_bytes: int) -> Ticket:
        """Let a blob be put once, if and only if its bytes have that digest: the store checks both."""
