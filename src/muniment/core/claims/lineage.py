"""Lineage: what was made from what, as edges between digests.

A node is the digest of a manifest, an input file or a commit. An edge leads from a product to an input.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from muniment.core.bytes.revisions import Revision
from muniment.core.claims.attestations import PROVENANCE, Attestation, Statement
from muniment.core.claims.provenance import Provenance
from muniment.core.counting import count
from muniment.core.digests import Digest

MAX_DEPTH: Final = 1_000_000
_MAX_NAME: Final = 200
_NODE: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Direction(StrEnum):
    """The direction of a search: up to the inputs of a node, or down to its products."""

    UP = "up"
    DOWN = "down"


class Relation(StrEnum):
    """The relation between two nodes."""

    DATASET = "dataset"
    MODEL = "model"
    CODE = "code"
    # A dataset and one of its files, which a training may have named by its own digest.
    CONTENT = "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`child` was made from `parent`, which the claim calls `name`."""

    child: str
    parent: str
    relation: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of the graph.

    Attributes:
        digest: 64 hex digits of a sha256, or a git commit.
        depth: its distance from the root, in edges.
        versions: references of the versions with this manifest that the caller may read.
        aliases: the `name@alias` that now point at one of those versions.
        targets: the targets where one of those versions now serves.
    """

    digest: str
    depth: int
    versions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes, the nearest first, and the edges between them; `whole` is false if a limit cut the graph off."""

    root: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    whole: bool = True

    def __repr__(self) -> str:
        """Name the root, and count the nodes and edges."""
        size = f"{count(len(self.nodes), 'node')}, {count(len(self.edges), 'edge')}"
        return f"<Graph of {self.root}, {size}{'' if self.whole else ', cut off'}>"

    def name_nodes(self) -> dict[str, str]:
        """Name each node by its versions, or by what others call it and the beginning of its digest."""
        called: dict[str, set[str]] = {}
        for edge in self.edges:
            named = (edge.parent, edge.child) if edge.relation == Relation.CONTENT else (edge.parent,)
            for digest in named if edge.name else ():
                called.setdefault(digest, set()).add(edge.name)
        return {
            node.digest: ", ".join(node.versions)
            or f"{', '.join(sorted(called.get(node.digest, ()))) or 'unknown'} ({node.digest[:12]})"
            for node in self.nodes
        }


def edges_of(revision: Digest, claim: Statement | Attestation) -> list[Edge]:
    """Return the edges that a claim about a revision adds."""
    if claim.predicate_type != PROVENANCE:
        return []
    return [
        Edge(
            child=revision.hex,
            parent=source.digest,
            relation=source.kind,
            name=(source.name or source.uri)[:_MAX_NAME],
        )
        for source in Provenance(claim.predicate).inputs
        if _NODE.fullmatch(source.digest) and source.digest != revision.hex
    ]


def content_edges(revision: Digest, files: Revision) -> list[Edge]:
    """Return the edges from the files of a dataset to the dataset: a training may name either."""
    return [
        Edge(child=file.digest.hex, parent=revision.hex, relation=Relation.CONTENT, name=file.path)
        for file in files.files
    ]
