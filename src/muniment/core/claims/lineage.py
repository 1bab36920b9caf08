"""Lineage: what was made from what, as edges between digests.

A node is a digest: of a version's manifest, of a file that was an input, of a commit. An edge leads from what
was made to what it was made from.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from muniment.core.bytes.revisions import Revision
from muniment.core.claims.attestations import PROVENANCE, Statement
from muniment.core.claims.provenance import Provenance
from muniment.core.digests import Digest

MAX_DEPTH: Final = 1_000_000
_MAX_NAME: Final = 200
_NODE: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Direction(StrEnum):
    """Which way to look: at what a node was made from, or at what was made from it."""

    UP = "up"
    DOWN = "down"


class Relation(StrEnum):
    """What joins two nodes."""

    DATASET = "dataset"
    MODEL = "model"
    CODE = "code"
    # A dataset, and a file of it that a training may have named by its own digest.
    CONTENT = "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`child` was made from `parent`, which its maker called `name`."""

    child: str
    parent: str
    relation: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of the graph: the versions that it is (none, if this registry does not know it), how far it is.

    Attributes:
        digest: 64 hex digits of a sha256, or a git commit.
        depth: steps from where one began.
        versions: references of the versions whose manifest it is, that the caller may see.
        aliases: `name@alias` that point at one of them now.
        targets: where one of them serves now.
    """

    digest: str
    depth: int
    versions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What was found: nodes, the nearest first, and the edges between them; `whole` unless it was cut off."""

    root: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    whole: bool = True


def edges_of(revision: Digest, statement: Statement) -> list[Edge]:
    """Give the edges that a claim about a revision adds."""
    if statement.predicate_type != PROVENANCE:
        return []
    return [
        Edge(
            child=revision.hex,
            parent=found.digest,
            relation=found.kind,
            name=(found.name or found.uri)[:_MAX_NAME],
        )
        for found in Provenance(statement.predicate).inputs
        if _NODE.fullmatch(found.digest) and found.digest != revision.hex
    ]


def content_edges(revision: Digest, files: Revision) -> list[Edge]:
    """Give the edges from the files of a dataset to the dataset: a training may name either."""
    return [
        Edge(child=file.digest.hex, parent=revision.hex, relation=Relation.CONTENT, name=file.path)
        for file in files.files
    ]
