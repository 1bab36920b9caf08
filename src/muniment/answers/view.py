"""The state that an answer follows from. A unit of work is one; a client makes one of proven entries."""

from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol, TypeVar

from muniment.core.digests import Digest
from muniment.core.records import Key, Record, Where
from muniment.ports.lineage import Lineage

R = TypeVar("R", bound=Record)


class Records(Protocol):
    """The records; see `ports.projections.Projections`."""

    def find(self, kind: type[R], key: Key) -> R | None:
        """Find the record with a primary key."""

    def select(
        self,
        kind: type[R],
        *conditions: Where,
        order: str = "index",
        descending: bool = False,
        limit: int | None = None,
    ) -> list[R]:
        """List the records that meet all conditions, ordered by a column."""


class Texts(Protocol):
    """The typed texts; see `ports.payloads.Payloads`."""

    def find(self, digest: str) -> str | None:
        """Find a text by digest; None if it was erased or never stored."""


class Documents(Protocol):
    """The bytes; see `ports.blobs.BlobStore`."""

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob.

        Raises:
            BlobNotFound: it is not stored.
        """


class View(Protocol):
    """One consistent state of the registry."""

    @property
    def projections(self) -> Records:
        """The records."""

    @property
    def payloads(self) -> Texts:
        """The erasable texts."""

    @property
    def blobs(self) -> Documents:
        """The bytes."""

    @property
    def lineage(self) -> Lineage | None:
        """The graph of derivations, and who has the same bytes; None if only what is proven is to count."""


class Newest(NamedTuple):
    """How many entries the log has, and what the clock said at the newest of them."""

    size: int
    clock: str


@dataclass(frozen=True, kw_only=True)
class State:
    """A view, the verifier key of the registry's log, and the time of this state (RFC 3339), by the clock.

    `newest` is the newest entry of the log, if it is known and the state is that of now.
    """

    view: View
    registry: str
    time: str
    newest: Newest | None = None

    def find_text(self, digest: str | None) -> str | None:
        """Find a typed text; None if there is none or it was erased."""
        return None if digest is None else self.view.payloads.find(digest)
