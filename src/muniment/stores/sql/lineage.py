"""The lineage in SQL: a table of edges, and a recursive query over it.

The query keeps the nodes that it has met, and nothing of how it got there: a cycle ends, and a node that
many paths lead to is walked once. Rows come level by level, so a limit cuts off what is farthest.
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
from muniment.stores.sql.tables import attributes, lineage, versions

T = TypeVar("T")

# What a statement names at once: SQLite takes 32,766 values, PostgreSQL 65,535.
_AT_ONCE: Final = 1_000
_SHA256: Final = "sha256:"
# An edge that is known already is passed over.
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
        """Stand on a connection."""
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
        """List what is reached, the nearest first."""
        near, far = _sides(direction)
        around = select(far.label("node")).where(_within(namespaces))
        first: ColumnElement[str] = cast(bindparam("root", root), Text)
        if self._looks_up:
            # The collation of the column has to be that of the first row, too.
            reached = select(first.collate("C").label("node")).cte("reached", recursive=True)
            found = around.where(near == reached.c.node).offset(0).lateral()
            reached = reached.union(select(found.c.node).select_from(reached.join(found, true())))
        else:
            reached = select(first.label("node")).cte("reached", recursive=True)
            reached = reached.union(around.join(reached, near == reached.c.node))
        rows = self._connection.execute(select(reached.c.node).limit(limit))
        return [str(node) for (node,) in rows]

    def list_edges(
        self, nodes: Collection[str], direction: Direction, namespaces: Collection[str] | None
    ) -> list[Edge]:
        """List the edges that lead from some nodes."""
        near, _ = _sides(direction)
        wanted = select(lineage.c.child, lineage.c.parent, lineage.c.relation, lineage.c.name).where(
            _within(namespaces)
        )
        found: set[tuple[str, str, str, str]] = set()
        for some in _split(sorted(nodes)):
            query = wanted.where(near.in_(some))
            if self._looks_up:
                array = cast(list(some), ARRAY(Text))
                named = func.unnest(array).table_valued("node").render_derived()
                each = wanted.where(near == named.c.node.collate("C")).offset(0).lateral()
                query = select(*each.c).select_from(named.join(each, true()))
            found |= {(row[0], row[1], row[2], row[3]) for row in self._connection.execute(query)}
        return [
            Edge(child=child, parent=parent, relation=relation, name=name)
            for child, parent, relation, name in sorted(found)
        ]

    def find_versions(self, nodes: Collection[str], namespaces: Collection[str] | None) -> list[Owned]:
        """Find the versions whose manifests some nodes are, with what points at them now."""
        found = [
            VersionRecord(**row)
            for some in _split(sorted(nodes))
            for row in self._connection.execute(
                select(versions).where(self._among(versions.c.revision, [_SHA256 + node for node in some]))
            ).mappings()
            if namespaces is None or row["name"].partition("/")[0] in namespaces
        ]
        pointers: dict[tuple[int, str], list[str]] = {}
        for some in _split([version.index for version in found]):
            for kind in (ALIAS, TARGET):
                query = select(attributes.c.version, attributes.c.text).where(
                    self._among(attributes.c.version, some),
                    attributes.c.key >= f"{kind}.",
                    attributes.c.key < f"{kind}/",
                )
                for version, text in self._connection.execute(query):
                    pointers.setdefault((int(version), kind), []).append(str(text))
        found.sort(key=lambda version: version.index)
        return [
            Owned(
                version,
                tuple(sorted(pointers.get((version.index, ALIAS), []))),
                tuple(sorted(pointers.get((version.index, TARGET), []))),
            )
            for version in found
        ]

    def clear(self) -> None:
        """Forget all."""
        self._connection.execute(delete(lineage))

    @property
    def _looks_up(self) -> bool:
        """Say whether to look nodes up one by one: PostgreSQL overrates their number, and reads the table."""
        return self._connection.dialect.name == "postgresql"

    def _among(self, column: Column[Any], values: Sequence[object]) -> ColumnElement[bool]:
        """Say that a column has one of many values: as one array, where there are any."""
        if self._looks_up:
            return column == any_(cast(list(values), ARRAY(column.type)))
        return column.in_(values)


def _sides(direction: Direction) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """Give the end of an edge that one comes from, and the end that it leads to."""
    up = direction is Direction.UP
    return (lineage.c.child, lineage.c.parent) if up else (lineage.c.parent, lineage.c.child)


def _within(namespaces: Collection[str] | None) -> ColumnElement[bool]:
    if namespaces is None:
        return literal(1) == literal(1)
    return lineage.c.namespace.in_(sorted(namespaces))


def _split(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
