"""The unit of work: one transaction holds an event, its leaf and its projections (DESIGN rule 3)."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from muniment.ports.blobs import BlobStore
from muniment.ports.catalog import Catalog
from muniment.ports.contents import Contents
from muniment.ports.cursors import Cursors
from muniment.ports.event_log import EventLog
from muniment.ports.holdings import Holdings
from muniment.ports.jobs import Jobs
from muniment.ports.lineage import Lineage
from muniment.ports.outbox import Outbox
from muniment.ports.payloads import Payloads
from muniment.ports.projections import Projections
from muniment.ports.retries import Retries
from muniment.ports.uploads import Uploads

T = TypeVar("T")
R = TypeVar("R")


class Unit(Protocol):
    """What one transaction sees."""

    @property
    def log(self) -> EventLog:
        """The log."""

    @property
    def projections(self) -> Projections:
        """The records."""

    @property
    def payloads(self) -> Payloads:
        """The erasable texts."""

    @property
    def holdings(self) -> Holdings:
        """Who holds which blob."""

    @property
    def contents(self) -> Contents:
        """Which versions a blob is part of."""

    @property
    def retries(self) -> Retries:
        """The requests that were answered."""

    @property
    def uploads(self) -> Uploads:
        """The uploads that are under way."""

    @property
    def catalog(self) -> Catalog:
        """What versions can be found by."""

    @property
    def lineage(self) -> Lineage:
        """What was made from what."""

    @property
    def jobs(self) -> Jobs:
        """What is to be done later."""

    @property
    def outbox(self) -> Outbox:
        """What webhooks could not be told."""

    @property
    def cursors(self) -> Cursors:
        """How far those who follow the log have come."""

    @property
    def blobs(self) -> BlobStore:
        """The bytes; not part of the transaction, written before it commits (DESIGN rule 2)."""


class Units(Protocol):
    """Where transactions come from."""

    def write(self, work: Callable[[Unit], T]) -> T:
        """Do the work in one transaction and commit it durably; on any error nothing is kept.

        Works of several threads may share one commit; each sees those before it, and one that
        fails takes none of the others with it.
        """

    def write_all(
        self, works: Sequence[Callable[[Unit], T]], last: Callable[[Unit, Sequence[T]], R]
    ) -> tuple[list[T | BaseException], R | None]:
        """Do works in one commit, each as `write` would, and `last` with what they gave before it ends.

        Gives what came of each work, or its error, and what came of `last`; None if nothing was kept.
        """

    def read(self, work: Callable[[Unit], T]) -> T:
        """Do the work over one consistent state."""

    def close(self) -> None:
        """Release what is held."""
