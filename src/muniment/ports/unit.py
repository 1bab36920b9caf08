"""The unit of work: one transaction holds an event, its leaf and its projections."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

from muniment.ports.blobs import BlobStore
from muniment.ports.catalog import Catalog
from muniment.ports.contents import Contents
from muniment.ports.cursors import Cursors
from muniment.ports.event_log import EventLog
from muniment.ports.holdings import Holdings
from muniment.ports.index import SubjectIndex
from muniment.ports.jobs import Jobs
from muniment.ports.lineage import Lineage
from muniment.ports.outbox import Outbox
from muniment.ports.payloads import Payloads
from muniment.ports.projections import Projections
from muniment.ports.reads import PendingReads
from muniment.ports.retries import Retries
from muniment.ports.uploads import Uploads

# More works in one commit would make the first of them wait too long.
MOST_A_COMMIT: Final = 64

T = TypeVar("T")
R = TypeVar("R")


class Unit(Protocol):
    """The stores inside one transaction."""

    @property
    def log(self) -> EventLog:
        """The log."""

    @property
    def index(self) -> SubjectIndex:
        """The verifiable index of the log."""

    @property
    def projections(self) -> Projections:
        """The records."""

    @property
    def payloads(self) -> Payloads:
        """The erasable texts."""

    @property
    def holdings(self) -> Holdings:
        """The holders of blobs."""

    @property
    def contents(self) -> Contents:
        """The blobs of versions."""

    @property
    def retries(self) -> Retries:
        """The answered requests."""

    @property
    def uploads(self) -> Uploads:
        """The unfinished uploads."""

    @property
    def catalog(self) -> Catalog:
        """The index for searches."""

    @property
    def lineage(self) -> Lineage:
        """The graph of derivations."""

    @property
    def jobs(self) -> Jobs:
        """The work for later."""

    @property
    def outbox(self) -> Outbox:
        """The failed deliveries of webhooks."""

    @property
    def reads(self) -> PendingReads:
        """The reads that are in no batch yet."""

    @property
    def cursors(self) -> Cursors:
        """The places of readers of the log."""

    @property
    def blobs(self) -> BlobStore:
        """The bytes, which are outside the transaction and durable before an event names them."""


class Units(Protocol):
    """A source of transactions."""

    def write(self, work: Callable[[Unit], T]) -> T:
        """Do the work in one transaction and commit it durably; on any error, keep nothing.

        Several threads may share one commit: each work sees those before it, and one that fails does not
        affect the others.
        """

    def write_all(
        self, works: Sequence[Callable[[Unit], T]], last: Callable[[Unit, Sequence[T]], R]
    ) -> tuple[list[T | BaseException], R | None]:
        """Do works in one commit, each as `write` would, then `last` with their results.

        Returns the result or error of each work, and the result of `last`; None if nothing was kept.
        """

    def read(self, work: Callable[[Unit], T]) -> T:
        """Do the work on one consistent state."""

    def close(self) -> None:
        """Release all resources."""
