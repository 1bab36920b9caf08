"""Statements: written in SQLAlchemy Core, compiled once for a dialect, run by the driver.

Core takes ten times longer to build, look up and wrap a statement than SQLite takes to run it. So the few
statement shapes are compiled on first use and handed to the driver.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.base import Executable

from muniment.stores.failures import database_failure

Values: TypeAlias = Mapping[str, object]
Build: TypeAlias = Callable[[], Executable]
Rows: TypeAlias = list[tuple[Any, ...]]

T = TypeVar("T")

_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class _Compiled:
    """The text of a statement, its constants, and the order of its values (None: by name)."""

    text: str
    constants: Values
    order: tuple[str, ...] | None

    def bind(self, values: Values) -> tuple[object, ...] | Values:
        known = {**self.constants, **values} if self.constants else values
        return known if self.order is None else tuple([known[name] for name in self.order])


class Statements:
    """The compiled statements of one engine; errors name `path`."""

    def __init__(self, dialect: Dialect, path: str) -> None:
        """Start without statements."""
        self._dialect = dialect
        self._error = dialect.loaded_dbapi.Error
        self._path = path
        self._compiled: dict[Hashable, _Compiled] = {}

    def run(self, connection: Connection, shape: Hashable, build: Build, values: Values) -> Rows:
        """Run the statement of a shape; `build` makes it, with a bindparam for each of `values`.

        Raises:
            StorageFull, StorageReadOnly, StorageBusy, StorageFailed: the database refused it.
        """
        compiled = self._get(shape, build, values)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(compiled.text, compiled.bind(values))
            return list(cursor.fetchall()) if cursor.description else []
        except self._error as error:
            raise database_failure(error, self._path) from error
        finally:
            cursor.close()

    def command(self, connection: Connection, text: str) -> None:
        """Run a fixed command for which Core has no statement. Raises like `run`."""
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text)
        except self._error as error:
            raise database_failure(error, self._path) from error
        finally:
            cursor.close()

    def run_many(self, connection: Connection, shape: Hashable, build: Build, rows: Sequence[Values]) -> None:
        """Run the statement of a shape once for each row. Raises like `run`."""
        if len(rows) == 1:
            # Some drivers have a high overhead for many rows.
            self.run(connection, shape, build, rows[0])
            return
        compiled = self._get(shape, build, rows[0])
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(compiled.text, [compiled.bind(row) for row in rows])  # type: ignore[arg-type] # all of one form
        except self._error as error:
            raise database_failure(error, self._path) from error
        finally:
            cursor.close()

    def run_once(self, connection: Connection, statement: Executable, values: Values) -> Rows:
        """Run a statement whose shape is unlikely to recur. Raises like `run`."""
        compiled = self._compile(statement, values)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(compiled.text, compiled.bind(values))
            return list(cursor.fetchall())
        except self._error as error:
            raise database_failure(error, self._path) from error
        finally:
            cursor.close()

    def _get(self, shape: Hashable, build: Build, names: Iterable[str]) -> _Compiled:
        compiled = self._compiled.get(shape)
        if compiled is None:
            compiled = self._compiled.setdefault(shape, self._compile(build(), names))
        return compiled

    def _compile(self, statement: Executable, names: Iterable[str]) -> _Compiled:
        made = statement.compile(dialect=self._dialect, column_keys=list(names))  # type: ignore[attr-defined] # every statement has it
        order = None if made.positiontup is None else tuple(made.positiontup)
        constants = {name: value for name, value in made.params.items() if value is not None}
        return _Compiled(str(made), constants, order)


def batches(wanted: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut into chunks for one query, padded with repeats so that there are few distinct lengths."""
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        yield [*some, *[some[-1]] * ((1 << (len(some) - 1).bit_length()) - len(some))]
