"""Write lineage for other tools: for Graphviz, or as OpenLineage events."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import uuid_utils

from muniment.capture.clock import now
from muniment.core.canonical import JsonObject
from muniment.core.claims.lineage import Graph, Node
from muniment.core.times import write_time

FORMS: Final = ("dot", "openlineage")


def write_graph(graph: Graph, form: str) -> str:
    """Write a graph for Graphviz (`dot`), or as OpenLineage events, one a line (`openlineage`)."""
    return _WRITERS[form](graph)


def _write_dot(graph: Graph) -> str:
    labels = _label_nodes(graph)
    lines = ["digraph lineage {", "  rankdir=LR;", '  label="found: there may be more";']
    lines += [f'  "{node.digest[:16]}" [label={json.dumps(labels[node.digest])}];' for node in graph.nodes]
    lines += [
        f'  "{edge.parent[:16]}" -> "{edge.child[:16]}" [label={json.dumps(edge.relation)}];'
        for edge in graph.edges
    ]
    return "\n".join([*lines, "}"])


def _write_openlineage(graph: Graph) -> str:
    """Write a complete run event for each node that was made from others (openlineage.io, spec 2-0-2)."""
    made: dict[str, list[str]] = {}
    for edge in graph.edges:
        made.setdefault(edge.child, []).append(edge.parent)
    return "\n".join(json.dumps(event) for event in _events(_label_nodes(graph), made))


def _events(labels: Mapping[str, str], made: Mapping[str, list[str]]) -> Iterator[JsonObject]:
    for child, parents in made.items():
        yield {
            "eventTime": write_time(now()),
            "eventType": "COMPLETE",
            "producer": "https://muniment.dev",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": str(uuid_utils.uuid7())},
            "job": {"namespace": "muniment", "name": f"make {labels[child]}"},
            "inputs": [_write_dataset(labels[parent]) for parent in dict.fromkeys(parents)],
            "outputs": [_write_dataset(labels[child])],
        }


def _write_dataset(label: str) -> JsonObject:
    return {"namespace": "muniment", "name": label}


def _label_nodes(graph: Graph) -> dict[str, str]:
    """Label each node with its name, and the aliases and targets of its versions."""
    names = graph.name_nodes()
    return {node.digest: ", ".join([names[node.digest], *_list_places(node)]) for node in graph.nodes}


def _list_places(node: Node) -> list[str]:
    aliases = [f"({alias})" for alias in node.aliases]
    return [*aliases, *(f"serves at {target}" for target in node.targets)]


_WRITERS: Final[Mapping[str, Callable[[Graph], str]]] = {
    "dot": _write_dot,
    "openlineage": _write_openlineage,
}
