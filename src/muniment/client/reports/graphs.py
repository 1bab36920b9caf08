"""Write lineage as an indented tree, for Graphviz, as JSON, or as OpenLineage events."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import uuid_utils

from muniment.capture.clock import now
from muniment.core.canonical import JsonObject
from muniment.core.claims.lineage import Direction, Graph, Node, Relation
from muniment.core.times import write_time

FORMS: Final = ("tree", "dot", "json", "openlineage")


def draw(graph: Graph, form: str, direction: Direction) -> str:
    """Write a graph: as an indented tree, for Graphviz, as JSON, or as OpenLineage events."""
    return _WRITERS[form](graph, direction)


def label_of(graph: Graph, node: Node) -> str:
    """Label a node with its versions, aliases and targets, or with the names that others give it."""
    if node.versions:
        aliases = [f"({alias})" for alias in node.aliases]
        return ", ".join([*node.versions, *aliases, *(f"serves at {target}" for target in node.targets)])
    names = {edge.name for edge in graph.edges if node.digest == edge.parent and edge.name}
    names |= {
        edge.name for edge in graph.edges if node.digest == edge.child and edge.relation == Relation.CONTENT
    }
    return f"{', '.join(sorted(names)) or 'unknown'} ({node.digest[:12]})"


def _write_tree(graph: Graph, direction: Direction) -> str:
    nodes = {node.digest: node for node in graph.nodes}
    following = _following(graph, direction)
    lines: list[str] = []
    shown: set[str] = set()
    waiting = [(graph.root, 0)]
    while waiting:
        digest, depth = waiting.pop()
        again = digest in shown and bool(following.get(digest))
        lines.append("  " * depth + label_of(graph, nodes[digest]) + (" (see above)" if again else ""))
        if digest not in shown:
            shown.add(digest)
            waiting += [(there, depth + 1) for there in reversed(following.get(digest, []))]
    if not graph.whole:
        lines.append("(cut off: the rest is farther away)")
    return "\n".join(lines)


def _write_dot(graph: Graph, direction: Direction) -> str:
    del direction
    lines = ["digraph lineage {", "  rankdir=LR;", '  label="found: there may be more";']
    lines += [f'  "{node.digest[:16]}" [label={json.dumps(label_of(graph, node))}];' for node in graph.nodes]
    lines += [
        f'  "{edge.parent[:16]}" -> "{edge.child[:16]}" [label={json.dumps(edge.relation)}];'
        for edge in graph.edges
    ]
    return "\n".join([*lines, "}"])


def _write_json(graph: Graph, direction: Direction) -> str:
    return json.dumps(describe(graph, direction), ensure_ascii=False)


def describe(graph: Graph, direction: Direction) -> JsonObject:
    """Describe a graph as a JSON document."""
    return {
        "found": True,
        "root": graph.root,
        "direction": str(direction),
        "whole": graph.whole,
        "nodes": [
            {
                "digest": node.digest,
                "depth": node.depth,
                "label": label_of(graph, node),
                "versions": list(node.versions),
                "aliases": list(node.aliases),
                "targets": list(node.targets),
            }
            for node in graph.nodes
        ],
        "edges": [
            {"child": edge.child, "parent": edge.parent, "relation": edge.relation, "name": edge.name}
            for edge in graph.edges
        ],
    }


def _write_openlineage(graph: Graph, direction: Direction) -> str:
    """Write a complete run event for each node that was made from others (openlineage.io, spec 2-0-2)."""
    del direction
    nodes = {node.digest: node for node in graph.nodes}
    made: dict[str, list[str]] = {}
    for edge in graph.edges:
        made.setdefault(edge.child, []).append(edge.parent)
    return "\n".join(json.dumps(event) for event in _events(graph, nodes, made))


def _events(graph: Graph, nodes: Mapping[str, Node], made: Mapping[str, list[str]]) -> Iterator[JsonObject]:
    for child, parents in made.items():
        label = label_of(graph, nodes[child])
        yield {
            "eventTime": write_time(now()),
            "eventType": "COMPLETE",
            "producer": "https://muniment.dev",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": str(uuid_utils.uuid7())},
            "job": {"namespace": "muniment", "name": f"make {label}"},
            "inputs": [_dataset(graph, nodes[parent]) for parent in dict.fromkeys(parents)],
            "outputs": [_dataset(graph, nodes[child])],
        }


def _dataset(graph: Graph, node: Node) -> JsonObject:
    return {"namespace": "muniment", "name": label_of(graph, node)}


def _following(graph: Graph, direction: Direction) -> dict[str, list[str]]:
    neighbours: dict[str, list[str]] = {}
    for edge in graph.edges:
        here, there = (edge.child, edge.parent) if direction is Direction.UP else (edge.parent, edge.child)
        if there not in neighbours.setdefault(here, []):
            neighbours[here].append(there)
    return neighbours


_WRITERS: Final[Mapping[str, Callable[[Graph, Direction], str]]] = {
    "tree": _write_tree,
    "dot": _write_dot,
    "json": _write_json,
    "openlineage": _write_openlineage,
}
