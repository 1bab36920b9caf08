"""Prove a lineage, which is an index of the registry: each node and edge that it shows, and nothing more."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from muniment.client.proofs.checking import check_claim, find_withdrawn, read_revision, resolve
from muniment.client.proofs.paging import read_all
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.claims.attestations import PROVENANCE
from muniment.core.claims.lineage import Direction, Edge, Graph, Node, content_edges, edges_of
from muniment.core.digests import Digest
from muniment.core.errors import InvalidRequest, KeyRevoked, NotFound, ProofInvalid
from muniment.core.names import ModelName, Reference
from muniment.core.records import VersionRecord
from muniment.core.verbs.catalog import GetLineage
from muniment.core.verbs.claims import ListDeployments
from muniment.core.verbs.versions import DescribeVersion


class _Shown(NamedTuple):
    """A node with what is proven of it, and the edges that its versions tell of."""

    node: Node
    edges: frozenset[Edge]


def prove_graph(backend: TrustedBackend, graph: Graph, query: GetLineage) -> Graph:
    """Return a graph as it is proven.

    (0) it is about what was asked, and each node is reached from there by its edges, in as many steps
    (1) each version of a node has the digest of the node; its aliases and targets are the present ones, or
    those at the time that was asked for
    (2) each edge is said by a claim about its child, signed by its signer, that stands; or its parent is a
    version that has the file

    Raises:
        ProofInvalid: a part does not follow from what is proven.
    """
    if graph.root != query.node or _measure(graph, query.direction) != {
        node.digest: node.depth for node in graph.nodes
    }:
        raise _unproven(query.node)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        shown = list(pool.map(partial(_prove_node, backend, query.at), graph.nodes))
    said = frozenset[Edge]().union(*(one.edges for one in shown))
    for edge in graph.edges:
        if edge not in said:
            raise _unproven(edge.child)
    return replace(graph, nodes=tuple(one.node for one in shown))


def _measure(graph: Graph, direction: Direction) -> dict[str, int]:
    """Count the steps from the root to each node that the edges lead to."""
    following: dict[str, set[str]] = {}
    for edge in graph.edges:
        here, there = (edge.child, edge.parent) if direction is Direction.UP else (edge.parent, edge.child)
        following.setdefault(here, set()).add(there)
    depths, level = {graph.root: 0}, {graph.root}
    while level:
        depth = depths[next(iter(level))] + 1
        level = {there for here in level for there in following.get(here, ())} - depths.keys()
        depths |= dict.fromkeys(level, depth)
    return depths


def _prove_node(backend: TrustedBackend, at: str | None, node: Node) -> _Shown:
    try:
        versions = [resolve(backend, Reference.parse(text), at) for text in node.versions]
    except (NotFound, InvalidRequest) as error:
        raise _unproven(node.digest) from error
    names = tuple(f"{version.name}@{version.number}" for version in versions)
    if names != node.versions or any(one.revision != f"sha256:{node.digest}" for one in versions):
        raise _unproven(node.digest)
    aliases: list[str] = []
    targets: set[str] = set()
    edges: set[Edge] = set()
    for version in versions:
        detail = backend.ask(DescribeVersion(reference=_exact(version), at=at))
        aliases += [f"{version.name}@{alias}" for alias in detail.aliases]
        targets |= _find_targets(backend, version, at)
        edges |= {*_list_edges(backend, version, at)}
    shown = replace(node, aliases=tuple(aliases), targets=tuple(sorted(targets)))
    return _Shown(shown, frozenset(edges))


def _find_targets(backend: TrustedBackend, version: VersionRecord, at: str | None) -> set[str]:
    name = ModelName.parse(version.name)
    serving = read_all(backend, ListDeployments(namespace=name.namespace, name=name, at=at))
    return {record.target for record in serving if record.number == version.number}


def _list_edges(backend: TrustedBackend, version: VersionRecord, at: str | None) -> Iterator[Edge]:
    """List the edges that a version tells of: to its files, and to what it was made from."""
    revision, digest = read_revision(backend, version), Digest.parse(version.revision)
    yield from content_edges(digest, revision)
    records = backend.ask(DescribeVersion(reference=_exact(version), at=at)).attestations
    withdrawn = find_withdrawn(backend, records, version, revision)
    for record in records:
        if record.predicate_type == PROVENANCE and record.index not in withdrawn:
            # What a revoked key has signed tells nothing.
            with suppress(KeyRevoked):
                claim = check_claim(backend, record, version, revision, again=False)
                yield from edges_of(digest, claim)


def _exact(version: VersionRecord) -> Reference:
    return Reference(ModelName.parse(version.name), version.number)


def _unproven(digest: str) -> ProofInvalid:
    return ProofInvalid(what=f"the lineage of {digest:.12}")
