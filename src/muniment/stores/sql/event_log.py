"""The event log in SQL: a table of leaves and a table of tree nodes, both append-only."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select
from sqlalchemy.sql.base import Executable

from muniment.core.errors import LogInconsistent
from muniment.log.tree import Frontier, Node, cover, hash_leaf
from muniment.stores.sql.statements import Rows, Statements
from muniment.stores.sql.tables import events, nodes

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
_NODES_A_QUERY = 64


class SqlEventLog:
    """An EventLog on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Stand on a connection."""
        self._connection = connection
        self._statements = statements
        self._frontier: Frontier | None = None

    def size(self) -> int:
        """Count the leaves."""
        if self._frontier is not None:
            return self._frontier.size
        return _whole(self._run("log size", _SIZE)[0][0])

    def append(self, leaf: bytes, time: str) -> int:
        """Add a leaf and the nodes that it completes."""
        if self._frontier is None:
            size = self.size()
            edge = cover(0, size)
            found = self.read_nodes(edge)
            self._frontier = Frontier(size, [found[node] for node in edge])
        index = self._frontier.size
        made = self._frontier.append(hash_leaf(leaf))
        self._run("log append", _APPEND, index=index, time=time, leaf=leaf)
        rows = [{"level": node.level, "index": node.index, "hash": digest} for node, digest in made]
        self._statements.run_many(self._connection, "log nodes", lambda: _ADD_NODES, rows)
        return index

    def forget_edge(self) -> None:
        """Drop what is remembered of the tree, after a part of the transaction was rolled back."""
        self._frontier = None

    def read(self, start: int, limit: int) -> list[bytes]:
        """Give leaves."""
        rows = self._run("log read", _READ, start=start, end=start + limit)
        return [_bytes(leaf) for (leaf,) in rows]

    def read_nodes(self, nodes_: Sequence[Node]) -> Mapping[Node, bytes]:
        """Give the hashes of nodes, some hundred in a query."""
        found: dict[Node, bytes] = {}
        for start in range(0, len(nodes_), _NODES_A_QUERY):
            found |= self._read_some(nodes_[start : start + _NODES_A_QUERY])
        missing = [node for node in nodes_ if node not in found]
        if missing:
            raise LogInconsistent(
                reason=f"the hash at level {missing[0].level} of {missing[0].index} is missing"
            )
        return found

    def last_time(self) -> str:
        """Give the time of the newest leaf."""
        return next((str(time) for (time,) in self._run("log time", _LAST_TIME)), "")

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
            self._connection, ("log hashes", count), lambda: _select_nodes(count), values
        )
        return {Node(_whole(level), _whole(index)): _bytes(digest) for level, index, digest in rows}

    def _run(self, shape: str, statement: Executable, **values: object) -> Rows:
        return self._statements.run(self._connection, shape, lambda: statement, values)


def _select_nodes(count: int) -> Executable:
    wanted = [
        and_(nodes.c.level == bindparam(f"l_{n}"), nodes.c.index == bindparam(f"i_{n}")) for n in range(count)
    ]
    return select(nodes.c.level, nodes.c.index, nodes.c.hash).where(or_(*wanted))


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise LogInconsistent(reason="an index is not a number")
    return value


def _bytes(value: object) -> bytes:
    """Take a column as it has to be: SQLite keeps any type in any column, if somebody wrote it."""
    if not isinstance(value, bytes):
        raise LogInconsistent(reason="an entry or a hash is not bytes")
    return value
