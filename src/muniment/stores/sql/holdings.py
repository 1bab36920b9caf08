"""The holdings in SQL, with a running sum for each holder."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection, and_, bindparam, delete, exists, insert, select, update
from sqlalchemy.sql.base import Executable

from muniment.core.backend import Stored
from muniment.core.digests import Digest
from muniment.ports.holdings import GARBAGE
from muniment.stores.sql.statements import Rows, Statements, Values
from muniment.stores.sql.tables import holdings, usages

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
_HOLDERS: Final = select(holdings.c.holder, holdings.c.size_bytes).where(
    holdings.c.digest == bindparam("digest")
)
_OF: Final = select(holdings.c.digest).where(holdings.c.holder == bindparam("holder"))
_DROP: Final = delete(holdings).where(
    holdings.c.digest == bindparam("digest"), holdings.c.holder == bindparam("holder")
)
_OTHER: Final = holdings.alias()
# A namespace never begins with a tilde, and sorts before it.
_IDLE: Final = (
    select(holdings.c.digest)
    .distinct()
    .where(
        ~exists().where(
            and_(
                _OTHER.c.digest == holdings.c.digest,
                (_OTHER.c.holder < "~") | (_OTHER.c.since >= bindparam("before")),
            )
        )
    )
    .limit(bindparam("most"))
)


class SqlHoldings:
    """Holdings on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Stand on a connection."""
        self._connection = connection
        self._statements = statements

    def add(self, holder: str, blobs: Sequence[Stored], time: str, *, fresh: bool = False) -> int:
        """Let a holder hold blobs."""
        known = {} if fresh else self.find_sizes([holder], [blob.digest for blob in blobs])
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

    def find_sizes(self, holders: Collection[str] | None, digests: Sequence[Digest]) -> dict[Digest, int]:
        """Give sizes."""
        found = self._find(None if holders is None else sorted(holders), digests)
        return {digest: size for _, digest, size in found}

    def find_held(self, holders: Collection[str], digests: Sequence[Digest]) -> dict[str, dict[Digest, int]]:
        """Give sizes by holder."""
        held: dict[str, dict[Digest, int]] = {holder: {} for holder in holders}
        for holder, digest, size in self._find(sorted(holders), digests):
            held[holder][digest] = size
        return held

    def measure(self, holder: str) -> int:
        """Sum up."""
        rows = self._run("holdings measure", _MEASURE, holder=holder)
        return int(str(rows[0][0])) if rows else 0

    def find_idle(self, before: str, limit: int) -> list[Digest]:
        """List what nobody needs."""
        rows = self._run("holdings idle", _IDLE, before=before, most=limit)
        return [Digest.parse(str(digest)) for (digest,) in rows]

    def drop(self, digests: Sequence[Digest], holder: str | None = None) -> None:
        """Forget holders."""
        for digest in digests:
            for held_by, size in self._run("holdings of", _HOLDERS, digest=str(digest)):
                if holder in {None, held_by}:
                    self._count(str(held_by), -int(str(size)))
                    self._run("holdings drop", _DROP, digest=str(digest), holder=held_by)

    def list_of(self, holder: str) -> list[Digest]:
        """List what a holder holds."""
        rows = self._run("holdings list", _OF, holder=holder)
        return [Digest.parse(str(digest)) for (digest,) in rows]

    def clear(self) -> None:
        """Forget namespaces."""
        for table in (holdings, usages):
            named = and_(table.c.holder < "~", table.c.holder != GARBAGE)
            self._connection.execute(delete(table).where(named))

    def _count(self, holder: str, added: int) -> None:
        if not self._run("usage next", _NEXT_USAGE, who=holder, added=added):
            self._run("usage first", _FIRST_USAGE, holder=holder, size_bytes=added)

    def _find(
        self, holders: Sequence[str] | None, digests: Sequence[Digest]
    ) -> Iterator[tuple[str, Digest, int]]:
        """Find who holds what, some dozens in a query."""
        who = {f"h_{n}": holder for n, holder in enumerate(holders or ())}
        for some in _split(digests):
            what = {f"d_{n}": str(digest) for n, digest in enumerate(some)}
            shape = ("holdings sizes", None if holders is None else len(who), len(what))
            wanted = None if holders is None else who
            rows = self._statements.run(
                self._connection, shape, partial(_select_sizes, wanted, what), who | what
            )
            for holder, digest, size in rows:
                yield str(holder), Digest.parse(str(digest)), int(str(size))

    def _run(self, shape: str, statement: Executable, **values: object) -> Rows:
        return self._statements.run(self._connection, shape, lambda: statement, values)


def _select_sizes(who: Values | None, what: Values) -> Executable:
    query = select(holdings.c.holder, holdings.c.digest, holdings.c.size_bytes).where(
        holdings.c.digest.in_([bindparam(name) for name in what])
    )
    return query if who is None else query.where(holdings.c.holder.in_([bindparam(name) for name in who]))


def _split(digests: Sequence[Digest]) -> Iterator[Sequence[Digest]]:
    for start in range(0, len(digests), _DIGESTS_A_QUERY):
        yield digests[start : start + _DIGESTS_A_QUERY]
