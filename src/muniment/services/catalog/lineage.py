"""Lineage: what was made from what, read off claims as they come."""

from dataclasses import replace
from typing import Final

from muniment.answers.claims import read_claims, read_revision
from muniment.answers.deployments import list_deployments
from muniment.answers.pages import MAX_PAGE, past_of
from muniment.answers.versions import describe_version
from muniment.answers.view import State
from muniment.core.bytes.revisions import Revision
from muniment.core.claims.attestations import Statement
from muniment.core.claims.lineage import Direction, Edge, Graph, Node, content_edges, edges_of
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError, VersionNotFound
from muniment.core.names import ModelName, Reference
from muniment.core.records import VersionRecord
from muniment.core.verbs.catalog import GetLineage
from muniment.core.verbs.claims import ListDeployments
from muniment.core.verbs.versions import DescribeVersion
from muniment.ports.unit import Unit
from muniment.services.past import PastView
from muniment.services.people.reading import Reading

MAX_NODES: Final = 10_000
# The files of a larger dataset are inputs by the digest of the whole only.
MAX_FILES: Final = 1_000
# To look back, the entries about each node are read.
MAX_PAST_NODES: Final = 500


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
    """Give the graph around a node, as far as the caller may see it, now or at a time.

    The index knows what is said now. So what has been withdrawn since is not found at a time either.
    """
    graph, past = trace(reading.unit, query, reading.sight.namespaces()), past_of(query)
    if past is None:
        return graph
    then = State(view=PastView(reading.unit, past), registry=reading.registry, time=reading.time)
    return _look_back(then, graph, query)


def _look_back(then: State, graph: Graph, query: GetLineage) -> Graph:
    """Leave out of a graph what was not said yet; each node is as it was."""
    nodes, said = dict[str, Node](), set[Edge]()
    for node in graph.nodes[:MAX_PAST_NODES]:
        nodes[node.digest], told = _describe(then, node)
        said |= told
    edges = [edge for edge in graph.edges if edge in said and {edge.child, edge.parent} <= nodes.keys()]
    depths = _measure(query.node, query.direction, edges, query.depth)
    return Graph(
        root=graph.root,
        nodes=tuple(replace(nodes[digest], depth=depth) for digest, depth in depths.items()),
        edges=tuple(edge for edge in edges if edge.child in depths and edge.parent in depths),
        whole=graph.whole and len(graph.nodes) <= MAX_PAST_NODES,
    )


def _describe(then: State, node: Node) -> tuple[Node, set[Edge]]:
    """Describe a node as it was, and list the edges that its versions told of."""
    versions: list[str] = []
    aliases: list[str] = []
    targets: set[str] = set()
    edges: set[Edge] = set()
    for text in node.versions:
        reference = Reference.parse(text)
        try:
            detail = describe_version(then, DescribeVersion(reference=reference))
        except VersionNotFound:
            continue
        versions.append(text)
        aliases += [f"{reference.name}@{alias}" for alias in detail.aliases]
        serving = ListDeployments(namespace=reference.name.namespace, name=reference.name, limit=MAX_PAGE)
        deployed = list_deployments(then, serving)
        targets |= {one.target for one in deployed if one.number == detail.record.number}
        edges |= _list_said(then, detail.record)
    return replace(
        node, versions=tuple(versions), aliases=tuple(aliases), targets=tuple(sorted(targets))
    ), edges


def _list_said(then: State, version: VersionRecord) -> set[Edge]:
    digest = Digest.parse(version.revision)
    try:
        revision = read_revision(then.view, digest)
        claims = read_claims(then.view, version, revision)
    except MunimentError:
        # What cannot be relied on tells nothing.
        return set()
    return {*content_edges(digest, revision), *(edge for claim in claims for edge in edges_of(digest, claim))}


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
