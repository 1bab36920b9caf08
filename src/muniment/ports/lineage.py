"""Lineage: the graph of what was made from what. It is made of claims, and can be made anew.

An edge belongs to the namespace whose claim it comes from: who may not read there is not led along it.
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
    """The graph, inside one unit of work. `namespaces` are those that one may read in; None for all."""

    def put(self, namespace: str, edges: Sequence[Edge]) -> None:
        """Add edges; one that is there is passed over."""

    def remove(self, namespace: str, edges: Sequence[Edge]) -> None:
        """Take edges away; one that is not there is passed over."""

    def walk(
        self, root: str, direction: Direction, namespaces: Collection[str] | None, limit: int
    ) -> list[str]:
        """List what is reached from a node, itself first, the nearest first; at most `limit` nodes.

        A cycle ends where it comes back to.
        """

    def list_edges(
        self, nodes: Collection[str], direction: Direction, namespaces: Collection[str] | None
    ) -> list[Edge]:
        """List the edges that lead from some nodes in a direction, in a fixed order."""

    def find_versions(self, nodes: Collection[str], namespaces: Collection[str] | None) -> list[Owned]:
        """Find the versions whose manifests some nodes are, oldest first."""

    def clear(self) -> None:
        """Forget all edges."""
