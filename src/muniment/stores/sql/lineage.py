"""The lineage in SQL: a table of edges, and a recursive query over it.

The query keeps only the set of visited nodes, not the paths. So a cycle ends, and a node on many paths is
visited once. Rows come level by level, so a limit cuts off the farthest nodes.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Text,
    any_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    true,
)

from muniment.core.catalog.search import ALIAS, TARGET
from muniment.core.claims.lineage import Direction, Edge
from muniment.core.records import VersionRecord
from muniment.ports.lineage import Owned
from muniment.stores.sql.statements import Statements
from muniment.stores.sql.tables.catalog import attributes, lineage
from muniment.stores.sql.tables.versions import versions

T = TypeVar("T")

# The values of one statement: SQLite allows 32,766, PostgreSQL 65,535.
_AT_ONCE: Final = 1_000
_SHA256: Final = "sha256:"
# Skips an edge that exists.
_ADD: Final = insert(lineage).from_select(
    lineage.c.keys(),
    select(*(bindparam(column.name, type_=column.type) for column in lineage.c)).where(
        ~exists().where(
            *(column == bindparam(column.name, type_=column.type) for column in lineage.primary_key)
        )
    ),
)
_REMOVE: Final = delete(lineage).where(
    *(column == bindparam(f"of_{column.name}", type_=column.type) for column in lineage.primary_key)
)


class SqlLineage:
    """A Lineage on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements

    def put(self, namespace: str, edges: Sequence[Edge]) -> None:
        """Add edges."""
        rows = [
            {
                "child": edge.child,
                "parent": edge.parent,
                "namespace": namespace,
                "relation": edge.relation,
                "name": edge.name,
            }
            for edge in edges
        ]
        if rows:
            self._statements.run_many(self._connection, "lineage add", lambda: _ADD, rows)

    def remove(self, namespace: str, edges: Sequence[Edge]) -> None:
        """Take edges away."""
        rows = [
            {
                "of_child": edge.child,
                "of_parent": edge.parent,
                "of_namespace": namespace,
                "of_relation": edge.relation,
            }
            for edge in edges
        ]
        if rows:
            self._statements.run_many(self._connection, "lineage remove", lambda: _REMOVE, rows)

    def walk(
        self, root: str, direction: Direction, namespaces: Collection[str] | None, limit: int
    ) -> list[str]:
        """List the reachable nodes, the nearest first."""
        near, far = _sides(direction)
        around = select(far.label("node")).where(_within(namespaces))
        first: ColumnElement[str] = cast(bindparam("root", root), Text)
        if self._looks_up:
            # The first row must have the collation of the column.
            reached = select(first.collate("C").label("node")).cte("reached", recursive=True)
            next_nodes = around.where(near == reached.c.node).offset(0).lateral()
            reached = reached.union(select(next_nodes.c.node).select_from(reached.join(next_nodes, true())))
        else:
            reached = select(first.label("node")).cte("reached", recursive=True)
            reached = reached.union(around.join(reached, near == reached.c.node))
        rows = self._connection.execute(select(reached.c.node).limit(limit))
        return [str(node) for (node,) in rows]

    def list_edges(
        self, nodes: Collection[str], direction: Direction, namespaces: Collection[str] | None
    ) -> list[Edge]:
        """List the edges from some nodes."""
        near, _ = _sides(direction)
        wanted = select(lineage.c.child, lineage.c.parent, lineage.c.relation, lineage.c.name).where(
            _within(namespaces)
        )
        rows: set[tuple[str, str, str, str]] = set()
        for some in _split(sorted(nodes)):
            query = wanted.where(near.in_(some))
            if self._looks_up:
                array = cast(list(some), ARRAY(Text))
                named = func.unnest(array).table_valued("node").render_derived()
                each = wanted.where(near == named.c.node.collate("C")).offset(0).lateral()
                query = select(*each.c).select_from(named.join(each, true()))
            rows |= {(row[0], row[1], row[2], row[3]) for row in self._connection.execute(query)}
        return [
            Edge(child=child, parent=parent, relation=relation, name=name)
            for child, parent, relation, name in sorted(rows)
        ]

    def find_versions(self, nodes: Collection[str], namespaces: Collection[str] | None) -> list[Owned]:
        """Find the versions whose manifests are among some nodes, with their present pointers."""
        matches = [
            VersionRecord(**row)
            for some in _split(sorted(nodes))
            for row in self._connection.execute(
                select(versions).where(self._among(versions.c.revision, [_SHA256 + node for node in some]))
            ).mappings()
            if namespaces is None or row["name"].partition("/")[0] in namespaces
        ]
        pointers: dict[tuple[int, str], list[str]] = {}
        for some in _split([version.index for version in matches]):
            for kind in (ALIAS, TARGET):
                query = select(attributes.c.version, attributes.c.text).where(
                    self._among(attributes.c.version, some),
                    attributes.c.key >= f"{kind}.",
                    attributes.c.key < f"{kind}/",
                )
                for version, text in self._connection.execute(query):
                    pointers.setdefault((int(version), kind), []).append(str(text))
        matches.sort(key=lambda version: version.index)
        return [
            Owned(
                version,
                tuple(sorted(pointers.get((version.index, ALIAS), []))),
                tuple(sorted(pointers.get((version.index, TARGET), []))),
            )
            for version in matches
        ]

    def clear(self) -> None:
        """Delete all edges."""
        self._connection.execute(delete(lineage))

    @property
    def _looks_up(self) -> bool:
        """Whether to look up nodes one by one: PostgreSQL overestimates their number and scans the table."""
        return self._connection.dialect.name == "postgresql"

    def _among(self, column: Column[Any], values: Sequence[object]) -> ColumnElement[bool]:
        """Build the condition that a column has one of many values; PostgreSQL takes them as one array."""
        if self._looks_up:
            return column == any_(cast(list(values), ARRAY(column.type)))
        return column.in_(values)


def _sides(direction: Direction) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """Return the near end and the far end of an edge in a direction."""
    up = direction is Direction.UP
    return (lineage.c.child, lineage.c.parent) if up else (lineage.c.parent, lineage.c.child)


def _within(namespaces: Collection[str] | None) -> ColumnElement[bool]:
    if namespaces is None:
        return literal(1) == literal(1)
    return lineage.c.namespace.in_(sorted(namespaces))


def _split(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
