"""Lineage: what something was made from, or what was made from it, as a tree."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from muniment.core.claims.lineage import Direction, Edge, Graph, Node, Relation
from muniment.views.listing import view_list
from muniment.views.values import Branch, Id
from muniment.views.view import Column, Fact, Mark, Row, View, Vouched


class _Step(NamedTuple):
    """A node in the tree, the edges that lead there, and whether it stands above already."""

    node: Node
    depth: int
    edges: tuple[Edge, ...]
    again: bool


def view_lineage(graph: Graph, direction: Direction, now: str) -> View:
    """Show a lineage: each node below the one that it leads from, and what follows it once only."""
    nodes = {node.digest: node for node in graph.nodes}
    root = nodes[graph.root]
    names, above = (
        graph.name_nodes(),
        "was made from it" if direction is Direction.DOWN else "it was made from",
    )
    name = names[graph.root]
    parents: dict[str, set[str]] = {}
    for edge in graph.edges:
        parents.setdefault(edge.child, set()).add(edge.parent)
    columns = (
        Column("what", "what"),
        Column("relation", "as"),
        Column("aliases", "aliases"),
        Column("targets", "serves at"),
        Column("digest", "digest", in_full=True),
        Column("names", "called", in_full=True),
        Column("depth", "steps", is_drawn=False),
        Column("versions", "versions", is_drawn=False),
        Column("parents", "made from", is_drawn=False),
    )
    verify = [f"muniment verify {one} --provenance" for one in root.versions if direction is Direction.UP]
    return view_list(
        "lineage",
        f"What was made from {name}" if direction is Direction.DOWN else f"What {name} was made from",
        columns,
        [
            _view_step(step, names[step.node.digest], parents.get(step.node.digest, set()))
            for step in _walk(graph, nodes, direction)
        ],
        now,
        heading="Lineage",
        lead="" if graph.edges else f"nothing is found that {above}",
        note="" if graph.whole else "cut off: the rest is farther away, and --limit shows it",
        facts=(
            Fact(key="root", label="root", value=graph.root),
            Fact(key="direction", label="direction", value=str(direction)),
        ),
        found=True,
        whole=graph.whole,
        empty=f"nothing is found that {above}",
        commands=verify,
    )


def _walk(graph: Graph, nodes: dict[str, Node], direction: Direction) -> Iterator[_Step]:
    """List the steps from the root, depth first; a node that was there before leads nowhere again."""
    following: dict[str, dict[str, list[Edge]]] = {}
    for edge in graph.edges:
        here, there = (edge.child, edge.parent) if direction is Direction.UP else (edge.parent, edge.child)
        following.setdefault(here, {}).setdefault(there, []).append(edge)
    shown: set[str] = set()
    waiting = [_Step(nodes[graph.root], 0, (), again=False)]
    while waiting:
        step = waiting.pop()
        digest = step.node.digest
        yield step._replace(again=digest in shown and digest in following)
        if digest not in shown:
            shown.add(digest)
            waiting += [
                _Step(nodes[there], step.depth + 1, tuple(edges), again=False)
                for there, edges in reversed(following.get(digest, {}).items())
            ]


def _view_step(step: _Step, name: str, parents: Iterable[str]) -> Row:
    node = step.node
    return Row(
        cells=(
            Branch(step.depth, f"{name} (see above)" if step.again else name),
            tuple(sorted({edge.relation for edge in step.edges})) or None,
            node.aliases or None,
            node.targets or None,
            Id(node.digest),
            tuple(sorted({edge.name for edge in step.edges if edge.name})) or None,
            step.depth,
            node.versions,
            tuple(sorted(parents)),
        ),
        vouched=Vouched(_mark(step.edges)),
    )


def _mark(edges: tuple[Edge, ...]) -> Mark:
    """Say who vouches for a step: that a file is in a dataset was seen, and the rest is what claims say."""
    if not edges:
        return Mark.FOUND
    is_content = all(edge.relation == Relation.CONTENT for edge in edges)
    return Mark.CHECKED if is_content else Mark.STATED
