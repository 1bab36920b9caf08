"""Pending reads: those that are in no batch of the record of reads yet."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from muniment.core.reads import Read


class PendingReads(Protocol):
    """The pending reads, inside one unit of work."""

    def add(self, namespace: str, day: str, read: Read) -> None:
        """Add a read to what is pending of the same principal, version and day."""

    def list(self, namespace: str, day: str) -> Sequence[Read]:
        """List the reads of a day, by principal and version."""

    def list_days(self) -> Iterable[tuple[str, str]]:
        """List the namespaces and days that have any, in order."""

    def drop(self, namespace: str, day: str) -> None:
        """Drop the reads of a day, which are in a batch."""
