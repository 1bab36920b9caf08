"""The holdings in SQL, with a running sum for each holder."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, insert, select, update
from sqlalchemy.sql.base import Executable

from muniment.core.backend import Stored
from muniment.core.digests import Digest
from muniment.ports.holdings import GARBAGE
from muniment.stores.sql.statements import Rows, Statements, Values
from muniment.stores.sql.tables.bytes import holdings, usages

Held: TypeAlias = tuple[str, Digest, int]

_DIGESTS_A_QUERY: Final = 64
_ADD: Final = insert(holdings)
_MEASURE: Final = select(usages.c.size_bytes).where(usages.c.holder == bindparam("holder"))
_FIRST_USAGE: Final = insert(usages)
_NEXT_USAGE: Final = (
    update(usages)
    .where(usages.c.holder == bindparam("who"))
    .values(size_bytes=usages.c.size_bytes + bindparam("added"))
    .returning(usages.c.holder)
)
_OF: Final = select(holdings.c.digest).where(holdings.c.holder == bindparam("holder"))
_TOUCH: Final = (
    update(holdings)
    .where(holdings.c.digest == bindparam("blob"), holdings.c.holder == bindparam("who"))
    .values(since=bindparam("now"))
)
_MOVE: Final = (
    update(holdings)
    .where(holdings.c.digest == bindparam("blob"), holdings.c.holder == bindparam("source"))
    .values(holder=bindparam("target"), since=bindparam("now"))
)
_DROP: Final = delete(holdings).where(
    holdings.c.digest == bindparam("blob"), holdings.c.holder == bindparam("who")
)
# Namespaces never begin with a tilde and sort before it.
_PEOPLE: Final = holdings.c.holder >= "~"
_IDLE: Final = (
    select(holdings.c.digest)
    .distinct()
    .where(_PEOPLE, holdings.c.since < bindparam("before"))
    .limit(bindparam("most"))
)


def is_settled(table: Table) -> ColumnElement[bool]:
    """Build the condition that the holder of a row is neither a person nor the garbage mark."""
    return and_(table.c.holder < "~", table.c.holder != GARBAGE)


_HELD: Final = (
    select(holdings.c.digest)
    .distinct()
    .where(holdings.c.digest > bindparam("after"), is_settled(holdings))
    .order_by(holdings.c.digest)
    .limit(bindparam("most"))
)


class SqlHoldings:
    """Holdings on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements

    def add(self, holder: str, blobs: Sequence[Stored], time: str, *, fresh: bool = False) -> int:
        """Add blobs to a holder."""
        known = {} if fresh else self.find_sizes([holder], [blob.digest for blob in blobs])
        if known:
            touched = [{"blob": str(digest), "who": holder, "now": time} for digest in known]
            self._statements.run_many(self._connection, "holdings touch", lambda: _TOUCH, touched)
        new = {blob.digest: blob.size_bytes for blob in blobs if blob.digest not in known}
        if not new:
            return 0
        rows = [
            {"digest": str(digest), "holder": holder, "size_bytes": size, "since": time}
            for digest, size in new.items()
        ]
        self._statements.run_many(self._connection, "holdings add", lambda: _ADD, rows)
        added = sum(new.values())
        self._count(holder, added)
        return added

    def move(self, source: str, target: str, blobs: Sequence[Stored], time: str) -> None:
        """Move blobs from one holder to another."""
        rows = [{"blob": str(blob.digest), "source": source, "target": target, "now": time} for blob in blobs]
        self._statements.run_many(self._connection, "holdings move", lambda: _MOVE, rows)
        moved = sum(blob.size_bytes for blob in blobs)
        self._count(source, -moved)
        self._count(target, moved)

    def find_sizes(self, holders: Collection[str] | None, digests: Sequence[Digest]) -> dict[Digest, int]:
        """Find sizes."""
        rows = self._find(None if holders is None else sorted(holders), digests)
        return {digest: size for _, digest, size in rows}

    def find_held(self, holders: Collection[str], digests: Sequence[Digest]) -> dict[str, dict[Digest, int]]:
        """Find sizes by holder."""
        held: dict[str, dict[Digest, int]] = {holder: {} for holder in holders}
        for holder, digest, size in self._find(sorted(holders), digests):
            held[holder][digest] = size
        return held

    def measure(self, holder: str) -> int:
        """Return the running sum."""
        rows = self._run("holdings measure", _MEASURE, holder=holder)
        return int(rows[0][0]) if rows else 0

    def find_idle(self, before: str, limit: int) -> list[Digest]:
        """List idle blobs of people."""
        rows = self._run("holdings idle", _IDLE, before=before, most=limit)
        return [Digest.parse(str(digest)) for (digest,) in rows]

    def drop_idle(self, before: str, digests: Sequence[Digest]) -> None:
        """Drop idle blobs of people."""
        for some in _split(digests):
            what = {f"d_{n}": str(digest) for n, digest in enumerate(some)}
            shape, build = ("holdings of people", len(what)), partial(_select_idle, what)
            rows = self._statements.run(self._connection, shape, build, {**what, "before": before})
            self._drop((str(holder), Digest.parse(str(digest)), int(size)) for holder, digest, size in rows)

    def list_held(self, after: str, limit: int) -> list[Digest]:
        """List the blobs of namespaces."""
        rows = self._run("holdings held", _HELD, after=after, most=limit)
        return [Digest.parse(str(digest)) for (digest,) in rows]

    def drop(self, digests: Sequence[Digest], holder: str | None = None) -> None:
        """Drop blobs from holders."""
        self._drop(self._find(None if holder is None else [holder], digests))

    def list_of(self, holder: str) -> list[Digest]:
        """List the blobs of a holder."""
        rows = self._run("holdings list", _OF, holder=holder)
        return [Digest.parse(str(digest)) for (digest,) in rows]

    def clear(self) -> None:
        """Drop everything that namespaces hold."""
        for table in (holdings, usages):
            self._connection.execute(delete(table).where(is_settled(table)))

    def _drop(self, held: Iterable[Held]) -> None:
        rows, sums = [], Counter[str]()
        for holder, digest, size in held:
            rows.append({"blob": str(digest), "who": holder})
            sums[holder] += size
        if rows:
            self._statements.run_many(self._connection, "holdings drop", lambda: _DROP, rows)
        for holder, size in sums.items():
            self._count(holder, -size)

    def _count(self, holder: str, added: int) -> None:
        if not self._run("usage next", _NEXT_USAGE, who=holder, added=added):
            self._run("usage first", _FIRST_USAGE, holder=holder, size_bytes=added)

    def _find(self, holders: Sequence[str] | None, digests: Sequence[Digest]) -> Iterator[Held]:
        """Find holders and blobs, a few dozen per query."""
        who = {f"h_{n}": holder for n, holder in enumerate(holders or ())}
        for some in _split(digests):
            what = {f"d_{n}": str(digest) for n, digest in enumerate(some)}
            shape = ("holdings sizes", None if holders is None else len(who), len(what))
            wanted = None if holders is None else who
            rows = self._statements.run(
                self._connection, shape, partial(_select_sizes, wanted, what), who | what
            )
            yield from map(_read, rows)

    def _run(self, shape: str, statement: Executable, **values: object) -> Rows:
        return self._statements.run(self._connection, shape, lambda: statement, values)


def _read(row: tuple[Any, ...]) -> Held:
    holder, digest, size = row
    return str(holder), Digest.parse(str(digest)), int(size)


def _select_sizes(who: Values | None, what: Values) -> Executable:
    query = select(holdings.c.holder, holdings.c.digest, holdings.c.size_bytes).where(
        holdings.c.digest.in_([bindparam(name) for name in what])
    )
    return query if who is None else query.where(holdings.c.holder.in_([bindparam(name) for name in who]))


def _select_idle(what: Values) -> Executable:
    return select(holdings.c.holder, holdings.c.digest, holdings.c.size_bytes).where(
        holdings.c.digest.in_([bindparam(name) for name in what]),
        _PEOPLE,
        holdings.c.since < bindparam("before"),
    )


def _split(digests: Sequence[Digest]) -> Iterator[Sequence[Digest]]:
    for start in range(0, len(digests), _DIGESTS_A_QUERY):
        yield digests[start : start + _DIGESTS_A_QUERY]
