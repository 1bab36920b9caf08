"""Copy a whole database, from one consistent state, into an empty one of any kind."""

from typing import Final

from sqlalchemy import Connection, Table, func, insert, select

from muniment.core.errors import RegistryExists
from muniment.stores.sql.holdings import is_settled
from muniment.stores.sql.tables import metadata
from muniment.stores.sql.tables.bytes import holdings, uploads, usages
from muniment.stores.sql.tables.log import retries
from muniment.stores.sql.tables.upkeep import jobs
from muniment.stores.sql.unit import SqlUnits

_ROWS_AT_ONCE: Final = 2_000
# Unfinished work, and blobs that people have uploaded but not published, stay in the source registry.
_LEFT_OUT: Final = frozenset({jobs.name, retries.name, uploads.name})
_ROWS: Final = {
    **{table.name: select(table) for table in metadata.sorted_tables if table.name not in _LEFT_OUT},
    **{table.name: select(table).where(is_settled(table)) for table in (holdings, usages)},
}


def copy_database(source: SqlUnits, target: SqlUnits) -> dict[str, int]:
    """Copy all tables; return the number of rows of each. Writes to the source may continue.

    Raises:
        RegistryExists: the target is not empty.
    """
    tables = [table for table in metadata.sorted_tables if table.name in _ROWS]
    with source.reading() as reader, target.writing() as writer:
        if any(writer.execute(select(func.count()).select_from(table)).scalar() for table in tables):
            raise RegistryExists(location=target.path)
        return {table.name: _copy(reader, writer, table) for table in tables}


def _copy(reader: Connection, writer: Connection, table: Table) -> int:
    count = 0
    rows = reader.execution_options(yield_per=_ROWS_AT_ONCE).execute(_ROWS[table.name]).mappings()
    for part in rows.partitions(_ROWS_AT_ONCE):
        writer.execute(insert(table), [dict(row) for row in part])
        count += len(part)
    return count
