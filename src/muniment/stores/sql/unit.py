"""Units of work on a SQL database. Writers of one process share commits.

An fsync costs more than the work of a transaction. So the thread that gets the lock does all waiting works,
each in its own savepoint, and commits once.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from muniment.core.errors import StorageBusy, StorageFull, StorageReadOnly
from muniment.ports.blobs import BlobStore
from muniment.ports.unit import MOST_A_COMMIT, Unit
from muniment.stores.failures import database_failure
from muniment.stores.sql.catalog import SqlCatalog
from muniment.stores.sql.contents import SqlContents
from muniment.stores.sql.cursors import SqlCursors
from muniment.stores.sql.event_log import SqlEventLog
from muniment.stores.sql.holdings import SqlHoldings
from muniment.stores.sql.index import SqlIndex
from muniment.stores.sql.jobs import SqlJobs
from muniment.stores.sql.lineage import SqlLineage
from muniment.stores.sql.outbox import SqlOutbox
from muniment.stores.sql.payloads import SqlPayloads
from muniment.stores.sql.projections import SqlProjections
from muniment.stores.sql.reads import SqlPendingReads
from muniment.stores.sql.retries import SqlRetries
from muniment.stores.sql.schema import ensure_schema
from muniment.stores.sql.statements import Statements
from muniment.stores.sql.uploads import SqlUploads

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class SqlUnit:
    """A Unit on one connection."""

    log: SqlEventLog
    index: SqlIndex
    projections: SqlProjections
    payloads: SqlPayloads
    holdings: SqlHoldings
    contents: SqlContents
    retries: SqlRetries
    uploads: SqlUploads
    catalog: SqlCatalog
    lineage: SqlLineage
    jobs: SqlJobs
    outbox: SqlOutbox
    reads: SqlPendingReads
    cursors: SqlCursors
    blobs: BlobStore


@dataclass(slots=True)
class _Ticket(Generic[T]):
    """A work that waits for a commit, and its outcome."""

    work: Callable[[Unit], T]
    results: list[T] = field(default_factory=list)
    error: BaseException | None = None
    done: bool = False

    def result(self) -> T:
        if self.error is not None:
            raise self.error
        return self.results[0]


class SqlUnits:
    """Units over two engines of one database: a writer and a reader."""

    def __init__(
        self,
        writer: Engine,
        reader: Engine,
        blobs: BlobStore,
        path: str,
        after_erasure: Callable[[Engine], None] = lambda _: None,
    ) -> None:
        """Use two engines; errors name `path`, and `after_erasure` runs after a commit with an erasure."""
        self._writer = writer
        self._after_erasure = after_erasure
        self._reader = reader
        self._blobs = blobs
        self._path = path
        self._statements = Statements(writer.dialect, path)
        self._waiting: deque[_Ticket[object]] = deque()
        self._committing = Lock()

    def ensure_schema(self) -> None:
        """Create or migrate the tables.

        Raises:
            SchemaTooNew: a newer Muniment wrote the database.
        """
        try:
            ensure_schema(self._writer, self._path)
        except DBAPIError as error:
            raise database_failure(error.orig, self._path) from error

    def write(self, work: Callable[[Unit], T]) -> T:
        """Do the work, alone or together with waiting works, and commit."""
        ticket = _Ticket(work)
        self._waiting.append(ticket)  # type: ignore[arg-type] # the committing thread ignores the result
        with self._committing:
            while not ticket.done:
                self._commit(
                    [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_A_COMMIT))],
                    lambda _: None,
                )
        return ticket.result()

    def write_all(
        self, works: Sequence[Callable[[Unit], T]], last: Callable[[Unit, Sequence[T]], R]
    ) -> tuple[list[T | BaseException], R | None]:
        """Do works in one commit, and `last` at its end."""
        tickets = [_Ticket(work) for work in works]

        def finish(unit: Unit) -> R:
            return last(unit, [ticket.results[0] for ticket in tickets if ticket.error is None])

        with self._committing:
            finished = self._commit(tickets, finish)  # type: ignore[arg-type] # the committing thread ignores the results
        return [ticket.results[0] if ticket.error is None else ticket.error for ticket in tickets], finished

    def read(self, work: Callable[[Unit], T]) -> T:
        """Do the work in a read transaction."""
        try:
            with self._reader.begin() as connection:
                return work(self._unit(connection))
        except DBAPIError as error:
            raise database_failure(error.orig, self._path) from error

    @property
    def path(self) -> str:
        """The path that errors name."""
        return self._path

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection that sees one consistent state, for callers that know SQL."""
        try:
            with self._reader.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise database_failure(error.orig, self._path) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open the connection of a write transaction, for callers that know SQL."""
        try:
            with self._committing, self._writer.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise database_failure(error.orig, self._path) from error

    def close(self) -> None:
        """Close the connections."""
        self._writer.dispose()
        self._reader.dispose()

    def _unit(self, connection: Connection) -> SqlUnit:
        known = self._statements
        return SqlUnit(
            SqlEventLog(connection, known),
            SqlIndex(connection, known),
            SqlProjections(connection, known),
            SqlPayloads(connection, known),
            SqlHoldings(connection, known),
            SqlContents(connection, known),
            SqlRetries(connection, known),
            SqlUploads(connection, known),
            SqlCatalog(connection, known),
            SqlLineage(connection, known),
            SqlJobs(connection, known),
            SqlOutbox(connection, known),
            SqlPendingReads(connection, known),
            SqlCursors(connection, known),
            self._blobs,
        )

    def _commit(self, tickets: list[_Ticket[object]], finish: Callable[[Unit], R]) -> R | None:
        """Do the works of tickets, and finish; None if nothing was kept: then each ticket has the error."""
        try:
            with self._writer.begin() as connection:
                unit = self._unit(connection)
                if len(tickets) == 1:
                    tickets[0].results.append(tickets[0].work(unit))
                else:
                    for ticket in tickets:
                        self._do(ticket, connection, unit)
                finished = finish(unit)
                unit.log.save()
                unit.index.save()
        except DBAPIError as error:
            failure = database_failure(error.orig, self._path)
            failure.__cause__ = error
            _fail(tickets, failure)
        except Exception as error:  # noqa: BLE001 - the owner of the ticket raises it
            _fail(tickets, error)
        except BaseException as error:
            # An interrupt of this thread must not leave another one waiting forever.
            _fail(tickets, error)
            raise
        else:
            if unit.payloads.erased:
                self._after_erasure(self._writer)
            return finished
        finally:
            for ticket in tickets:
                ticket.done = True
        return None

    def _do(self, ticket: _Ticket[object], connection: Connection, unit: SqlUnit) -> None:
        """Do one of several works; its failure affects no other work, unless the database itself fails."""
        try:
            self._statements.command(connection, "SAVEPOINT work")
            ticket.results.append(ticket.work(unit))
            self._statements.command(connection, "RELEASE SAVEPOINT work")
        except (StorageFull, StorageReadOnly, StorageBusy):
            # Not this work's fault: the database may have dropped the whole transaction.
            raise
        except Exception as error:  # noqa: BLE001 - the owner of the ticket raises it
            ticket.error = error
        if ticket.error is not None:
            self._statements.command(connection, "ROLLBACK TO SAVEPOINT work")
            unit.log.forget()
            unit.index.forget(unit.log.size())
            unit.projections.forget()


def _fail(tickets: list[_Ticket[object]], error: BaseException) -> None:
    for ticket in tickets:
        ticket.error = ticket.error or error
