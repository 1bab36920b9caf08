"""The unit of work: one transaction holds an event, its leaf and its projections (DESIGN rule 3)."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from muniment.ports.blobs import BlobStore
from muniment.ports.event_log import EventLog
from muniment.ports.payloads import Payloads
from muniment.ports.projections import Projections

T = TypeVar("T")


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
    def blobs(self) -> BlobStore:
        """The bytes; not part of the transaction, written before it commits (DESIGN rule 2)."""


class Units(Protocol):
    """Where transactions come from."""

    def write(self, work: Callable[[Unit], T]) -> T:
        """Do the work in one transaction and commit it durably; on any error nothing is kept.

        Works of several threads may share one commit; each sees those before it, and one that
        fails takes none of the others with it.
        """

    def read(self, work: Callable[[Unit], T]) -> T:
        """Do the work over one consistent state."""

    def close(self) -> None:
        """Release what is held."""
