"""Copy a database to another kind of database; bytes and keys stay in place."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from muniment.core.errors import InvalidOption, RegistryNotFound
from muniment.services.upkeep.rebuild import read_log
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.sql.copying import copy_database
from muniment.stores.sql.postgresql import open_postgresql
from muniment.stores.sql.sqlite import open_sqlite
from muniment.stores.sql.unit import SqlUnits

_SQLITE: Final = "sqlite:///"


def migrate_database(source: str, target: str) -> dict[str, int]:
    """Copy a database into an empty one, and check that the copy's log matches its tree.

    Raises:
        RegistryNotFound: there is no database at `source`.
        RegistryExists: `target` is not empty.
        InvalidOption: a URL is of neither kind.
    """
    with _open(source, must_exist=True) as old, _open(target, must_exist=False) as new:
        rows = copy_database(old, new)
        new.read(lambda unit: sum(1 for _ in read_log(unit)))
    return rows


@contextmanager
def _open(url: str, *, must_exist: bool) -> Iterator[SqlUnits]:
    units = _connect(url, must_exist=must_exist)
    try:
        yield units
    finally:
        units.close()


def _connect(url: str, *, must_exist: bool) -> SqlUnits:
    if url.startswith(_SQLITE):
        path = Path(url.removeprefix(_SQLITE))
        if must_exist and not path.exists():
            raise RegistryNotFound(location=str(path))
        return open_sqlite(path, LocalBlobs(path.parent))
    if url.startswith(("postgresql:", "postgres:")):
        return open_postgresql(url, LocalBlobs(Path()))
    raise InvalidOption(option=url, reason="expected sqlite:///PATH or postgresql://...")
