"""Lineage: what was made from what, read off claims as they come."""

from typing import Final

from muniment.core.bytes.revisions import Revision
from muniment.core.claims.attestations import Statement
from muniment.core.claims.lineage import Direction, Edge, Graph, Node, content_edges, edges_of
from muniment.core.digests import Digest
from muniment.core.names import ModelName
from muniment.core.records import VersionRecord
from muniment.core.verbs.catalog import GetLineage
from muniment.ports.unit import Unit
from muniment.services.people.reading import Reading

MAX_NODES: Final = 10_000
# The files of a larger dataset are inputs by the digest of the whole only.
MAX_FILES: Final = 1_000


def note_claim(unit: Unit, version: VersionRecord, statement: Statement) -> None:
    """Note what a claim says that a version was made from."""
    namespace = ModelName.parse(version.name).namespace
    unit.lineage.put(namespace, edges_of(Digest.parse(version.revision), statement))


def forget_claim(unit: Unit, version: VersionRecord, statement: Statement) -> None:
    """Forget what a claim says that a version was made from, though another may say the same."""
    namespace = ModelName.parse(version.name).namespace
    unit.lineage.remove(namespace, edges_of(Digest.parse(version.revision), statement))


def note_dataset(unit: Unit, name: ModelName, digest: Digest, revision: Revision) -> None:
    """Note the files of a published dataset: a training may have named one by its own digest."""
    if len(revision.files) <= MAX_FILES:
        unit.lineage.put(name.namespace, content_edges(digest, revision))


def get_lineage(reading: Reading, query: GetLineage) -> Graph:
    """Give the graph around a node, as far as the caller may see it."""
    return trace(reading.unit, query, reading.sight.namespaces())


def trace(unit: Unit, query: GetLineage, namespaces: frozenset[str] | None) -> Graph:
    """Give the graph around a node, as far as claims in some namespaces tell of it; None for all."""
    limit = max(1, min(query.limit, MAX_NODES))
    walked = unit.lineage.walk(query.node, query.direction, namespaces, limit + 1)
    nodes = set(walked[:limit])
    edges = [
        edge
        for edge in unit.lineage.list_edges(nodes, query.direction, namespaces)
        if {edge.child, edge.parent} <= nodes
    ]
    depths = _measure(query.node, query.direction, edges, query.depth)
    versions: dict[str, list[str]] = {}
    aliases: dict[str, list[str]] = {}
    targets: dict[str, set[str]] = {}
    for version, held, serves in unit.lineage.find_versions(set(depths), namespaces):
        digest = Digest.parse(version.revision).hex
        versions.setdefault(digest, []).append(f"{version.name}@{version.number}")
        aliases.setdefault(digest, []).extend(f"{version.name}@{alias}" for alias in held)
        targets.setdefault(digest, set()).update(serves)
    return Graph(
        root=query.node,
        nodes=tuple(
            Node(
                digest=node,
                depth=depth,
                versions=tuple(versions.get(node, ())),
                aliases=tuple(aliases.get(node, ())),
                targets=tuple(sorted(targets.get(node, ()))),
            )
            for node, depth in depths.items()
        ),
        edges=tuple(edge for edge in edges if edge.child in depths and edge.parent in depths),
        whole=len(walked) <= limit,
    )


def _measure(root: str, direction: Direction, edges: list[Edge], most: int) -> dict[str, int]:
    """Count the steps to each node, the nearest first; those farther than `most` are left out."""
    following: dict[str, list[str]] = {}
    for edge in edges:
        here, there = (edge.child, edge.parent) if direction is Direction.UP else (edge.parent, edge.child)
        following.setdefault(here, []).append(there)
    depths, level, depth = {root: 0}, [root], 0
    while level and depth < most:
        depth += 1
        level = list(
            dict.fromkeys(there for here in level for there in following.get(here, ()) if there not in depths)
        )
        depths |= dict.fromkeys(level, depth)
    return depths
