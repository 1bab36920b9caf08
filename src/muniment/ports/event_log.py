"""The event log: an append-only list of leaves, and the hashes of the tree over them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from muniment.log.tree import Node


class EventLog(Protocol):
    """The log, inside one unit of work."""

    def size(self) -> int:
        """Count the leaves."""

    def append(self, leaf: bytes, time: str) -> int:
        """Add a leaf and the tree nodes that it completes; give its index."""

    def read(self, start: int, limit: int) -> list[bytes]:
        """Give the leaves from `start` on, at most `limit`."""

    def pick(self, indexes: Sequence[int]) -> list[bytes]:
        """Give some leaves.

        Raises:
            LogInconsistent: one that has to be there is missing.
        """

    def read_nodes(self, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        """Give the hashes of complete subtrees.

        Raises:
            LogInconsistent: one that has to be there is missing.
        """

    def last_time(self) -> str:
        """Give the time of the newest leaf; empty if there is none."""

    def count_until(self, time: str) -> int:
        """Count the leaves that were appended at or before a time."""
