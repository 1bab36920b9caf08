"""The verifiable index in SQL: a table of pages, and one of the head, which has one row."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.sql.base import Executable

from muniment.log.index import EMPTY_INDEX, IndexHead
from muniment.log.index_pages import ROOT, PagedIndex
from muniment.stores.sql.statements import Rows, Statements, batches
from muniment.stores.sql.tables.log import index_head, index_pages

_LAST: Final = select(func.coalesce(func.max(index_pages.c.id), ROOT))
_ADD: Final = insert(index_pages)
_CHANGE: Final = (
    update(index_pages).where(index_pages.c.id == bindparam("page")).values(data=bindparam("new_data"))
)
_HEAD: Final = select(index_head.c.size, index_head.c.root)
_FIRST_HEAD: Final = insert(index_head)
_NEXT_HEAD: Final = (
    update(index_head)
    .where(index_head.c.size == bindparam("old_size"))
    .values(size=bindparam("new_size"), root=bindparam("new_root"))
)
# A rebuild writes more pages than the memory should hold.
_MOST_KNOWN: Final = 1_000


class SqlPages:
    """Pages on one connection, inside its transaction; those that were read or written are cached."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements
        self.forget()

    def forget(self) -> None:
        """Drop the cache, after a part of the transaction was rolled back."""
        self._known: dict[int, bytes] = {}
        self._missing: set[int] = set()
        self._last: int | None = None
        self._head: IndexHead | None = None

    def get(self, pages: Collection[int]) -> Mapping[int, bytes]:
        """Read pages, a few dozen per query."""
        found = {page: self._known[page] for page in pages if page in self._known}
        for some in batches([page for page in pages if page not in found]):
            values = {f"i_{n}": page for n, page in enumerate(some)}
            build = partial(_select_pages, len(some))
            rows = self._statements.run(self._connection, ("index pages", len(some)), build, values)
            found |= {page: data for page, data in rows}  # noqa: C416 - rows have any length
        self._missing.update(page for page in pages if page not in found)
        self._remember(found)
        return found

    def put(self, pages: Mapping[int, bytes]) -> None:
        """Insert the pages that do not exist, and change the others."""
        added = [{"id": page, "data": data} for page, data in pages.items() if page in self._missing]
        changed = [
            {"page": page, "new_data": data} for page, data in pages.items() if page not in self._missing
        ]
        if added:
            self._statements.run_many(self._connection, "index add", lambda: _ADD, added)
        if changed:
            self._statements.run_many(self._connection, "index change", lambda: _CHANGE, changed)
        self._missing.difference_update(pages)
        self._remember(pages)

    def new(self) -> int:
        """Return the next id."""
        if self._last is None:
            self._last = int(self._run("index last", _LAST)[0][0])
        self._last += 1
        self._missing.add(self._last)
        return self._last

    def clear(self) -> None:
        """Delete all rows."""
        self.forget()
        self._connection.execute(delete(index_pages))
        self._connection.execute(delete(index_head))
        self._missing.add(ROOT)

    def get_head(self) -> IndexHead:
        """Read the head."""
        if self._head is None:
            rows = self._run("index head", _HEAD)
            self._head = IndexHead(*rows[0]) if rows else EMPTY_INDEX
        return self._head

    def put_head(self, head: IndexHead) -> None:
        """Write the head."""
        old = self.get_head()
        if old == EMPTY_INDEX:
            self._run("index first", _FIRST_HEAD, **head._asdict())
        else:
            self._run("index next", _NEXT_HEAD, old_size=old.size, new_size=head.size, new_root=head.root)
        self._head = head

    def _remember(self, pages: Mapping[int, bytes]) -> None:
        if len(self._known) + len(pages) > _MOST_KNOWN:
            self._known.clear()
        self._known |= pages

    def _run(self, shape: str, statement: Executable, **values: object) -> Rows:
        return self._statements.run(self._connection, shape, lambda: statement, values)


class SqlIndex(PagedIndex):
    """A SubjectIndex on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._cached = SqlPages(connection, statements)
        super().__init__(self._cached)

    def forget(self, size: int) -> None:
        """Drop additions and the cache: the part that was rolled back may have written pages."""
        self._cached.forget()
        super().forget(size)


def _select_pages(count: int) -> Executable:
    ids: list[ColumnElement[int]] = [bindparam(f"i_{n}") for n in range(count)]
    return select(index_pages.c.id, index_pages.c.data).where(index_pages.c.id.in_(ids))
