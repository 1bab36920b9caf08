"""Lineage: the graph of what was made from what. It follows from claims and can be rebuilt.

An edge belongs to the namespace of its claim, and only readers of that namespace see it.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from muniment.core.claims.lineage import Direction, Edge
from muniment.core.records import VersionRecord


class Owned(NamedTuple):
    """A version, the aliases that point at it now, and the targets where it serves now."""

    version: VersionRecord
    aliases: tuple[str, ...]
    targets: tuple[str, ...] = ()


class Lineage(Protocol):
    """The graph, inside one unit of work. `namespaces` are the readable ones; None means all."""

    def put(self, namespace: str, edges: Sequence[Edge]) -> None:
        """Add edges, except those that exist."""

    def remove(self, namespace: str, edges: Sequence[Edge]) -> None:
        """Take edges away; one that is not there is passed over."""

    def walk(
        self, root: str, direction: Direction, namespaces: Collection[str] | None, limit: int
    ) -> list[str]:
        """List the nodes that can be reached from a node, itself first, then the nearest; at most `limit`.

        Each node is listed once, so a cycle ends.
        """

    def list_edges(
        self, nodes: Collection[str], direction: Direction, namespaces: Collection[str] | None
    ) -> list[Edge]:
        """List the edges from some nodes in a direction, in a fixed order."""

    def find_versions(self, nodes: Collection[str], namespaces: Collection[str] | None) -> list[Owned]:
        """Find the versions whose manifests are among some nodes, oldest first."""

    def clear(self) -> None:
        """Delete all edges."""
