"""The event log: an append-only list of leaves, and the hashes of the tree over them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from muniment.log.tree import Node


class EventLog(Protocol):
    """The log, inside one unit of work."""

    def size(self) -> int:
        """Count the leaves."""

    def append(self, leaf: bytes, time: str) -> int:
        """Append a leaf and the tree nodes that it completes; return its index."""

    def read(self, start: int, limit: int) -> list[bytes]:
        """Read at most `limit` leaves, from `start` on."""

    def pick(self, indexes: Sequence[int]) -> list[bytes]:
        """Read the leaves at some indexes.

        Raises:
            LogInconsistent: a leaf is missing.
        """

    def read_nodes(self, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        """Read the hashes of complete subtrees.

        Raises:
            LogInconsistent: a hash is missing.
        """

    def last_time(self) -> str:
        """Return the time of the newest leaf; empty if the log is empty."""

    def count_until(self, time: str) -> int:
        """Count the leaves that were appended at or before a time."""
