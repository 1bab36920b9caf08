"""The event log in SQL: a table of leaves and a table of tree nodes, both append-only."""

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, or_, select
from sqlalchemy.sql.base import Executable

from muniment.core.errors import LogInconsistent
from muniment.log.tree import Frontier, Node, cover, hash_leaf
from muniment.stores.sql.statements import Rows, Statements, batches
from muniment.stores.sql.tables.log import events, nodes

_SIZE = select(func.coalesce(func.max(events.c.index), -1) + 1)
_LAST_TIME = select(events.c.time).order_by(events.c.index.desc()).limit(1)
_READ = (
    select(events.c.leaf)
    .where(events.c.index >= bindparam("start"), events.c.index < bindparam("end"))
    .order_by(events.c.index)
)
_COUNT_UNTIL = (
    select(events.c.index)
    .where(events.c.time <= bindparam("until"))
    .order_by(events.c.time.desc(), events.c.index.desc())
    .limit(1)
)
_APPEND = insert(events)
_ADD_NODES = insert(nodes)
# A reader of the whole log needs few of its nodes again.
_MOST_KNOWN = 1_000


class SqlEventLog:
    """An EventLog on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements
        self._frontier: Frontier | None = None
        self._size: int | None = None
        self._newest: str | None = None
        self._known: dict[Node, bytes] = {}
        self._unsaved: list[tuple[Node, bytes]] = []

    def size(self) -> int:
        """Count the leaves."""
        if self._frontier is not None:
            return self._frontier.size
        if self._size is None:
            self._size = _whole(self._run("log size", _SIZE)[0][0])
        return self._size

    def append(self, leaf: bytes, time: str) -> int:
        """Add a leaf and the nodes that it completes."""
        if self._frontier is None:
            size = self.size()
            edge = cover(0, size)
            hashes = self.read_nodes(edge)
            self._frontier = Frontier(size, [hashes[node] for node in edge])
        index = self._frontier.size
        made = self._frontier.append(hash_leaf(leaf))
        self._run("log append", _APPEND, index=index, time=time, leaf=leaf)
        self._newest = time
        self._known.update(made)
        self._unsaved += made
        return index

    def save(self) -> None:
        """Write the new nodes. The caller MUST do this before a commit."""
        if not self._unsaved:
            return
        rows = [{"level": node.level, "index": node.index, "hash": made} for node, made in self._unsaved]
        self._statements.run_many(self._connection, "log nodes", lambda: _ADD_NODES, rows)
        self._unsaved.clear()

    def forget(self) -> None:
        """Drop the cache of leaves that were undone with a part of the transaction."""
        self._frontier = self._size = self._newest = None
        self._known.clear()
        size = self.size()
        self._unsaved = [
            (node, made) for node, made in self._unsaved if (node.index + 1) << node.level <= size
        ]
        self.save()

    def read(self, start: int, limit: int) -> list[bytes]:
        """Read leaves."""
        rows = self._run("log read", _READ, start=start, end=start + limit)
        return [_bytes(leaf) for (leaf,) in rows]

    def pick(self, indexes: Sequence[int]) -> list[bytes]:
        """Read some leaves, a few dozen per query."""
        leaves: dict[int, bytes] = {}
        for some in batches(indexes):
            values = {f"i_{n}": index for n, index in enumerate(some)}
            rows = self._statements.run(
                self._connection, ("log pick", len(some)), partial(_select_leaves, len(some)), values
            )
            leaves |= {_whole(index): _bytes(leaf) for index, leaf in rows}
        missing = [index for index in indexes if index not in leaves]
        if missing:
            raise LogInconsistent(reason=f"entry {missing[0]} is missing")
        return [leaves[index] for index in indexes]

    def read_nodes(self, nodes_: Sequence[Node]) -> Mapping[Node, bytes]:
        """Read the hashes of nodes, a few dozen per query; earlier ones are cached."""
        hashes = {node: self._known[node] for node in nodes_ if node in self._known}
        for some in batches([node for node in nodes_ if node not in hashes]):
            hashes |= self._read_some(some)
        if len(self._known) < _MOST_KNOWN:
            self._known |= hashes
        missing = [node for node in nodes_ if node not in hashes]
        if missing:
            raise LogInconsistent(
                reason=f"the hash of node {missing[0].index} at level {missing[0].level} is missing"
            )
        return hashes

    def last_time(self) -> str:
        """Return the time of the newest leaf."""
        if self._newest is None:
            self._newest = next((str(time) for (time,) in self._run("log time", _LAST_TIME)), "")
        return self._newest

    def count_until(self, time: str) -> int:
        """Count the leaves at or before a time."""
        newest = self._run("log until", _COUNT_UNTIL, until=time)
        return _whole(newest[0][0]) + 1 if newest else 0

    def _read_some(self, wanted: Sequence[Node]) -> dict[Node, bytes]:
        values = {
            f"{part}_{n}": value
            for n, node in enumerate(wanted)
            for part, value in zip("li", node, strict=True)
        }
        count = len(wanted)
        rows = self._statements.run(
            self._connection, ("log hashes", count), partial(_select_nodes, count), values
        )
        return {Node(_whole(level), _whole(index)): _bytes(digest) for level, index, digest in rows}

    def _run(self, shape: str, statement: Executable, **values: object) -> Rows:
        return self._statements.run(self._connection, shape, lambda: statement, values)


def _select_nodes(count: int) -> Executable:
    wanted = [
        and_(nodes.c.level == bindparam(f"l_{n}"), nodes.c.index == bindparam(f"i_{n}")) for n in range(count)
    ]
    return select(nodes.c.level, nodes.c.index, nodes.c.hash).where(or_(*wanted))


def _select_leaves(count: int) -> Executable:
    indexes: list[ColumnElement[int]] = [bindparam(f"i_{n}") for n in range(count)]
    return select(events.c.index, events.c.leaf).where(events.c.index.in_(indexes))


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise LogInconsistent(reason="an index is not a number")
    return value


def _bytes(value: object) -> bytes:
    """Check the type of a column: SQLite stores any type in any column."""
    if not isinstance(value, bytes):
        raise LogInconsistent(reason="an entry or a hash is not bytes")
    return value
